"""Whether a contract's code is the market's that comes with this package.

Two markets differ in the values that the constructor has put into the code: their parameters, and
what their EIP-712 domain needs. In the compiled code there are zeros in these places.
"""

from __future__ import annotations

from functools import cache

from eth_utils.hexadecimal import decode_hex

from ape_v2v.lightnode.faults import WrongCode
from ape_v2v.market.interface import contract as artifact

_WORD = 32
_PUSH1, _PUSH32 = 0x60, 0x7F


def require_market(address: str, code: bytes) -> None:
    """Refuse what is not the market, whatever its parameters.

    Raises:
        WrongCode: It is something else.
    """
    if not is_market(code):
        raise WrongCode(
            f"the contract at {address} is not the market of this version of the package: "
            "check the address, or give the hash of its code from the record of its deployment"
        )


def is_market(code: bytes) -> bool:
    """Whether this is the code of a market, whatever its currency and its parameters."""
    return any(_is(code, name) for name in (artifact.NAME, artifact.TOKEN_NAME))


def _is(code: bytes, name: str) -> bool:
    compiled, places = _compiled(name)
    if len(code) != len(compiled):
        return False
    blank = bytearray(code)
    for place in places:
        blank[place : place + _WORD] = bytes(_WORD)
    return bytes(blank) == compiled


@cache
def _compiled(name: str) -> tuple[bytes, tuple[int, ...]]:
    """The compiled code, and where it waits for values: the operands that are a word of zeros."""
    bytecode = artifact.contract_type(name).runtime_bytecode
    assert bytecode is not None, "a test compares the artifact with the sources"
    assert bytecode.bytecode is not None, "a test compares the artifact with the sources"
    code = decode_hex(str(bytecode.bytecode))
    places, position = [], 0
    while position < len(code):
        operand = position + 1
        width = max(0, code[position] - _PUSH1 + 1) if code[position] <= _PUSH32 else 0
        if width == _WORD and code[operand : operand + _WORD] == bytes(_WORD):
            places.append(operand)
        position = operand + width
    return code, tuple(places)
