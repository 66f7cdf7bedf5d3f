"""Meters' keys, as they are written on meters, in papers and in files; and OCMF's curves."""

import base64
import hashlib
import itertools

import ecdsa
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from hypothesis import given, settings
from hypothesis import strategies as st

from ape_v2v import ConfigurationError
from ape_v2v.metering.signed import keys
from ape_v2v.metering.signed.keys import CURVES, MeterKey, read_public_key
from tests.metering.test_ocmf import KEY, KEYS, der, meter_of, payload, pem, signed

POINT = KEY.public_key().public_bytes(
    serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
)
DER = bytes.fromhex(der())
EXPECTED = MeterKey(
    "secp256r1", KEY.public_key().public_numbers().x, KEY.public_key().public_numbers().y
)
WEAK = ecdsa.SigningKey.from_secret_exponent(12_345, keys._SECP192K1)
"""A key on secp192k1, made by another library than the one that reads it: see below."""


def by(text, separator):
    return separator.join(text[index : index + 2] for index in range(0, len(text), 2))


@pytest.mark.parametrize(
    "text",
    [
        DER.hex(),
        DER.hex().upper(),
        "0x" + DER.hex(),
        by(DER.hex(), " "),
        by(DER.hex(), ":"),
        f"  {DER.hex()[:60]}\n{DER.hex()[60:]}\n",
        "\ufeff" + DER.hex(),
        base64.b64encode(DER).decode(),
        base64.b64encode(DER).decode().rstrip("="),
        base64.encodebytes(DER).decode(),
        POINT.hex(),
        POINT[1:].hex(),
        base64.b64encode(POINT).decode(),
        base64.b64encode(POINT[1:]).decode(),
        pem(),
        "\ufeff" + pem(),
        pem().replace("\n", "\r\n"),
        DER,
        POINT,
        POINT[1:],
        pem().encode(),
        b"\xef\xbb\xbf" + pem().encode(),
        DER.hex().encode(),
    ],
    ids=itertools.count(),
)
def test_a_key_is_read_in_every_form(text):
    assert read_public_key(text) == EXPECTED


@pytest.mark.parametrize("curve", [name for name in CURVES if name != "secp192k1"])
def test_a_bare_point_is_of_the_curve_that_it_lies_on(curve):
    public = KEYS[curve].public_key()
    point = public.public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    )
    numbers = public.public_numbers()
    expected = MeterKey(curve, numbers.x, numbers.y)
    assert read_public_key(point[1:].hex()) == read_public_key(point) == expected
    assert read_public_key(der(KEYS[curve])) == expected


OTHERS = {
    "nothing": "",
    "no digits": "zz",
    "an odd digit": "0",
    "half a PEM": "-----BEGIN PUBLIC KEY-----",
    "a key cut short": DER.hex()[:-2],
    "a key with more": DER.hex() + "00",
    "a point that lies on no curve": (POINT[1:-1] + bytes([POINT[-1] ^ 1])).hex(),
    "a compressed point": (b"\x02" + POINT[1:33]).hex(),
    "a number above the field": "ff" * 64,
    "RSA": rsa.generate_private_key(65537, 2048)
    .public_key()
    .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    .decode(),
    "Ed25519": ed25519.Ed25519PrivateKey.generate()
    .public_key()
    .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    .decode(),
    "a curve that OCMF does not have": der(ec.generate_private_key(ec.SECP224R1())),
    "a private key": KEY.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode(),
}


@pytest.mark.parametrize("text", OTHERS.values(), ids=OTHERS)
def test_what_is_no_key_of_a_meter_is_refused_with_the_forms_that_are(text):
    with pytest.raises(ConfigurationError, match=r"expected DER or a bare point X‖Y.*or PEM"):
        read_public_key(text)


@settings(max_examples=500)
@given(st.one_of(st.text(max_size=300), st.binary(max_size=300)))
def test_no_text_is_read_but_as_a_key_or_refused(text):
    try:
        key = read_public_key(text)
    except ConfigurationError:
        return
    assert key.curve in CURVES


def test_secp192k1_is_the_curve_of_the_standard():
    curve = keys._SECP192K1
    generator = curve.generator
    assert curve.curve.contains_point(generator.x(), generator.y())
    assert curve.order * generator == ecdsa.ellipticcurve.INFINITY
    assert curve.order.bit_length() == 192
    assert ecdsa.numbertheory.is_prime(curve.order)


def weakly_signed(text, *, raw=False):
    encode = ecdsa.util.sigencode_string if raw else ecdsa.util.sigencode_der
    signature = WEAK.sign_digest(
        hashlib.sha256(text.encode()).digest(), sigencode=encode, allow_truncate=True
    )
    return signed(text, algorithm="ECDSA-secp192k1-SHA256", SD=signature.hex())


@pytest.mark.parametrize("raw", [False, True], ids=["DER", "r‖s"])
def test_a_signature_by_secp192k1_is_verified(raw):
    key = WEAK.verifying_key.to_string().hex()
    assert read_public_key(WEAK.verifying_key.to_der()) == read_public_key(key)
    meter = meter_of(weakly_signed(payload(), raw=raw), public_key=key)
    assert meter.read().energy_wh == 12_345


def test_a_changed_record_signed_by_secp192k1_is_refused():
    key = WEAK.verifying_key.to_string().hex()
    record = weakly_signed(payload()).replace(b"12.345", b"12.346")
    with pytest.raises(Exception, match="not by the public key"):
        meter_of(record, public_key=key).read()


@pytest.mark.parametrize("curve", [name for name in CURVES if name != "secp192k1"])
def test_a_signature_of_two_numbers_one_after_the_other_is_verified(curve):
    text = payload()
    r, s = decode_dss_signature(KEYS[curve].sign(text.encode(), ec.ECDSA(hashes.SHA256())))
    size = read_public_key(der(KEYS[curve])).bytes_
    raw = r.to_bytes(size) + s.to_bytes(size)
    for encoding, data in (("hex", raw.hex()), ("base64", base64.b64encode(raw).decode())):
        record = signed(text, KEYS[curve], f"ECDSA-{curve}-SHA256", SE=encoding, SD=data)
        assert meter_of(record, public_key=der(KEYS[curve])).read().energy_wh == 12_345
