"""Scripts that use what is under tests/."""

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import ape


def of_the_tests(name: str) -> Any:
    """A module of the tests, which are no package of their own."""
    tests = str(Path(ape.project.path, "tests"))
    if tests not in sys.path:
        sys.path.insert(0, tests)
    return import_module(name)
