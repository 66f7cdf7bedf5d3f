"""What the market has on record, as types that can be shown, and given to programs as JSON.

Energy is a number of Wh, durations are numbers of seconds, times are ISO 8601 in UTC. Amounts,
rates and ids are decimal texts, because they exceed what JSON readers take for a number. Amounts
and rates count smallest units: wei, unless there is a `currency` beside them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from eth_utils.conversions import to_hex

from ape_v2v.currency import ETHER
from ape_v2v.market.interface.records import in_currency
from ape_v2v.market.interface.states import Ending, State
from ape_v2v.units import Energy, Money

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from ape_v2v.currency import Currency
    from ape_v2v.market.interface.events import Fact
    from ape_v2v.market.interface.records import AuctionInfo
    from ape_v2v.units import Rate

CONNECTION_END = "ConnectionEnded"
"""What the market reports of a connection that ends, however it does."""


@dataclass(frozen=True)
class Standing:
    """How an auction, or the connection that it became, stands, and what is at stake in it."""

    info: AuctionInfo
    reserve: Money
    """What the consumer has locked."""
    bond: Money
    """What the leading provider has locked, or the next one would have to."""
    penalty: Money
    """What a broken promise costs."""
    highest_rate: Rate | None
    """The highest that would be accepted; None when no bid can undercut, or none is accepted."""

    def as_json(self) -> dict[str, Any]:
        stakes = {"reserve": self.reserve, "bond": self.bond, "penalty": self.penalty}
        shown = self.info.as_json() | {name: value.as_json() for name, value in stakes.items()}
        if self.info.state is State.OPEN:
            highest = self.highest_rate
            shown["highestRate"] = None if highest is None else highest.as_json()
        return shown


@dataclass(frozen=True)
class EVRecord:
    """What a market knows of an account, registered or not."""

    address: str
    infos: str | None
    """The organization's notes; None where it never was registered."""
    added_at: datetime | None
    """When it was registered; None when it is not."""
    balance: Money
    """Its free balance."""
    completed: int
    no_shows: int
    revocations: int
    """How often it has revoked the bids that it had signed."""

    @property
    def registered(self) -> bool:
        """Whether it may start auctions and bid."""
        return self.added_at is not None

    def as_json(self) -> dict[str, Any]:
        return {
            "address": self.address,
            "registered": self.registered,
            "infos": self.infos,
            "addedAt": None if self.added_at is None else self.added_at.isoformat(),
            "balance": self.balance.as_json(),
            "completed": self.completed,
            "noShows": self.no_shows,
            "revocations": self.revocations,
            **in_currency(self.balance),
        }


@dataclass(frozen=True)
class MarketOverview:
    """Who owns a market, whether it is open, what it holds."""

    address: str
    network: str
    """As file names and the configuration have it: `ethereum-sepolia`."""
    organization: str
    pending_organization: str | None
    """To whom it is offered."""
    active: bool
    """Whether new EVs and new auctions are admitted."""
    number_of_evs: int
    holdings: Money
    burnt: Money

    def as_json(self) -> dict[str, Any]:
        return {
            "address": self.address,
            "network": self.network,
            "organization": self.organization,
            "pendingOrganization": self.pending_organization,
            "active": self.active,
            "numberOfEVs": self.number_of_evs,
            "holdings": self.holdings.as_json(),
            "burnt": self.burnt.as_json(),
            **in_currency(self.burnt),
        }


@dataclass(frozen=True)
class Ownership:
    """Whose a market is, after it was offered, taken, or an offer taken back."""

    organization: str
    pending_organization: str | None
    """To whom it is offered."""
    transaction: str | None

    def as_json(self) -> dict[str, Any]:
        return {
            "organization": self.organization,
            "pendingOrganization": self.pending_organization,
            "transaction": self.transaction,
        }


@dataclass(frozen=True)
class Registrations:
    """What has become of a list of EVs."""

    registered: Sequence[str]
    """Those that are registered now, and were not."""
    already_registered: Sequence[str]

    def as_json(self) -> dict[str, Any]:
        return {
            "registered": list(self.registered),
            "alreadyRegistered": list(self.already_registered),
        }


@dataclass(frozen=True)
class BalanceChange:
    """What was added to a balance or paid out of it, and what it is now."""

    account: str
    amount: Money
    balance: Money
    transaction: str | None

    def as_json(self) -> dict[str, Any]:
        return {
            "account": self.account,
            "amount": self.amount.as_json(),
            "balance": self.balance.as_json(),
            "transaction": self.transaction,
            **in_currency(self.balance),
        }


@dataclass(frozen=True)
class TokenAllowance:
    """What a market in a token may take out of the wallet of an account."""

    account: str
    allowed: Money
    transaction: str | None

    def as_json(self) -> dict[str, Any]:
        return {
            "account": self.account,
            "allowed": self.allowed.as_json(),
            "transaction": self.transaction,
            **in_currency(self.allowed),
        }


@dataclass(frozen=True)
class Revocations:
    """How often an EV has revoked the bids that it had signed, and the last time that it did."""

    revocations: int
    transaction: str | None

    def as_json(self) -> dict[str, Any]:
        return {"revocations": self.revocations, "transaction": self.transaction}


@dataclass(frozen=True)
class AuctionOver:
    """An auction that no connection has come out of."""

    auction_id: int
    transaction: str | None = None
    penalty: Money | None = None
    """What its cancellation has cost the consumer; None where it was not cancelled just now."""
    event: str | None = None
    """How it came to an end, where somebody else has ended it."""

    def as_json(self) -> dict[str, Any]:
        told = {
            "penalty": None if self.penalty is None else self.penalty.as_json(),
            "event": self.event,
            "transaction": self.transaction,
        }
        over: dict[str, Any] = {"auctionId": str(self.auction_id), "state": State.NONE.shown}
        over |= {name: value for name, value in told.items() if value is not None}
        return over | (in_currency(self.penalty) if self.penalty is not None else {})


@dataclass(frozen=True)
class ConnectionOutcome:
    """How a connection has just ended, by the transaction that ended it."""

    auction_id: int
    how: Ending
    transaction: str
    energy: Energy
    """What was paid for."""
    cost: Money
    meter_data_hash: bytes
    penalty: Money
    """What was lost, by the provider that forfeits, else by each side."""

    @classmethod
    def of(cls, facts: Iterable[Fact], transaction: str, currency: Currency = ETHER) -> Self:
        """Read what a market that is paid in this currency has reported."""
        (end,) = [fact.args for fact in facts if fact.name == CONNECTION_END]
        return cls(
            auction_id=end["auctionId"],
            how=Ending(end["how"]),
            transaction=transaction,
            energy=Energy(end["energyWh"]),
            cost=Money(end["cost"], currency),
            meter_data_hash=end["meterDataHash"],
            penalty=Money(end["penalty"], currency),
        )

    def as_json(self) -> dict[str, Any]:
        return {
            "auctionId": str(self.auction_id),
            "how": self.how.shown,
            "energyWh": self.energy.as_json(),
            "cost": self.cost.as_json(),
            "penalty": self.penalty.as_json(),
            "meterDataHash": to_hex(self.meter_data_hash),
            "transaction": self.transaction,
            **in_currency(self.cost),
        }
