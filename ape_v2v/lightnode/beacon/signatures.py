"""BLS signatures of many over one message, by py-arkworks-bls12381."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from py_arkworks_bls12381 import GT, G1Point, G2Point

if TYPE_CHECKING:
    from collections.abc import Iterable

_SUITE = b"BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_"
_GENERATOR = -G1Point()


def all_have_signed(keys: Iterable[bytes], message: bytes, signature: bytes) -> bool:
    """Whether a signature is the one that all of these keys give together.

    Args:
        keys: 48 bytes each, at least one.
        message: What is signed.
        signature: 96 bytes.
    """
    total = None
    for key in keys:
        point = _valid(key)
        if point is None:
            return False
        total = point if total is None else total + point
    if total is None:
        return False
    try:
        signed = G2Point.from_compressed_bytes(signature)
    except ValueError:
        return False
    return bool(
        GT.pairing_check([_GENERATOR, total], [signed, G2Point.hash_to_curve(message, _SUITE)])
    )


# Two committees on mainnet: decoding and checking a key takes longer than all the rest.
@lru_cache(maxsize=1_024)
def _valid(key: bytes) -> G1Point | None:
    """A key as a point of the right group other than infinity; None if it is none."""
    try:
        point = G1Point.from_compressed_bytes(key)
    except ValueError:
        return None
    return None if point == G1Point.identity() else point
