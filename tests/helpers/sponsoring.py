"""Accounts without ether that delegate, and what they sign: written from the contract's text."""

from typing import Any

from eth_account.messages import encode_typed_data

FOREVER = 2**47
_TYPES = {
    "Call": [
        {"name": "to", "type": "address"},
        {"name": "value", "type": "uint256"},
        {"name": "data", "type": "bytes"},
    ],
    "Batch": [
        {"name": "calls", "type": "Call[]"},
        {"name": "nonce", "type": "uint256"},
        {"name": "deadline", "type": "uint256"},
    ],
}


def delegate(chain: Any, account: Any, implementation: Any) -> None:
    """Let an account delegate to a contract, without a transaction."""
    code = b"\xef\x01\x00" + bytes.fromhex(implementation.address[2:])
    chain.provider.set_code(account.address, code)


def sign_calls(
    signer: Any,
    calls: list[tuple[str, int, bytes]],
    nonce: int,
    *,
    account: Any = None,
    deadline: int = FOREVER,
    chain_id: int = 31_337,
) -> bytes:
    """What a key signs to have calls made by its account, or by another one."""
    typed = encode_typed_data(
        domain_data={
            "name": "V2VSponsoredAccount",
            "version": "1",
            "chainId": chain_id,
            "verifyingContract": (account or signer).address,
        },
        message_types=_TYPES,
        message_data={
            "calls": [dict(zip(("to", "value", "data"), call, strict=True)) for call in calls],
            "nonce": nonce,
            "deadline": deadline,
        },
    )
    signed = signer.sign_message(typed)
    # Of a bare key, or of an account of Ape's.
    return bytes(signed.signature if hasattr(signed, "signature") else signed.encode_rsv())
