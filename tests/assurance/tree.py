"""The compiler's syntax tree, with the way up and the text of each node."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .compiler import Sources


class Node:
    """A node of one source's syntax tree."""

    def __init__(
        self, data: dict[str, Any], source: str, file: bytes, parent: Node | None, role: str
    ) -> None:
        self.data = data
        self.type: str = data["nodeType"]
        self.source = source
        self.file = file
        self.parent = parent
        self.role = role
        """What it is to its parent: the name of the field."""
        start, length, _ = data["src"].split(":")
        self.start = int(start)
        self.end = self.start + int(length)

    @property
    def text(self) -> str:
        return self.file[self.start : self.end].decode()

    @property
    def line(self) -> int:
        return self.file.count(b"\n", 0, self.start) + 1

    @property
    def value_type(self) -> str:
        """The type of an expression, or of what a declaration declares."""
        return str(self.data.get("typeDescriptions", {}).get("typeString", ""))

    def child(self, role: str) -> Node | None:
        data = self.data.get(role)
        return None if data is None else self._child(data, role)

    def children(self, role: str) -> list[Node]:
        return [self._child(data, role) for data in self.data.get(role) or [] if data]

    def descendants(self) -> Iterator[Node]:
        """This node and all below, in the order of the text."""
        yield self
        found = []
        for role, value in self.data.items():
            values = value if isinstance(value, list) else [value]
            found += [
                self._child(one, role)
                for one in values
                if isinstance(one, dict) and "nodeType" in one and "src" in one
            ]
        for child in sorted(found, key=lambda node: node.start):
            yield from child.descendants()

    def ancestor(self, *types: str) -> Node | None:
        """The nearest node above of one of these types."""
        node = self.parent
        while node is not None and node.type not in types:
            node = node.parent
        return node

    @property
    def place(self) -> str:
        """The function that it is in, or else the contract."""
        function = (
            self.ancestor("FunctionDefinition") if self.type != "FunctionDefinition" else self
        )
        if function is not None:
            return str(function.data["name"] or function.data["kind"])
        contract = self.ancestor("ContractDefinition")
        return str(contract.data["name"]) if contract is not None else "-"

    def _child(self, data: dict[str, Any], role: str) -> Node:
        return Node(data, self.source, self.file, self, role)


class Program:
    """All trees, and what the identifiers in them refer to."""

    def __init__(self, sources: Sources, trees: Mapping[str, Any]) -> None:
        self._roots = {
            name: Node(tree, name, sources[name].encode(), None, "root")
            for name, tree in trees.items()
        }
        self._declarations = {
            node.data["id"]: node
            for root in self._roots.values()
            for node in root.descendants()
            if "id" in node.data
        }

    def sources(self) -> list[str]:
        return sorted(self._roots)

    def root(self, source: str) -> Node:
        return self._roots[source]

    def declaration(self, node: Node) -> Node | None:
        """What an identifier or a member refers to; None for what is built in."""
        return self._declarations.get(node.data.get("referencedDeclaration", -1))
