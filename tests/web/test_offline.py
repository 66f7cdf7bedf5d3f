"""Without a network the page opens and says so; and a new version waits to be let in."""

import pytest
from playwright.sync_api import expect

from ape_v2v.service import page
from ape_v2v.service.page import PageFile
from tests.web.test_stories import ask

READY = "async () => { await navigator.serviceWorker.ready }"
CONTROLLED = "() => navigator.serviceWorker.controller !== null"
RELOADED = "() => window.isOld === undefined"
WORKER = "sw.js"


@pytest.fixture
def publish(monkeypatch, tmp_path):
    """Have the service serve another version of the page."""

    def publish():
        changed = tmp_path / WORKER
        text = (page.BUILT / WORKER).read_text("utf-8").replace("VERSION = '", "VERSION = 'n")
        changed.write_text(text, "utf-8")
        newer, find = PageFile.read(changed, WORKER), page.Files.find
        monkeypatch.setattr(
            page.Files, "find", lambda files, name: newer if name == WORKER else find(files, name)
        )

    return publish


def kept(phone):
    """Wait until the phone has the page's files."""
    phone.page.evaluate(READY)
    phone.page.wait_for_function(CONTROLLED)
    return phone


def test_without_a_network_the_page_opens_and_shows_what_was_seen_last(alice):
    ask(alice)
    alice.sees("No bid yet")
    kept(alice)
    context = alice.page.context
    context.set_offline(True)

    alice.page.reload()
    alice.sees("No connection. You see")
    alice.go("Earn")
    alice.sees("20 kWh")
    alice.page.goto(f"{alice.url}#/market")  # loaded when it is opened, and kept all the same
    alice.sees("A broken promise costs 10 % of that.")

    context.set_offline(False)
    alice.sees("Live")
    alice.does_not_see("No connection.")


def test_what_is_asked_of_the_service_or_the_chain_is_never_answered_from_the_phone(alice):
    ask(alice)
    kept(alice)
    stored = alice.page.evaluate("""async () => {
      const names = await caches.keys()
      const all = await Promise.all(names.map(async (name) => (await caches.open(name)).keys()))
      return all.flat().map((request) => new URL(request.url).pathname)
    }""")

    assert "/" in stored
    assert [path for path in stored if path.startswith(("/api", "/rpc"))] == []
    alice.press("Cancel, free")
    alice.confirms("Cancel, free", "Your request is cancelled.")
    assert alice.complaints == []


def test_a_new_version_is_told_of_and_loaded_when_one_says_so(alice, publish):
    kept(alice)
    alice.page.evaluate("window.isOld = true")
    publish()

    alice.page.evaluate("async () => (await navigator.serviceWorker.getRegistration()).update()")
    alice.sees("There is a new version of this page.")
    assert alice.page.evaluate("window.isOld")
    alice.press("Load it")

    alice.page.wait_for_function(RELOADED)
    alice.page.wait_for_function(CONTROLLED)
    expect(alice.page.get_by_text("There is a new version")).to_have_count(0)


def test_a_device_that_is_forgotten_knows_its_owner_no_more(alice):
    kept(alice)
    alice.go("Wallet")
    alice.page.evaluate("window.isOld = true")
    alice.press("Forget this device")
    alice.page.wait_for_function(RELOADED)
    alice.sees("Connect a wallet to see your money.")
    assert "wallet" not in alice.page.evaluate("Object.keys(localStorage)")
