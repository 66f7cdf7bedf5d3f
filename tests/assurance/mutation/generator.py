"""All mutants of a contract, from the compiler's syntax trees."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..compiler import ETHER_MARKET, Sources, Target
from ..tree import Node, Program
from .mutants import Mutant
from .operators import OPERATORS


def generate(
    sources: Sources, trees: Mapping[str, Any], target: Target = ETHER_MARKET
) -> list[Mutant]:
    """Every mutant that an operator makes of the sources under examination, each text once."""
    program = Program(sources, trees)
    found: dict[tuple[str, bytes, int, int], Mutant] = {}
    for source in program.sources():
        if target.has(source):
            for mutant in _of(program, program.root(source)):
                change = (mutant.source, mutant.replacement.encode(), mutant.start, mutant.end)
                found.setdefault(change, mutant)
    return list(_numbered(found.values()))


def _numbered(mutants: Iterable[Mutant]) -> Iterator[Mutant]:
    seen: Counter[str] = Counter()
    for mutant in mutants:
        seen[mutant.key] += 1
        yield mutant._replace(number=seen[mutant.key])


def _of(program: Program, root: Node) -> Iterator[Mutant]:
    for node in root.descendants():
        for operator in OPERATORS.get(node.type, ()):
            for start, end, replacement in operator(program, node):
                yield _mutant(operator.__name__, node, start, end, replacement)


def _mutant(operator: str, node: Node, start: int, end: int, replacement: str) -> Mutant:
    text = node.file
    first = text.rfind(b"\n", 0, start) + 1
    last = text.find(b"\n", end)
    after = text[first:start] + replacement.encode() + text[end:last]
    return Mutant(
        operator=operator,
        source=node.source,
        function=node.place,
        start=start,
        end=end,
        replacement=replacement,
        line=text.count(b"\n", 0, start) + 1,
        before=_in_one_line(text[first:last]),
        after=_in_one_line(after),
    )


def _in_one_line(text: bytes) -> str:
    return " ".join(text.decode().split())
