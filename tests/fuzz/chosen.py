"""What the environment says about a run of these tests."""

import os
import secrets
from collections.abc import Callable
from pathlib import Path

from ethpm_types import ContractType

from .in_process import HAS_PYREVM


def any_seed() -> int:
    return secrets.randbelow(2**32)


def chosen_profile() -> str:
    """What V2V_FUZZ_PROFILE names, or what takes about half a minute here."""
    return os.environ.get("V2V_FUZZ_PROFILE") or ("dev" if HAS_PYREVM else "node")


def chosen_seed() -> int:
    """What V2V_FUZZ_SEED says, or anything."""
    return int(os.environ.get("V2V_FUZZ_SEED") or any_seed())


def chosen_workers() -> int:
    """How many processes V2V_FUZZ_WORKERS allows."""
    return int(os.environ.get("V2V_FUZZ_WORKERS") or 1)


def chosen_market(default: Callable[[], ContractType]) -> ContractType:
    """The contract type in the file that V2V_FUZZ_ARTIFACT names, or the default."""
    artifact = os.environ.get("V2V_FUZZ_ARTIFACT")
    if not artifact:
        return default()
    return ContractType.model_validate_json(Path(artifact).read_text(encoding="utf-8"))
