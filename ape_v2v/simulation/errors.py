"""What can go wrong in a simulation."""

from __future__ import annotations

from ape_v2v.errors import V2VError


class SimulationError(V2VError):
    """A simulation has found what must not be, or cannot go on."""


class ScenarioError(V2VError):
    """A scenario is not one: what, where, and what was expected."""
