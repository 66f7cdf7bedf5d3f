"""The light client's verdicts beside those of the executable specification."""

from __future__ import annotations

import json
import subprocess
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ape_v2v.lightnode.beacon import protocol
from ape_v2v.lightnode.beacon.reasons import LightClientError
from ape_v2v.lightnode.beacon.types import LATEST, forms
from tests.assurance.lightclient.cases import SIZE, Case, Cases
from tests.assurance.places import RESULTS
from tests.assurance.tools import NotInstallable, python_of

if TYPE_CHECKING:
    from ape_v2v.lightnode.beacon.protocol import SyncPosition

COUNT = 10_000
_SEED = 19
_SECONDS = 3_600
REFUSED = "refused"
_SHOWN = 5


def run(count: int = COUNT, seed: int = _SEED) -> dict[str, Any]:
    """Compare every update of the test chain, and so many changed ones."""
    try:
        oracle = python_of("consensus")
    except NotInstallable as error:
        return {"skipped": str(error), "faults": []}
    made = Cases(seed)
    true, changed = list(made.true()), list(made.changed(count))
    cases = true + changed
    ours = [_ours(made, case) for case in cases]
    theirs = _theirs(oracle, made, cases)
    return {
        "true": len(true),
        "changed": len(changed),
        "followed": sum(verdict != REFUSED for verdict in ours[len(true) :]),
        "faults": faults(cases, ours, theirs),
    }


def faults(cases: list[Case], ours: list[str], theirs: list[str]) -> list[str]:
    """Where the two do not agree, and what is wrong with a comparison that shows nothing."""
    differing = [
        f"case {number} (position {case.position}, slot {case.now}): {mine}, and by the "
        f"specification {other}"
        for number, (case, mine, other) in enumerate(zip(cases, ours, theirs, strict=True))
        if mine != other
    ]
    found = differing[:_SHOWN]
    if len(differing) > _SHOWN:
        found.append(f"and {len(differing) - _SHOWN} more")
    if len(set(theirs)) <= _SHOWN:
        found.append("the specification gives the same verdicts again and again")
    return found


def _ours(made: Cases, case: Case) -> str:
    position, network = made.positions[case.position], made.chain.network
    if case.update is None:
        return _digest(protocol.forced(position, case.now, network))
    try:
        return _digest(protocol.followed(position, case.update, case.now, network))
    except LightClientError:
        return REFUSED


def _theirs(oracle: Path, made: Cases, cases: list[Case]) -> list[str]:
    given = {
        "forks": {fork.name: (fork.version.hex(), fork.epoch) for fork in made.chain.network.forks},
        "genesis_validators_root": made.chain.network.genesis_validators_root.hex(),
        "positions": [_plain(position) for position in made.positions],
        "cases": [
            {
                "position": case.position,
                "now": case.now,
                "update": None if case.update is None else case.update.encode_bytes().hex(),
            }
            for case in cases
        ],
    }
    asked, answered = RESULTS / "light-client-cases.json", RESULTS / "light-client-verdicts.json"
    answered.unlink(missing_ok=True)
    asked.write_text(json.dumps(given), encoding="utf-8")
    program = Path(__file__).with_name("oracle.py")
    subprocess.run(
        [oracle, "-I", program, asked, answered],
        check=True,
        capture_output=True,
        timeout=_SECONDS,
    )
    verdicts: list[str] = json.loads(answered.read_text("utf-8"))
    return verdicts


def _plain(position: SyncPosition) -> dict[str, Any]:
    parts = {
        name: getattr(position, name)
        for name in ("finalized", "optimistic", "current", "next", "best")
    }
    return {
        name: None if part is None else part.encode_bytes().hex() for name, part in parts.items()
    } | {"previous_most": position.previous_most, "current_most": position.current_most}


def _digest(position: SyncPosition) -> str:
    nobody = forms(LATEST, SIZE).committee()
    parts = [
        position.finalized.hash_tree_root(),
        position.optimistic.hash_tree_root(),
        position.current.hash_tree_root(),
        (position.next or nobody).hash_tree_root(),
        bytes(32) if position.best is None else position.best.hash_tree_root(),
        position.previous_most.to_bytes(8, "big"),
        position.current_most.to_bytes(8, "big"),
    ]
    return sha256(b"".join(bytes(part) for part in parts)).hexdigest()
