"""Scripts that use what is under tests/."""

from importlib import import_module
from typing import Any


def of_the_tests(name: str) -> Any:
    """A module of the tests, loaded when it is needed: Ape imports all scripts for each of them."""
    return import_module(f"tests.{name}")
