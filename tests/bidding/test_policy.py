"""What a policy offers: numbers alone, no chain."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ape_v2v.bidding.policy import (
    BID_GAS,
    DELIVERY_GAS,
    BidTerms,
    Policy,
    bond,
    expected_rate,
    offer,
)
from ape_v2v.currency import ETHER as ETHER_CURRENCY
from ape_v2v.currency import Currency
from ape_v2v.errors import V2VError
from ape_v2v.market.interface.records import AuctionInfo
from ape_v2v.market.interface.states import State
from ape_v2v.units import Energy, Money, Price, Rate, WrongCurrency

GWEI, ETHER = 10**9, 10**18
FLOOR, MAX_RATE = Rate(150 * GWEI), Rate(300 * GWEI)
# At 3,000 euros an ether: 0.59 and 0.41 euros a kilowatt-hour, and gas of 1 gwei.
DEAR, CHEAP = Rate(590 * ETHER // 3_000 // 10**6), Rate(410 * ETHER // 3_000 // 10**6)


def auction(rate=None, max_rate=MAX_RATE, energy=20_000, validity=timedelta(hours=2)):
    """An open auction; with a rate, somebody else leads."""
    return AuctionInfo(
        id=1,
        state=State.OPEN,
        consumer="0x" + "11" * 20,
        energy=Energy(energy),
        max_rate=max_rate,
        closing_time=datetime(2026, 1, 1, tzinfo=UTC),
        validity=validity,
        open_award=False,
        provider=None if rate is None else "0x" + "22" * 20,
        rate=rate,
        connected_at=None,
        free_until=None,
        removals=0,
    )


def terms(gas_price=0, balance=ETHER, at_stake=0, decrement=100):
    return BidTerms(decrement, 10_000, gas_price, Money(balance), Money(at_stake))


def test_where_gas_is_free_it_underbids_by_the_least_that_is_accepted():
    assert offer(Policy(FLOOR), auction(), terms()).rate == MAX_RATE
    assert offer(Policy(FLOOR), auction(Rate(200 * GWEI)), terms()).rate == Rate(198 * GWEI)


def test_it_opens_at_what_it_expects_to_win_at():
    policy = Policy(FLOOR, expected=Rate(180 * GWEI))

    assert offer(policy, auction(), terms(gas_price=GWEI)).rate == Rate(180 * GWEI)
    # Not where somebody leads: then it underbids.
    assert offer(policy, auction(Rate(200 * GWEI)), terms()).rate == Rate(198 * GWEI)


def test_it_never_opens_below_its_floor_whatever_it_expects():
    assert offer(Policy(FLOOR, expected=Rate(GWEI)), auction(), terms()).rate == FLOOR


EURC = Currency.token("0x" + "33" * 20, "EURC", 6)


def euros(per_kwh):
    return Rate.parse(f"{per_kwh} EURC/kWh", EURC)


def test_in_a_token_gas_counts_by_the_price_of_ether():
    """130,000 gas at 1 gwei are 0.403 euros, 0.02015 for each of 20 kWh."""
    asked = auction(max_rate=euros("0.17"))
    around = replace(terms(gas_price=GWEI), balance=Money(10**9, EURC), at_stake=Money(0, EURC))
    price = Price.parse("EURC=3100")

    found = offer(Policy(euros("0.15"), ether_price=price), asked, around)
    assert "below 0.171 EURC/kWh, where it earns less than its gas of 0.403 EURC" in found.reason
    found = offer(Policy(euros("0.149"), ether_price=price), asked, around)
    assert found.rate == euros("0.17")
    assert bond(asked, around) == Money(3_400_000, EURC)
    assert price.of(1, EURC) == 1  # rounded up


def test_in_a_token_gas_is_not_counted_without_a_price():
    with pytest.raises(V2VError, match=r"say what one ether costs with --ether-price 'EURC=3100'"):
        Policy(euros("0.15")).require_for(EURC)
    with pytest.raises(WrongCurrency, match="the price of ether is given in USDC, and it has to"):
        Policy(euros("0.15"), ether_price=Price.parse("USDC=3100")).require_for(EURC)
    Policy(euros("0.15"), counts_gas=False).require_for(EURC)
    Policy(FLOOR).require_for(ETHER_CURRENCY)


def test_a_floor_in_another_currency_is_refused():
    with pytest.raises(WrongCurrency, match="and a rate here is in EURC"):
        Policy(FLOOR, counts_gas=False).require_for(EURC)


def test_the_dearer_the_gas_the_larger_is_its_step():
    offers = [
        offer(Policy(FLOOR), auction(Rate(290 * GWEI)), terms(gas_price=price * GWEI))
        for price in (0, 1, 4, 9)
    ]
    rates = [int(found.rate or 0) for found in offers]

    assert rates == sorted(rates, reverse=True)
    assert len(set(rates)) == len(rates)
    assert rates[-1] > int(FLOOR)


def test_it_stays_out_where_it_cannot_earn_its_gas_back():
    small = auction(energy=100)

    found = offer(Policy(Rate(290 * GWEI)), small, terms(gas_price=GWEI))

    assert found.rate is None
    assert "where it earns less than its gas of 0.00013 ether" in found.reason
    assert offer(Policy(Rate(290 * GWEI), counts_gas=False), small, terms(gas_price=GWEI)).rate
    # The same margin on more energy is worth it.
    assert offer(Policy(Rate(290 * GWEI)), auction(), terms(gas_price=GWEI)).rate


def test_a_bid_that_others_place_need_not_earn_its_own_gas():
    earns = (int(MAX_RATE) - int(FLOOR)) * int(auction().energy)
    price = earns // (DELIVERY_GAS + BID_GAS // 2)

    assert offer(Policy(FLOOR), auction(), terms(gas_price=price)).rate is None
    assert offer(Policy(FLOOR), auction(), terms(gas_price=price), bid_gas=0).rate is not None


@pytest.mark.parametrize("gas_price", [0, GWEI, 7 * GWEI])
@pytest.mark.parametrize("standing", [None, 299, 250, 200, 160, 152])
def test_what_it_bids_is_accepted_and_earns_its_gas(standing, gas_price):
    info = auction(standing and Rate(standing * GWEI))

    rate = offer(Policy(FLOOR), info, terms(gas_price=gas_price)).rate

    if rate is not None:
        assert FLOOR <= rate <= info.highest_rate(100)
        earned = (int(rate) - int(FLOOR)) * int(info.energy)
        assert earned >= gas_price * BID_GAS


def test_five_bidders_who_count_gas_make_few_bids_and_leave_something_to_win():
    """By the least, such an auction takes some forty bids, whose gas is more than its surplus."""
    floors = [Rate(int(CHEAP) + n * (int(DEAR) - int(CHEAP)) // 20) for n in range(5)]

    def war(**policy):
        info, bids, leader = auction(max_rate=DEAR), 0, None
        while True:
            rates = {
                n: offer(Policy(floor, **policy), info, terms(gas_price=GWEI)).rate
                for n, floor in enumerate(floors)
                if n != leader
            }
            # The one who can least afford it goes first: that makes most bids.
            able = [n for n, rate in rates.items() if rate is not None]
            if not able:
                return bids, info.rate, leader
            leader = max(able)
            info = auction(rates[leader], max_rate=DEAR)
            bids += 1

    many, _, _ = war(counts_gas=False)
    few, rate, winner = war()

    assert many > 30
    assert few < 15
    assert winner in (0, 1)
    assert (int(rate) - int(floors[winner])) * 20_000 > 0


@pytest.mark.parametrize(
    ("policy", "situation", "reason"),
    [
        ({"max_bond": Money(1)}, {}, "the bond is 0.006 ether, and 1 wei is the most"),
        (
            {"max_at_stake": Money(ETHER // 100)},
            {"at_stake": ETHER // 200},
            "with a bond of 0.006 ether there would be 0.011 ether at stake, and 0.01 ether is "
            "the most",
        ),
        (
            {"max_validity": timedelta(hours=1)},
            {},
            "it would be bound for 2:00:00, and 1:00:00 is the most",
        ),
        ({}, {"balance": 6 * ETHER // 1_000 - 1}, "deposit 1 wei more"),
    ],
)
def test_beyond_a_cap_it_does_not_bid_and_says_which(policy, situation, reason):
    found = offer(Policy(FLOOR, **policy), auction(), terms(**situation))

    assert found.rate is None
    assert reason in found.reason


def test_at_its_caps_it_bids():
    policy = Policy(
        FLOOR,
        max_bond=Money(6 * ETHER // 1_000),
        max_at_stake=Money(12 * ETHER // 1_000),
        max_validity=timedelta(hours=2),
        max_rate=Rate(280 * GWEI),
    )
    exact = terms(balance=6 * ETHER // 1_000, at_stake=6 * ETHER // 1_000)

    assert bond(auction(), exact) == policy.max_bond
    assert offer(policy, auction(), exact).rate == Rate(280 * GWEI)
    assert offer(policy, auction(Rate(299 * GWEI)), exact).rate == Rate(280 * GWEI)


def test_a_maximum_rate_below_the_floor_is_refused():
    with pytest.raises(V2VError, match=r"maximum rate of .* is below the floor"):
        Policy(FLOOR, max_rate=Rate(1))


def test_it_expects_what_others_were_won_at():
    won = [(Rate(60), Rate(100)), (Rate(90), Rate(100)), (Rate(140), Rate(200))]

    assert expected_rate(won, Rate(1_000)) == Rate(700)
    assert expected_rate([], Rate(1_000)) is None
