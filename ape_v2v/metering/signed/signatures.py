"""The signatures of OCMF records: ECDSA, by the curves and encodings that the format names.

pyocmf 0.6 verifies none by a Brainpool curve under the name that OCMF gives it, nor by secp192k1.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from ecdsa import der

from ape_v2v.metering.records import RecordError
from ape_v2v.metering.signed.keys import CURVES, HASHES

if TYPE_CHECKING:
    from pyocmf.core import Signature

    from ape_v2v.metering.signed.keys import MeterKey

_INTEGER = b"\x02"
_SYNONYMS = {"brainpoolP256r1": "brainpool256r1", "brainpoolP384r1": "brainpool384r1"}


def verify(payload: str, signature: Signature, key: MeterKey, serial: str) -> None:
    """Check a signature over a payload, to the byte.

    Raises:
        RecordError: It is not by this key over this payload, or by an algorithm unknown here.
    """
    name = str(signature.SA)
    method, curve, digest = (*name.split("-"), "", "")[:3]
    curve = _SYNONYMS.get(curve, curve)
    if method != "ECDSA" or curve not in CURVES or digest not in HASHES:
        raise RecordError(
            f"the signature algorithm (SA) {name!r} is unknown: expected ECDSA-curve-hash with "
            f"{', '.join(CURVES)} and {' or '.join(HASHES)}"
        )
    if curve != key.curve:
        raise RecordError(
            f"the record is signed with {curve}, and the public key of {serial} is for "
            f"{key.curve}: give this meter's key"
        )
    if not key.verifies(_numbers(_data(signature), key), payload.encode(), digest):
        raise RecordError(
            f"the signature is not by the public key of {serial} over this payload: the "
            "record was changed, or the key is another meter's"
        )


def _data(signature: Signature) -> bytes:
    encoding = str(signature.SE or "hex")
    try:
        if encoding == "hex":
            return bytes.fromhex(signature.SD)
        if encoding == "base64":
            return base64.b64decode(signature.SD, validate=True)
    except ValueError as error:
        raise RecordError(f"the signature (SD) is not {encoding}") from error
    raise RecordError(f"the signature's encoding (SE) is {encoding!r}: expected hex or base64")


def _numbers(data: bytes, key: MeterKey) -> tuple[int, int]:
    """The two numbers of a signature: DER, as OCMF has it, or one after the other.

    Meters in the field leave out the zero before a number whose first bit is set. Both are positive
    all the same: which bytes are signed does not depend on it.
    """
    if len(data) == 2 * key.bytes_:
        return int.from_bytes(data[: key.bytes_]), int.from_bytes(data[key.bytes_ :])
    try:
        body, rest = der.remove_sequence(data)
        r, body = _integer(body)
        s, body = _integer(body)
    except (der.UnexpectedDER, IndexError, ValueError, TypeError) as error:
        raise _neither(key) from error
    if rest or body:
        raise _neither(key)
    return r, s


def _integer(data: bytes) -> tuple[int, bytes]:
    """A number, taken as positive, and what comes after it."""
    if data[:1] != _INTEGER:
        raise der.UnexpectedDER("no integer")
    length, read = der.read_length(data[1:])
    end = 1 + read + length
    if not length or end > len(data):
        raise der.UnexpectedDER("cut short")
    return int.from_bytes(data[1 + read : end]), data[end:]


def _neither(key: MeterKey) -> RecordError:
    return RecordError(
        f"the signature (SD) is neither DER nor r‖s of {2 * key.bytes_} bytes: expected one of them"
    )
