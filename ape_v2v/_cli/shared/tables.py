"""What people see: names with values, and rows of them.

Nothing is ever cut, however narrow the terminal is. Text is broken between words, never within a
number and its unit; a hash that does not fit runs on, so that it can still be copied as a whole.
Where rows do not fit side by side, each becomes names with values.
"""

from __future__ import annotations

import re
import textwrap
from typing import TYPE_CHECKING

from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from rich.console import Console, ConsoleOptions

_GAP = 2
_NARROWEST = 24
"""So many columns a text has at least, before rows are given up."""
_NO_BREAK = "\N{NO-BREAK SPACE}"
_BETWEEN_NUMBER_AND_UNIT = re.compile(r"(?<=[0-9]) (?=[A-Za-z%])")


def utc(time: datetime) -> str:
    """A time as people read it."""
    return f"{time:%Y-%m-%d %H:%M:%S} UTC"


class Facts:
    """Names and values, one below the other.

    Args:
        values: What to show; a value that is None or empty is left out.
        fold: Break what does not fit even within a word: for a screen that is drawn anew.
    """

    def __init__(self, values: Mapping[str, object], *, fold: bool = False) -> None:
        shown = {name: str(value) for name, value in values.items() if value is not None}
        self.values = {name: value for name, value in shown.items() if value}
        self._fold = fold

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        indent = max(map(len, self.values), default=0) + _GAP
        width = options.max_width - indent if console.is_terminal else 0
        for name, value in self.values.items():
            for number, line in enumerate(_lines(value, width, fold=self._fold)):
                head = f"{'' if number else name:{indent}}"
                yield _unbroken(Text.assemble((head, "dim"), line))


class Rows:
    """A table.

    Args:
        columns: The names of the columns.
        rows: The values, as many in each; a value may have several lines.
        prose: The last column is a text: it may be broken into lines.
    """

    def __init__(
        self, columns: Sequence[str], rows: Iterable[Sequence[str]], *, prose: bool = False
    ) -> None:
        self.columns = columns
        self.rows = [tuple(row) for row in rows]
        self._prose = prose

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text | Facts]:
        widths = [
            max(len(line) for cell in cells for line in cell.splitlines() or [""])
            for cells in zip(self.columns, *self.rows, strict=True)
        ]
        if console.is_terminal:
            room = options.max_width - sum(widths[:-1]) - _GAP * (len(widths) - 1)
            least = min(widths[-1], _NARROWEST) if self._prose else widths[-1]
            if room < least:
                yield from self._one_below_the_other()
                return
            widths[-1] = min(widths[-1], room)
        yield _unbroken(Text(_row(self.columns, widths), style="dim"))
        for row in self.rows:
            cells = [cell.splitlines() or [""] for cell in row]
            if self._prose and row[-1]:
                cells[-1] = _lines(row[-1], widths[-1])
            for number in range(max(map(len, cells))):
                line = [cell[number] if number < len(cell) else "" for cell in cells]
                yield _unbroken(Text(_row(line, widths)))

    def _one_below_the_other(self) -> Iterator[Text | Facts]:
        for number, row in enumerate(self.rows):
            if number:
                yield Text("")
            cells = (", ".join(cell.splitlines()) for cell in row)
            yield Facts(dict(zip(self.columns, cells, strict=True)))


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    return (" " * _GAP).join(f"{cell:{width}}" for cell, width in zip(cells, widths, strict=True))


def _lines(text: str, width: int, *, fold: bool = False) -> list[str]:
    """Break a text into lines; a width of 0 or less stands for any."""
    if width <= 0:
        return [text]
    glued = _BETWEEN_NUMBER_AND_UNIT.sub(_NO_BREAK, text)
    lines = textwrap.wrap(
        glued, width, break_long_words=fold, break_on_hyphens=False, drop_whitespace=True
    )
    return [line.replace(_NO_BREAK, " ") for line in lines] or [""]


def _unbroken(text: Text) -> Text:
    text.rstrip()
    text.no_wrap, text.overflow = True, "ignore"
    return text
