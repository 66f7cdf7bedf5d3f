"""A market in a token: its ways in and out, several documents at once, and sponsored trades."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from benchmarks.gas import batches, published, sponsoring, tokens
from benchmarks.gas.sections.targets import row
from benchmarks.gas.tables import Table

if TYPE_CHECKING:
    from benchmarks.gas.measurements import TokenCosts
    from benchmarks.gas.tables import Cell

_OF_ETHERS_TRADE = Decimal("1.001")
_OF_THE_PAPER = Decimal("0.75")
_OF_THE_SINGLE = Decimal("0.70")
_DEPOSIT = 50_000
_CREATION = 3_700_000


def targets(costs: TokenCosts) -> Table:
    """What was wanted of them, and whether it is reached."""
    ether, plain, stablecoin = costs.currencies.values()
    sponsored = costs.sponsored[sponsoring.CHOSEN]
    delegated, signed = sponsored[sponsoring.SINGLE], sponsored[sponsoring.SIGNED]
    trade = max(plain[tokens.TRADE], stablecoin[tokens.TRADE])
    creation = max(plain[tokens.CREATION], stablecoin[tokens.CREATION])
    paper = published.trade()
    rows = [
        row("A trade in a token / in ether", _OF_ETHERS_TRADE, trade, ether[tokens.TRADE]),
        _gas("`deposit` of a plain token", _DEPOSIT, plain["deposit"]),
        _gas("Creation of a market in a token", _CREATION, creation),
        row("A sponsored trade by the delegate / published", _OF_THE_PAPER, delegated, paper),
        row("A sponsored trade by signed documents / published", _OF_THE_PAPER, signed, paper),
        row(
            "One of ten sponsored by the delegate / one alone",
            _OF_THE_SINGLE,
            sponsored[sponsoring.BATCHED],
            delegated,
        ),
        row(
            "One of ten sponsored by signed documents / one alone",
            _OF_THE_SINGLE,
            sponsored[sponsoring.SIGNED_BATCHED],
            signed,
        ),
    ]
    return Table(
        "token_targets",
        "In a token, and sponsored: in short",
        ("what", "at most", "measured", "met?"),
        tuple(rows),
        before="Gas of the one divided by gas of the other, or gas.",
        after="By the delegate alone, ten together stay above what was wanted: each call pays for "
        "the way through the account that makes it, batched or not. Where the market takes signed "
        "documents itself, that way falls away.",
    )


def ways(costs: TokenCosts) -> Table:
    """Each way in and out, by currency."""
    labels = tokens.labels(costs.currencies)
    return Table(
        "token_ways",
        "Ways in and out, and a trade, by currency",
        ("gas", *costs.currencies, "limit in a plain token"),
        tuple(
            (
                label,
                *(column.get(label) for column in costs.currencies.values()),
                tokens.LIMITS.get(label),
            )
            for label in labels
        ),
        before="Everybody has traded before; the allowance is without a limit. What the token's "
        "own code takes is in it.",
    )


def together(costs: TokenCosts) -> Table:
    """Signed documents, by how many come at once."""
    sizes = next(iter(costs.batches.values()))
    return Table(
        "token_batches",
        "Several signed documents in one transaction",
        ("gas each", *(batches.head(size) for size in sizes)),
        tuple((kind, *found.values()) for kind, found in costs.batches.items()),
        before="All by other people; but for the second row, in other auctions too.",
    )


def sponsored(costs: TokenCosts) -> Table:
    """Trades of people without ether, by the contract that they delegate to."""
    return Table(
        "token_sponsored",
        "A trade with two bids that a sponsor pays for",
        ("gas", *costs.sponsored),
        tuple(
            (_of_its_own(label), *(column[label] for column in costs.sponsored.values()))
            for label in sponsoring.LABELS
        ),
        before="Why the first of the two was chosen is told in [sponsoring.md](sponsoring.md).",
    )


def _of_its_own(label: str) -> str:
    """A label that no other row has, for who reads rows by it."""
    return f"{label.strip()}, signed" if label == sponsoring.SIGNED_BATCHED else label


def _gas(what: str, limit: int, measured: int) -> tuple[Cell, ...]:
    return what, f"{limit:,}", measured, "met" if measured <= limit else "missed"
