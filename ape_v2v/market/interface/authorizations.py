"""What the holder of a token signs to have some of it taken (EIP-3009), in the token's domain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eth_account.messages import encode_typed_data

from ape_v2v.chain.line.faults import NodeError
from ape_v2v.errors import V2VError
from ape_v2v.market.interface.refusals import Refused

if TYPE_CHECKING:
    from eth_account.messages import SignableMessage

    from ape_v2v.market.interface.access import TokenContract
    from ape_v2v.units import Money

_TYPE = "ReceiveWithAuthorization"
_FIELDS = {
    "from": "address",
    "to": "address",
    "value": "uint256",
    "validAfter": "uint256",
    "validBefore": "uint256",
    "nonce": "bytes32",
}
_DOMAIN = ("name", "version", "chainId", "verifyingContract")
_PLAIN_DOMAIN = b"\x0f"
"""Of ERC-5267: these four fields and no other."""


class NoAuthorizations(V2VError):
    """A token takes no signed deposits, or does not say how they are to be signed."""


@dataclass(frozen=True)
class DepositAuthorization:
    """A deposit that the holder of a token has signed, for anyone to send to the market."""

    account: str
    amount: Money
    valid_after: int
    """It is valid after this second."""
    valid_before: int
    """It is valid before this second."""
    nonce: bytes
    """32 bytes, used once."""
    signature: bytes
    """65 bytes: r, s, v; none yet where it is to be signed."""

    @property
    def arguments(self) -> tuple[Any, ...]:
        """As the market takes them."""
        r, s, v = self.signature[:32], self.signature[32:64], self.signature[64]
        times = self.valid_after, self.valid_before
        return (self.account, int(self.amount), *times, self.nonce, v, r, s)


def typed(token: TokenContract, market: str, deposit: DepositAuthorization) -> SignableMessage:
    """What is signed for a deposit into a market.

    Raises:
        NoAuthorizations: The token knows no such authorizations, or does not say in which domain.
        NodeError: The node does not answer.
    """
    if (used := _asked(token, "authorizationState", deposit.account, deposit.nonce)) is None:
        raise NoAuthorizations(
            f"the token {token.currency} at {token.address} takes no signed deposits (EIP-3009): "
            "approve the amount instead, by `ape v2v wallet approve`"
        )
    assert not used, "the nonce was drawn a moment ago"
    times = deposit.valid_after, deposit.valid_before
    values = (deposit.account, market, int(deposit.amount), *times, deposit.nonce)
    return encode_typed_data(
        domain_data=_domain(token),
        message_types={_TYPE: [{"name": name, "type": kind} for name, kind in _FIELDS.items()]},
        message_data=dict(zip(_FIELDS, values, strict=True)),
    )


def _domain(token: TokenContract) -> dict[str, Any]:
    """The EIP-712 domain of a token: as ERC-5267 tells it, or as older ones name their parts."""
    told = _asked(token, "eip712Domain")
    if told is not None:
        fields, name, version, *_ = told
        plain = bytes(fields) == _PLAIN_DOMAIN
    else:
        name, version, plain = _asked(token, "name"), _asked(token, "version"), True
    domain = dict(zip(_DOMAIN, (name, version, token.node.chain_id, token.address), strict=True))
    separator = _asked(token, "DOMAIN_SEPARATOR")
    fits = separator is None or bytes(separator) == _separator(domain)
    if name is None or version is None or not plain or not fits:
        raise NoAuthorizations(
            f"the token {token.currency} at {token.address} does not say in which domain it takes "
            "signatures: approve the amount instead, by `ape v2v wallet approve`"
        )
    return domain


def _separator(domain: dict[str, Any]) -> bytes:
    empty: dict[str, Any] = {"message_types": {"Nothing": []}, "message_data": {}}
    return encode_typed_data(domain_data=domain, **empty).header


def _asked(token: TokenContract, name: str, *arguments: Any) -> Any:
    """What a token may answer; None where it has no such function."""
    try:
        return token.view(name, *arguments)
    except Refused:
        return None
    except NodeError:
        # A contract with a fallback gives nothing for what it does not know.
        if token.view("decimals") is None:
            raise
        return None
