"""How the model says no."""

from typing import Any


class Refused(Exception):
    """The market reverts, with this error and these values. One without data has the name ""."""

    def __init__(self, name: str, *values: Any) -> None:
        super().__init__(name, *values)
        self.name = name
        self.values = values
