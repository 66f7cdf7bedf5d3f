"""What a campaign of kills has tried and found, as a report for people."""

from __future__ import annotations

import platform
from collections import Counter
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

MAX_UNACKNOWLEDGED_WH = 100
KINDS = ("boundary", "random", "restart")
PACKAGES = ("ape-v2v", "eth-ape", "ape-foundry", "fastapi", "uvicorn", "httpx")


@dataclass(frozen=True)
class Run:
    """One session with kills in it, settled in the end."""

    kind: str
    """One of `KINDS`; `restart` at random instants too, with a register that begins again."""
    kills: tuple[str, ...]
    """Where, or how long after the side before was started or killed."""
    exposed_wh: float
    """The most that was delivered and not acknowledged at a kill."""
    loss_wh: float
    """Delivered and not paid in the end."""
    seconds: float


def write_report(path: str, runs: list[Run], *, seed: int, seconds: float) -> None:
    """Write a report in Markdown, and print its table."""
    text = report(runs, seed=seed, seconds=seconds)
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text, encoding="utf-8")
    print(text)


def report(runs: list[Run], *, seed: int, seconds: float) -> str:
    """The report as Markdown."""
    kinds = {kind: [run for run in runs if run.kind == kind] for kind in KINDS}
    rows = [
        f"| {kind} | {len(of)} | {sum(len(run.kills) for run in of)} | {_exposed(of):.1f} | "
        f"{_worst(of):.1f} | {max((run.seconds for run in of), default=0):.1f} |"
        for kind, of in kinds.items()
    ]
    at = Counter(kill for run in kinds["boundary"] for kill in run.kills)
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return "\n".join(
        [
            "# Kills of a charging session",
            "",
            "Written by `ape run crash_session`; do not edit. Every kill is a SIGKILL of a real",
            "process, on a real Anvil, followed by a start of the same side with the same store.",
            "Every session was settled on the chain in the end, and each run checks that",
            "",
            "- no receipt that either store held when a side was killed is missing at the end;",
            "- the connection ended on the chain exactly once, for the highest receipt that the",
            "  provider has, and both balances moved by exactly its cost and the penalty;",
            f"- at most {MAX_UNACKNOWLEDGED_WH} Wh (`maxUnacknowledgedWh`) were delivered and not",
            "  acknowledged at each kill (lost if that side never came back), or not paid at the",
            "  end.",
            "",
            f"{sum(len(run.kills) for run in runs)} kills in {len(runs)} sessions, seed {seed}, "
            f"{seconds:.0f} s. At a kill, at most {_exposed(runs):.1f} Wh were not "
            f"acknowledged; in the end, at most {_worst(runs):.1f} Wh were not paid.",
            "",
            "| kills | sessions | kills in all | most not acknowledged, Wh | most not paid, Wh | "
            "longest session, s |",
            "| --- | --- | --- | --- | --- | --- |",
            *rows,
            "",
            f"Python {platform.python_version()}, {versions}.",
            "",
            "## At boundaries",
            "",
            "| boundary | kills |",
            "| --- | --- |",
            *(f"| `{where}` | {count} |" for where, count in sorted(at.items())),
            "",
            "## At random instants",
            "",
            "Which side was killed, and how long after the kill before it (or the start). In",
            "sessions of the kind `restart` both meters sign OCMF records, either side is killed,",
            "or both are, and the register of one of them begins again at 0 at some kill.",
            "",
            "| kind | kills | most not acknowledged, Wh | not paid, Wh |",
            "| --- | --- | --- | --- |",
            *(
                f"| {run.kind} | {', '.join(run.kills)} | {run.exposed_wh:.1f} | "
                f"{run.loss_wh:.1f} |"
                for kind in ("random", "restart")
                for run in kinds[kind]
            ),
            "",
        ]
    )


def _exposed(runs: list[Run]) -> float:
    return max((run.exposed_wh for run in runs), default=0.0)


def _worst(runs: list[Run]) -> float:
    return max((run.loss_wh for run in runs), default=0.0)
