"""Tokens for the tests, and what their holders sign to pay with them."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import pytest
from ape.exceptions import ContractLogicError
from eth_abi.abi import encode
from eth_account.messages import encode_typed_data
from eth_utils.crypto import keccak
from hexbytes import HexBytes

FIELDS = {
    "from": "address",
    "to": "address",
    "value": "uint256",
    "validAfter": "uint256",
    "validBefore": "uint256",
    "nonce": "bytes32",
}
FOREVER = 2**47 - 1  # OpenZeppelin's ERC3009 counts blocks from this bit on


class Authorization(NamedTuple):
    """What `depositWithAuthorization` and the token's own functions take, in that order."""

    holder: str
    value: int
    valid_after: int
    valid_before: int
    nonce: bytes
    v: int
    r: bytes
    s: bytes


def authorize(
    token: Any,
    chain_id: int,
    holder: Any,
    to: Any,
    value: int,
    valid: tuple[int, int] = (0, FOREVER),
    kind: str = "ReceiveWithAuthorization",
) -> Authorization:
    """What a holder signs to have `value` of its token taken (EIP-3009).

    Written from the standard, and not with the package's own words.
    """
    nonce = os.urandom(32)
    domain = token.eip712Domain()
    typed = encode_typed_data(
        domain_data={
            "name": domain.name,
            "version": domain.version,
            "chainId": chain_id,
            "verifyingContract": token.address,
        },
        message_types={kind: [{"name": name, "type": type_} for name, type_ in FIELDS.items()]},
        message_data=dict(
            zip(FIELDS, (holder.address, to.address, value, *valid, nonce), strict=True)
        ),
    )
    # Ape's r and s have no zeros in front, of which one signature in 128 needs some.
    signature = holder.sign_message(typed).encode_rsv()
    r, s, v = signature[:32], signature[32:64], signature[64]
    return Authorization(holder.address, value, *valid, nonce, v, r, s)


@contextmanager
def refused_by(token: Any, error: str, *values: Any) -> Iterator[None]:
    """Expect this error of a token with these values, in a call of another contract.

    Ape knows the errors of a called contract only, and of no token behind a proxy.
    """
    (abi,) = (one for one in token.contract_type.errors if one.name == error)
    expected = keccak(text=abi.selector)[:4] + encode([one.type for one in abi.inputs], values)
    with pytest.raises(ContractLogicError) as refusal:
        yield
    cause: Any = refusal.value.base_err
    assert HexBytes(cause.data) == expected, f"not refused with {abi.selector}"
