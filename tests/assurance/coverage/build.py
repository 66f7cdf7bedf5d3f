"""A contract compiled so that every instruction belongs to one place in the sources.

Without the optimizer: it merges equal pieces of code, of which only one place is then on record.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from ..compiler import ETHER_MARKET, Compiler, Target, sources_of
from ..tree import Program

_JUMPI, _PUSH1, _PUSH32 = 0x57, 0x60, 0x7F


class Place(NamedTuple):
    """A piece of a source, in bytes."""

    source: str
    start: int
    end: int


class Instruction(NamedTuple):
    at: int
    place: Place | None
    """None for what the compiler adds on its own."""
    is_branch: bool


class Build(NamedTuple):
    target: Target
    program: Program
    creation_code: str
    """In hexadecimal, without the hash of the sources at its end."""
    instructions: dict[str, list[Instruction]]
    """By the contract's name and kind of code, creation or runtime: `V2VMarket creation`."""


def build(target: Target = ETHER_MARKET) -> Build:
    texts = sources_of(target.path)
    with Compiler() as compiler:
        answer = compiler.compile(
            texts,
            {
                target.path: {target.name: ["evm.bytecode", "evm.deployedBytecode"]},
                "*": {"": ["ast"]},
            },
            optimizer={"enabled": False},
        )
    sources = {source["id"]: name for name, source in answer["sources"].items()}
    evm = answer["contracts"][target.path][target.name]["evm"]
    trees = {name: source["ast"] for name, source in answer["sources"].items()}
    return Build(
        target=target,
        program=Program(texts, trees),
        creation_code="0x" + _without_metadata(evm["bytecode"]["object"]),
        instructions={
            f"{target.name} creation": list(_instructions(evm["bytecode"], sources)),
            f"{target.name} runtime": list(_instructions(evm["deployedBytecode"], sources)),
        },
    )


def _without_metadata(code: str) -> str:
    return code[: -2 * (int(code[-4:], 16) + 2)]


def _instructions(bytecode: dict[str, Any], sources: dict[int, str]) -> Iterator[Instruction]:
    code = bytes.fromhex(bytecode["object"])
    at = 0
    for place in _places(bytecode["sourceMap"], sources):
        yield Instruction(at, place, code[at] == _JUMPI)
        at += 1
        if _PUSH1 <= code[at - 1] <= _PUSH32:
            at += code[at - 1] - _PUSH1 + 1


def _places(source_map: str, sources: dict[int, str]) -> Iterator[Place | None]:
    """Decode a source map: of each instruction start, length and source, where they changed."""
    fields = ["0", "0", "-1"]
    for entry in source_map.split(";"):
        for number, field in enumerate(entry.split(":")[:3]):
            fields[number] = field or fields[number]
        start, length, source = (int(field) for field in fields)
        name = sources.get(source)
        yield Place(name, start, start + length) if name is not None else None
