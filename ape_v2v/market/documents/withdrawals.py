"""Money that its account takes out of a market in a token, for anyone to send."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import Field, PlainSerializer

from ape_v2v.chain import blocks
from ape_v2v.market.documents.document import (
    DocumentError,
    MarketDocument,
    require_signed,
)
from ape_v2v.market.interface import messages
from ape_v2v.market.interface.fields import Address, Signature  # noqa: TC001 - pydantic reads
from ape_v2v.market.interface.refusals import Refused
from ape_v2v.market.till import SignedWithdrawal
from ape_v2v.units import Money

if TYPE_CHECKING:
    from ape.api import AccountAPI

    from ape_v2v.market.till import Till


class WithdrawalDocument(MarketDocument):
    """A withdrawal that its account has signed, for anyone to send."""

    what = "a signed withdrawal"

    type: Literal["Withdrawal"] = "Withdrawal"
    account: Address
    """Whose balance it is out of: who has signed."""
    amount: Annotated[int, Field(ge=1, le=Money.maximum), PlainSerializer(str)]
    """In the token's smallest units."""
    to: Address
    nonce: int = Field(ge=0)
    """How often the account had revoked what it had signed, withdrawals that were sent included."""
    deadline: datetime
    """The last second in which the signature is valid."""
    signature: Signature

    @classmethod
    def sign(
        cls, market: Till, amount: Money, to: str, deadline: datetime, signer: AccountAPI
    ) -> Self:
        """Sign a withdrawal that the market would take now.

        Args:
            market: A market in a token.
            amount: What is to be paid out, in its currency.
            to: Who is to be paid.
            deadline: The last second in which it may be sent.
            signer: Whose balance it is out of.

        Raises:
            V2VError: The market is paid in ether, or in another token.
            Refused: It is nothing, or more than is free.
        """
        if not amount:
            raise Refused("ZeroAmount", {})
        if not market.currency.is_ether:  # else signing says so
            _require_free(market, signer.address, market.money_of(amount))
        signed = market.sign_withdrawal(amount, to, deadline, signer=signer)
        return cls(
            chain_id=market.node.chain_id,
            market=market.address,
            account=signed.account,
            amount=int(signed.amount),
            to=signed.to,
            nonce=signed.nonce,
            deadline=datetime.fromtimestamp(signed.deadline, UTC),
            signature=signed.signature,
        )

    def withdrawal_for(self, market: Till) -> SignedWithdrawal:
        """The withdrawal, if it is good in this market now.

        Raises:
            DocumentError: It is for another market, or was sent already, or revoked.
            Refused: What the market would say: out of time, not the account's signature, more
                than is free.
        """
        self.require_market(market)
        deadline, now = int(self.deadline.timestamp()), blocks.next_timestamp(market.node)
        if now > deadline:
            raise Refused("SignatureExpired", {"deadline": deadline, "timestamp": now})
        nonce = int(market.contract.view("evs", self.account).revocations)
        if self.nonce != nonce:
            raise DocumentError(
                f"the withdrawal was signed with the nonce {self.nonce}, and it is {nonce} now: it "
                "was sent already, or its account has revoked what it had signed; ask for a new one"
            )
        kind: Any = messages.Withdrawal  # its domain is a keyword that the class does not declare
        typed = kind(
            amount=self.amount,
            to=self.to,
            nonce=self.nonce,
            deadline=deadline,
            eip712_domain=market.domain(),
        )
        require_signed(
            lambda: messages.signer_of(typed, self.signature),
            self.account,
            f"the signature is not {self.account}'s over exactly these values for this market: ask "
            "for a new one",
        )
        amount = market.money(self.amount)
        _require_free(market, self.account, amount)
        return SignedWithdrawal(self.account, amount, self.to, self.nonce, deadline, self.signature)


def _require_free(market: Till, account: str, amount: Money) -> None:
    free = market.balance(account)
    if amount > free:
        raise Refused(
            "BalanceTooLow",
            {"account": account, "balance": int(free), "needed": int(amount)},
            currency=market.currency,
        )
