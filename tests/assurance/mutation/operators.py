"""What is done to the market's text: one change each, of the kinds that people get wrong.

An operator takes a node and yields replacements: the first byte, the end, the new text. Not all
of them are programs; the compiler tells.
"""

import re
from collections.abc import Callable, Iterator
from itertools import pairwise

from ..tree import Node, Program
from . import scope

Change = tuple[int, int, str]
Operator = Callable[[Program, Node], Iterator[Change]]

_ARITHMETIC = ("+", "-", "*", "/", "%")
# No "^" for "|": the fields of a slot do not overlap, so it would be the same.
_BITWISE = ("&", "|")
_SHIFTS = ("<<", ">>")
_ORDER = ("<", "<=", ">", ">=", "==", "!=")
_EQUALITY = ("==", "!=")
_LOGICAL = ("&&", "||")
# What is the same for a number that is never negative, beside a zero.
_SAME_AT_ZERO = {"==": "<=", "<=": "==", "!=": ">", ">": "!="}
_NOT_COMMUTATIVE = ("-", "/", "%", "<<", ">>")
_UINT = re.compile(r"uint(\d+)$")


# --- Expressions ----------------------------------------------------------------------------------


def binary_operator(_: Program, node: Node) -> Iterator[Change]:
    """Another operator of the same kind: arithmetic, bitwise, a comparison or a boundary."""
    left, right = _operands(node)
    old = node.data["operator"]
    numbers = "int" in left.value_type
    kinds = (_ARITHMETIC, _BITWISE, _SHIFTS, _ORDER if numbers else _EQUALITY, _LOGICAL)
    between = node.file[left.end : right.start]
    at = left.end + between.index(old.encode())
    for kind in kinds:
        if old in kind:
            same = _SAME_AT_ZERO.get(old) if right.text == "0" else None
            yield from ((at, at + len(old), new) for new in kind if new not in {old, same})


def operand_left_out(_: Program, node: Node) -> Iterator[Change]:
    """Only one side of an expression."""
    if node.data["operator"] not in _ORDER:
        yield from ((node.start, node.end, operand.text) for operand in _operands(node))


def operands_swapped(_: Program, node: Node) -> Iterator[Change]:
    left, right = _operands(node)
    if node.data["operator"] in _NOT_COMMUTATIVE:
        middle = node.file[left.end : right.start].decode()
        yield node.start, node.end, right.text + middle + left.text


def condition(_: Program, node: Node) -> Iterator[Change]:
    """Always, never, or the other way round."""
    asked = node.child("condition")
    if asked is not None:
        yield from ((asked.start, asked.end, new) for new in ("true", "false", f"!({asked.text})"))


def unary_operator(_: Program, node: Node) -> Iterator[Change]:
    operand = node.child("subExpression")
    assert operand is not None
    opposite = {"++": "--", "--": "++"}.get(node.data["operator"])
    if opposite is None:
        yield node.start, node.end, operand.text
    elif node.data["prefix"]:
        yield node.start, node.end, opposite + operand.text
    else:
        yield node.start, node.end, operand.text + opposite


def literal(_: Program, node: Node) -> Iterator[Change]:
    """One more, one less, nothing; another text; the other truth."""
    match node.data["kind"]:
        case "number":
            number = node.text.split()[0]
            unit = node.text[len(number) :]
            value = int(number.replace("_", ""), 0)
            for new in sorted({0, value - 1, value + 1} - {value, -1}):
                yield node.start, node.end, f"{new}{unit}"
        case "string":
            yield node.start, node.end, f'"{node.data["value"]}?"'
            yield node.start, node.end, '""'
        case "bool":
            yield node.start, node.end, "false" if node.data["value"] == "true" else "true"


def variable(program: Program, node: Node) -> Iterator[Change]:
    """Another variable of the same type that is known at this place."""
    if node.role in {"eventCall", "errorCall"}:
        return
    for name in scope.alternatives(program, node):
        yield node.start, node.end, name


def member(program: Program, node: Node) -> Iterator[Change]:
    """Another member of an enumeration or a struct; another sender, another second."""
    inner = node.child("expression")
    assert inner is not None
    match node.text:
        case "msg.sender":
            yield node.start, node.end, "tx.origin"
            yield from ((node.start, node.end, name) for name in scope.alternatives(program, node))
        case "block.timestamp":
            yield node.start, node.end, "(block.timestamp + 1)"
            yield node.start, node.end, "(block.timestamp - 1)"
        case _:
            for name in scope.sibling_members(program, node):
                yield inner.end + 1, node.end, name


def function_called(program: Program, node: Node) -> Iterator[Change]:
    """Another function that takes and returns the same."""
    called = node.child("expression")
    if called is None or node.data["kind"] != "functionCall":
        return
    start = called.start
    if called.type == "MemberAccess":
        inner = called.child("expression")
        assert inner is not None
        start = inner.end + 1
    for name in scope.sibling_functions(program, called):
        yield start, called.end, name


def arguments_swapped(_: Program, node: Node) -> Iterator[Change]:
    arguments = node.children("arguments")
    if node.data["kind"] == "typeConversion":
        return
    for one, other in pairwise(arguments):
        between = node.file[one.end : other.start].decode()
        if one.text != other.text and _alike(one, other):
            yield one.start, other.end, other.text + between + one.text


def cast(_: Program, node: Node) -> Iterator[Change]:
    """A cast left out, or to one byte less."""
    if node.data["kind"] != "typeConversion":
        return
    (argument,) = node.children("arguments")
    yield node.start, node.end, argument.text
    if (width := _UINT.match(node.value_type)) and int(width[1]) > 8:
        yield node.start, node.end, f"{node.value_type}(uint{int(width[1]) - 8}({node.text}))"


# --- Statements -----------------------------------------------------------------------------------


def statement_left_out(_: Program, node: Node) -> Iterator[Change]:
    """Without a call, an assignment, an event, an unconditional revert, or a return."""
    conditional = node.parent is not None and node.parent.type == "IfStatement"
    if node.type == "RevertStatement" and conditional:
        return  # the same as a condition that is never true
    end = node.end
    if node.file[end : end + 1] == b";":
        end += 1
    yield node.start, end, "{}"


def initial_value_left_out(_: Program, node: Node) -> Iterator[Change]:
    value = node.child("initialValue") or node.child("value")
    declared = [one.end for one in node.children("declarations")] or [node.end]
    if node.type == "VariableDeclaration":
        if value is not None and node.data["stateVariable"] and not node.data["constant"]:
            name_end = node.data["nameLocation"].split(":")
            yield int(name_end[0]) + int(name_end[1]), value.end, ""
    elif value is not None and len(declared) == 1:
        yield declared[0], value.end, ""


# --- Functions ------------------------------------------------------------------------------------


def modifier_left_out(program: Program, node: Node) -> Iterator[Change]:
    name = node.child("modifierName")
    declared = program.declaration(name) if name is not None else None
    if declared is not None and declared.type == "ModifierDefinition":
        yield node.start, node.end, ""


def payability(_: Program, node: Node) -> Iterator[Change]:
    """A function that takes ether and should not, or does not and should."""
    body = node.child("body")
    if body is None or node.data["visibility"] not in {"external", "public"}:
        return
    head = node.file[node.start : body.start].decode()
    if node.data["stateMutability"] == "payable":
        at = node.start + head.index(" payable")
        yield at, at + len(" payable"), ""
    elif node.data["stateMutability"] == "nonpayable" and node.data["kind"] == "function":
        at = node.start + head.index(" " + node.data["visibility"])
        yield at, at, " payable"


OPERATORS: dict[str, tuple[Operator, ...]] = {
    "BinaryOperation": (binary_operator, operand_left_out, operands_swapped),
    "IfStatement": (condition,),
    "Conditional": (condition,),
    "ForStatement": (condition,),
    "UnaryOperation": (unary_operator,),
    "Literal": (literal,),
    "Identifier": (variable,),
    "MemberAccess": (member,),
    "FunctionCall": (function_called, arguments_swapped, cast),
    "ExpressionStatement": (statement_left_out,),
    "EmitStatement": (statement_left_out,),
    "RevertStatement": (statement_left_out,),
    "Return": (statement_left_out,),
    "VariableDeclarationStatement": (initial_value_left_out,),
    "VariableDeclaration": (initial_value_left_out,),
    "ModifierInvocation": (modifier_left_out,),
    "FunctionDefinition": (payability,),
}


def _alike(one: Node, other: Node) -> bool:
    """Whether one may take the other's place: the same type, or numbers both."""
    numbers = "int" in one.value_type and "int" in other.value_type
    return numbers or one.value_type == other.value_type


def _operands(node: Node) -> tuple[Node, Node]:
    left, right = node.child("leftExpression"), node.child("rightExpression")
    assert left is not None
    assert right is not None
    return left, right
