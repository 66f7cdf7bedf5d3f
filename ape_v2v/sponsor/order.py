"""What an account signs to have done, once, until a deadline: JSON between EV and sponsor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Self

from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_account.typed_transactions.set_code_transaction import Authorization as SignedAuthorization
from eth_keys.exceptions import BadSignature
from eth_utils.conversions import to_hex
from eth_utils.crypto import keccak
from eth_utils.hexadecimal import decode_hex
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
)
from pydantic.alias_generators import to_camel

from ape_v2v.chain.signing import Authorization
from ape_v2v.errors import V2VError
from ape_v2v.market.interface import contract as artifact
from ape_v2v.market.interface.fields import Address, Signature  # noqa: TC001 - pydantic reads
from ape_v2v.validation import first_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ape.api import AccountAPI
    from eth_account.messages import SignableMessage

DOMAIN_NAME = "V2VSponsoredAccount"
DOMAIN_VERSION = "1"
MOST_CALLS = 8
MOST_BYTES = 8_192
"""Of the data of one call."""

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


def _data(value: object) -> object:
    if not isinstance(value, str):
        return value
    if not value.startswith("0x"):
        raise ValueError("expected 0x and hexadecimal digits")
    return decode_hex(value)


Number = Annotated[int, Field(ge=0, lt=2**256), PlainSerializer(str)]
Data = Annotated[
    bytes, BeforeValidator(_data), Field(max_length=MOST_BYTES), PlainSerializer(to_hex)
]


class _Part(BaseModel):
    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True
    )


class OrderedCall(_Part):
    """One call that the account makes."""

    to: Address
    value: Number
    """Of the account's own ether, wei."""
    data: Data


class SignedDelegation(_Part):
    """The account's authorization to delegate, with its first order."""

    nonce: int = Field(ge=0, lt=2**64)
    y_parity: int = Field(ge=0, le=1)
    r: Number
    s: Number


class Order(_Part):
    """What an account has signed to have done."""

    chain_id: int = Field(ge=1)
    account: Address
    calls: tuple[OrderedCall, ...] = Field(min_length=1, max_length=MOST_CALLS)
    nonce: Number
    deadline: int = Field(ge=0, lt=2**53)
    """The last second in which the signature is valid."""
    signature: Signature
    delegation: SignedDelegation | None = None
    """Where the account does not delegate yet."""

    @classmethod
    def load(cls, text: bytes) -> Self:
        """Read an order.

        Raises:
            V2VError: It is none.
        """
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            raise V2VError(f"this is not an order: {first_words(error)}") from error

    @classmethod
    def sign(
        cls,
        signer: AccountAPI,
        chain_id: int,
        calls: Sequence[tuple[str, int, bytes]],
        *,
        nonce: int,
        deadline: int,
        delegation: Authorization | None = None,
    ) -> Self:
        """Have an account sign calls: to whom, with how much ether, with what data.

        Raises:
            V2VError: It does not sign.
        """
        ordered = tuple(OrderedCall(to=to, value=value, data=data) for to, value, data in calls)
        signature = signer.sign_message(_typed(chain_id, signer.address, ordered, nonce, deadline))
        if signature is None:
            raise V2VError(f"{signer.address} did not sign the order: nothing was sent")
        return cls(
            chain_id=chain_id,
            account=signer.address,
            calls=ordered,
            nonce=nonce,
            deadline=deadline,
            signature=signature.encode_rsv(),
            delegation=None
            if delegation is None
            else SignedDelegation(
                nonce=delegation.nonce,
                y_parity=delegation.y_parity,
                r=delegation.r,
                s=delegation.s,
            ),
        )

    @property
    def digest(self) -> str:
        """What no two orders share: the hash of what was signed, and of the signature."""
        return f"0x{keccak(self.data).hex()}"

    @property
    def data(self) -> bytes:
        """The call of the account that carries the order out."""
        calls = [(one.to, one.value, one.data) for one in self.calls]
        interface = artifact.interface(artifact.DELEGATE_NAME)
        return interface.call_data("execute", calls, self.deadline, self.signature)

    @property
    def is_signed(self) -> bool:
        """Whether the account's own key has signed it."""
        typed = _typed(self.chain_id, self.account, self.calls, self.nonce, self.deadline)
        return _recovers(
            lambda: Account.recover_message(typed, signature=self.signature), self.account
        )

    def authorization(self, delegate: str) -> Authorization | None:
        """The account's authorization to delegate to this contract, if there is one in it.

        Raises:
            V2VError: The account has not signed that.
        """
        if (one := self.delegation) is None:
            return None
        found = Authorization(self.chain_id, delegate, one.nonce, one.y_parity, one.r, one.s)
        signed = SignedAuthorization(self.chain_id, bytes.fromhex(delegate[2:]), one.nonce)
        vrs = (one.y_parity, one.r, one.s)
        if not _recovers(lambda: Account._recover_hash(signed.hash(), vrs=vrs), self.account):
            raise V2VError(
                f"{self.account} has not signed that it delegates to {delegate} on chain "
                f"{self.chain_id}, with the nonce {one.nonce}"
            )
        return found

    def text(self) -> str:
        """The order as one line of JSON."""
        return self.model_dump_json(by_alias=True)


def _typed(
    chain_id: int, account: str, calls: Sequence[OrderedCall], nonce: int, deadline: int
) -> SignableMessage:
    return encode_typed_data(
        domain_data={
            "name": DOMAIN_NAME,
            "version": DOMAIN_VERSION,
            "chainId": chain_id,
            "verifyingContract": account,
        },
        message_types=_TYPES,
        message_data={
            "calls": [{"to": one.to, "value": one.value, "data": one.data} for one in calls],
            "nonce": nonce,
            "deadline": deadline,
        },
    )


def _recovers(recover: Any, account: str) -> bool:
    try:
        return bool(recover() == account)
    except (BadSignature, ValueError):  # no key makes such a signature
        return False
