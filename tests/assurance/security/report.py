"""Table III as a page and as JSON. Every figure is read or measured."""

import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from ape_v2v.evm.node import AnvilChain
from tests.fuzz.campaign import Build
from tests.fuzz.report import versions
from tests.model.market import Parameters

from ..compiler import settings
from ..places import DOCS, ROOT
from ..tables import table
from ..tools import LOCKS
from . import ordering
from .evidence import Found, Measured, Results
from .ordering import share
from .rows import NOT_RUN, Row, rows

PAPER_GAS_PRICE = 10**9  # wei
RUN_HEADS = ("run", "day", "code", "command")
ORDER_HEADS = (
    "auction",
    "winner",
    "the consumer pays",
    "more by",
    "the honest EV gains more by",
    "the attacker gains more by",
    "gas, honest",
    "gas, attacker",
)
ROLES = {
    ordering.HONEST: "the honest EV",
    ordering.ATTACKER: "the attacker",
    ordering.OTHER: "the third",
}
PAGE = """\
# Table III, today

The paper had its contract examined by Oyente, which knows neither today's compiler nor today's
EVM. These are its rows, each beside what tools and tests find in this market. Written by
`ape run security_report`, from what earlier runs have left and from what it measures itself; what
has not been run is shown so. "None found" is what it says: not a proof.

{table}

## Order of transactions

Three EVs bid for one auction, played on Anvil with the default parameters except where it says
otherwise. Their energy costs them, in per cent of the most that the consumer pays: {costs}.
The reserve is {reserve:,} wei, the minimum decrement {decrement:g} % of the best bid, and a block
takes {block} s. The attacker decides the order, or waits for the last second. Shares are of the
reserve, "more" is against the same kind of auction without the trick. Gas is of all bids, refused
ones too, and its share at the paper's price, {gas_price:g} gwei; no gain has it deducted.

{orders}

- Where bids are answered, a front-runner wins nothing: it comes down to its own costs and no
  further. Both sides pay for the gas.
- Who bids once and does not look again can lose the auction to whoever copies the bid before it.
  Bid in steps, and answer: `ape v2v auction autobid` does.
- With a hard close (`extensionWindow` 0), the last second decides, and the consumer pays for it.
  Extensions end that, up to their limit: in a short bidding, who bids in every last second reaches
  the limit before the price has come down, and that is a hard close again. Consumers do better
  with a longer bidding time.
- While it leads, the attacker has its bond locked, {bonds} of the reserve, and if it does not
  deliver it loses a penalty out of it.

Not measured: a block builder that leaves the answers out altogether, which is as a hard close.

## The clock

Since the Merge, the time of a block on Ethereum's main network is fixed by its slot, every 12 s; on
other chains, who makes the blocks has some freedom. Inside the windows, it changes nothing:

{shifts}

At the end of a window, a second decides. The first auction has a hard close:

{boundaries}

The settlement window ends the same way: a receipt that comes after somebody has let the connection
expire is too late, and costs a penalty. Not measured here.

## Coverage, by file

{coverage}

## Mutants, by what was changed

{mutants}

Each is the market with one change; how they are made and killed: [analysis](analysis.md). Those
that survived are listed with the reason in
[mutants.yaml](../../tests/assurance/lists/mutants.yaml).

## What the report rests on

{runs}

"This" code is the market whose creation code, without metadata, has the keccak256
`{market}`.
Where none is recorded, the day is that of the file. Day of this report: {day}.
Versions: {versions}.
"""


@dataclass
class Report:
    found: Found
    measured: Measured

    @cached_property
    def rows(self) -> list[Row]:
        return rows(self.found, self.measured)

    def as_json(self) -> dict[str, Any]:
        return {
            "day": time.strftime("%Y-%m-%d"),
            "versions": _versions(),
            "compiler": settings(),
            "rows": [asdict(row) for row in self.rows],
            "measured": self.measured._asdict(),
            "coverage": (self.found.stages["coverage"] or {}).get("files"),
            "mutants": (self.found.mutants or {}).get("operators"),
            "runs": [dict(zip(RUN_HEADS, run, strict=True)) for run in self._runs()],
        }

    def page(self) -> str:
        heads = ("", "Oyente, 2020", "here", "in a sentence", "evidence")
        rows = [(r.parameter, r.paper, f"**{r.here}**", r.why, r.evidence) for r in self.rows]
        words = self.measured
        return PAGE.format(
            table=table(heads, rows),
            costs=", ".join(f"{ROLES[who]} {part} %" for who, part in ordering.COSTS.items()),
            decrement=Parameters().min_decrement_bps / 100,
            block=ordering.BLOCK,
            gas_price=PAPER_GAS_PRICE / 10**9,
            bonds=" or ".join(sorted({share(row["bond"]) for row in words.orders})),
            reserve=ordering.RESERVE,
            orders=table(ORDER_HEADS, [self._order(row) for row in words.orders]),
            shifts=table(
                ("blocks later by, s", "the consumer pays, wei", "the provider gains, wei"),
                [(r["shift"], f"{r['paid']:,}", f"{r['profit']:,}") for r in words.shifts],
            ),
            boundaries=table(
                ("", "one second before", "from then on", "costs who is late"),
                [
                    (
                        row["moment"],
                        _accepted(row["before"]),
                        _accepted(row["from then on"]),
                        share(row["costs"]),
                    )
                    for row in words.boundaries
                ],
            ),
            coverage=self._coverage(),
            mutants=self._mutants(),
            runs=table(RUN_HEADS, self._runs()),
            market=words.market,
            versions=", ".join(" ".join(one) for one in _versions().items()),
            day=time.strftime("%Y-%m-%d"),
        )

    # --- Tables -----------------------------------------------------------------------------------

    def _order(self, row: Mapping[str, Any]) -> tuple[object, ...]:
        if row["against"]:
            change = ordering.compared(row, self.measured.orders)
            changes = [_signed(change[who]) for who in ("paid", "honest", "attacker")]
        else:
            changes = ["", "", ""]
        gas = [
            f"{row['gas'][who]:,} ({share(row['gas'][who] * PAPER_GAS_PRICE)})"
            for who in (ordering.HONEST, ordering.ATTACKER)
        ]
        return row["case"], ROLES[row["winner"]], share(row["paid"]), *changes, *gas

    def _coverage(self) -> str:
        found = self.found.stages["coverage"]
        if found is None:
            return f"Coverage: {NOT_RUN}."
        kinds = ("lines", "statements", "branches")
        rows = [
            (
                source.removeprefix("contracts/"),
                *(f"{counts.get(f'{k}_executed', 0)} of {counts.get(k, 0)}" for k in kinds),
            )
            for source, counts in found["files"].items()
        ]
        return table(("file", *kinds), rows)

    def _mutants(self) -> str:
        found = self.found.mutants
        if found is None:
            return f"Mutants: {NOT_RUN}."
        part = "All of them" if found["every"] == 1 else f"One in {found['every']} of them"
        words = (
            f"{part}: {found['mutants']:,}, with {found['distinct']:,} different codes. Of those "
            f"that are a program and another one, {100 * found['killed_share']:.1f} % were killed."
        )
        verdicts = list(found["verdicts"])
        rows = [
            (operator.replace("_", " "), *(counts.get(verdict, 0) for verdict in verdicts))
            for operator, counts in found["operators"].items()
        ]
        rows.append(("all", *found["verdicts"].values()))
        return f"{words}\n\n{table(('changed', *verdicts), rows)}"

    def _runs(self) -> list[tuple[str, str, str, str]]:
        runs = []
        for name, stage in self.found.stages.items():
            if name == "mutation-sample" and self.found.stages["mutation"]:
                continue  # a part of the other
            command = f"`make assure STAGES={name}`"
            runs.append((name, *self._origin(stage), command))
        command = "`ape run fuzz --profile nightly --report docs/assurance/nightly.json`"
        runs.append(("property tests", *self._origin(self.found.nightly), command))
        return runs

    def _origin(self, run: Results | None) -> tuple[str, str]:
        if run is None:
            return NOT_RUN, ""
        same = "this" if run.get("market") == self.measured.market else "another"
        return run["day"], same if "market" in run else "not recorded"


def write(build: Build, folder: Path = DOCS) -> list[Row]:
    """Measure, read, and write security-report.md and .json, and what they rest on."""
    with AnvilChain() as chain:
        report = Report(Found.read(), Measured.of(build, chain))
    report.found.keep(folder)
    (folder / "security-report.md").write_text(report.page(), encoding="utf-8")
    text = json.dumps(report.as_json(), indent=2, ensure_ascii=False)
    (folder / "security-report.json").write_text(text + "\n", encoding="utf-8")
    return report.rows


def _signed(amount: int) -> str:
    return f"{100 * amount / ordering.RESERVE:+.2f} %"


def _accepted(accepted: bool) -> str:
    return "accepted" if accepted else "refused"


def _versions() -> dict[str, str]:
    """Of everything that measures, the analysis tools as they are pinned."""
    config = yaml.safe_load((ROOT / "ape-config.yaml").read_text(encoding="utf-8"))
    pinned = [file.read_text(encoding="utf-8").split() for file in sorted(LOCKS.glob("*.in"))]
    tools = dict(line.split("==") for lines in pinned for line in lines if "==" in line)
    return {**versions(), "solc": config["solidity"]["version"], **tools}
