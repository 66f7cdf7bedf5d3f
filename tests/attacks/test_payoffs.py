"""What every pair of behaviours ends with, played on the contract: the table of docs/protocol.md.

A payoff is the money that a side has gained, and the energy that it has got or given at the agreed
rate. Who keeps its word ends with 0, whatever the energy.
"""

from decimal import Decimal
from typing import NamedTuple

import pytest

from ape_v2v.testing.assertions import rollback
from tests.helpers.documentation import ROOT
from tests.helpers.scenario import ENERGY, ETHER, METER_DATA, PARAMETERS, PENALTY, RATE, VALIDITY

HALF, QUARTER = ENERGY // 2, ENERGY // 4
BEGIN, END = "<!-- payoffs: written from the contract by tests/attacks/test_payoffs.py -->", "\n\n"
HEADER = (
    "| Consumer | Provider | How it ends | Delivered | Consumer ends with | Provider | Burnt |\n"
    "|---|---|---|---|---|---|---|"
)


class Row(NamedTuple):
    consumer: str
    provider: str
    end: str
    delivered: int
    """Wh."""
    at_fault: str
    """`consumer`, `provider`, `both` or nobody."""


HONEST = "honest"
ROWS = {
    "full": Row(HONEST, HONEST, "paid in full", ENERGY, ""),
    "agreed": Row("honest, has enough", HONEST, "settled with the last reading", HALF, ""),
    "no award": Row("does not award", HONEST, "cancelled by anybody", 0, "consumer"),
    "absent": Row("does not come", "honest, waits", "expired", 0, "consumer"),
    "forfeit": Row("does not come", "forfeits", "forfeited", 0, "both"),
    "no provider": Row("honest, waits", "does not come", "expired", 0, "provider"),
    "gives up": Row(HONEST, "forfeits", "forfeited", 0, "provider"),
    "unplugs": Row("unplugs, stays silent", HONEST, "settled short", HALF, "consumer"),
    "stops": Row(HONEST, "stops half-way", "settled short", HALF, "provider"),
    "earlier": Row(HONEST, "hands in an earlier reading", "settled short", HALF, "provider"),
    "silent": Row("unplugs, stays silent", "silent too", "expired", HALF, "both"),
    "removes": Row(HONEST, "takes its bid back", "cancelled, free", 0, "provider"),
}


@pytest.fixture
def play(market, bid_id, close, clock, sign_reading, consumer, provider, stranger):
    """A function that plays a row to its end."""

    def settle(energy, *, last):
        reading = (bid_id, energy, METER_DATA, last)
        signature = sign_reading(consumer, reading)
        market.settle(reading, signature, b"", sender=provider)

    def expire():
        at = market.auctions(bid_id).connectedAt + VALIDITY + PARAMETERS["settlementWindow"]
        clock.next_block_at(at)
        market.expireConnection(bid_id, sender=stranger)

    def no_award():
        clock.next_block_at(market.auctions(bid_id).closingTime + PARAMETERS["awardWindow"])
        market.cancelAuction(bid_id, PENALTY, sender=stranger)

    def removes():
        market.removeBid(bid_id, sender=provider)
        market.cancelAuction(bid_id, 0, sender=consumer)

    unawarded = {"no award": no_award, "removes": removes}
    awarded = {
        "full": lambda: market.endConnection(bid_id, sender=consumer),
        "agreed": lambda: settle(HALF, last=True),
        "forfeit": lambda: market.forfeit(bid_id, sender=provider),
        "gives up": lambda: market.forfeit(bid_id, sender=provider),
        "unplugs": lambda: settle(HALF, last=False),
        "stops": lambda: settle(HALF, last=False),
        "earlier": lambda: settle(QUARTER, last=False),
    }

    def play(name):
        if name in unawarded:
            unawarded[name]()
            return
        close(bid_id)
        market.endAuction(bid_id, sender=consumer)
        awarded.get(name, expire)()

    return play


@pytest.fixture
def payoff(play, gains):
    """A function: what the two sides end with, and what is burnt, wei."""

    def payoff(name):
        worth = RATE * ROWS[name].delivered
        with rollback():
            play(name)
            money = gains()
        return (
            money.get("consumer", 0) + worth,
            money.get("provider", 0) - worth,
            money.get("burnt", 0),
        )

    return payoff


@pytest.mark.parametrize("name", ROWS)
def test_who_deviates_ends_no_better_and_loses_no_less_than_whom_it_hurts(payoff, name):
    consumer, provider, burnt = payoff(name)
    own = {"consumer": consumer, "provider": provider}
    assert consumer + provider == -burnt <= 0
    match ROWS[name].at_fault:
        case "":
            assert (consumer, provider) == (0, 0)
        case "both":
            assert min(own.values()) < 0
        case guilty:
            (other,) = set(own) - {guilty}
            assert own[guilty] < 0
            assert own[guilty] <= own[other]


def test_waiting_for_the_absent_is_better_than_forfeiting(payoff):
    assert payoff("absent")[1] > payoff("forfeit")[1]
    assert payoff("absent")[0] < 0


def ether(wei):
    return f"{(Decimal(wei) / ETHER).normalize():f}"


def test_the_specification_has_this_table(payoff):
    lines = [HEADER]
    for name, row in ROWS.items():
        kwh = f"{row.delivered // 1_000} kWh"
        cells = (row.consumer, row.provider, row.end, kwh, *map(ether, payoff(name)))
        lines.append(f"| {' | '.join(cells)} |")
    print("\n".join(lines))  # what to copy, when it differs
    page = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
    _, found = page.split(f"{BEGIN}\n\n")
    assert found.split(END)[0] == "\n".join(lines)
