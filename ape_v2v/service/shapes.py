"""What the service answers: the package's own JSON, with every whole number as decimal digits.

JavaScript keeps no number above 2**53, and a page should not have to know which may become one.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

Digits = Annotated[str, Field(pattern=r"^[0-9]+$", examples=["300000000000000"])]
"""A whole number, as decimal digits."""
Address = Annotated[
    str,
    Field(pattern=r"^0x[0-9a-fA-F]{40}$", examples=["0x70997970C51812dc3A010C7d01b50e0d17dc79C8"]),
]
"""An account, with its checksum."""
Moment = Annotated[str, Field(examples=["2026-05-04T14:02:11+00:00"])]
"""A time, ISO 8601 in UTC."""
Hash = Annotated[str, Field(pattern=r"^0x[0-9a-f]{64}$")]


def as_texts(value: Any) -> Any:
    """JSON with every whole number as decimal digits."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int):
        return str(value)
    if isinstance(value, dict):
        return {key: as_texts(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [as_texts(item) for item in value]
    return value


class ServiceAnswer(BaseModel):
    """What a request is answered with."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class ProblemAnswer(ServiceAnswer):
    """Why a request was not answered as asked: one sentence, with what to do."""

    error: str = Field(examples=["'12' is no cursor: take one as it was given, such as '1234-5'"])


class HeadAnswer(ServiceAnswer):
    """The latest block that the service has seen."""

    number: Digits
    hash: Hash
    timestamp: Digits
    """Seconds since 1970."""
    age_seconds: Digits
    """Since it was seen: not the block's own age."""
    behind: str | None
    """Why the last events may be missing; null when none is."""


class CurrencyAnswer(ServiceAnswer):
    """What the market is paid in."""

    symbol: str = Field(examples=["ether", "EURC"])
    decimals: Digits
    """Behind the point: amounts are whole numbers of the smallest unit."""
    address: Address | None
    """The token's contract; null for ether."""


class ConfigAnswer(ServiceAnswer):
    """The market, and what a page needs to know before anything else."""

    version: str
    chain_id: Digits
    network: str
    is_local: bool
    """A chain for trying things out, where money is worth nothing."""
    market: Address
    currency: CurrencyAnswer
    code_hash: Hash
    """Of the code at the market's address: compare it with the deployment's record."""
    confirmations: Digits
    """Blocks that lie on top of what is shown."""
    parameters: dict[str, Digits]
    """The market's rules, under the contract's names."""
    head: HeadAnswer


class RunningAuction(ServiceAnswer):
    """An auction that is open or connected, as the contract has it."""

    auction_id: Digits
    state: str = Field(examples=["open"])
    consumer: Address
    energy_wh: Digits
    max_rate: Digits
    """The most that the consumer pays, smallest units of money a Wh."""
    closing_time: Moment
    validity: Digits
    """Seconds that the two EVs have, from the award on."""
    open_award: bool
    provider: Address | None
    rate: Digits | None
    cost: Digits | None
    connected_at: Moment | None
    free_until: Moment | None
    removals: Digits
    reserve: Digits
    """What the consumer has locked."""
    highest_rate: Digits | None
    """The highest that the next bid may be; null when none is accepted."""
    details: dict[str, Any]
    """Place, connector and so on, as far as they are understood."""
    text: str
    """The details as they were published: anybody may write anything."""


class RunningAnswer(ServiceAnswer):
    """The auctions that run, by their close."""

    head: HeadAnswer
    auctions: list[RunningAuction]


class PastAuction(ServiceAnswer):
    """An auction from its start on, over or not."""

    auction_id: Digits
    consumer: Address
    energy_wh: Digits
    max_rate: Digits
    started_at: Moment
    closing_time: Moment
    validity: Digits
    bids: Digits
    removals: Digits
    provider: Address | None
    rate: Digits | None
    outcome: str = Field(examples=["ended"])
    text: str


class PastAnswer(ServiceAnswer):
    """So many auctions, the newest first."""

    auctions: list[PastAuction]
    next: str | None
    """The cursor of the page after this one; null when this is the last."""


class EventAnswer(ServiceAnswer):
    """Something that has happened, as the market reported it, with all that its event says."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "example": {
                "block": "1042",
                "timestamp": "2026-05-04T14:02:11+00:00",
                "transaction": f"0x{'5c' * 32}",
                "logIndex": "1",
                "event": "Deposited",
                "account": "0x70997970C51812dc3A010C7d01b50e0d17dc79C8",
                "from": "0x70997970C51812dc3A010C7d01b50e0d17dc79C8",
                "amount": "25000000",
                "currency": {
                    "symbol": "EURC",
                    "decimals": "6",
                    "address": "0x1aBaEA1f7C830bD89Acc67eC4af516284b1bC33c",
                },
            }
        },
    )

    block: Digits
    timestamp: Moment
    transaction: Hash
    event: str = Field(examples=["BidPlaced"])
    currency: CurrencyAnswer | None = None
    """Whose smallest units its amounts and rates count; left out in a market in ether."""


class AuctionAnswer(ServiceAnswer):
    """One auction: what has become of it, and how it stands while it runs."""

    auction: PastAuction
    running: RunningAuction | None
    events: list[EventAnswer]
    """All that has happened in it, as the market reported it."""


class ActivityAnswer(ServiceAnswer):
    """What has happened to an account, the newest first."""

    events: list[EventAnswer]
    next: str | None


class RegisteredEV(ServiceAnswer):
    """An account that the organization has registered."""

    address: Address
    infos: str
    added_at: Moment


class EVsAnswer(ServiceAnswer):
    """The registered EVs."""

    evs: list[RegisteredEV]
