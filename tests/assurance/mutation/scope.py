"""What could stand in an expression's place: names of the same type, known there.

No more than `ALTERNATIVES` for each, the next ones in the order of declaration: more of them tell
little more, and each costs a compilation.
"""

from collections.abc import Iterator, Sequence

from ..tree import Node, Program

ALTERNATIVES = 2


def alternatives(program: Program, node: Node) -> Iterator[str]:
    """The other variables that may be meant instead of this one."""
    others = list(dict.fromkeys(_same_type(program, node)))
    yield from _next_ones(others, after=node.text)


def _same_type(program: Program, node: Node) -> Iterator[str]:
    """All variables of the type of this one, itself included."""
    if node.text != "msg.sender":
        declared = program.declaration(node)
        if declared is None or declared.type != "VariableDeclaration":
            return
        wanted = _type(declared)
        if wanted == "address":
            yield "msg.sender"
    else:
        wanted = "address"
    for one in _visible(node):
        name = one.data["name"]
        if name and _type(one) == wanted:
            yield name


def sibling_members(program: Program, node: Node) -> Iterator[str]:
    """The other members of an enumeration, or those of a struct that have the same type."""
    declared = program.declaration(node)
    if declared is None or declared.parent is None:
        return
    if declared.parent.type not in {"EnumDefinition", "StructDefinition"}:
        return
    alike = [
        other.data["name"]
        for other in declared.parent.children("members")
        if other.value_type == declared.value_type
    ]
    yield from _next_ones(alike, after=declared.data["name"])


def sibling_functions(program: Program, called: Node) -> Iterator[str]:
    """The functions beside the one that is called that have the same parameters and results."""
    declared = program.declaration(called)
    if declared is None or declared.type != "FunctionDefinition" or declared.parent is None:
        return
    if called.text in {"Math.max", "Math.min"}:
        yield "min" if called.text == "Math.max" else "max"
    if not declared.source.startswith("contracts/"):
        return
    alike = [
        other.data["name"]
        for other in declared.parent.children("nodes")
        if other.type == "FunctionDefinition" and _signature(other) == _signature(declared)
    ]
    yield from _next_ones(alike, after=declared.data["name"])


def _next_ones(names: Sequence[str], after: str) -> Iterator[str]:
    """The names that follow in a circle."""
    start = names.index(after) + 1 if after in names else 0
    circle = [*names[start:], *names[:start]]
    yield from [name for name in circle if name != after][:ALTERNATIVES]


def _visible(node: Node) -> Iterator[Node]:
    """The parameters, results and local variables so far, and the contract's own variables."""
    function = node.ancestor("FunctionDefinition")
    if function is not None:
        for role in ("parameters", "returnParameters"):
            listed = function.child(role)
            yield from listed.children("parameters") if listed is not None else ()
        statement = node.ancestor("VariableDeclarationStatement")
        before = statement.start if statement is not None else node.start
        for local in function.descendants():
            if local.role == "declarations" and local.start < before:
                yield local
    contract = node.ancestor("ContractDefinition")
    for one in contract.children("nodes") if contract is not None else ():
        if one.type == "VariableDeclaration":
            yield one


def _type(declaration: Node) -> str:
    return declaration.value_type


def _signature(function: Node) -> list[list[str]]:
    parts = (function.child("parameters"), function.child("returnParameters"))
    return [[one.value_type for one in part.children("parameters")] for part in parts if part]
