"""The till of a market: how money comes in, and how it leaves.

Ether comes along with the call. A token is taken out of the payer's wallet: the payer has allowed
it to the market before (`approve`), or signs for it once (`authorize`) where the token knows that.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from ape_v2v.chain import blocks
from ape_v2v.errors import V2VError
from ape_v2v.market.desk import Desk
from ape_v2v.market.interface import authorizations, messages
from ape_v2v.market.interface.access import address_of, require_signer
from ape_v2v.market.interface.authorizations import DepositAuthorization, NoAuthorizations
from ape_v2v.market.interface.fields import with_v_27_or_28
from ape_v2v.market.interface.refusals import Refused
from ape_v2v.market.interface.transactions import Write

if TYPE_CHECKING:
    from datetime import datetime

    from ape.api import AccountAPI

    from ape_v2v.chain.writing.receipts import Mined
    from ape_v2v.market.interface.access import TokenContract
    from ape_v2v.units import Money

_NONCE_BYTES = 32
_WAIT = timedelta(hours=1)
"""How long a deposit that is signed and sent at once may wait for its block."""


@dataclass(frozen=True)
class SignedWithdrawal:
    """A withdrawal that anyone may send. `deadline` is the last second in which it is valid."""

    account: str
    amount: Money
    to: str
    nonce: int
    """How often the account had revoked what it had signed."""
    deadline: int
    signature: bytes


class Till(Desk):
    """Where money comes in and leaves."""

    def deposit(self, amount: Money | str, *, sender: AccountAPI) -> Mined:
        """Add to the sender's balance: ether, or what the market may take of its token.

        Raises:
            Refused: The market may not take so much, or the sender has not got it.
        """
        return self._pay("deposit", (), amount, sender)

    def deposit_for(self, ev: str, amount: Money | str, *, sender: AccountAPI) -> Mined:
        """Add to the balance of a registered EV, as `deposit` does."""
        return self._pay("depositFor", (ev,), amount, sender)

    def pay_in(self, amount: Money | str, *, sender: AccountAPI) -> Mined:
        """Deposit in whatever way the currency knows, for a sender who signs without asking.

        Of a token: what is allowed already, else by a signature (`authorize`), else after an
        approval, which is a transaction of its own.

        Raises:
            Refused: The sender has not got so much, or the token refuses it.
        """
        money = self.money_of(amount)
        if self.currency.is_ether or self.allowance(sender.address) >= money:
            return self.deposit(money, sender=sender)
        try:
            signed = self.authorize(money, self.now + _WAIT, signer=sender)
        except NoAuthorizations:
            self.approve(money, sender=sender)
            return self.deposit(money, sender=sender)
        return self.deposit_authorized(signed, sender=sender)

    def approve(self, amount: Money | str, *, sender: AccountAPI) -> Mined:
        """Allow the market to take so much of the sender's tokens, and no more.

        Raises:
            V2VError: The market is paid in ether.
            Refused: The token refuses it.
        """
        require_signer(sender)
        token, money = self._token(), self.money_of(amount)
        write = Write(token, "approve", (self.address, int(money)), sender)
        mined: Mined = self.gateway(write)
        return mined

    def allowance(self, account: str) -> Money:
        """What the market may take out of the wallet of an account.

        Raises:
            V2VError: The market is paid in ether.
        """
        return self.money(self._token().view("allowance", account, self.address))

    def wallet(self, account: str) -> Money:
        """What an account has of the market's currency outside the market."""
        token = self.contract.token
        if token is None:
            return self.money(blocks.balance(self.node, account))
        return self.money(token.view("balanceOf", account))

    def authorize(
        self, amount: Money | str, until: datetime, *, signer: AccountAPI
    ) -> DepositAuthorization:
        """Sign a deposit of a token for anyone to send (EIP-3009): the signer pays no gas.

        Args:
            amount: What is taken out of the signer's wallet into its balance.
            until: When it stops being valid.
            signer: Who has the tokens.

        Raises:
            V2VError: The market is paid in ether, or its token takes no such signatures.
        """
        require_signer(signer)
        money, nonce = self.money_of(amount), secrets.token_bytes(_NONCE_BYTES)
        last = int(until.timestamp())
        unsigned = DepositAuthorization(signer.address, money, 0, last, nonce, b"")
        message = authorizations.typed(self._token(), self.address, unsigned)
        signature = signer.sign_message(message)
        if signature is None:
            raise V2VError(f"{signer.address} did not sign the deposit")
        return replace(unsigned, signature=with_v_27_or_28(signature.encode_rsv()))

    def deposit_authorized(
        self, authorization: DepositAuthorization, *, sender: AccountAPI
    ) -> Mined:
        """Send a deposit that the holder of the tokens has signed, at the sender's gas.

        Raises:
            V2VError: The market is paid in ether, or in another token.
            Refused: It is used, over or void, or the holder has not got so much.
        """
        self._token()
        money = self.money_of(authorization.amount)
        # One's own is signed anew with every try: what is wanted is the same.
        own = authorization.account == sender.address
        try:
            return self.transact(
                "depositWithAuthorization",
                *authorization.arguments,
                sender=sender,
                moves=money,
                intent=f"deposit {int(money)} by signature".encode() if own else b"",
            )
        except Refused as error:
            raise self._short(error, authorization.account, money, allowed=money) from error

    def withdraw(self, amount: Money | str, *, sender: AccountAPI, to: str | None = None) -> Mined:
        """Pay out part of the sender's balance, to the sender or to somebody else.

        Raises:
            Refused: It is more than is free.
        """
        require_signer(sender)
        amount = self.money_of(amount)
        try:
            return self.transact("withdraw", int(amount), to or sender.address, sender=sender)
        except Refused as error:
            if error.name != "BalanceTooLow":
                raise
            free = self.money(error.inputs["balance"])
            raise Refused(
                error.name,
                error.inputs,
                f"{sender.address} has {free} free in the market, and {amount} was to be "
                f"withdrawn: withdraw {free} at most, or --all; what is locked is not free yet",
            ) from error

    def withdraw_all(self, *, sender: AccountAPI, to: str | None = None) -> Mined:
        """Pay out the sender's whole balance."""
        require_signer(sender)
        return self.withdraw(self.balance(sender.address), sender=sender, to=to)

    def sign_withdrawal(
        self, amount: Money | str, to: str, deadline: datetime, *, signer: AccountAPI
    ) -> SignedWithdrawal:
        """Sign a withdrawal of a token for anyone to send. Revoking bids makes it void.

        Raises:
            V2VError: The market is paid in ether.
        """
        require_signer(signer)
        self._token()
        money, to, last_second = self.money_of(amount), address_of(to), int(deadline.timestamp())
        nonce = int(self.contract.view("evs", signer.address).revocations)
        signature = self.sign(
            messages.Withdrawal,
            signer=signer,
            amount=int(money),
            to=to,
            nonce=nonce,
            deadline=last_second,
        )
        return SignedWithdrawal(signer.address, money, to, nonce, last_second, signature)

    def withdraw_signed(self, withdrawal: SignedWithdrawal, *, sender: AccountAPI) -> Mined:
        """Send a withdrawal that the account has signed, at the sender's gas.

        Raises:
            V2VError: The market is paid in ether, or in another token.
            Refused: It is void, over, or more than is free.
        """
        self._token()
        return self.transact(
            "withdrawFor",
            withdrawal.account,
            int(self.money_of(withdrawal.amount)),
            withdrawal.to,
            withdrawal.deadline,
            withdrawal.signature,
            sender=sender,
        )

    def _pay(
        self, method: str, whose: tuple[str, ...], amount: Money | str, sender: AccountAPI
    ) -> Mined:
        money = self.money_of(amount)
        if self.currency.is_ether:
            return self.transact(method, *whose, sender=sender, value=money)
        try:
            return self.transact(method, *whose, int(money), sender=sender, moves=money)
        except Refused as error:
            raise self._short(error, sender.address, money) from error

    def _short(
        self, error: Refused, account: str, needed: Money, *, allowed: Money | None = None
    ) -> Refused:
        """What an account lacks, where that may be why; each token has words of its own for it."""
        if error.name in _MARKETS_OWN:
            return error
        balance = self.wallet(account)
        if balance < needed:
            values = {"sender": account, "balance": int(balance), "needed": int(needed)}
            return Refused("ERC20InsufficientBalance", values, currency=self.currency)
        allowed = self.allowance(account) if allowed is None else allowed
        if allowed < needed:
            return Refused(
                "ERC20InsufficientAllowance",
                {"spender": self.address, "allowance": int(allowed), "needed": int(needed)},
                f"the market may take {allowed} of {account}, and {needed} are to be deposited: "
                f"allow it with `ape v2v wallet approve '{needed}'`, or sign for it with "
                "`--authorize` where the token can do that",
            )
        return error

    def _token(self) -> TokenContract:
        token = self.contract.token
        if token is None:
            raise V2VError(
                "this market is paid in ether, which comes along with a deposit: there is nothing "
                "to allow or to sign for before it"
            )
        return token


_MARKETS_OWN = ("ZeroAmount", "NotEV", "InexactTransfer", "TooMuchHeld")
"""What the market itself says of a deposit."""
