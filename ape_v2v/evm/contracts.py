"""Contracts by their ABI, on any `Chain`: calls encoded, outputs, events and errors decoded.

The encoding is eth_abi's and the ABI ethpm_types'; here is only what joins them.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from eth_abi.abi import encode
from eth_utils.crypto import keccak
from ethpm_types.abi import ABIType, ErrorABI, EventABI, MethodABI

from ape_v2v.evm.decoding import decode

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ethpm_types import ContractType

    from ape_v2v.evm.chains import Chain, EmittedLog

_WORD = 32
_BITS = {f"uint{bits}": bits for bits in range(8, 257, 8)}
_ADDRESS = re.compile("0x[0-9a-fA-F]{40}")
# Solidity's own errors, which no ABI lists.
_BUILT_IN = (
    ErrorABI(name="Error", inputs=[ABIType(name="message", type="string")]),
    ErrorABI(name="Panic", inputs=[ABIType(name="code", type="uint256")]),
)


class DecodedEvent(NamedTuple):
    """A decoded event, its values in the order of the declaration."""

    name: str
    values: tuple[Any, ...]


class Failure(NamedTuple):
    """A decoded revert. One without data, as of an unknown function, has the name ""."""

    name: str
    values: tuple[Any, ...]


class _Method(NamedTuple):
    selector: bytes
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


class _Event(NamedTuple):
    name: str
    indexed: tuple[bool, ...]
    topics: tuple[str, ...]
    data: tuple[str, ...]


class Interface:
    """What a contract type says of calls, outputs, events and errors.

    Overloaded methods are told apart by the number of their arguments. Errors may also be those of
    others, which the contract calls and whose reverts it passes on.
    """

    def __init__(self, contract_type: ContractType, *others: ContractType) -> None:
        self.contract_type = contract_type
        self._methods: dict[tuple[str, int], _Method] = {}
        self._events: dict[bytes, _Event] = {}
        self._errors: dict[bytes, tuple[str, tuple[str, ...]]] = {}
        for abi in contract_type.abi:
            if isinstance(abi, MethodABI):
                method = _Method(_selector(abi), _types(abi.inputs), _types(abi.outputs))
                self._methods[abi.name, len(abi.inputs)] = method
            elif isinstance(abi, EventABI):
                self._events[keccak(text=abi.selector)] = _Event(
                    abi.name,
                    tuple(one.indexed for one in abi.inputs),
                    _types(one for one in abi.inputs if one.indexed),
                    _types(one for one in abi.inputs if not one.indexed),
                )
        passed_on = (abi for other in others for abi in other.abi)
        for abi in (*contract_type.abi, *passed_on, *_BUILT_IN):
            if isinstance(abi, ErrorABI):
                self._errors[_selector(abi)] = (abi.name, _types(abi.inputs))

    def creation_code(self, *arguments: Any) -> bytes:
        """The code that deploys the contract with these arguments."""
        bytecode = self.contract_type.deployment_bytecode
        if bytecode is None or bytecode.bytecode is None:
            raise ValueError(f"{self.contract_type.name} cannot be deployed")
        code = bytes.fromhex(bytecode.bytecode.removeprefix("0x"))
        return code + encode(_types(self.contract_type.constructor.inputs), arguments)

    def call_data(self, method: str, *arguments: Any) -> bytes:
        """A call of a method."""
        found = self._methods[method, len(arguments)]
        words = _words(found.inputs, arguments)
        return found.selector + (encode(found.inputs, arguments) if words is None else words)

    def output(self, method: str, arity: int, data: bytes) -> Any:
        """What a method has returned: one value as it is, several as a tuple."""
        values = _decode(self._methods[method, arity].outputs, data)
        return values[0] if len(values) == 1 else values

    def failure(self, output: bytes) -> Failure:
        """What a call has reverted with."""
        if not output:
            return Failure("", ())
        selector, data = output[:4], output[4:]
        if selector not in self._errors:
            return Failure(f"0x{selector.hex()}", (data,))
        name, types = self._errors[selector]
        return Failure(name, _decode(types, data))

    def events(self, logs: Iterable[EmittedLog]) -> list[DecodedEvent]:
        """What contracts of this type have reported, in order; other logs are an error."""
        return [self._event(log) for log in logs]

    def _event(self, log: EmittedLog) -> DecodedEvent:
        event = self._events[log.topics[0]]
        topics = iter(_decode(event.topics, b"".join(log.topics[1:])))
        data = iter(_decode(event.data, log.data))
        values = tuple(next(topics if indexed else data) for indexed in event.indexed)
        return DecodedEvent(event.name, values)


class Contract(NamedTuple):
    """A contract at an address of a chain: its views, asked."""

    chain: Chain
    address: str
    interface: Interface

    def view(self, method: str, *arguments: Any) -> Any:
        """What a view returns; raises `EvmReverted` when it reverts."""
        data = _remembered_call(self.interface, method, arguments)
        output = self.chain.call(self.address, data)
        return self.interface.output(method, len(arguments), output)


# A test asks the same views over and over, and mostly gets the same answers.
@lru_cache(maxsize=2**14)
def _remembered_call(interface: Interface, method: str, arguments: tuple[Any, ...]) -> bytes:
    return interface.call_data(method, *arguments)


@lru_cache(maxsize=2**14)
def _decode(types: tuple[str, ...], data: bytes) -> tuple[Any, ...]:
    return decode(types, data)


def _words(types: tuple[str, ...], values: tuple[Any, ...]) -> bytes | None:
    """Numbers and addresses as the general encoder has them, in a tenth of its time.

    Returns:
        None where something else is among them, or a value does not fit.
    """
    words = []
    for type_, value in zip(types, values, strict=True):
        if type(value) is int and type_ in _BITS and not value >> _BITS[type_]:
            words.append(value.to_bytes(_WORD))
        elif type_ == "address" and type(value) is str and _ADDRESS.fullmatch(value):
            words.append(bytes.fromhex(value[2:]).rjust(_WORD, b"\0"))
        else:
            return None
    return b"".join(words)


def _types(parameters: Iterable[ABIType] | Sequence[ABIType]) -> tuple[str, ...]:
    return tuple(parameter.canonical_type for parameter in parameters)


def _selector(abi: MethodABI | ErrorABI) -> bytes:
    return keccak(text=abi.selector)[:4]
