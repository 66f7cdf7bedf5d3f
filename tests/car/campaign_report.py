"""What a campaign of two cars has found, as a report for people."""

from __future__ import annotations

import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tests.car.yard import DEADLINE, INCREMENT_WH, PORTION_WH
from tests.session.crash_report import PACKAGES


def write_report(path: str, found: dict[str, Any], *, seed: int, seconds: float) -> None:
    """Write a report in Markdown, and print it."""
    text = report(found, seed=seed, seconds=seconds)
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text, encoding="utf-8")
    print(text)


def report(found: dict[str, Any], *, seed: int, seconds: float) -> str:
    """The report as Markdown."""
    kills, node_faults = found["kills"], found["node_faults"]
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return "\n".join(
        [
            "# Two cars that trade by themselves",
            "",
            "Written by `ape run trade_cars`; do not edit. A consumer and a provider, each a",
            "process that does what `ape v2v car run` does, trade on an Anvil of their own. Both",
            "are killed at random instants with SIGKILL and started again with the same file,",
            "their lines to the node lose, delay and garble answers, and their meters give no",
            "reading now and then.",
            "In the end it is checked that",
            "",
            "- wallets and balances differ from the beginning by exactly the costs, the penalties",
            "  and the gas of each side's transactions;",
            "- each connection ended once, and both stores say of it what the chain says;",
            f"- no session delivered more than {INCREMENT_WH} Wh beyond what was paid;",
            f"- no round took longer than its deadlines, {DEADLINE} s in all.",
            "",
            "| what | how much |",
            "| --- | --- |",
            f"| rounds that ended in a connection's end | {found['rounds']} |",
            f"| of them with less than {PORTION_WH} Wh | {found['short']} |",
            f"| energy paid, Wh | {found['paid_wh']} |",
            f"| penalties that each side has lost, wei | {found['penalty']} |",
            "| kills of the consumer, of the provider | "
            f"{kills['consumer']}, {kills['provider']} |",
            "| faults on the line to the node, consumer's, provider's | "
            f"{node_faults['consumer']}, {node_faults['provider']} |",
            f"| most delivered beyond what was paid in a session, Wh | {found['most_lost_wh']} |",
            f"| longest round, from the request to the end, s | {found['slowest_s']:.0f} |",
            f"| the whole campaign, s | {seconds:.0f} |",
            "",
            "Decisions that both cars have written down:",
            "",
            "| decision | times |",
            "| --- | --- |",
            *(f"| {act} | {count} |" for act, count in found["decisions"].items()),
            "",
            f"Seed {seed}. Python {platform.python_version()}, {versions}.",
            "",
        ]
    )
