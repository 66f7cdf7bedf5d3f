"""The token's currency room, from the rules: what tokens do in a transfer, and what is entered."""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy, deepcopy
from typing import Any, NamedTuple

from eth_account import Account
from eth_account.messages import SignableMessage, encode_typed_data

from ape_v2v.evm.contracts import DecodedEvent
from tests.helpers.token_stage import Way

from .ledger import BURNT
from .refusal import Refused
from .signatures import ORDER, Message, require_signer

MOST = 2**128 - 1
"""What a market holds at most: all balances together fit one."""
UINT256 = 2**256 - 1
BLOCKS = 1 << 47
"""OpenZeppelin's ERC3009 counts blocks from here on."""


# What counts as no, of what a token may answer.
_NO = {Way.RETURNS_FALSE, Way.RETURNS_FALSE_AND_MOVES, Way.RETURNS_TWO, Way.RETURNS_ONE_BYTE}
_REVERTS: dict[Way, Refused] = {
    Way.REFUSES: Refused("Refused"),
    Way.REFUSES_WITHOUT_A_REASON: Refused(""),
    Way.PANICS: Refused("Panic", 1),
    Way.BURNS_ITS_GAS: Refused(""),
}


class Authorization(NamedTuple):
    """What a holder signs to have its tokens taken by `payee` (EIP-3009)."""

    chain_id: int
    token: str
    holder: str
    payee: str
    amount: int
    valid_after: int
    valid_before: int
    nonce: bytes

    @property
    def signable(self) -> SignableMessage:
        names = ("from", "to", "value", "validAfter", "validBefore", "nonce")
        kinds = ("address", "address", "uint256", "uint256", "uint256", "bytes32")
        fields = [{"name": n, "type": t} for n, t in zip(names, kinds, strict=True)]
        return encode_typed_data(
            domain_data={
                "name": "Test euro",
                "version": "2",
                "chainId": self.chain_id,
                "verifyingContract": self.token,
            },
            message_types={"ReceiveWithAuthorization": fields},
            message_data=dict(zip(names, self[2:], strict=True)),
        )


class Token:
    """A token that does what it should, as OpenZeppelin's do."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.balances: defaultdict[str, int] = defaultdict(int)
        self.allowances: defaultdict[tuple[str, str], int] = defaultdict(int)

    def held(self, account: str) -> int:
        return self.balances[account]

    def transfer(self, sender: str, to: str, amount: int) -> None:
        self._move(sender, to, amount)

    def transfer_from(self, spender: str, owner: str, to: str, amount: int) -> None:
        allowed = self.allowances[owner, spender]
        if allowed < amount:
            raise Refused("ERC20InsufficientAllowance", spender, allowed, amount)
        if allowed != UINT256:
            self.allowances[owner, spender] -= amount
        self.transfer(owner, to, amount)

    def receive(self, now: int, asked: Authorization, signature: bytes) -> None:
        """What the payee has the token do with an authorization."""
        raise NotImplementedError

    def _move(self, sender: str, to: str, amount: int) -> None:
        held = self.balances[sender]
        if held < amount:
            raise Refused("ERC20InsufficientBalance", sender, held, amount)
        self.balances[sender] -= amount
        self.balances[to] += amount


class OddToken(Token):
    """A token that behaves as it is told."""

    way = Way.HONEST

    def held(self, account: str) -> int:
        if self.way is Way.HIDES_BALANCES:
            raise Refused("Refused")
        return super().held(account)

    def transfer(self, sender: str, to: str, amount: int) -> None:
        if self.way not in {Way.MOVES_NOTHING, Way.RETURNS_FALSE}:
            if self.way in _REVERTS:
                raise _REVERTS[self.way]
            self._move_oddly(sender, to, amount)
        if self.way in _NO:
            raise Refused("SafeERC20FailedOperation", self.address)

    def receive(self, now: int, asked: Authorization, signature: bytes) -> None:  # noqa: ARG002
        if self.way is not Way.TAKES_ANY_CALL:
            raise Refused("Refused")

    def _move_oddly(self, sender: str, to: str, amount: int) -> None:
        if self.way is Way.MOVES_HALF:
            amount //= 2
        if self.way is Way.MOVES_DOUBLE:
            amount *= 2
        self._move(sender, to, amount)
        match self.way:
            case Way.MOVES_BACK:
                self._move(to, sender, amount)
            case Way.FEE_FROM_RECEIVER:
                self._move(to, self.address, amount // 100)
            case Way.FEE_FROM_SENDER:
                self._move(sender, self.address, amount // 100)


class Stablecoin(Token):
    """A token whose issuer can pause it and block accounts, with EIP-3009."""

    def __init__(self, address: str) -> None:
        super().__init__(address)
        self.paused = False
        self.blocked: set[str] = set()
        self._used: set[tuple[str, bytes]] = set()

    def transfer(self, sender: str, to: str, amount: int) -> None:
        for account in (sender, to):
            if account in self.blocked:
                raise Refused("Blocked", account)
        if self.paused:
            raise Refused("EnforcedPause")
        super().transfer(sender, to, amount)

    def receive(self, now: int, asked: Authorization, signature: bytes) -> None:
        if _recovered(asked.signable, signature) != asked.holder:
            raise Refused("ERC3009InvalidSignature")
        if not asked.valid_after < now < asked.valid_before:
            raise Refused("ERC3009InvalidAuthorizationTime", asked.valid_after, asked.valid_before)
        if (asked.holder, asked.nonce) in self._used:
            raise Refused("ERC3009UsedAuthorization", asked.holder, asked.nonce)
        self._used.add((asked.holder, asked.nonce))
        self.transfer(asked.holder, asked.payee, asked.amount)


def _recovered(signable: SignableMessage, signature: bytes) -> str:
    if int.from_bytes(signature[32:64]) > ORDER // 2:
        raise Refused("ECDSAInvalidSignatureS", signature[32:64])
    if signature[64] not in {27, 28}:
        raise Refused("ECDSAInvalidSignature")
    return str(Account.recover_message(signable, signature=signature)).lower()


class Caller(NamedTuple):
    """Who calls, and when."""

    sender: str
    now: int


class CurrencyRoom:
    """Balances in a token: what comes in and what goes out, and whose it is."""

    def __init__(self, chain_id: int, address: str, token: Token) -> None:
        self.chain_id = chain_id
        self.address = address
        self.token = token
        self.evs: set[str] = set()
        self.balances: defaultdict[str, int] = defaultdict(int)
        self.sequences: defaultdict[str, int] = defaultdict(int)

    @contextmanager
    def all_or_nothing(self) -> Iterator[None]:
        """Undo what was done in here when it ends with a refusal."""
        before = deepcopy((vars(self.token), copy(self.balances), copy(self.sequences)))
        try:
            yield
        except Refused:
            of_token, self.balances, self.sequences = before
            vars(self.token).update(of_token)
            raise

    # --- In -----------------------------------------------------------------------------------

    def deposit(self, call: Caller, amount: int) -> list[DecodedEvent]:
        return self._take(call.sender, call.sender, amount)

    def deposit_for(self, call: Caller, ev: str, amount: int) -> list[DecodedEvent]:
        if ev not in self.evs:
            raise Refused("NotEV", ev)
        return self._take(ev, call.sender, amount)

    def deposit_with_authorization(
        self,
        call: Caller,
        holder: str,
        amount: int,
        valid_after: int,
        valid_before: int,
        nonce: bytes,
        v: int,
        r: bytes,
        s: bytes,
    ) -> list[DecodedEvent]:
        before = self.token.held(self.address)
        asked = Authorization(
            self.chain_id,
            self.token.address,
            holder,
            self.address,
            amount,
            valid_after,
            valid_before,
            nonce,
        )
        self.token.receive(call.now, asked, r + s + bytes([v]))
        return self._enter(holder, holder, amount, before)

    def _take(self, account: str, payer: str, amount: int) -> list[DecodedEvent]:
        before = self.token.held(self.address)
        self.token.transfer_from(self.address, payer, self.address, amount)
        return self._enter(account, payer, amount, before)

    def _enter(self, account: str, payer: str, amount: int, before: int) -> list[DecodedEvent]:
        if amount == 0:
            raise Refused("ZeroAmount")
        held = self.token.held(self.address)
        if held - before != amount:
            raise Refused("InexactTransfer", amount, before, held)
        if held > MOST:
            raise Refused("TooMuchHeld", held, MOST)
        self.balances[account] += amount
        return [DecodedEvent("Deposited", (account, payer, amount))]

    # --- Out ----------------------------------------------------------------------------------

    def withdraw(self, call: Caller, amount: int, to: str) -> list[DecodedEvent]:
        _require_payable(amount, to)
        return self._pay(call.sender, amount, to)

    def withdraw_for(
        self, call: Caller, account: str, amount: int, to: str, deadline: int, signature: bytes
    ) -> list[DecodedEvent]:
        _require_payable(amount, to)
        if call.now > deadline:
            raise Refused("SignatureExpired", deadline, call.now)
        values = (amount, to, self.sequences[account], deadline)
        signed = Message(self.chain_id, self.address, "Withdrawal", values)
        require_signer(account, signed, signature)
        self.sequences[account] += 1
        return [DecodedEvent("BidsRevoked", (account,)), *self._pay(account, amount, to)]

    def revoke_bids(self, call: Caller) -> list[DecodedEvent]:
        """A withdrawal that was signed is void as well."""
        self.sequences[call.sender] += 1
        return [DecodedEvent("BidsRevoked", (call.sender,))]

    def _pay(self, account: str, amount: int, to: str) -> list[DecodedEvent]:
        balance = self.balances[account]
        if balance < amount:
            raise Refused("BalanceTooLow", account, balance, amount)
        self.balances[account] -= amount
        before = self.token.held(self.address)
        self.token.transfer(self.address, to, amount)
        held = self.token.held(self.address)
        if before - held != amount:
            raise Refused("InexactTransfer", amount, before, held)
        return [DecodedEvent("Withdrawn", (account, to, amount))]


def _require_payable(amount: Any, to: str) -> None:
    if amount == 0:
        raise Refused("ZeroAmount")
    if to == BURNT:
        raise Refused("InvalidReceiver", to)
