"""What runs have left, and what is measured for the report itself."""

import json
import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ape_v2v.evm.chains import Chain
from tests.fuzz.campaign import Build
from tests.fuzz.report import fingerprint

from ..compiler import is_of_the_market, market_sources
from ..places import DOCS, RESULTS
from . import opcodes, ordering

# Seconds: one second, a slot of Ethereum's main network, and what old nodes let a miner choose.
SHIFTS = (0, 1, 12, 900)
STAGES = ("coverage", "slither", "halmos", "mutation-sample", "mutation")
KEPT = "runs"
"""The folder of what the report rests on."""
_PLANTED = re.compile(r"^\| (.+?) \| ([\d,]+) \| [\d,]+ \|$", re.M)

Results = Mapping[str, Any]


class Found(NamedTuple):
    """What runs have left; None for those that have not been."""

    stages: dict[str, Results | None]
    nightly: Results | None
    planted: dict[str, int]
    """After how many steps each planted bug was found."""

    @property
    def mutants(self) -> Results | None:
        """Of the run over all of them, or over the sample."""
        return self.stages["mutation"] or self.stages["mutation-sample"]

    def keep(self, docs: Path = DOCS) -> None:
        """Put beside the report what it rests on: results of a clone are gone with it."""
        folder = docs / KEPT
        folder.mkdir(parents=True, exist_ok=True)
        for name, found in self.stages.items():
            if found is not None:
                text = json.dumps(found, indent=2, ensure_ascii=False)
                (folder / f"{name}.json").write_text(text + "\n", encoding="utf-8")

    @classmethod
    def read(cls, results: Path = RESULTS, docs: Path = DOCS) -> "Found":
        """What this clone has run, else what the last report rested on."""
        planted = docs / "planted-bugs.md"
        page = planted.read_text(encoding="utf-8") if planted.is_file() else ""
        return cls(
            stages={name: _load(results / f"{name}.json") or kept(name, docs) for name in STAGES},
            nightly=_load(docs / "nightly.json"),
            planted={name: int(n.replace(",", "")) for name, n in _PLANTED.findall(page)},
        )


class Measured(NamedTuple):
    """What is measured for the report itself."""

    market: str
    instructions: dict[str, int]
    initializers: list[str]
    """Functions that could be meant to be called once, after the deployment."""
    unchecked: dict[str, int]
    orders: ordering.Rows
    shifts: ordering.Rows
    boundaries: ordering.Rows

    @classmethod
    def of(cls, build: Build, chain: Chain) -> "Measured":
        interface = build.artifacts().market
        return cls(
            market=fingerprint(build.market),
            instructions=opcodes.counts(_deployed(build)),
            initializers=[m.name for m in build.market.methods if "init" in m.name.lower()],
            unchecked=_unchecked_blocks(),
            orders=ordering.orders(chain, interface),
            shifts=ordering.shifts(chain, interface, SHIFTS),
            boundaries=ordering.boundaries(chain, interface),
        )


def kept(name: str, docs: Path) -> Results | None:
    """A stage's results that an earlier report has kept."""
    return _load(docs / KEPT / f"{name}.json")


def _load(path: Path) -> Results | None:
    if not path.is_file():
        return None
    day = time.strftime("%Y-%m-%d", time.localtime(path.stat().st_mtime))
    return {"day": day, **json.loads(path.read_text(encoding="utf-8"))}


def _deployed(build: Build) -> bytes:
    bytecode = build.market.runtime_bytecode
    if bytecode is None or bytecode.bytecode is None:
        raise ValueError(f"{build.market.name} has no code to be deployed")
    return bytes.fromhex(bytecode.bytecode.removeprefix("0x"))


def _unchecked_blocks() -> dict[str, int]:
    counted = {
        name: len(re.findall(r"\bunchecked \{", text))
        for name, text in market_sources().items()
        if is_of_the_market(name)
    }
    return {name: number for name, number in counted.items() if number}
