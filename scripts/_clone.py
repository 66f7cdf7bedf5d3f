"""Scripts that use what is in the clone and not in the package: benchmarks/ and tests/."""

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

_ROOT = str(Path(__file__).resolve().parents[1])


def of_the_clone(name: str) -> Any:
    """A module of the clone, whatever installed packages call theirs: some carry a `benchmarks`.

    Load it when it is needed: Ape imports all scripts for each of them.
    """
    if _ROOT not in sys.path[:1]:
        sys.path.insert(0, _ROOT)  # Ape appends it
    return import_module(name)


def of_the_tests(name: str) -> Any:
    """A module of the tests."""
    return of_the_clone(f"tests.{name}")
