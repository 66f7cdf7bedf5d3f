"""The contract of a market, asked through its node: what everything else here is made of.

    contract = MarketContract.at("0x…", Node("http://127.0.0.1:8545"))
    contract.view("auctions", auction_id).rate

Calls go by the ABI that comes with this package alone, whatever anybody remembers of the address.
"""

from __future__ import annotations

from collections import namedtuple
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

from eth_abi.exceptions import DecodingError
from eth_utils.address import is_hex_address
from eth_utils.crypto import keccak
from ethpm_types.abi import MethodABI

from ape_v2v.chain import blocks
from ape_v2v.chain.line.answered import read_bytes
from ape_v2v.chain.line.faults import NodeError, Reverted
from ape_v2v.currency import ETHER, Currency
from ape_v2v.errors import V2VError
from ape_v2v.market.interface import contract as artifact
from ape_v2v.market.interface.events import checksummed
from ape_v2v.market.interface.refusals import Refused, refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ethpm_types import ContractType
    from ethpm_types.abi import ABIType

    from ape_v2v.chain.node import Node


@dataclass(frozen=True)
class Callee:
    """A contract at one address of one chain: asked, and called by transactions."""

    address: str
    """With its checksum."""
    node: Node

    currency: Currency = ETHER
    """What its amounts are counted in."""

    what: ClassVar[str]
    """What it is, in sentences."""

    @property
    def artifact(self) -> str:
        """Under which name the package carries its ABI."""
        raise NotImplementedError

    @property
    def contract_type(self) -> ContractType:
        """Its ABI, and what else the package carries of it."""
        return artifact.contract_type(self.artifact)

    def view(self, name: str, *arguments: Any, block: int | str = blocks.LATEST) -> Any:
        """What a view gives at a block: one value, or a struct by its names.

        Raises:
            Refused: It reverts.
            NodeError: The node does not answer, or has no such block.
        """
        try:
            answer = self.node.request("eth_call", self._question(name, arguments, block)[1])
        except Reverted as error:
            raise refusal(error.output, error.said, self.currency) from error
        return self._answer(name, len(arguments), answer)

    def views(
        self, calls: Sequence[tuple[str, Sequence[Any]]], block: int | str = blocks.LATEST
    ) -> list[Any]:
        """What several views give, asked at once.

        Raises:
            Refused: One of them reverts.
            NodeError: The node does not answer, or has no such block.
        """
        questions = [self._question(name, arguments, block) for name, arguments in calls]
        answers = self.node.batch(questions, errors=True)
        results = []
        for (name, arguments), answer in zip(calls, answers, strict=True):
            if isinstance(answer, Reverted):
                raise refusal(answer.output, answer.said, self.currency) from answer
            if isinstance(answer, NodeError):
                raise answer
            results.append(self._answer(name, len(arguments), answer))
        return results

    def call_data(self, method: str, *arguments: Any) -> bytes:
        """A call of a method, as a transaction carries it.

        Raises:
            V2VError: An address is none.
        """
        types = _inputs(self.artifact, method, len(arguments))
        prepared = [_prepared(type_, value) for type_, value in zip(types, arguments, strict=True)]
        return artifact.interface(self.artifact).call_data(method, *prepared)

    def _question(
        self, name: str, arguments: Sequence[Any], block: int | str
    ) -> tuple[str, list[Any]]:
        data = self.call_data(name, *arguments)
        call = {"to": self.address, "data": f"0x{data.hex()}"}
        return "eth_call", [call, blocks.tagged(block)]

    def _answer(self, name: str, arity: int, answer: Any) -> Any:
        output = read_bytes(answer) if isinstance(answer, str) else b""
        if not output:
            raise NodeError(
                f"the node at {self.node.shown} gives nothing for {name} of the {self.what} at "
                f"{self.address}: no {self.what} was there at that block, or the node is behind"
            )
        try:
            values = artifact.interface(self.artifact).output(name, arity, output)
        except DecodingError:
            raise NodeError(
                f"the node at {self.node.shown} gives {answer[:80]!r} for {name} of the "
                f"{self.what} at {self.address}, which is no such value: ask another node, or "
                "check the address"
            ) from None
        return _shapes(self.artifact, name, arity)(values)


@dataclass(frozen=True)
class TokenContract(Callee):
    """The token that a market is paid in."""

    what = "token"

    @classmethod
    def at(cls, address: str, node: Node) -> TokenContract:
        """The token at an address in any case, with what its amounts are counted in.

        Raises:
            V2VError: It does not say how many decimals it has: it is no token.
            NodeError: The node does not answer.
        """
        token = cls(address_of(address), node)
        try:
            decimals = int(token.view("decimals"))
        except (Refused, NodeError) as error:
            if isinstance(error, NodeError) and code(node, token.address):
                raise
            raise V2VError(
                f"there is no token at {token.address} on {node.network.name}: a token is an "
                "ERC-20 contract that says its decimals; check the address and the network"
            ) from error
        return cls(token.address, node, Currency.token(token.address, token._symbol(), decimals))

    @property
    def artifact(self) -> str:
        return artifact.CURRENCY_NAME

    def _symbol(self) -> str:
        """What it calls itself; nothing where that is no text."""
        data = f"0x{self.call_data('symbol').hex()}"
        call = {"to": self.address, "data": data}
        try:
            answer = self.node.request("eth_call", [call, blocks.LATEST])
        except Reverted:
            return ""
        output = read_bytes(answer) if isinstance(answer, str) else b""
        if len(output) == _WORD:  # tokens older than the standard have a word of bytes
            return output.rstrip(b"\0").decode("ascii", "replace")
        try:
            return str(artifact.interface(self.artifact).output("symbol", 0, output))
        except (DecodingError, UnicodeDecodeError):
            return ""


@dataclass(frozen=True)
class MarketContract(Callee):
    """A market's contract at one address of one chain."""

    what = "market"

    @classmethod
    def at(cls, address: str, node: Node) -> MarketContract:
        """The contract at an address in any case, paid in what it says.

        Raises:
            V2VError: It is no address, or there is no contract.
            NodeError: The node does not answer.
        """
        checked = address_of(address)
        if not (found := code(node, checked)):
            raise V2VError(
                f"no contract at {checked} on {node.network.name}: check the address and the "
                "network"
            )
        if _ASKED_FOR_CURRENCY not in found:
            return cls(checked, node)
        try:
            token = cls(checked, node, _SOME_TOKEN).view("currency")
        except Refused:  # another contract, that has these bytes by chance
            return cls(checked, node)
        return cls(checked, node, TokenContract.at(token, node).currency)

    @property
    def artifact(self) -> str:
        """Under which name the package carries its ABI."""
        return artifact.name_for(self.currency)

    @property
    def token(self) -> TokenContract | None:
        """The contract of its currency; None is ether."""
        address = self.currency.address
        return None if address is None else TokenContract(address, self.node, self.currency)


# A market in a token has a function that says which: its selector is in the code, behind PUSH4.
_ASKED_FOR_CURRENCY = b"\x63" + keccak(text="currency()")[:4]
_SOME_TOKEN = Currency("token", 18, "0x0000000000000000000000000000000000000000")
_WORD = 32


def code(node: Node, address: str, block: int | str = blocks.LATEST) -> bytes:
    """The code at an address after a block; empty where there is none.

    Raises:
        NodeError: The node does not answer.
    """
    answer = node.request("eth_getCode", [address, blocks.tagged(block)])
    return read_bytes(answer or "0x")


def address_of(account: object) -> str:
    """The address of an account, or one in any case, with its checksum.

    Raises:
        V2VError: It is neither, or capitals that do not fit tell that a digit was mistyped.
    """
    text = getattr(account, "address", account)
    if not isinstance(text, str) or not is_hex_address(text):
        raise V2VError(f"{account!r} is not an address: expected 0x and 40 digits")
    address, digits = checksummed(text), text[-40:]
    if digits not in (address[2:], digits.lower(), digits.upper()):
        raise V2VError(f"{text!r} fails its checksum: copy the address again")
    return address


def require_signer(account: object) -> None:
    """Refuse what cannot sign: an address, say, where its account is needed.

    Raises:
        V2VError: It is no account of Ape.
    """
    if not all(hasattr(account, name) for name in ("address", "sign_transaction", "sign_message")):
        raise V2VError(
            f"{account!r} is not an account that can sign: give one of Ape's, such as "
            "accounts.load('alice') or accounts.test_accounts[0]"
        )


@cache
def _inputs(of: str, method: str, arity: int) -> tuple[str, ...]:
    for item in artifact.contract_type(of).abi:
        if isinstance(item, MethodABI) and item.name == method and len(item.inputs) == arity:
            return tuple(one.canonical_type for one in item.inputs)
    raise V2VError(f"a {of} has no {method} of {arity} arguments")


def _prepared(type_: str, value: Any) -> Any:
    if type_ == "address":
        return address_of(value)
    return [address_of(one) for one in value] if type_ == "address[]" else value


@cache
def _shapes(of: str, name: str, arity: int) -> Callable[[Any], Any]:
    """How what a view returns is given: addresses with checksums, structs by their names."""
    (abi,) = [
        item
        for item in artifact.contract_type(of).view_methods
        if item.name == name and len(item.inputs) == arity
    ]
    if len(abi.outputs) == 1:
        return _shape(abi.outputs[0], name)
    shapes = [_shape(item, name) for item in abi.outputs]
    return lambda values: tuple(shape(value) for shape, value in zip(shapes, values, strict=True))


def _shape(item: ABIType, name: str) -> Callable[[Any], Any]:
    if item.type == "address":
        return checksummed
    if item.components:
        fields = [str(one.name) for one in item.components]
        shapes = [_shape(one, name) for one in item.components]
        struct = namedtuple(name, fields)  # type: ignore[misc]
        return lambda values: struct(
            *(shape(value) for shape, value in zip(shapes, values, strict=True))
        )
    return lambda value: value
