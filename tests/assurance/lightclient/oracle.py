"""What the executable specification says of the cases in a file: a program of its own environment.

    python oracle.py CASES VERDICTS

It shares no code with the light client but the SSZ library and the one for signatures.
"""

import json
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

from eth_consensus_specs.fulu import minimal as spec

_NEVER = 2**64 - 1


def main(cases_path: str, verdicts_path: str) -> None:
    given = json.loads(Path(cases_path).read_text("utf-8"))
    changes = {}
    for name, (version, epoch) in given["forks"].items():
        changes[f"{name.upper()}_FORK_VERSION"] = spec.Version(bytes.fromhex(version))
        changes[f"{name.upper()}_FORK_EPOCH"] = spec.Epoch(epoch)
    spec.config = spec.config._replace(**changes)
    root = spec.Root(bytes.fromhex(given["genesis_validators_root"]))
    positions = given["positions"]
    verdicts = [verdict(positions[case["position"]], case, root) for case in given["cases"]]
    Path(verdicts_path).write_text(json.dumps(verdicts), encoding="utf-8")


def verdict(position: dict[str, Any], case: dict[str, Any], root: spec.Root) -> str:
    """Refused, or a digest of the store afterwards."""
    store = stored(position)
    now = spec.Slot(case["now"])
    if case["update"] is None:
        spec.process_light_client_store_force_update(store, now)
        return digest(store)
    update = spec.LightClientUpdate.decode_bytes(bytes.fromhex(case["update"]))
    try:
        spec.process_light_client_update(store, update, now, root)
    except (AssertionError, ValueError, IndexError):
        return "refused"
    return digest(store)


def stored(position: dict[str, Any]) -> spec.LightClientStore:
    def read(kind: Any, name: str) -> Any:
        value = position[name]
        return None if value is None else kind.decode_bytes(bytes.fromhex(value))

    return spec.LightClientStore(
        finalized_header=read(spec.LightClientHeader, "finalized"),
        current_sync_committee=read(spec.SyncCommittee, "current"),
        next_sync_committee=read(spec.SyncCommittee, "next") or spec.SyncCommittee(),
        best_valid_update=read(spec.LightClientUpdate, "best"),
        optimistic_header=read(spec.LightClientHeader, "optimistic"),
        previous_max_active_participants=position["previous_most"],
        current_max_active_participants=position["current_most"],
    )


def digest(store: spec.LightClientStore) -> str:
    best = store.best_valid_update
    parts = [
        store.finalized_header.hash_tree_root(),
        store.optimistic_header.hash_tree_root(),
        store.current_sync_committee.hash_tree_root(),
        store.next_sync_committee.hash_tree_root(),
        bytes(32) if best is None else best.hash_tree_root(),
        int(store.previous_max_active_participants).to_bytes(8, "big"),
        int(store.current_max_active_participants).to_bytes(8, "big"),
    ]
    return sha256(b"".join(bytes(part) for part in parts)).hexdigest()


if __name__ == "__main__":
    main(*sys.argv[1:])
