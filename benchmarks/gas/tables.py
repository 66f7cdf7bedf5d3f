"""Tables that can be shown to people and read by programs: one content, four forms."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeAlias

from rich.table import Table as RichTable
from rich.text import Text

Cell: TypeAlias = int | Decimal | str | None


@dataclass(frozen=True)
class Table:
    """A table with a title and what a reader has to know to read it."""

    name: str
    """What programs call it."""
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    before: str = ""
    """What stands before it, in Markdown."""
    after: str = ""

    def __post_init__(self) -> None:
        assert all(len(row) == len(self.columns) for row in self.rows), self.name

    def as_records(self) -> list[dict[str, Any]]:
        """For JSON: gas as numbers, what has been divided as decimal strings."""
        return [
            {
                column: str(cell) if isinstance(cell, Decimal) else cell
                for column, cell in zip(self.columns, row, strict=True)
            }
            for row in self.rows
        ]

    def as_markdown(self) -> str:
        numeric = [
            all(not isinstance(row[index], str) for row in self.rows)
            for index in range(len(self.columns))
        ]
        lines = [
            _line(self.columns),
            _line(["---:" if number else "---" for number in numeric]),
            *(_line([shown(cell) for cell in row]) for row in self.rows),
        ]
        parts = [f"## {self.title}", self.before, "\n".join(lines), self.after]
        return "\n\n".join(part for part in parts if part)

    def as_rich(self) -> RichTable:
        table = RichTable(title=self.title, title_justify="left", box=None, header_style="dim")
        for index, column in enumerate(self.columns):
            right = any(isinstance(row[index], int | Decimal) for row in self.rows)
            table.add_column(column, justify="right" if right else "left")
        for row in self.rows:
            table.add_row(*(Text(shown(cell)) for cell in row))
        return table


def as_csv(tables: list[Table]) -> str:
    """All tables in one file, a cell a line: table, row (its first cell), column, value."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("table", "row", "column", "value"))
    for table in tables:
        for row in table.rows:
            for column, cell in zip(table.columns[1:], row[1:], strict=True):
                writer.writerow((table.name, row[0], column, "" if cell is None else cell))
    return text.getvalue()


def ratio(part: int, whole: int | None) -> Decimal | None:
    """One figure as a share of another, in three digits; None where there is no other."""
    return None if not whole else (Decimal(part) / whole).quantize(Decimal("0.001"))


def shown(cell: Cell) -> str:
    match cell:
        case None:
            return ""
        case int():
            return f"{cell:,}"
        case Decimal():
            return f"{cell:,f}"
        case str():
            return cell


def _line(cells: list[str] | tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"
