"""How many bids and trades fit into a second: on a chain, and on one node from this client."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from benchmarks.gas.scenarios import trade_gas
from benchmarks.gas.tables import Table

if TYPE_CHECKING:
    from benchmarks.gas.measurements import Measurements
    from benchmarks.gas.tables import Cell
    from benchmarks.gas.throughput import Throughput

_BLOCK_SECONDS = 12
_BLOCK_LIMITS = (36_000_000, 60_000_000)


def capacity(m: Measurements) -> Table:
    signed = next(trade.ours_signed for trade in m.trades if trade.bids == 2)  # noqa: PLR2004
    figures = {
        "bids": (
            m.steady["placeBid, overtaking"].gas,
            m.paper.known["placeBid, overtaking"].gas,
            m.paper.again["placeBid, overtaking"].gas,
        ),
        "trades with two bids": (
            trade_gas(m.steady),
            trade_gas(m.paper.known),
            trade_gas(m.paper.again),
        ),
        "trades with signed bids": (signed, None, None),
    }
    columns = ["per second"]
    for limit in _BLOCK_LIMITS:
        million = f"{limit // 10**6} M"
        columns += [
            f"ours, {million}",
            f"rebuilt, new pairs, {million}",
            f"rebuilt, same pairs, {million}",
        ]
    return Table(
        "capacity",
        "How many a chain could take",
        tuple(columns),
        tuple(
            (label, *(_per_second(limit, gas) for limit in _BLOCK_LIMITS for gas in costs))
            for label, costs in figures.items()
        ),
        before=f"Blocks of 36 and of 60 million gas every {_BLOCK_SECONDS} seconds, with nothing "
        "else in them.",
    )


def _per_second(limit: int, gas: int | None) -> Cell:
    """Whole transactions or trades that fit into a block, by the second."""
    return (
        None if gas is None else (Decimal(limit // gas) / _BLOCK_SECONDS).quantize(Decimal("0.1"))
    )


def one_node(speed: Throughput) -> Table:
    return Table(
        "throughput",
        "How many one node takes from this client",
        ("way", "bids per second", "trades per second"),
        (
            ("signed before, in batches, a block each", _rate(speed.batched_bids), None),
            ("signed and sent one by one", _rate(speed.raw_bids), _rate(speed.raw_trades)),
            ("through the Python API", _rate(speed.api_bids), _rate(speed.api_trades)),
        ),
        before=f"Anvil on the machine of this run, the best of {speed.runs} short runs each: other "
        f"work on the machine only takes away (load average {speed.load:.1f} before). Trades have "
        "two bids. Every transaction is waited for, except in batches; the API also simulates each "
        "one first, so that a refusal costs nothing.",
    )


def _rate(value: float) -> Decimal:
    return Decimal(value).quantize(Decimal("0.1"))
