"""The signatures of OCMF records: ECDSA, by the curves and encodings that the format names.

`cryptography` checks them, because pyocmf 0.6 verifies none by a Brainpool curve under the name
that OCMF gives it.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey as PublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key, load_pem_public_key

from ape_v2v.errors import ConfigurationError
from ape_v2v.metering.records import RecordError

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyocmf.core import Signature

_PEM = "-----BEGIN"
_HASHES: dict[str, Callable[[], hashes.HashAlgorithm]] = {
    "SHA256": hashes.SHA256,
    "SHA512": hashes.SHA512,
}
# OCMF's names of curves, and synonyms in use, by those that the library has.
_CURVES = {
    "secp192r1": "secp192r1",
    "secp256k1": "secp256k1",
    "secp256r1": "secp256r1",
    "secp384r1": "secp384r1",
    "secp521r1": "secp521r1",
    "brainpool256r1": "brainpoolP256r1",
    "brainpoolP256r1": "brainpoolP256r1",
    "brainpool384r1": "brainpoolP384r1",
    "brainpoolP384r1": "brainpoolP384r1",
}


def read_public_key(text: str) -> PublicKey:
    """A meter's key: DER in hexadecimal digits, or PEM.

    Raises:
        ConfigurationError: It is none for ECDSA.
    """
    try:
        if text.lstrip().startswith(_PEM):
            key = load_pem_public_key(text.encode())
        else:
            key = load_der_public_key(bytes.fromhex(text.removeprefix("0x")))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ConfigurationError(
            "the meter's public key cannot be read: expected DER in hexadecimal digits, or PEM"
        ) from error
    if not isinstance(key, PublicKey):
        raise ConfigurationError("the meter's public key is not one for ECDSA")
    return key


def verify(payload: str, signature: Signature, key: PublicKey, serial: str) -> None:
    """Check a signature over a payload, to the byte.

    Raises:
        RecordError: It is not by this key over this payload, or by an algorithm unknown here.
    """
    name = str(signature.SA)
    method, curve, digest = (*name.split("-"), "", "")[:3]
    if method != "ECDSA" or curve not in _CURVES or digest not in _HASHES:
        raise RecordError(
            f"the signature algorithm (SA) {name!r} is unknown: expected ECDSA-curve-hash with "
            f"{', '.join(_CURVES)} and {' or '.join(_HASHES)}"
        )
    if _CURVES[curve] != key.curve.name:
        raise RecordError(
            f"the record is signed with {curve}, and the public key of {serial} is for "
            f"{key.curve.name}: give this meter's key"
        )
    data = _signature_bytes(signature)
    try:
        key.verify(data, payload.encode(), ec.ECDSA(_HASHES[digest]()))
    except InvalidSignature as error:
        raise RecordError(
            f"the signature is not by the public key of {serial} over this payload: the "
            "record was changed, or the key is another meter's"
        ) from error


def _signature_bytes(signature: Signature) -> bytes:
    encoding = str(signature.SE or "hex")
    try:
        if encoding == "hex":
            return bytes.fromhex(signature.SD)
        if encoding == "base64":
            return base64.b64decode(signature.SD, validate=True)
    except ValueError as error:
        raise RecordError(f"the signature (SD) is not {encoding}") from error
    raise RecordError(f"the signature's encoding (SE) is {encoding!r}: expected hex or base64")
