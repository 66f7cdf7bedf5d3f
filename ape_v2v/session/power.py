"""Power over time in a session, as its readings tell: for a chart in a terminal, or a file."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self

from ape_v2v.errors import ConfigurationError, V2VError

if TYPE_CHECKING:
    from pathlib import Path

    from ape_v2v.session.store import Store

_BLOCKS = " ▁▂▃▄▅▆▇█"
_KILO = 1000


@dataclass(frozen=True)
class PowerCurve:
    """The power of a session's readings."""

    points: tuple[tuple[float, int], ...]
    """When, seconds since 1970, and how much, W; by time."""

    @classmethod
    def of(cls, store: Store, token: bytes) -> Self:
        """The power in one of a store's connections."""
        measured = store.statements.measured(token)
        return cls(tuple(sorted((at, reading.power_w) for at, reading in measured)))

    @property
    def seconds(self) -> float:
        """From the first reading to the last."""
        return self.points[-1][0] - self.points[0][0] if self.points else 0.0

    @property
    def most_w(self) -> int:
        """The highest power, W."""
        return max((power for _, power in self.points), default=0)

    def columns(self, width: int) -> list[float]:
        """The power in so many equal parts of the time, W; where none was read, the one before."""
        if not self.points:
            return []
        first, span = self.points[0][0], self.seconds or 1.0
        parts: list[list[int]] = [[] for _ in range(width)]
        for at, power in self.points:
            parts[min(width - 1, int((at - first) / span * width))].append(power)
        columns, last = [], float(self.points[0][1])
        for part in parts:
            last = sum(part) / len(part) if part else last
            columns.append(last)
        return columns

    def chart(self, width: int = 60, height: int = 8) -> list[str]:
        """Lines of a chart for a terminal, the highest first."""
        if not self.points or not self.most_w:
            return []
        steps = len(_BLOCKS) - 1
        levels = [round(power / self.most_w * height * steps) for power in self.columns(width)]
        lines = []
        for row in reversed(range(height)):
            blocks = "".join(_BLOCKS[min(steps, max(0, level - row * steps))] for level in levels)
            label = {height - 1: f"{self.most_w / _KILO:.1f} kW", 0: "0 kW"}.get(row, "")
            lines.append(f"{label:>9} │{blocks}")
        began, ended = (
            f"{datetime.fromtimestamp(self.points[at][0], UTC):%H:%M:%S}" for at in (0, -1)
        )
        return [*lines, " " * 11 + f"{began}{ended:>{width - len(began)}} UTC"]

    def plot(self, path: Path, title: str) -> None:
        """Write the chart into a file: PNG, SVG or PDF, by its name.

        Raises:
            ConfigurationError: What draws is not installed.
            V2VError: There is nothing to draw, or the file cannot be written.
        """
        if not self.points:
            raise V2VError("there is no reading in this session: nothing to draw")
        try:
            from matplotlib.figure import Figure  # noqa: PLC0415 - an extra
        except ImportError as error:
            raise ConfigurationError(
                "plots take the extra `report`: install ape-v2v[report]"
            ) from error
        figure = Figure(figsize=(8, 4), layout="constrained")
        axes: Any = figure.subplots()
        began = self.points[0][0]
        axes.step(
            [(at - began) / 60 for at, _ in self.points],
            [power / _KILO for _, power in self.points],
            where="post",
        )
        axes.set(title=title, xlabel="time, min", ylabel="power, kW", ylim=(0, None))
        axes.grid(visible=True, alpha=0.3)
        try:
            figure.savefig(path)
        except (OSError, ValueError) as error:
            raise V2VError(f"{path} cannot be written: {error}; give a .png or .svg") from error
