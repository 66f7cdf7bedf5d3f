"""What the contract refuses, in sentences.

A `Refused` carries the name and the values of the custom error, and says what was wrong, what was
expected and what to do next.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from eth_abi.exceptions import DecodingError
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from ape_v2v.currency import ETHER
from ape_v2v.errors import V2VError
from ape_v2v.evm.decoding import decode
from ape_v2v.market.interface import contract as artifact
from ape_v2v.market.interface.states import State
from ape_v2v.units import Energy, Money, Rate, format_duration

if TYPE_CHECKING:
    from collections.abc import Callable

    from ethpm_types.abi import ErrorABI

    from ape_v2v.currency import Currency


class Refused(V2VError):
    """The market refused a call; nothing has changed but the gas that was spent.

    Attributes:
        name: The contract's custom error.
        inputs: Its values, as the contract gives them.
    """

    def __init__(
        self,
        name: str,
        inputs: dict[str, Any],
        said: str | None = None,
        *,
        currency: Currency = ETHER,
    ) -> None:
        """Put a refusal into words.

        Args:
            name: The contract's custom error.
            inputs: Its values.
            said: A sentence that fits the call better than the error's own.
            currency: What its amounts are in.
        """
        self.name = name
        self.inputs = inputs
        super().__init__(said or sentence(name, inputs, currency))


class _Values(dict[str, Any]):
    """An error's values, and what its amounts are in."""

    def __init__(self, inputs: dict[str, Any], currency: Currency) -> None:
        super().__init__(inputs)
        self.currency = currency

    def money(self, name: str) -> str:
        return self.amount(self[name])

    def amount(self, units: int) -> str:
        """An amount in words; it may be larger than any real one."""
        if units <= Money.maximum:
            return str(Money(units, self.currency))
        return f"{units} {self.currency.base}"

    def rate(self, name: str) -> str:
        if self[name] <= Rate.maximum:
            return str(Rate(self[name], self.currency))
        return f"{self[name]} {self.currency.base}/Wh"

    def energy(self, name: str) -> str:
        return str(Energy(self[name])) if self[name] <= Energy.maximum else f"{self[name]} Wh"


def _at(timestamp: int) -> str:
    try:
        return f"{datetime.fromtimestamp(timestamp, UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (OverflowError, ValueError):  # a deadline may be as far away as it likes
        return "the end of time"


def _seconds(count: int) -> str:
    try:
        return format_duration(timedelta(seconds=count))
    except OverflowError:
        return f"{count} s"


def _window(subject: str) -> Callable[[dict[str, Any]], str]:
    def sentence(i: dict[str, Any]) -> str:
        value, maximum = next(iter(i.values())), i["maximum"]
        return f"{subject} of {_seconds(value)} is out of range: from 1 s to {_seconds(maximum)}"

    return sentence


def _state(i: dict[str, Any]) -> str:
    actual, expected = (State(i[name]).name.lower() for name in ("actual", "expected"))
    if expected == "none":
        what = "end or cancel it first" if actual == "open" else "its connection has to end first"
        return f"the consumer's last auction is still {actual}: {what}"
    if actual == "none":
        return (
            f"this auction is over or never was, and this requires one that is {expected}: look up "
            "the consumer's current one"
        )
    if actual == "open":
        return (
            "this auction is still open, and this requires a connection: it begins when the "
            "consumer ends the auction with a bid standing"
        )
    return "this auction has been awarded already, and this requires one that is open"


_PANIC = keccak(text="Panic(uint256)")[:4]
_BUG = "that must never happen; please report it"

_SENTENCES: dict[str, Callable[[_Values], str]] = {
    # None of the contract's errors: a panic, say, or another contract
    "Reverted": lambda i: (
        f"the contract reverted as no market does: {i['reason']}; check the market's address"
        if i.currency.is_ether
        else f"the token {i.currency}, which is no part of the market, has refused: {i['reason']}; "
        f"its issuer can tell why, and nothing has moved"
    ),
    # Registry and accounts
    "NotEV": lambda i: (
        f"{i['account']} is not a registered EV: ask the organization to add it to the market"
    ),
    "AlreadyEV": lambda i: f"{i['account']} is registered already",
    "InvalidEV": lambda i: f"{i['account']} can never be an EV: nobody holds its key",
    "MarketClosed": lambda _: (
        "the market is closed to new EVs and new auctions; running auctions, settlements and "
        "withdrawals go on"
    ),
    "BatchLengthMismatch": lambda i: (
        f"{i['evs']} EVs came with {i['infos']} notes: give each EV its notes, empty ones too"
    ),
    "TextTooLong": lambda i: (
        f"the text has {i['length']} bytes, at most {i['maximum']} are allowed: shorten it"
    ),
    "OwnershipCannotBeRenounced": lambda _: (
        "a market cannot be without an owner: transfer the ownership instead"
    ),
    "OwnableUnauthorizedAccount": lambda i: (
        f"{i['account']} is not the organization that owns the market"
    ),
    "OwnableInvalidOwner": lambda i: f"{i['owner']} cannot own a market",
    "ParameterOutOfRange": lambda i: (
        f"{i['name']} of {i['value']} is out of range: from {i['minimum']} to {i['maximum']}"
    ),
    # Ledger
    "ZeroAmount": lambda _: "the amount is 0: name one above",
    "BalanceTooLow": lambda i: (
        f"{i['account']} has {i.money('balance')} in the market and needs "
        f"{i.money('needed')}: "
        f"deposit {i.amount(max(i['needed'] - i['balance'], 0))} more, or ask for less"
    ),
    "InvalidReceiver": lambda i: f"{i['to']} can take no money: nobody has its key",
    "PlainTransfer": lambda i: (
        f"a plain transfer of {i.money('amount')} cannot be credited: deposit it instead"
    ),
    "InsufficientBalance": lambda i: (
        f"the market holds {i.money('balance')} and owes {i.money('needed')}: {_BUG}"
    ),
    "FailedCall": lambda _: "the receiver refused the payment; the balance is untouched",
    # Ledger in a token
    "UnexpectedEther": lambda i: (
        f"this market is paid in {i.currency}, and {Money(i['amount'])} came along: send no ether "
        f"with the call, and deposit {i.currency} before it"
    ),
    "TooFewDecimals": lambda i: (
        f"the token has {i['decimals']} decimals, and a market takes one with {i['minimum']} at "
        "least: a unit of it would be too much for a Wh"
    ),
    "InexactTransfer": lambda i: (
        f"the token did not move {i.money('amount')}: what the market holds went from "
        f"{i.money('before')} to {i.money('held')}; a token that takes a fee on the way cannot be "
        "used here, and nothing has moved"
    ),
    "TooMuchHeld": lambda i: (
        f"with this the market would hold {i.money('held')}, more than a balance can count: "
        "deposit less"
    ),
    "ReentrancyGuardReentrantCall": lambda i: (
        f"the token {i.currency} called back in the middle of a transfer, and only one goes on at "
        "a time: nothing has moved"
    ),
    "SafeERC20FailedOperation": lambda i: (
        f"the token at {i['token']} says that it has not moved the money: look at your balance of "
        "it, and at what the market may take"
    ),
    # The token's own, as ERC-6093 names them
    "ERC20InsufficientAllowance": lambda i: (
        f"{i['spender']} may take {i.money('allowance')} and was to take {i.money('needed')}: "
        f"approve {i.money('needed')} first, by `ape v2v wallet approve`"
    ),
    "ERC20InsufficientBalance": lambda i: (
        f"{i['sender']} has {i.money('balance')} in its wallet, and {i.money('needed')} are to "
        f"leave it: get {i.amount(max(i['needed'] - i['balance'], 0))} more, or move less"
    ),
    # Auction
    "UnexpectedState": _state,
    "ZeroEnergy": lambda _: "the energy is 0: an auction is for at least 1 Wh",
    "ZeroRate": lambda i: f"the rate is 0: it is at least {_least(i.currency)}",
    "BiddingTimeOutOfRange": _window("a bidding time"),
    "ValidityOutOfRange": _window("a validity"),
    "BiddingClosed": lambda i: (
        f"bidding closed at {_at(i['closingTime'])}; it is {_at(i['timestamp'])} now"
    ),
    "BiddingOpen": lambda i: (
        f"bidding goes on until {_at(i['closingTime'])}, and it is {_at(i['timestamp'])} now: "
        f"wait {_seconds(i['closingTime'] - i['timestamp'])}"
    ),
    "AwardWindowPassed": lambda i: (
        f"the standing bid could be accepted before {_at(i['deadline'])}, "
        f"and it is {_at(i['timestamp'])} now: the auction can only be cancelled"
    ),
    "PenaltyTooLow": lambda i: (
        f"so little is at stake that breaking the deal would cost {i.money('penalty')}, and "
        f"it costs {i.money('minimum')} at least: ask for more energy, or at a higher rate"
    ),
    "NotConsumer": lambda i: (
        f"only the consumer, {i['consumer']}, may do this, and the sender is {i['account']}"
    ),
    "OnlyConsumerUntil": lambda i: (
        f"before {_at(i['deadline'])} only the consumer, {i['consumer']}, may cancel this auction"
    ),
    "PenaltyAboveMaximum": lambda i: (
        f"cancelling now costs a penalty of {i.money('penalty')}, and you allowed "
        f"{i.money('maximum')}: allow it by --max-penalty '{i.money('penalty')}', or "
        "let the auction go on"
    ),
    # Bidding
    "OwnAuction": lambda _: "a consumer cannot bid in its own auction",
    "RateTooHigh": lambda i: (
        f"{i.rate('rate')} is too high: at most {i.rate('highest')} is accepted now"
        if i["highest"]
        else f"{i.rate('rate')} is too high: the standing bid cannot be undercut"
    ),
    "TooManyRemovals": lambda i: (
        f"bids have been removed from this auction {i['maximum']} times: no more can be"
    ),
    "UnexpectedTerms": lambda i: (
        f"the bid was made for other terms than the auction has, {i['terms']} and not "
        f"{i['actual']}: look at the auction, and bid again if its terms suit"
    ),
    # Signatures
    "SignatureExpired": lambda i: (
        f"the signature was valid until {_at(i['deadline'])}, and it is {_at(i['timestamp'])} now: "
        "ask for a new one"
    ),
    "WrongSigner": lambda i: (
        f"the signature must be {i['expected']}'s, over exactly these values for this auction and "
        f"market; it gives {i['signer']}"
    ),
    "ECDSAInvalidSignature": lambda _: "the signature is not valid",
    "ECDSAInvalidSignatureLength": lambda i: (
        f"a signature has 65 bytes, or by a session key 130: this one {i['length']}"
    ),
    "ECDSAInvalidSignatureS": lambda _: "the signature is malleable (high s): sign again",
    "InvalidShortString": lambda _: f"the market cannot read its own name: {_BUG}",
    "StringTooLong": lambda i: f"the market's name, {i['str']!r}, is too long: {_BUG}",
    # Connection
    "NotProvider": lambda i: (
        f"only the provider, {i['provider']}, may do this, and the sender is {i['account']}"
    ),
    "EnergyAboveContract": lambda i: (
        f"{i.energy('energyWh')} is more than the {i.energy('contracted')} that were contracted"
    ),
    "ConnectionNotExpired": lambda i: (
        f"the connection can be expired from {_at(i['expiry'])} on, "
        f"and it is {_at(i['timestamp'])} now"
    ),
}


def _least(currency: Currency) -> str:
    return "1 wei/Wh" if currency.is_ether else str(Rate(1, currency))


def sentence(name: str, inputs: dict[str, Any], currency: Currency = ETHER) -> str:
    """What a custom error of the market says to a person.

    Args:
        name: The error.
        inputs: Its values.
        currency: What its amounts are in.
    """
    if name in _SENTENCES:
        return _SENTENCES[name](_Values(inputs, currency))
    values = ", ".join(f"{key}={value}" for key, value in inputs.items())
    return f"the market refused: {name}({values})"


def refusal(output: bytes, reason: str, currency: Currency = ETHER) -> Refused:
    """What the market means by reverting.

    Args:
        output: What it reverts with.
        reason: What the node says of it.
        currency: What its amounts are in.
    """

    def other(said: str) -> Refused:
        return Refused("Reverted", {"reason": said}, currency=currency)

    if output[:4] == _PANIC:
        return other(f"Panic error 0x{int.from_bytes(output[4:]):x}")
    if (abi := _errors().get(output[:4])) is None:
        return other(reason)
    try:
        values = decode([item.canonical_type for item in abi.inputs], output[4:])
    except DecodingError:  # another contract's error by chance
        return other(reason)
    inputs = {
        str(item.name): to_checksum_address(value) if item.type == "address" else value
        for item, value in zip(abi.inputs, values, strict=True)
    }
    return Refused(abi.name, inputs, currency=currency)


@cache
def _errors() -> dict[bytes, ErrorABI]:
    return {
        keccak(text=abi.selector)[:4]: abi
        for name in artifact.NAMES
        for abi in artifact.contract_type(name).errors
    }
