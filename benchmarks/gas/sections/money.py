"""The same functions in ether and in a currency."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from benchmarks.gas import published
from benchmarks.gas.scenarios import trade_gas
from benchmarks.gas.tables import Table

if TYPE_CHECKING:
    from benchmarks.gas.measurements import Measurements
    from benchmarks.gas.prices import Currency
    from benchmarks.gas.tables import Cell


def table(m: Measurements, name: str, currency: Currency) -> Table:
    columns = ("gas", "ether", currency.unit)
    return Table(
        f"money_{name}",
        f"In ether and in {currency.unit}, at {currency.name} prices",
        (
            "function",
            *(f"{column}, published" for column in columns),
            *(f"{column}, ours" for column in columns),
        ),
        tuple(
            (label, *_cells(paper, currency), *_cells(own, currency))
            for label, (paper, own) in _figures(m).items()
        ),
        before=f"{currency.gas_price:f} gwei for one gas, {currency.ether:,f} {currency.unit} for "
        f"one ether. {currency.remark}".rstrip(),
    )


def _figures(m: Measurements) -> dict[str, tuple[int | None, int]]:
    """Gas by label: published, where it is, and ours."""
    names = published.COUNTERPARTS
    return {
        "create": (published.TABLE_II["create"], m.creation),
        **{
            label: (published.TABLE_II[names[label]] if label in names else None, call.gas)
            for label, call in m.steady.items()
        },
        "a trade with two bids": (published.trade(), trade_gas(m.steady)),
    }


def _cells(gas: int | None, currency: Currency) -> tuple[Cell, ...]:
    if gas is None:
        return None, None, None
    cost = currency.cost(gas).quantize(Decimal("0.00001"))
    return gas, currency.ether_for(gas).normalize(), cost
