"""What a car decides, from how things stand."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ape_v2v.car import Act, car_template, parse_car
from ape_v2v.car.buying import BuyerStanding, choose_as_consumer
from ape_v2v.car.selling import SellerStanding, choose_as_provider
from ape_v2v.market.interface.parameters import Parameters
from ape_v2v.market.interface.records import AuctionInfo
from ape_v2v.market.interface.states import State
from ape_v2v.units import Energy, Money, Rate

NOW = datetime(2030, 6, 1, 3, 0, tzinfo=UTC)  # the template drives on at 05:30 UTC
RULES = Parameters()
ETHER = 10**18


@pytest.fixture
def buyer():
    return parse_car(car_template("consumer"))


@pytest.fixture
def seller():
    return parse_car(car_template("provider"))


def auction(**changes):
    """A consumer's open auction for 10 kWh in which nobody has bid."""
    info = AuctionInfo(
        id=7,
        state=State.OPEN,
        consumer="0x" + "11" * 20,
        energy=Energy(10_000),
        max_rate=Rate(300 * 10**9),
        closing_time=NOW + timedelta(minutes=5),
        validity=timedelta(hours=2),
        open_award=False,
        provider=None,
        rate=None,
        connected_at=None,
        free_until=None,
        removals=0,
    )
    return replace(info, **changes)


BID = {"provider": "0x" + "22" * 20, "rate": Rate(200 * 10**9)}
CONNECTED = BID | {"state": State.CONNECTED, "connected_at": NOW}


def buying(**changes):
    """A car at 40 % of 60 kWh that wants 80 %, with an ether free."""
    standing = BuyerStanding(
        now=NOW,
        chain_now=NOW,
        auction=None,
        expires_at=None,
        cancellation=Money(0),
        free=Money(ETHER),
        missing=Energy(24_000),
        percent=40.0,
        fruitless=0,
        waits_for=False,
        has_receipts=False,
        has_stopped=False,
    )
    return replace(standing, **changes)


def selling(**changes):
    """A car that has 30 kWh to spare."""
    standing = SellerStanding(
        now=NOW,
        chain_now=NOW,
        engaged=[],
        acknowledged=frozenset(),
        closed=frozenset(),
        free=Money(0),
        spare=Energy(30_000),
        percent=90.0,
        is_counted=True,
        waits_for=False,
    )
    return replace(standing, **changes)


def test_a_buyer_asks_for_what_it_can_charge_in_time(buyer):
    choice = choose_as_consumer(buyer, RULES, buying())
    assert choice.act is Act.ASK
    assert choice.energy == Energy(24_000)  # 2 h 20 min at 11 kW are enough
    late = choose_as_consumer(buyer, RULES, buying(now=NOW + timedelta(hours=1)))
    assert late.energy == Energy(11_000 * 80 // 60)


LATER = NOW + timedelta(hours=3)
HALF_AN_HOUR = timedelta(minutes=30)
CLOSED = NOW + timedelta(minutes=6)
EXPIRED = NOW + timedelta(hours=30)


@pytest.mark.parametrize(
    ("changes", "act", "why"),
    [
        ({"waits_for": True}, Act.WAIT, "in no block yet"),
        ({"missing": Energy(0), "percent": 80.0}, Act.END, "80.0 %"),
        ({"missing": Energy(999)}, Act.END, "not worth an auction"),
        ({"now": LATER}, Act.END, "it drives on"),
        ({"fruitless": 3}, Act.END, "nobody has bid in 3 auctions"),
        ({"registered": False}, Act.WAIT, "no registered EV"),
        ({"free": Money(0)}, Act.ASK, "asks for 24 kWh"),
        ({"auction": auction()}, Act.WAIT, "nobody has bid yet"),
        ({"auction": auction(), "now": LATER}, Act.CANCEL, "time to drive on"),
        ({"auction": auction(), "chain_now": CLOSED}, Act.TAKE_BACK, "nobody has bid"),
        ({"auction": auction(**BID)}, Act.WAIT, "the best bid is 0.0002 ether/kWh"),
        ({"auction": auction(**BID), "chain_now": CLOSED}, Act.AWARD, "best bid"),
        ({"auction": auction(**BID), "now": LATER}, Act.CANCEL, "would cost as much"),
        ({"auction": auction(**CONNECTED), "expires_at": EXPIRED}, Act.CHARGE, "has won it"),
        (
            {"auction": auction(**CONNECTED), "expires_at": EXPIRED, "now": LATER - HALF_AN_HOUR},
            Act.CHARGE,
            "drive on: parts",
        ),
        (
            {"auction": auction(**CONNECTED), "expires_at": EXPIRED, "chain_now": LATER},
            Act.WAIT,
            "its token is over",
        ),
        (
            {"auction": auction(**CONNECTED), "expires_at": EXPIRED, "has_stopped": True},
            Act.WAIT,
            "its session has stopped",
        ),
        (
            {
                "auction": auction(**CONNECTED),
                "expires_at": EXPIRED,
                "has_stopped": True,
                "has_receipts": True,
            },
            Act.CHARGE,
            "has won it",
        ),
        (
            {"auction": auction(**CONNECTED), "expires_at": NOW, "chain_now": NOW},
            Act.EXPIRE,
            "nobody has settled",
        ),
    ],
)
def test_a_buyer_decides(buyer, changes, act, why):
    choice = choose_as_consumer(buyer, RULES, buying(**changes))
    assert choice.act is act
    assert why in choice.reason


def test_a_buyer_deposits_no_more_than_it_may(buyer):
    need = 24_000 * 300 * 10**9
    choice = choose_as_consumer(buyer, RULES, buying(free=Money(need - 5)))
    assert (choice.act, choice.amount) == (Act.ASK, Money(5))
    poor = buyer.model_copy(
        update={"balance": buyer.balance.model_copy(update={"deposit_at_most": Money(4)})}
    )
    refused = choose_as_consumer(poor, RULES, buying(free=Money(need - 5)))
    assert refused.act is Act.WAIT
    assert "deposit 5 wei" in refused.reason


def test_what_is_free_above_the_threshold_is_withdrawn(buyer, seller):
    change = {"withdraw_above": Money(100), "keep": Money(40)}
    for settings, decide, standing in (
        (buyer, choose_as_consumer, buying),
        (seller, choose_as_provider, selling),
    ):
        balance = settings.balance.model_copy(update=change)
        car = settings.model_copy(update={"balance": balance})
        choice = decide(car, RULES, standing(free=Money(101)))
        assert (choice.act, choice.amount) == (Act.WITHDRAW, Money(61))
        assert decide(car, RULES, standing(free=Money(100))).act is not Act.WITHDRAW


LEADS = auction(**BID)
WON = auction(**CONNECTED)


@pytest.mark.parametrize(
    ("changes", "act", "why"),
    [
        ({}, Act.OFFER, "30 kWh can be spared"),
        ({"waits_for": True}, Act.WAIT, "in no block yet"),
        ({"spare": Energy(999)}, Act.END, "1 kWh is the least"),
        ({"spare": Energy(999), "is_counted": False}, Act.WAIT, "1 kWh is the least"),
        ({"registered": False}, Act.WAIT, "no registered EV"),
        ({"engaged": [LEADS]}, Act.WAIT, "leads with"),
        ({"engaged": [LEADS], "chain_now": CLOSED}, Act.WAIT, "may award it until"),
        ({"engaged": [LEADS], "chain_now": LATER}, Act.CANCEL, "has not awarded"),
        (
            {"engaged": [replace(LEADS, open_award=True)], "chain_now": CLOSED},
            Act.AWARD,
            "has closed",
        ),
        ({"engaged": [WON]}, Act.SERVE, "won 10 kWh"),
        ({"engaged": [WON], "chain_now": LATER}, Act.OFFER, "can be spared"),
        ({"engaged": [WON], "closed": frozenset({7})}, Act.OFFER, "can be spared"),
        (
            {"engaged": [WON], "closed": frozenset({7}), "acknowledged": frozenset({7})},
            Act.SERVE,
            "won 10 kWh",
        ),
        ({"engaged": [WON], "chain_now": EXPIRED}, Act.EXPIRE, "nobody has settled"),
    ],
)
def test_a_seller_decides(seller, changes, act, why):
    choice = choose_as_provider(seller, RULES, selling(**changes))
    assert choice.act is act
    assert why in choice.reason


@pytest.mark.parametrize(("hour", "bids"), [(21, False), (23, True), (5, True), (6, False)])
def test_a_seller_bids_within_its_hours(seller, hour, bids):
    at_night = seller.model_copy(
        update={"provider": seller.provider.model_copy(update={"hours": "22:00-06:00"})}
    )
    choice = choose_as_provider(at_night, RULES, selling(now=NOW.replace(hour=hour)))
    assert (choice.act is Act.OFFER) == bids
