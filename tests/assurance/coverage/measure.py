"""What executed instructions mean for the sources: statements, and branches both ways.

A branch is a conditional jump that an `if`, a loop, `?:`, `&&` or `||` was compiled to. Those that
the compiler adds (the choice of the function, checks of arguments and of arithmetic) are none.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from ..tree import Node
from .build import Build, Place

EXECUTED, NOT_TAKEN, TAKEN = 1, 2, 4

Executed = Mapping[str, Mapping[int, int]]
"""What was executed, by contract and kind of code, and place in it, and which ways jumps went."""

_SIMPLE = {
    "EmitStatement",
    "ExpressionStatement",
    "Return",
    "RevertStatement",
    "VariableDeclarationStatement",
}
_COMPOUND = {"ForStatement", "IfStatement"}


class Site(NamedTuple):
    """A statement, or one way out of a condition."""

    source: str
    line: int
    function: str
    text: str
    """The statement's first line, or the condition and what it was not."""


class Coverage(NamedTuple):
    """Of each file, what there is and what was executed."""

    statements: dict[Site, bool]
    branches: dict[Site, bool]

    def joined(self, other: "Coverage") -> "Coverage":
        """With that of another contract, whose sources are others."""
        return Coverage(
            {**self.statements, **other.statements}, {**self.branches, **other.branches}
        )

    def missing(self) -> list[Site]:
        both = {**self.statements, **self.branches}
        return sorted(site for site, covered in both.items() if not covered)


def merged(parts: Iterable[Executed]) -> dict[str, dict[int, int]]:
    """What any of the tests has executed."""
    whole: dict[str, dict[int, int]] = {}
    for part in parts:
        for kind, places in part.items():
            of_kind = whole.setdefault(kind, defaultdict(int))
            for at, how in places.items():
                of_kind[int(at)] |= how
    return whole


def measure(build: Build, executed: Executed) -> Coverage:
    seen = _by_place(build, executed)
    statements: dict[Site, bool] = {}
    branches: dict[Site, bool] = {}
    for node in _nodes(build):
        if node.type in _SIMPLE:
            statements[_site(node)] = _was_executed(node, seen)
        elif _is_condition(node):
            how = seen.get(_place(node), 0)
            if node.type in _COMPOUND:
                statements[_site(node)] = bool(how & EXECUTED)
            for name, way in (("true", _true_way(node)), ("false", _false_way(node))):
                branches[_site(node, name)] = bool(how & way)
    return Coverage(statements, branches)


def _nodes(build: Build) -> Iterator[Node]:
    for source in build.program.sources():
        if build.target.has(source):
            for function in build.program.root(source).descendants():
                if function.type == "FunctionDefinition":
                    yield from function.descendants()


def _by_place(build: Build, executed: Executed) -> dict[Place, int]:
    seen: dict[Place, int] = defaultdict(int)
    for kind, instructions in build.instructions.items():
        ways = executed.get(kind, {})
        for instruction in instructions:
            if instruction.place is not None and instruction.at in ways:
                how = ways[instruction.at]
                seen[instruction.place] |= how if instruction.is_branch else EXECUTED
    return seen


def _was_executed(node: Node, seen: Mapping[Place, int]) -> bool:
    return any(
        place.source == node.source and node.start <= place.start and place.end <= node.end
        for place in seen
    )


def _is_condition(node: Node) -> bool:
    if node.type == "BinaryOperation":
        return node.data["operator"] in {"&&", "||"}
    return node.type in {*_COMPOUND, "Conditional"}


# An `if`, a loop and `?:` jump past what they guard when the condition is false; `||` jumps past
# its right side when the left one is true.
def _true_way(node: Node) -> int:
    return TAKEN if node.data.get("operator") == "||" else NOT_TAKEN


def _false_way(node: Node) -> int:
    return NOT_TAKEN if node.data.get("operator") == "||" else TAKEN


def _place(node: Node) -> Place:
    return Place(node.source, node.start, node.end)


def _site(node: Node, outcome: str = "") -> Site:
    condition = node.child("condition") or node.child("leftExpression") or node
    text = " ".join((condition if outcome else node).text.split("\n")[0].split())
    return Site(
        source=node.source,
        line=node.line,
        function=node.place,
        text=f"{text} is {outcome}" if outcome else text,
    )
