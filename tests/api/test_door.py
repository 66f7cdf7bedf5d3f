"""What the package's objects are given is checked before anything is asked or sent."""

from datetime import timedelta

import pytest

import ape_v2v
from ape_v2v import Energy, Money, Rate, UnitError, V2VError
from tests.helpers.scenario import FUNDS


@pytest.fixture
def nothing_sent(chain):
    """No block is made by the test."""
    head = chain.blocks.height
    yield
    assert chain.blocks.height == head


@pytest.mark.usefixtures("nothing_sent")
@pytest.mark.parametrize(
    ("terms", "said"),
    [
        ({"energy": 7.2}, "7.2 is not an energy: expected one with its unit, such as '7.2 kWh'"),
        ({"energy": Money(1)}, "is not an energy"),
        ({"max_rate": 300}, "300 is not a rate: expected one with its unit"),
        ({"bidding_time": 600}, "600 is not a duration: expected a timedelta, or a text such as"),
        ({"validity": "2 hours"}, "'2 hours' is not a duration"),
        ({"validity": timedelta(seconds=-1)}, "is not a duration: expected whole seconds"),
        ({"value": 10**16}, "is not an amount: expected one with its unit, such as '0.05 ether'"),
        ({"value": Energy(1)}, "is not an amount"),
    ],
)
def test_what_an_auction_is_not_started_with(api, consumer, terms, said):
    terms = {"energy": "20 kWh", "max_rate": "300 gwei/Wh"} | terms

    with pytest.raises(UnitError) as refused:
        api.start_auction(**terms, sender=consumer)

    assert said in str(refused.value)


def test_durations_are_texts_too(api, consumer):
    auction = api.start_auction("20 kWh", "300 gwei/Wh", "15 min", "3 h", sender=consumer)

    assert auction.info.validity == timedelta(hours=3)
    assert timedelta(minutes=14) < auction.time_left <= timedelta(minutes=15)


@pytest.mark.usefixtures("auction", "nothing_sent")  # in this order
@pytest.mark.parametrize("call", ["deposit", "start_auction", "place_bid", "sign_bid", "withdraw"])
def test_an_address_is_no_sender(api, auction, consumer, call):
    address = consumer.address
    calls = {
        "deposit": lambda: api.deposit("1 gwei", sender=address),
        "withdraw": lambda: api.withdraw("1 gwei", sender=address),
        "start_auction": lambda: api.start_auction("1 kWh", "1 gwei/Wh", sender=address),
        "place_bid": lambda: auction.place_bid("1 gwei/Wh", sender=address),
        "sign_bid": lambda: auction.sign_bid(Rate(1), auction.info.closing_time, signer=address),
    }

    with pytest.raises(V2VError) as refused:
        calls[call]()

    assert f"{address!r} is not an account that can sign: give one of Ape's" in str(refused.value)


def test_an_address_is_taken_in_any_case(api, consumer):
    for address in (consumer.address, consumer.address.lower(), consumer):
        assert api.ev(address).registered
        assert api.balance(address) == Money(FUNDS)


@pytest.mark.parametrize("address", ["0x5290", 7, None, "alice"])
def test_what_is_no_address_is_named(api, address):
    for look in (api.ev, api.balance, api.auction_of):
        with pytest.raises(V2VError, match="is not an address: expected 0x and 40 digits"):
            look(address)


def test_who_has_started_no_auction_has_none(api, auction, consumer, stranger):
    assert api.auction_of(consumer.address.lower()) == auction
    for look in (lambda: api.auction_of(stranger.address), lambda: api.ev(stranger).auction):
        with pytest.raises(V2VError) as refused:
            look()
        assert str(refused.value) == (
            f"{stranger.address} has not started an auction in the market {api.address}"
        )


def test_more_than_is_free_is_not_withdrawn(api, auction, consumer):
    free = api.balance(consumer)

    with pytest.raises(V2VError, match=f"withdraw {free} at most, or --all") as refused:
        api.withdraw(Money(FUNDS), sender=consumer)

    assert f"has {free} free in the market, and {Money(FUNDS)} was to be" in str(refused.value)


def test_the_package_lists_its_public_names():
    assert {*dir(ape_v2v)} - {"config_class"} == set(ape_v2v.__all__)
    for name in ape_v2v.__all__:
        assert getattr(ape_v2v, name).__name__ == name
