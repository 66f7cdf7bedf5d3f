"""The page that phones open: its contracts' interface, and building it.

`python -m toolchain.web` builds `web/` into the package, where `ape v2v serve` finds it; so does
`make setup` when something in `web/` has changed.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from toolchain.commands import ROOT, SetupError, run_quietly, say

if TYPE_CHECKING:
    from collections.abc import Iterator

ARTIFACTS = ROOT / "ape_v2v" / "market" / "interface" / "artifacts"
INTERFACE = ROOT / "web" / "src" / "chain" / "abi.ts"
BUILT = ROOT / "ape_v2v" / "service" / "page"

_HEADER = "// Written by `ape run artifact` from the compiled contracts; do not edit.\n"
# What the page calls and reads of a token.
_OF_THE_TOKEN = ("allowance", "approve", "balanceOf")


def main() -> int:
    try:
        build()
    except SetupError as error:
        print(f"\nsetup: {error}", file=sys.stderr)
        return 1
    return 0


def build() -> None:
    """Build the page into the package."""
    say("the page for phones")
    vite = ROOT / "node_modules" / ".bin" / "vite"
    run_quietly([vite, "build", ROOT / "web", "--logLevel", "warn"], "the page cannot be built")


def interface() -> str:
    """`abi.ts`: what both markets and a token have, so that the page and they cannot differ.

    The two markets are alike but for the ways in which money comes and goes: one list has both.
    """
    market = {
        json.dumps(_key(entry)): entry for entry in [*_abi("V2VMarket"), *_abi("V2VTokenMarket")]
    }
    of_the_market = [
        entry for entry in market.values() if entry["type"] in ("function", "error", "event")
    ]
    token = [
        entry
        for entry in _abi("ICurrency")
        if entry["type"] == "error" or entry.get("name") in _OF_THE_TOKEN
    ]
    errors = {entry["name"] for entry in [*of_the_market, *token] if entry["type"] == "error"}
    names = "\n".join(f"  | '{name}'" for name in sorted(errors))
    return (
        _HEADER
        + f"export const marketAbi = {_listed(of_the_market)} as const\n"
        + f"export const tokenAbi = {_listed(token)} as const\n"
        + f"export type ErrorName =\n{names}\n"
    )


def _abi(name: str) -> list[dict[str, Any]]:
    artifact = json.loads((ARTIFACTS / f"{name}.json").read_text(encoding="utf-8"))
    abi: list[dict[str, Any]] = artifact["abi"]
    return abi


def _key(entry: dict[str, Any]) -> list[Any]:
    return [entry["type"], entry.get("name"), [one["type"] for one in entry.get("inputs", [])]]


def _listed(entries: list[dict[str, Any]]) -> str:
    rows = (json.dumps(_slim(entry), separators=(",", ":")) for entry in entries)
    return "[\n" + "".join(f"  {row},\n" for row in rows) + "]"


def _slim(entry: dict[str, Any]) -> dict[str, Any]:
    """An entry without what only Solidity wants to know."""
    return dict(_slimmed(entry))


def _slimmed(entry: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, value in entry.items():
        if key in ("inputs", "outputs", "components"):
            yield key, [_slim(one) for one in value]
        elif key not in ("internalType", "anonymous"):
            yield key, value


if __name__ == "__main__":
    sys.exit(main())
