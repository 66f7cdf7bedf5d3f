"""What a market in a token costs more than one in ether: ways in and out, not trades."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.evaluation.material import Cell

PAGE = Path(__file__).resolve().parents[2] / "docs" / "gas.md"
_ROW = re.compile(r"^\| `?(\w+)`? \| ([\d,]+) \| ([\d,]+) \| ([\d,]+) \|$", re.MULTILINE)


def token_gas(trade: float) -> dict[str, Cell]:
    """What depositing and withdrawing once adds, as docs/gas.md has it; a test holds that page.

    Args:
        trade: What a trade takes.
    """
    rows = {name: [int(cell.replace(",", "")) for cell in cells] for name, *cells in _rows()}
    extra = sum(rows[name][2] - rows[name][0] for name in ("deposit", "withdraw"))
    return {
        "token_extra_gas": extra,
        "token_extra_share": extra / trade,
        "token_trades_for_percent": round(100 * extra / trade),
    }


def _rows() -> list[tuple[str, ...]]:
    text = PAGE.read_text("utf-8")
    table = text.partition("<!-- token ledger")[2].partition("<!-- end of token ledger -->")[0]
    return _ROW.findall(table)
