"""What a node answers: foreign, so checked for its shape and its size before anything else."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Annotated, Any

from eth_utils.hexadecimal import decode_hex
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.alias_generators import to_camel

from ape_v2v.lightnode.faults import MalformedAnswer
from ape_v2v.validation import first_words

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Rpc = Callable[[str, Sequence[Any]], Any]
    """Asks a node: a JSON-RPC method, its parameters, and the result."""

# A branch of a trie has 17 items of 33 bytes at most; the key of 32 bytes has 64 digits.
_MAX_NODE_BYTES = 1_024
_MAX_NODES = 65


def _quantity(value: object) -> object:
    if not isinstance(value, str) or not value.startswith("0x"):
        raise ValueError("expected 0x and hexadecimal digits")
    return int(value, 16)


def _data(value: object) -> object:
    if not isinstance(value, str) or not value.startswith("0x"):
        raise ValueError("expected 0x and hexadecimal digits")
    return decode_hex(value)


Quantity = Annotated[int, BeforeValidator(_quantity), Field(ge=0, lt=2**256)]
Data = Annotated[bytes, BeforeValidator(_data)]
Hash = Annotated[Data, Field(min_length=32, max_length=32)]
Nodes = Annotated[
    list[Annotated[Data, Field(max_length=_MAX_NODE_BYTES)]], Field(max_length=_MAX_NODES)
]


class Answer(BaseModel):
    """The shape of an answer; what it has beyond that is passed over."""

    model_config = ConfigDict(alias_generator=to_camel, frozen=True)


class SlotAnswer(Answer):
    """One entry of `storageProof`."""

    key: Quantity
    value: Quantity
    proof: Nodes


class AccountAnswer(Answer):
    """What eth_getProof gives."""

    balance: Quantity
    nonce: Quantity
    code_hash: Hash
    storage_hash: Hash
    account_proof: Nodes
    storage_proof: Annotated[list[SlotAnswer], Field(max_length=_MAX_NODES)]


def parsed(kind: Any, answer: object, what: str) -> Any:
    """Read an answer.

    Raises:
        MalformedAnswer: It is something else.
    """
    try:
        return _adapter(kind).validate_python(answer)
    except ValidationError as error:
        raise MalformedAnswer(
            f"the node's answer is not {what}: {first_words(error)}; ask another node"
        ) from error


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)
