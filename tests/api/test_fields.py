"""How signatures and addresses enter."""

import pytest

from ape_v2v.market.interface.fields import with_v_27_or_28

R_AND_S = bytes(range(64))


@pytest.mark.parametrize(("given", "taken"), [(0, 27), (1, 28), (27, 27), (28, 28)])
def test_the_last_byte_of_a_wallet_s_signature_becomes_27_or_28(given, taken):
    assert with_v_27_or_28(R_AND_S + bytes([given])) == R_AND_S + bytes([taken])


@pytest.mark.parametrize("signature", [R_AND_S + b"\2", R_AND_S, R_AND_S + b"\0\0", b""])
def test_what_is_no_signature_is_left_as_it_is(signature):
    assert with_v_27_or_28(signature) == signature
