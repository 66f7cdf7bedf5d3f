"""What instructions deployed code has."""

from collections import Counter
from collections.abc import Iterator

PUSH1, PUSH32 = 0x60, 0x7F
# What runs other code, or makes an end of this.
REMARKABLE = {
    "CREATE": 0xF0,
    "CALL": 0xF1,
    "CALLCODE": 0xF2,
    "DELEGATECALL": 0xF4,
    "CREATE2": 0xF5,
    "STATICCALL": 0xFA,
    "SELFDESTRUCT": 0xFF,
}


def counts(code: bytes) -> dict[str, int]:
    """How often each remarkable instruction occurs in code that the Solidity compiler made."""
    found = Counter(instructions(without_metadata(code)))
    return {name: found[opcode] for name, opcode in REMARKABLE.items()}


def instructions(code: bytes) -> Iterator[int]:
    """The opcodes in order. What a PUSH puts on the stack is no instruction, nor ever jumped to."""
    position = 0
    while position < len(code):
        opcode = code[position]
        yield opcode
        position += 1
        if PUSH1 <= opcode <= PUSH32:
            position += opcode - PUSH1 + 1


def without_metadata(code: bytes) -> bytes:
    """Code without the hash of its sources: CBOR, whose length is in the last two bytes.

    Raises:
        ValueError: If there is none: then the instructions cannot be told from what follows them.
    """
    size = int.from_bytes(code[-2:]) + 2
    metadata = code[-size:-2]
    # A map of one to three entries, of which one is the compiler's version.
    if not (size < len(code) and metadata and metadata[0] in (0xA1, 0xA2, 0xA3)):
        raise ValueError("the code does not end with the compiler's metadata")
    if b"solc" not in metadata:
        raise ValueError("the code's metadata does not name the compiler")
    return code[:-size]
