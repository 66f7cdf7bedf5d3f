"""The owner's phone chooses the key of the car: by the code that the car's own program shows."""

import json

import ape
import pytest
from playwright.sync_api import expect

from ape_v2v.chain.node import Node
from ape_v2v.market.documents.keys import KeyDocument
from ape_v2v.market.market import Market
from ape_v2v.session.store import Store
from tests.helpers.sides import sides
from tests.helpers.world import ALICE, DAVE
from tests.service.conftest import serving_market
from tests.session.pairs import free_port
from tests.web.conftest import NodeOfTheTests, phones
from tests.web.test_seen import cut_off, seen

PATIENCE = 60  # seconds
CODE = "a-code-of-a-car-01"
SIGNATURE = "0x" + "12" * 64 + "1b"


@pytest.fixture
def start_side(chain, market, tmp_path):
    with sides(chain, market, tmp_path) as start:
        yield start


def test_a_car_charges_by_a_key_that_its_owner_has_signed_on_the_phone(
    browser, chain, market, connection_id, consumer, provider, stranger, start_side, tmp_path
):
    """From the code on the car's display to the payment; the car's account is no EV."""
    cable = tmp_path / "cable"
    port = str(free_port())
    url = f"http://127.0.0.1:{port}"
    served = start_side(
        "serve", connection_id, "--port", port, "--account", provider.alias, "--cable", cable,
        "--store", tmp_path / "provider.sqlite", "--speed", 5_000,
        "--max-unacknowledged", "2 kWh",
    )  # fmt: skip
    watched = Market.at(market.address, Node(chain.provider.uri))
    node = NodeOfTheTests(chain.provider)
    with (
        serving_market(watched, requests=100_000) as client,
        phones(browser, node, str(client.base_url)) as new_phone,
    ):
        charging = start_side(
            "charge", url, "--pair", client.base_url, "--auction", consumer.address,
            "--account", stranger.alias, "--cable", cable, "--limit", "10 kWh",
            "--store", tmp_path / "consumer.sqlite",
        )  # fmt: skip
        phone = new_phone(consumer.address).connect()
        shown = json.loads(charging.stdout.readline())
        assert shown["event"] == "pairing"
        assert shown["key"] == stranger.address

        phone.page.goto(shown["url"])
        phone.sees("at most 20 kWh, 0.004 ETH")
        phone.sees(shown["words"])
        phone.press("They are the same: sign")
        phone.sees("Your car may sign now.")

        *_, end = [json.loads(line) for line in charging.stdout]
        assert charging.wait(PATIENCE) == served.wait(PATIENCE) == 0
        assert phone.complaints == []
    assert (end["how"], end["energyWh"], end["sender"]) == ("agreed", 10_000, stranger.address)
    token = Store(tmp_path / "consumer.sqlite").connections.all()[0].agreement.token
    receipt = Store(tmp_path / "consumer.sqlite").statements.highest_receipt(token)
    assert receipt is not None
    assert len(receipt.signature) == 130


@pytest.fixture
def link(url, world):
    """A link as a car shows it, but for what a test says."""

    def link(auction, **changes):
        key = ape.accounts.test_accounts[0].address
        asked = {"c": 31337, "m": world.address, "a": auction, "k": key, "r": CODE, **changes}
        return f"{url}#/pair?" + "&".join(f"{name}={value}" for name, value in asked.items())

    return link


def test_a_code_of_something_else_is_not_signed_for(alice, world, link):
    """Glued onto the cable by somebody, say."""
    connected, not_awarded = world.connect(), world.start(DAVE)
    for changes, said in (
        ({"m": DAVE}, "This code is for another market."),
        ({"c": 1}, "This code is for another market."),
        ({"k": "0x12"}, "This is no code of a car"),
        ({"r": "../config"}, "This is no code of a car"),
        ({"a": not_awarded}, "This trade is not under way"),
    ):
        alice.page.goto(link(connected, **changes))
        alice.sees(said)
        expect(alice.page.get_by_role("button", name="sign")).to_have_count(0)
    assert "eth_signTypedData_v4" not in alice.wallet.asked


def test_whose_trade_it_is_not_signs_nothing(new_phone, world, link):
    dave = new_phone(DAVE).connect()
    dave.page.goto(link(world.connect()))
    dave.sees("This trade is not yours. Nothing was signed.")


def test_what_the_service_does_not_take_is_carried_by_hand(alice, world, link):
    alice.wallet.signed = lambda *_: SIGNATURE  # its account has no key
    connected = world.connect()
    alice.page.goto(link(connected))
    alice.sees("Your car has to show")
    assert (list(seen(alice)), cut_off(alice)) == ([], 0)

    alice.wallet.says_no = True
    alice.press("They are the same: sign")
    alice.sees("You said no. Nothing happened.")

    alice.wallet.says_no = False
    alice.page.route("**/api/v1/pair/*", lambda route: route.abort())
    alice.press("They are the same: sign")
    alice.sees("Signed, and not with your car yet")
    assert (list(seen(alice)), cut_off(alice)) == ([], 0)
    text = alice.page.get_by_label("Copy the text").input_value()
    document = KeyDocument.load(text)
    assert (document.auction_id, document.account, document.market) == (
        connected, ape.convert(ALICE, ape.types.AddressType), world.address,
    )  # fmt: skip

    alice.page.unroute("**/api/v1/pair/*")
    alice.press("Try again")
    alice.sees("Your car may sign now.")
