"""Hypothesis strategies for auctions and bids that a market accepts, and for those it refuses.

    @given(terms=auctions(), data=st.data())
    def test(open_auction, terms, data):
        with rollback():
            auction = open_auction(**terms)
            rate = data.draw(bids(auction.highest_rate))

They need Hypothesis: the extra `testing` of the distribution brings it.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple, TypedDict

from ape_v2v.market.interface.parameters import BPS, MAX_DURATION, MAX_TEXT_BYTES, Parameters
from ape_v2v.units import Energy, Money, Rate

try:
    from hypothesis import strategies as st
except ImportError as error:
    raise ImportError(
        "ape_v2v.testing.strategies needs Hypothesis: install ape-v2v[testing]"
    ) from error

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

BUDGET = Money.parse("1 ether")
"""What the fixtures give each EV to lock."""

LEAST_RESERVE = Money(-(-Parameters.minPenalty * BPS // Parameters.penaltyBps))
"""With less, a broken promise would cost less than the default rules allow."""

MIN_BIDDING_TIME = timedelta(minutes=1)
"""A local chain's clock goes on while a test runs: time enough for its bids."""

_SECOND = timedelta(seconds=1)
_MAX_SECONDS = MAX_DURATION // _SECOND


class AuctionTerms(TypedDict):
    """The terms of an auction, as `Market.start_auction` takes them."""

    energy: Energy
    max_rate: Rate
    bidding_time: timedelta
    validity: timedelta
    details: str


class RefusedAuction(NamedTuple):
    """Terms that a market refuses, and how: `reverts_with(error, **inputs)`."""

    terms: AuctionTerms
    error: str
    inputs: dict[str, Any]


class RefusedBid(NamedTuple):
    """A bid that a market refuses, and how: `reverts_with(error, **inputs)`."""

    rate: Rate
    error: str
    inputs: dict[str, Any]


def durations(shortest: timedelta = _SECOND) -> SearchStrategy[timedelta]:
    """Bidding times and validities: whole seconds up to the longest one allowed."""
    return st.integers(shortest // _SECOND, _MAX_SECONDS).map(lambda seconds: seconds * _SECOND)


def texts() -> SearchStrategy[str]:
    """Details of an auction and notes on an EV, of any characters that fit."""
    characters = st.characters(codec="utf-8")
    return st.text(characters, max_size=MAX_TEXT_BYTES).map(
        lambda text: text.encode()[:MAX_TEXT_BYTES].decode(errors="ignore")
    )


@st.composite
def auctions(
    draw: st.DrawFn,
    budget: Money = BUDGET,
    min_bidding_time: timedelta = MIN_BIDDING_TIME,
    least: Money = LEAST_RESERVE,
) -> AuctionTerms:
    """Terms that a market accepts from a registered EV without an auction.

    Args:
        draw: Given by Hypothesis.
        budget: The highest reserve: what the EV has in the market, more than `least`. For a
            provider to be able to bid, it must have as much as that times the market's `bondBps`.
        min_bidding_time: The shortest bidding time, at least 1 s.
        least: The lowest reserve: what makes a penalty of the market's `minPenalty`.
    """
    energy = draw(st.integers(1, min(Energy.maximum, int(budget) - int(least))))
    lowest, highest = -(-int(least) // energy), int(budget) // energy
    max_rate = draw(st.integers(lowest, min(Rate.maximum, highest)))
    return {
        "energy": Energy(energy),
        "max_rate": Rate(max_rate),
        "bidding_time": draw(durations(min_bidding_time)),
        "validity": draw(durations()),
        "details": draw(texts()),
    }


@st.composite
def refused_auctions(draw: st.DrawFn, budget: Money = BUDGET) -> RefusedAuction:
    """Terms with one thing wrong, whoever asks for them.

    Args:
        draw: Given by Hypothesis.
        budget: As for `auctions`.
    """
    terms = draw(auctions(budget))
    match draw(st.sampled_from(["energy", "max_rate", "bidding_time", "validity", "details"])):
        case "energy":
            return RefusedAuction({**terms, "energy": Energy(0)}, "ZeroEnergy", {})
        case "max_rate":
            return RefusedAuction({**terms, "max_rate": Rate(0)}, "ZeroRate", {})
        case "bidding_time":
            time = draw(_wrong_durations())
            inputs = {"biddingTime": time // _SECOND, "maximum": _MAX_SECONDS}
            return RefusedAuction({**terms, "bidding_time": time}, "BiddingTimeOutOfRange", inputs)
        case "validity":
            time = draw(_wrong_durations())
            inputs = {"validity": time // _SECOND, "maximum": _MAX_SECONDS}
            return RefusedAuction({**terms, "validity": time}, "ValidityOutOfRange", inputs)
        case _:
            length = draw(st.integers(MAX_TEXT_BYTES + 1, 2 * MAX_TEXT_BYTES))
            inputs = {"length": length, "maximum": MAX_TEXT_BYTES}
            return RefusedAuction({**terms, "details": "x" * length}, "TextTooLong", inputs)


def bids(highest: Rate) -> SearchStrategy[Rate]:
    """Rates that an auction accepts from a provider that can lock the bond.

    Args:
        highest: The auction's `highest_rate`, at least 1 wei/Wh.
    """
    return st.integers(1, int(highest)).map(Rate)


def refused_bids(highest: Rate) -> SearchStrategy[RefusedBid]:
    """Rates that an auction refuses, whoever bids them.

    Args:
        highest: The auction's `highest_rate`, less than the highest rate there is.
    """
    too_high = st.integers(int(highest) + 1, Rate.maximum).map(
        lambda rate: RefusedBid(Rate(rate), "RateTooHigh", {"rate": rate, "highest": int(highest)})
    )
    return st.just(RefusedBid(Rate(0), "ZeroRate", {})) | too_high


def _wrong_durations() -> SearchStrategy[timedelta]:
    too_long = st.integers(_MAX_SECONDS + 1, 10 * _MAX_SECONDS)
    return (st.just(0) | too_long).map(lambda seconds: seconds * _SECOND)
