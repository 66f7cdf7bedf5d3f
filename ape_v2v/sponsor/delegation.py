"""The contract that accounts delegate to: where it is, and how it stands with an account.

Its address follows from its code: it is created by the factory that lies on nearly every network,
so nobody has to be believed that it is the right one.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from eth_abi.abi import encode
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from ape_v2v.chain import blocks
from ape_v2v.chain.line.answered import read_bytes
from ape_v2v.chain.signing import Authorization
from ape_v2v.chain.writing.forecast import Request
from ape_v2v.errors import V2VError
from ape_v2v.market.interface import contract as artifact
from ape_v2v.market.interface.access import code
from ape_v2v.market.interface.transactions import deliver, foresee

if TYPE_CHECKING:
    from ape.api import AccountAPI

    from ape_v2v.chain.node import Node

FACTORY = "0x4e59b44847b379578588920cA78FbF26c0B4956C"
"""Creates contracts at addresses that follow from their code."""

_SALT = bytes(32)
_POINTER = b"\xef\x01\x00"
_NONCES_SLOT = 0xBB7091DAA1EF62F7C0A20E158AF5BA6D4E3523667F2AD53EA89E11784C62E400 + 2
"""The contract's own place (ERC-7201), where the two names of its domain come first."""


@cache
def delegate_address() -> str:
    """Where the contract is, on every network that has it."""
    origin = b"\xff" + bytes.fromhex(FACTORY[2:]) + _SALT + keccak(_creation_code())
    return to_checksum_address(keccak(origin)[-20:])


def ensure_deployed(node: Node, sender: AccountAPI) -> str:
    """The contract's address; it is deployed where it is not there yet.

    Raises:
        V2VError: It cannot be.
    """
    address = delegate_address()
    if code(node, address):
        return address
    if not code(node, FACTORY):
        raise V2VError(
            f"there is no contract factory at {FACTORY} on {node.network.name}, by which the "
            "delegate is deployed: sponsoring is not possible there"
        )
    request = Request(sender, FACTORY, _SALT + _creation_code())
    deliver(node, request, foresee(node, request))
    if not code(node, address):
        raise V2VError(f"the delegate was sent to {node.network.name} and is not at {address}")
    return address


def delegate_of(node: Node, account: str) -> str | None:
    """What an account delegates to; None where it has no code.

    Raises:
        V2VError: The account is a contract.
    """
    found = code(node, account)
    if not found:
        return None
    if not found.startswith(_POINTER):
        raise V2VError(f"{account} is a contract: only an account with a key can delegate")
    return to_checksum_address(found[len(_POINTER) :])


def next_nonce(node: Node, account: str) -> int:
    """What the next order of an account has to carry, whether or not it delegates yet."""
    slot = keccak(encode(["address", "uint256"], [account, _NONCES_SLOT]))
    answer = node.request("eth_getStorageAt", [account, f"0x{slot.hex()}", blocks.LATEST])
    return int.from_bytes(read_bytes(answer))


def transaction_count(node: Node, account: str) -> int:
    """What an authorization of an account has to carry."""
    answer = node.request("eth_getTransactionCount", [account, blocks.LATEST])
    count = blocks.number(answer)
    assert count is not None, "a node counts"
    return count


def authorize(node: Node, account: AccountAPI) -> Authorization:
    """Have an account sign that it delegates to the contract.

    Raises:
        V2VError: It does not sign.
    """
    address, nonce = delegate_address(), transaction_count(node, account.address)
    try:
        signed = account.sign_authorization(address, chain_id=node.chain_id, nonce=nonce)
    except NotImplementedError as error:
        raise V2VError(
            f"{account.address} is kept where no delegation can be signed: use an account with a "
            "key file"
        ) from error
    if signed is None:
        raise V2VError(f"{account.address} did not sign that it delegates: nothing was sent")
    return Authorization(
        chain_id=node.chain_id,
        address=address,
        nonce=nonce,
        y_parity=int(signed.v),
        r=int.from_bytes(signed.r),
        s=int.from_bytes(signed.s),
    )


def _creation_code() -> bytes:
    return artifact.interface(artifact.DELEGATE_NAME).creation_code()
