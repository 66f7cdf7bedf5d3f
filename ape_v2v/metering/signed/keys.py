"""A meter's public key, in whichever form it is written on the meter, in its papers or in a file.

DER or PEM names its curve. A bare point does not: it is the curve that the point lies on, for no
point lies on two of them by chance. `ecdsa` does the arithmetic of secp192k1, which OCMF allows and
OpenSSL as `cryptography` ships it does not have; `cryptography` does that of the others.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING

import ecdsa
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from ecdsa import der, ellipticcurve

from ape_v2v.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

# By SEC 2, section 2.2.1: y² = x³ + 3.
_P = 2**192 - 2**32 - 4553
_FIELD = ellipticcurve.CurveFp(_P, 0, 3, 1)
_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFE26F2FC170F69466A74DEFD8D
_SECP192K1 = ecdsa.curves.Curve(
    "secp192k1",
    _FIELD,
    ellipticcurve.PointJacobi(
        _FIELD,
        0xDB4FF10EC057E9AE26B07D0280B7F4341DA5D1B1EAE06C7D,
        0x9B2F2F6D9C5628A7844163D015BE86344082AA88D95E2F9D,
        1,
        _ORDER,
        generator=True,
    ),
    (1, 3, 132, 0, 31),
)
_BY_OPENSSL: dict[str, Callable[[], ec.EllipticCurve]] = {
    "secp192r1": ec.SECP192R1,
    "secp256k1": ec.SECP256K1,
    "secp256r1": ec.SECP256R1,
    "secp384r1": ec.SECP384R1,
    "secp521r1": ec.SECP521R1,
    "brainpool256r1": ec.BrainpoolP256R1,
    "brainpool384r1": ec.BrainpoolP384R1,
}
_CURVES = {
    "secp192k1": _SECP192K1,
    "secp192r1": ecdsa.NIST192p,
    "secp256k1": ecdsa.SECP256k1,
    "secp256r1": ecdsa.NIST256p,
    "secp384r1": ecdsa.NIST384p,
    "secp521r1": ecdsa.NIST521p,
    "brainpool256r1": ecdsa.BRAINPOOLP256r1,
    "brainpool384r1": ecdsa.BRAINPOOLP384r1,
}
CURVES = tuple(_CURVES)
"""As OCMF names them."""
_HASHES: dict[str, Callable[[], hashes.HashAlgorithm]] = {
    "SHA256": hashes.SHA256,
    "SHA384": hashes.SHA384,
    "SHA512": hashes.SHA512,
}
HASHES = tuple(_HASHES)
_ECDSA = (1, 2, 840, 10045, 2, 1)  # id-ecPublicKey
_UNCOMPRESSED = 4
_FORMS = (
    "expected DER or a bare point X‖Y, in hexadecimal digits or base64, or PEM; of an ECDSA key on "
    f"{', '.join(CURVES)}"
)


@dataclass(frozen=True)
class MeterKey:
    """A point on one of OCMF's curves."""

    curve: str
    """As OCMF names it."""
    x: int
    y: int

    @property
    def bytes_(self) -> int:
        """The length of a coordinate, and of either part of a signature."""
        return _length(self.curve)

    def verifies(self, signature: tuple[int, int], data: bytes, digest: str) -> bool:
        """Whether this key has made a signature, r and s, over so many bytes.

        Raises:
            ConfigurationError: This machine's OpenSSL does not have the curve.
        """
        algorithm = _HASHES[digest]()
        if self.curve not in _BY_OPENSSL:
            return self._verifies_in_python(signature, data, algorithm)
        try:
            numbers = ec.EllipticCurvePublicNumbers(self.x, self.y, _BY_OPENSSL[self.curve]())
            key = numbers.public_key()
            key.verify(encode_dss_signature(*signature), data, ec.ECDSA(algorithm))
        except InvalidSignature:
            return False
        except UnsupportedAlgorithm as error:
            raise ConfigurationError(
                f"this machine's OpenSSL does not have {self.curve}, the curve of the meter's key: "
                "install cryptography's own wheel"
            ) from error
        return True

    def _verifies_in_python(
        self, signature: tuple[int, int], data: bytes, algorithm: hashes.HashAlgorithm
    ) -> bool:
        curve = _CURVES[self.curve]
        point = ellipticcurve.Point(curve.curve, self.x, self.y, curve.order)
        key = ecdsa.VerifyingKey.from_public_point(point, curve)
        hashed = hashes.Hash(algorithm)
        hashed.update(data)
        try:
            return bool(
                key.verify_digest(
                    signature, hashed.finalize(), sigdecode=_as_it_is, allow_truncate=True
                )
            )
        except ecdsa.BadSignatureError:
            return False


def read_public_key(text: str | bytes) -> MeterKey:
    """A meter's key: DER or a bare point, in hexadecimal digits or base64, or PEM.

    Spaces, colons, line ends, `0x` and a byte order mark are passed over.

    Raises:
        ConfigurationError: It is in none of these forms, or no key for ECDSA by OCMF's curves.
    """
    for data in _decodings(text):
        if (key := _from_der(data) or _from_point(data)) is not None:
            return key
    raise ConfigurationError(f"the meter's public key cannot be read: {_FORMS}")


def _decodings(text: str | bytes) -> list[bytes]:
    """What the text may stand for, the likeliest first."""
    if isinstance(text, bytes):
        try:
            return [text, *_decodings(text.decode("utf-8-sig"))]
        except UnicodeDecodeError:
            return [text]
    text = text.removeprefix("\ufeff").strip()
    if text.startswith("-----"):
        lines = [line.strip() for line in text.splitlines()]
        text = "".join(line for line in lines if line and not line.startswith("-----"))
        return _decoded(lambda: base64.b64decode(text, validate=True))
    digits = "".join(text.split()).replace(":", "").replace("-", "")
    joined = "".join(text.split())
    return [
        *_decoded(lambda: bytes.fromhex(digits.removeprefix("0x").removeprefix("0X"))),
        *_decoded(lambda: base64.b64decode(joined + "=" * (-len(joined) % 4), validate=True)),
    ]


def _decoded(decode: Callable[[], bytes]) -> list[bytes]:
    try:
        return [decode()]
    except (ValueError, binascii.Error):
        return []


def _from_der(data: bytes) -> MeterKey | None:
    """A SubjectPublicKeyInfo; None when it is something else."""
    try:
        body, rest = der.remove_sequence(data)
        algorithm, point = der.remove_sequence(body)
        kind, parameters = der.remove_object(algorithm)
        if rest or kind != _ECDSA:
            return None
        oid, nothing = der.remove_object(parameters)
        bits, after = der.remove_bitstring(point, 0)
    except (der.UnexpectedDER, ValueError, IndexError, TypeError):
        return None
    if nothing or after:
        return None
    named = [name for name, curve in _CURVES.items() if curve.oid == oid]
    return _on_curve(bits, named)


def _from_point(data: bytes) -> MeterKey | None:
    return _on_curve(data, list(_CURVES))


def _on_curve(data: bytes, names: list[str]) -> MeterKey | None:
    """A point, 4‖X‖Y or X‖Y, on one of some curves."""
    for name in names:
        length = _length(name)
        bare = data[1:] if len(data) == 1 + 2 * length and data[0] == _UNCOMPRESSED else data
        if len(bare) != 2 * length:
            continue
        x, y = int.from_bytes(bare[:length]), int.from_bytes(bare[length:])
        field = _CURVES[name].curve
        if x < field.p() and y < field.p() and field.contains_point(x, y):
            return MeterKey(name, x, y)
    return None


def _length(curve: str) -> int:
    return (_CURVES[curve].curve.p().bit_length() + 7) // 8


def _as_it_is(signature: tuple[int, int], _order: int) -> tuple[int, int]:
    return signature
