"""The report: everything measured in one run, as tables."""

from __future__ import annotations

import json
import os
import platform
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from ape_v2v.evm.chains import HARDFORK
from benchmarks.gas.ganache import HARDFORK as HARDFORK_2020
from benchmarks.gas.sections import (
    floors,
    functions,
    growth,
    money,
    repricing,
    reproduction,
    same_pair,
    targets,
    throughput,
    tokens,
    trades,
)
from benchmarks.gas.tables import Table, as_csv

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.gas.measurements import Measurements, TokenCosts
    from benchmarks.gas.prices import Currency
    from benchmarks.gas.sources import Sources


@dataclass(frozen=True)
class Report:
    """Tables, and what they were measured with."""

    date: datetime
    versions: dict[str, str]
    tables: list[Table]
    measurements: Measurements

    def as_dict(self) -> dict[str, Any]:
        return {
            "date": self.date.isoformat(timespec="seconds"),
            "versions": self.versions,
            "tables": {table.name: table.as_records() for table in self.tables},
        }

    def as_json(self) -> str:
        return json.dumps(self.as_dict(), indent=2, ensure_ascii=False) + "\n"

    def as_csv(self) -> str:
        return as_csv(self.tables)


def build(m: Measurements, sources: Sources, currencies: Mapping[str, Currency]) -> Report:
    """Compare what was measured."""
    tables = [
        targets.table(m),
        functions.table(m),
        *([reproduction.table(m.reproduction)] if m.reproduction else []),
        floors.table(m),
        same_pair.table(m),
        trades.table(m),
        trades.ratios(m),
        *(growth.table(one) for one in m.growth),
        repricing.table(m),
        *(money.table(m, name, currency) for name, currency in currencies.items()),
        *(_in_tokens(m.tokens) if m.tokens else []),
        throughput.capacity(m),
        *([throughput.one_node(m.throughput)] if m.throughput else []),
    ]
    return Report(datetime.now(UTC), _versions(m, sources), tables, m)


def _in_tokens(costs: TokenCosts) -> list[Table]:
    sections = (tokens.targets, tokens.ways, tokens.together, tokens.sponsored)
    return [section(costs) for section in sections]


def _versions(m: Measurements, sources: Sources) -> dict[str, str]:
    settings = sources.settings
    versions = {
        "chain": f"{m.node}, hardfork {HARDFORK}",
        "compiler": f"solc {settings['version']}, {settings['evm_version']}, "
        f"{settings['optimization_runs']} runs",
        "ape-v2v": version("ape-v2v"),
        "eth-ape": version("eth-ape"),
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors",
    }
    if m.reproduction:
        versions["chain of 2020"] = f"{m.reproduction.node}, hardfork {HARDFORK_2020}"
    return versions
