"""Fields of the JSON that EVs exchange: checked addresses, and bytes as 0x and hexadecimal."""

from __future__ import annotations

from typing import Annotated, Any

from eth_utils.address import is_checksum_address
from eth_utils.conversions import to_hex
from eth_utils.hexadecimal import decode_hex
from pydantic import AfterValidator, BeforeValidator, PlainSerializer, WithJsonSchema

SIGNATURE_BYTES = 65
_FIRST_V = 27

AS_HEX = PlainSerializer(to_hex)


def with_v_27_or_28(signature: bytes) -> bytes:
    """A signature as the contract takes it: some wallets end theirs with 0 or 1."""
    if len(signature) == SIGNATURE_BYTES and signature[-1] in (0, 1):
        return signature[:-1] + bytes([signature[-1] + _FIRST_V])
    return signature


def _address(value: str) -> str:
    if not is_checksum_address(value):
        raise ValueError("expected an address with its checksum")
    return value


def hexadecimal(length: int) -> Any:
    """A validator of "0x…" with so many bytes."""
    return BeforeValidator(lambda value: _read_hexadecimal(value, length))


def _read_hexadecimal(value: object, length: int) -> object:
    if not isinstance(value, str):
        return value
    if not value.startswith("0x") or len(value) != 2 + 2 * length:
        raise ValueError(f"expected 0x and {2 * length} hexadecimal digits")
    return decode_hex(value)


def schema(pattern: str) -> WithJsonSchema:
    """What a JSON schema says of a text."""
    return WithJsonSchema({"type": "string", "pattern": pattern})


def _party_signature(value: object) -> object:
    """By an account, or by a key and, after it, the account's over the key."""
    by_key = isinstance(value, str) and len(value) == 2 + 4 * SIGNATURE_BYTES
    return _read_hexadecimal(value, (2 if by_key else 1) * SIGNATURE_BYTES)


Address = Annotated[str, AfterValidator(_address), schema("^0x[0-9a-fA-F]{40}$")]
Hash = Annotated[bytes, hexadecimal(32), AS_HEX, schema("^0x[0-9a-fA-F]{64}$")]
Signature = Annotated[
    bytes,
    hexadecimal(SIGNATURE_BYTES),
    AfterValidator(with_v_27_or_28),
    AS_HEX,
    schema("^0x[0-9a-fA-F]{130}$"),
]
PartySignature = Annotated[
    bytes,
    BeforeValidator(_party_signature),
    AfterValidator(with_v_27_or_28),
    AS_HEX,
    schema("^0x([0-9a-fA-F]{130}|[0-9a-fA-F]{260})$"),
]
"""Of an account, or of a key and the account that has chosen it for one auction."""
