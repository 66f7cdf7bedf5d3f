"""What a campaign has done, as text, as JSON, and as a page; and how to go on with it."""

import json
import platform
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from eth_utils.crypto import keccak
from ethpm_types import ContractType

from ape_v2v.evm.chains import HARDFORK

from .campaign import Profile
from .in_process import HAS_PYREVM
from .tally import Tally
from .transitions import Transition

PACKAGES = ("hypothesis", "pyrevm", "eth-abi", "eth-account", "eth-ape")


@dataclass
class Campaign:
    """One campaign, as far as it has come."""

    name: str
    profile: Profile
    first_seed: int
    market: str
    """keccak256 of the creation code that was tested, whatever comments are in its sources."""
    versions: dict[str, str]
    tally: Tally = field(default_factory=Tally)
    seeds_done: int = 0
    seconds: float = 0.0
    day: str = field(default_factory=lambda: time.strftime("%Y-%m-%d"))

    @classmethod
    def of(cls, name: str, profile: Profile, first_seed: int, market: ContractType) -> "Campaign":
        return cls(name, profile, first_seed, fingerprint(market), versions())

    @property
    def finished(self) -> bool:
        return self.seeds_done == self.profile.seeds

    @property
    def seeds_left(self) -> range:
        return range(self.first_seed + self.seeds_done, self.first_seed + self.profile.seeds)

    def add(self, tally: Tally) -> None:
        self.tally.update(tally)
        self.seeds_done += 1

    def goes_on_from(self, earlier: "Campaign") -> bool:
        """Whether that was the same campaign of the same contract, and stopped before its end."""
        return not earlier.finished and self._identity() == earlier._identity()

    def _identity(self) -> tuple[object, ...]:
        return self.name, self.profile, self.first_seed, self.market, self.versions

    def as_json(self) -> dict[str, Any]:
        return {
            "profile": self.name,
            "seeds": self.profile.seeds,
            "steps_per_run": self.profile.steps,
            "first_seed": self.first_seed,
            "seeds_done": self.seeds_done,
            "runs": self.tally.runs_of(self.profile.steps),
            "steps": self.tally.steps,
            "calls": self.tally.calls,
            "missing": self.tally.missing(),
            "seconds": round(self.seconds, 1),
            "day": self.day,
            "market": self.market,
            "versions": self.versions,
            "tally": self.tally.as_json(),
        }

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> "Campaign":
        return cls(
            name=document["profile"],
            profile=Profile(document["seeds"], document["steps_per_run"]),
            first_seed=document["first_seed"],
            market=document["market"],
            versions=document["versions"],
            tally=Tally.from_json(document["tally"]),
            seeds_done=document["seeds_done"],
            seconds=document["seconds"],
            day=document["day"],
        )

    def save(self, path: Path) -> None:
        """Write the JSON, and beside it the page."""
        path.parent.mkdir(parents=True, exist_ok=True)
        for file, text in (
            (path, json.dumps(self.as_json(), indent=2) + "\n"),
            (path.with_suffix(".md"), page(self)),
        ):
            new = file.with_name(file.name + ".new")
            new.write_text(text, encoding="utf-8")
            new.replace(file)

    @classmethod
    def load(cls, path: Path) -> "Campaign | None":
        """The campaign that a report is of; None where there is none, or one of older tests."""
        if not path.exists():
            return None
        try:
            return cls.from_json(json.loads(path.read_text(encoding="utf-8")))
        except (KeyError, ValueError):  # it counts what is no longer counted
            return None


def summary(tally: Tally, seconds: float) -> str:
    """What was done, for a terminal."""
    lines = [calls(tally, seconds), ""]
    return "\n".join([*lines, *(f"{tally.transitions[one]:>8}  {one}" for one in Transition)])


def calls(tally: Tally, seconds: float) -> str:
    """Who was called, and what came of it."""
    lines = [
        f"{tally.runs} runs, {tally.steps} steps, {tally.calls} calls in {seconds:.1f} s: "
        f"{tally.steps / seconds:.0f} steps/s",
        "",
        f"{'function':<24} {'done':>8}   refused",
    ]
    for function, done, refused in functions(tally):
        lines.append(f"{function:<24} {done:>8}   {refused}")
    return "\n".join(lines)


def page(campaign: Campaign) -> str:
    """What was done, in Markdown."""
    tally, profile = campaign.tally, campaign.profile
    versions = ", ".join(f"{name} {number}" for name, number in campaign.versions.items())
    last_seed = campaign.first_seed + campaign.seeds_done - 1
    state = "All of it was done." if campaign.finished else "It was stopped before its end."
    missing = ", ".join(tally.missing()) or "nothing"
    whole = tally.runs_of(profile.steps)
    lines = [
        f"# The last `{campaign.name}` campaign",
        "",
        "Random people did random things to the market, and after every call contract and model",
        "were compared and the invariants checked: see [how](../security.md#how-it-is-checked).",
        "Written by `ape run fuzz`; the figures are in the JSON file beside this page.",
        "",
        "| | |",
        "| --- | --- |",
        f"| Day | {campaign.day} |",
        f"| Seeds | {campaign.first_seed} to {last_seed}, one for each 9 runs |",
        f"| Runs of {profile.steps} steps | {whole:,} |",
        f"| Shorter runs, which Hypothesis broke off | {tally.runs - whole:,} |",
        f"| Steps | {tally.steps:,} |",
        f"| Calls of the market, everything compared after each | {tally.calls:,} |",
        f"| Markets left by everybody in the end | {tally.departures:,} |",
        "| Failures | 0 |",
        f"| Never reached | {missing} |",
        f"| Duration | {campaign.seconds:,.0f} s; {tally.cpu_seconds:,.0f} s of CPU time |",
        f"| Market (keccak256 of its creation code, without metadata) | `{campaign.market}` |",
        f"| Versions | {versions} |",
        "",
        f"{state} The same again, by the same version of the tests: "
        f"`ape run fuzz --profile {campaign.name} --seed {campaign.first_seed}`.",
        "",
        "## Calls",
        "",
        "| function | done | refused |",
        "| --- | ---: | --- |",
        *(f"| {function} | {done:,} | {refused} |" for function, done, refused in functions(tally)),
        "",
        "## Transitions",
        "",
        "| what happened | how often |",
        "| --- | ---: |",
        *(f"| {one.value} | {tally.transitions[one]:,} |" for one in Transition),
    ]
    return "\n".join(lines) + "\n"


def functions(tally: Tally) -> Iterator[tuple[str, int, str]]:
    for function in sorted(tally.successes.keys() | tally.refusals.keys()):
        refusals = tally.refusals[function].most_common()
        listed = ", ".join(f"{name or 'no data'} {count}" for name, count in refusals)
        yield function, tally.successes[function], listed


def fingerprint(market: ContractType) -> str:
    """Of the code less the compiler's note at its end, in which the sources are hashed."""
    bytecode = market.deployment_bytecode
    assert bytecode is not None
    assert bytecode.bytecode is not None
    code = bytes.fromhex(bytecode.bytecode.removeprefix("0x"))
    length = int.from_bytes(code[-2:])
    return f"0x{keccak(code[: -length - 2]).hex()}"


def versions() -> dict[str, str]:
    packages = {name: version(name) for name in PACKAGES if HAS_PYREVM or name != "pyrevm"}
    return {"Python": platform.python_version(), **packages, "hardfork": HARDFORK}
