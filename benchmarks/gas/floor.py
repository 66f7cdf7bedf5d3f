"""The least that a call can cost on an EVM that does what docs/protocol.md says.

The model takes only what the specification names: the bytes that the caller must send, the slots
that must change or be asked, the events, the signatures, and ether that leaves. The slots are those
that the specification fixes: one for an account, two for an auction, one for the organization.
Nothing is taken from a trace of our contract, and nothing is charged for computing: no hash of a
mapping's key, no check, no jump. So the floor cannot be reached; how near one comes is the measure.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.gas.prices import PriceList

_WORD = 32


@dataclass(frozen=True)
class Event:
    """An event: how many of its fields are indexed, and how many words the others take."""

    indexed: int
    words: int

    def cost(self, prices: PriceList) -> int:
        topics = 1 + self.indexed  # the first is the event's own name
        return prices.log + topics * prices.log_topic + self.words * _WORD * prices.log_byte


@dataclass(frozen=True)
class Needs:
    """What a call has to do by the specification, for users who have traded before."""

    why: str
    """The slots, in words."""
    changed: int
    """Slots that change and stay non-zero."""
    asked: int = 0
    """Slots that decide and do not change."""
    new: int = 0
    events: tuple[Event, ...] = ()
    signatures: int = 0
    payments: int = 0
    """Ether sent to the caller, whose account is warm."""

    def floor(self, prices: PriceList, call_data: bytes) -> int:
        """The least gas, for a call with this data."""
        return sum(self.parts(prices, call_data).values())

    def parts(self, prices: PriceList, call_data: bytes) -> dict[str, int]:
        """What the floor consists of, gas."""
        zeros = call_data.count(0)
        payment = prices.warm_access + prices.call_value - prices.call_stipend
        return {
            "transaction": prices.transaction,
            "calldata": zeros * prices.calldata_zero_byte
            + (len(call_data) - zeros) * prices.calldata_byte,
            "slots that change": self.changed * prices.changed_slot + self.new * prices.new_slot,
            "slots that are asked": self.asked * prices.cold_storage_access,
            "events": sum(event.cost(prices) for event in self.events),
            "signatures": self.signatures * prices.signature,
            "payments": self.payments * payment,
        }


_AUCTION_STARTED = Event(indexed=2, words=7)  # five values, and an empty text
_BID_PLACED = Event(indexed=2, words=2)
_ENDED = Event(indexed=3, words=5)

FLOORS = {
    "addEV": Needs(
        "organization (owner, open, count) changes; account is new",
        changed=1,
        new=1,
        events=(Event(indexed=1, words=3),),
    ),
    "addEVs, ten": Needs(
        "organization changes once; ten accounts are new",
        changed=1,
        new=10,
        events=(Event(indexed=1, words=3),) * 10,
    ),
    "removeEV": Needs(
        "organization and account change", changed=2, events=(Event(indexed=1, words=0),)
    ),
    "changeStatus": Needs("organization changes", changed=1, events=(Event(indexed=0, words=1),)),
    "setActive": Needs("organization changes", changed=1, events=(Event(indexed=0, words=1),)),
    "deposit": Needs("account changes", changed=1, events=(Event(indexed=2, words=1),)),
    "depositFor": Needs("account changes", changed=1, events=(Event(indexed=2, words=1),)),
    "withdraw": Needs(
        "account changes; ether leaves", changed=1, events=(Event(2, 1),), payments=1
    ),
    "startAuction": Needs(
        "auction's terms and consumer's account change; organization is asked (open?)",
        changed=2,
        asked=1,
        events=(_AUCTION_STARTED,),
    ),
    "placeBid, first": Needs(
        "standing bid and provider's account change; terms are asked",
        changed=2,
        asked=1,
        events=(_BID_PLACED,),
    ),
    "placeBid, overtaking": Needs(
        "standing bid and both providers' accounts change; terms are asked",
        changed=3,
        asked=1,
        events=(_BID_PLACED,),
    ),
    "placeBidFor, overtaking": Needs(
        "as placeBid, and a signature",
        changed=3,
        asked=1,
        events=(_BID_PLACED,),
        signatures=1,
    ),
    "revokeBids": Needs("account changes", changed=1, events=(Event(indexed=1, words=0),)),
    "removeBid": Needs(
        "both slots of the auction and both accounts change",
        changed=4,
        events=(Event(indexed=2, words=2),),
    ),
    "cancelAuction, no bid": Needs(
        "terms and consumer's account change; standing bid is asked",
        changed=2,
        asked=1,
        events=(Event(indexed=2, words=1),),
    ),
    "cancelAuction, with a bid": Needs(
        "terms and both accounts change; standing bid is asked",
        changed=3,
        asked=1,
        events=(Event(indexed=2, words=1),),
    ),
    "endAuction": Needs(
        "terms change; standing bid is asked",
        changed=1,
        asked=1,
        events=(Event(indexed=2, words=2), Event(indexed=3, words=2)),
    ),
    "endAuction, no bid": Needs(
        "terms and consumer's account change; standing bid is asked",
        changed=2,
        asked=1,
        events=(Event(indexed=2, words=2),),
    ),
    "endConnection": Needs(
        "terms and both accounts change; standing bid is asked",
        changed=3,
        asked=1,
        events=(_ENDED,),
    ),
    "settle": Needs(
        "as endConnection, and a signature",
        changed=3,
        asked=1,
        events=(_ENDED,),
        signatures=1,
    ),
    "settle, broken off": Needs(
        "as settle, and the account of the burnt changes",
        changed=4,
        asked=1,
        events=(_ENDED,),
        signatures=1,
    ),
    "settle, by a session key": Needs(
        "as settle, and a second signature",
        changed=3,
        asked=1,
        events=(_ENDED,),
        signatures=2,
    ),
    "settle, by others": Needs(
        "as settle, and a second signature",
        changed=3,
        asked=1,
        events=(_ENDED,),
        signatures=2,
    ),
    "forfeit": Needs(
        "terms and both accounts change; standing bid is asked",
        changed=3,
        asked=1,
        events=(_ENDED,),
    ),
    "expireConnection": Needs(
        "terms, both accounts and that of the burnt change; standing bid is asked",
        changed=4,
        asked=1,
        events=(_ENDED,),
    ),
}
"""By the labels of `benchmarks.gas.scenarios`."""

TIGHTEST = {
    "startAuction": replace(FLOORS["startAuction"], changed=1),
    "placeBid, first": replace(FLOORS["placeBid, first"], asked=0),
    "placeBid, overtaking": replace(FLOORS["placeBid, overtaking"], asked=0),
    "endAuction": replace(FLOORS["endAuction"], asked=0),
    "endConnection": replace(FLOORS["endConnection"], changed=2, asked=0),
}
"""A trade with two bids, were an auction and its consumer's account one single slot.

Their fields do not fit one: this is below what any layout of the storage can reach.
"""
