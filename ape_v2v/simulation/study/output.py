"""What a run leaves behind: tables, and a manifest that says what they were made of.

A table is CSV in one canonical form, whose hash counts, and Parquet with the same rows.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import platform
from dataclasses import astuple, dataclass, fields
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from ape_v2v.market.interface import contract as artifact
from ape_v2v.simulation.errors import SimulationError
from ape_v2v.simulation.result import AuctionRow, BidRow, VehicleRow
from ape_v2v.simulation.study.load import STEP, profile
from ape_v2v.simulation.study.metrics import Metrics, measure

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from ape_v2v.simulation.result import RunResult

MANIFEST = "manifest.json"
_PACKAGES = ("ape-v2v", "matplotlib", "pyarrow", "pyrevm", "scipy")


@dataclass(frozen=True)
class Table:
    """Rows under the names of their columns: whole numbers, texts, and numbers with nine digits."""

    name: str
    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]

    @property
    def csv(self) -> bytes:
        """The one form in which it is written."""
        text = io.StringIO(newline="")
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(self.columns)
        writer.writerows([[_cell(value) for value in row] for row in self.rows])
        return text.getvalue().encode()

    @property
    def sha256(self) -> str:
        """Of the CSV."""
        return hashlib.sha256(self.csv).hexdigest()


def tables(results: Sequence[RunResult], measured: Sequence[Metrics] | None = None) -> list[Table]:
    """The tables of one or more runs of a scenario.

    Args:
        results: The runs.
        measured: Their metrics, where they are known already.
    """
    found = list(measured) if measured is not None else [measure(result) for result in results]
    auctions = [row for result in results for row in result.auctions]
    return [
        _table("auctions", AuctionRow, auctions),
        _table("trades", AuctionRow, (row for row in auctions if row.delivered)),
        _table("bids", BidRow, (row for result in results for row in result.bids)),
        _vehicles(row for result in results for row in result.vehicles),
        _load(results),
        Table(
            "metrics",
            ("replicate", "seed", *(field.name for field in fields(Metrics))),
            [
                (result.replicate, result.seed, *astuple(metrics))
                for result, metrics in zip(results, found, strict=True)
            ],
        ),
    ]


def digest(found: Iterable[Table]) -> str:
    """One hash of all tables: the same wherever the same was run."""
    text = "".join(f"{table.name} {table.sha256}\n" for table in found)
    return hashlib.sha256(text.encode()).hexdigest()


def write(folder: Path, results: Sequence[RunResult], found: Sequence[Table]) -> None:
    """Write tables, the scenario, and the manifest.

    Raises:
        SimulationError: pyarrow is not installed.
        OSError: The folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    scenario = results[0].scenario
    said = json.dumps(scenario.model_dump(mode="json"), indent=2, sort_keys=True) + "\n"
    (folder / "scenario.json").write_text(said, "utf-8")
    for table in found:
        (folder / f"{table.name}.csv").write_bytes(table.csv)
        _write_parquet(folder / f"{table.name}.parquet", table)
    (folder / MANIFEST).write_text(json.dumps(manifest(results, found), indent=2) + "\n", "utf-8")


def manifest(results: Sequence[RunResult], found: Sequence[Table]) -> dict[str, Any]:
    """What was run, by what, and the hashes of what came of it."""
    scenario = results[0].scenario
    code = artifact.contract_type(artifact.name_for(scenario.market.paid_in)).runtime_bytecode
    bytecode = bytes.fromhex(str(code.bytecode).removeprefix("0x")) if code else b""
    return {
        "scenario": scenario.name,
        "scenarioSha256": scenario.digest,
        "seed": results[0].seed,
        "replicates": len(results),
        "bytecodeSha256": hashlib.sha256(bytecode).hexdigest(),
        "python": platform.python_version(),
        "versions": {name: _version(name) for name in _PACKAGES},
        "sha256": {f"{table.name}.csv": table.sha256 for table in found},
        "digest": digest(found),
        "blocksChecked": sum(result.blocks for result in results),
    }


def _table(name: str, kind: type[Any], rows: Iterable[Any]) -> Table:
    return Table(name, tuple(field.name for field in fields(kind)), [astuple(row) for row in rows])


def _vehicles(rows: Iterable[VehicleRow]) -> Table:
    columns = (*(field.name for field in fields(VehicleRow)), "gain")
    return Table("vehicles", columns, [(*astuple(row), row.gain) for row in rows])


def _load(results: Sequence[RunResult]) -> Table:
    rows = []
    for result in results:
        load = profile(result)
        lines = zip(load.base, load.without_market, load.with_market, strict=True)
        rows += [(result.replicate, step * STEP, *values) for step, values in enumerate(lines)]
    return Table("load", ("replicate", "time", "base", "without_market", "with_market"), rows)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(int(value))
    return f"{value:.9g}" if isinstance(value, float) else str(value)


def _write_parquet(path: Path, table: Table) -> None:
    try:
        import pyarrow  # noqa: PLC0415 - an extra
        from pyarrow import parquet  # noqa: PLC0415 - likewise
    except ImportError as error:
        raise SimulationError(
            f"tables need pyarrow ({error}): install the extra, `pip install 'ape-v2v[simulation]'`"
        ) from error
    columns = {
        name: [_storable(row[at]) for row in table.rows] for at, name in enumerate(table.columns)
    }
    arrays = {}
    for name, values in columns.items():
        wide = any(isinstance(value, int) and abs(value) >= 2**63 for value in values)
        arrays[name] = (
            [None if value is None else str(value) for value in values] if wide else values
        )
    parquet.write_table(pyarrow.table(arrays), path)


def _storable(value: Any) -> Any:
    return int(value) if isinstance(value, bool) else value


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
