"""Whoever looks at it: by a screen reader, in the dark, on a small phone, with large letters."""

import pytest
from playwright.sync_api import expect

from tests.helpers.documentation import ROOT
from tests.helpers.world import ALICE, BOB, ORGANIZATION, STRANGER
from tests.web.conftest import SIZE
from tests.web.test_stories import fill_in

AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
SMALLEST = {"width": 320, "height": 640}
PAGES = ("charge", "earn", "wallet", "auction", "market")


@pytest.fixture
def steps(new_phone):
    """Every screen, one after the other, on a phone that is as it is said."""

    def steps(**options):
        alice = new_phone(ALICE, **options)
        yield "first", alice
        alice.press("Connect")
        yield "connect", alice
        alice.press("Wallet of the test")
        expect(alice.page.get_by_role("dialog")).to_have_count(0)
        fill_in(alice)
        alice.sees("Come back between")
        yield "confirm", alice
        alice.confirms("Lock 0.006 ETH and ask", "Your request is open.")
        alice.sees("No bid yet")
        yield "open", alice
        alice.go("Wallet")
        alice.sees("Rules of this market")
        for summary in alice.page.locator("summary").all():
            summary.click()
        yield "wallet", alice
        office = new_phone(ORGANIZATION, **options).connect()
        office.page.goto(f"{office.url}#/market")
        office.fill("Paste a table", f"{STRANGER},note\n0x12")
        office.sees("1 to register, 1 left out")
        yield "market", office
        bob = new_phone(BOB, **options).connect()
        bob.go("Earn")
        bob.sees("20 kWh")
        yield "earn", bob
        bob.page.get_by_role("link", name="20 kWh").click()
        bob.sees("Other rate, per kWh")
        bob.page.get_by_text("Exact numbers").click()
        yield "auction", bob

    return steps


SCHEMES = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "forced": {"color_scheme": "dark", "forced_colors": "active"},
}
WIDEST = """
() => Math.max(...[...document.querySelectorAll('body *')].map((one) =>
  one.closest('select, dialog:not([open])') ? 0 : one.getBoundingClientRect().right))
"""


def violations(phone, options="{}"):
    """What axe has to say, in short."""
    phone.page.evaluate(AXE.read_text("utf-8"))
    found = phone.page.evaluate(f"axe.run({options})")["violations"]
    nodes = [(one["id"], node) for one in found for node in one["nodes"]]
    return [(name, node["target"], node["failureSummary"]) for name, node in nodes]


def seen(phone):
    """What is wrong with a screen: in which scheme, and what."""
    for scheme, media in SCHEMES.items():
        phone.page.emulate_media(**media)
        # What scheme changes, is colours.
        only = "{}" if scheme == "light" else "{runOnly: ['color-contrast']}"
        yield from ((scheme, *found) for found in violations(phone, only))
    phone.page.emulate_media(color_scheme="light", forced_colors="none")


def cut_off(phone):
    """How much wider than the smallest phone it is, with letters twice as large."""
    phone.page.set_viewport_size(SMALLEST)
    phone.page.evaluate("document.documentElement.style.fontSize = '200%'")
    widest = phone.page.evaluate(WIDEST)
    phone.page.evaluate("document.documentElement.style.fontSize = ''")
    phone.page.set_viewport_size(SIZE)
    return max(0, widest - SMALLEST["width"])


def test_everybody_can_use_every_screen(steps):
    """By a screen reader, by any colours, on the smallest phone with letters twice as large."""
    found = {name: (list(seen(phone)), cut_off(phone)) for name, phone in steps()}

    assert len(found) >= len(PAGES)
    assert found == dict.fromkeys(found, ([], 0))


def test_axe_finds_what_is_wrong(alice):
    alice.page.evaluate("document.querySelector('main button').textContent = ''")

    assert [found[0] for found in violations(alice)] == ["button-name"]
