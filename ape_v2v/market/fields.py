"""Fields of the JSON that EVs exchange: checked addresses, and bytes as 0x and hexadecimal."""

from __future__ import annotations

from typing import Annotated, Any

from eth_utils.address import is_checksum_address
from eth_utils.conversions import to_hex
from eth_utils.hexadecimal import decode_hex
from pydantic import AfterValidator, BeforeValidator, PlainSerializer, WithJsonSchema

SIGNATURE_BYTES = 65

AS_HEX = PlainSerializer(to_hex)


def _address(value: str) -> str:
    if not is_checksum_address(value):
        raise ValueError("expected an address with its checksum")
    return value


def hexadecimal(length: int) -> Any:
    """A validator of "0x…" with so many bytes."""

    def read(value: object) -> object:
        if not isinstance(value, str):
            return value
        if not value.startswith("0x") or len(value) != 2 + 2 * length:
            raise ValueError(f"expected 0x and {2 * length} hexadecimal digits")
        return decode_hex(value)

    return BeforeValidator(read)


def schema(pattern: str) -> WithJsonSchema:
    """What a JSON schema says of a text."""
    return WithJsonSchema({"type": "string", "pattern": pattern})


Address = Annotated[str, AfterValidator(_address), schema("^0x[0-9a-fA-F]{40}$")]
Hash = Annotated[bytes, hexadecimal(32), AS_HEX, schema("^0x[0-9a-fA-F]{64}$")]
Signature = Annotated[bytes, hexadecimal(SIGNATURE_BYTES), AS_HEX, schema("^0x[0-9a-fA-F]{130}$")]
