"""Write docs/vectors.json: whole trades, every event and balance, and what is signed in them.

`python -m tests.vectors.trades` plays them on the model of tests/model, which is written from the
rules; the same file comes out every time. The contract is held to it by tests/viem, in another
language. docs/vectors.md describes the format.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from eth_utils.address import to_checksum_address
from eth_utils.conversions import to_hex

from tests.fuzz.world import METHODS
from tests.model.ledger import BURNT
from tests.model.market import Call, Ending, Market, Parameters, Reading
from tests.model.refusal import Refused
from tests.model.signatures import STRUCTS, Message

from .generate import CHAIN_ID, HD_PATH, MARKET, account

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "docs" / "vectors.json"
ARTIFACT = ROOT / "ape_v2v" / "market" / "interface" / "artifacts" / "V2VMarket.json"

INDEX = {
    "organization": 0,
    "consumer": 1,
    "provider": 2,
    "rival": 3,
    "stranger": 4,
    "key": 5,
    "deployer": 9,
}
ACCOUNTS = {name: account(index) for name, index in INDEX.items()}
ADDRESSES = {name: one.address.lower() for name, one in ACCOUNTS.items()}
EVS = ("consumer", "provider", "rival")
PARAMETERS = Parameters(min_penalty=10**13)
START = 4_000_000_000
ENERGY, MAX_RATE, RATE, LOWER_RATE = 20_000, 300 * 10**9, 200 * 10**9 + 1, 150 * 10**9
BIDDING_TIME, VALIDITY = 600, 7_200
BOND = RESERVE = ENERGY * MAX_RATE
PENALTY = RESERVE // 10
RECORD_HASH = b"\x5a" * 32
FOREVER = 2**256 - 1
SOME = ENERGY // 2 + 1

Json = dict[str, Any]
_ABI = json.loads(ARTIFACT.read_text(encoding="utf-8"))["abi"]
_INPUTS = {(one["type"], one["name"]): one["inputs"] for one in _ABI if one.get("name")}


class Trade:
    """One market, and what is done in it, with what has to come of it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.steps: list[Json] = []
        self.now = START
        self.market = Market(CHAIN_ID, MARKET.lower(), ADDRESSES["organization"], PARAMETERS)
        addresses = [ADDRESSES[who] for who in EVS]
        self.do("organization", "addEVs", addresses, ["", "", ""])

    def do(self, who: str, function: str, *arguments: Any, value: int = 0) -> None:
        """Call the market ten seconds later; a refusal is taken down as one."""
        self.now += 10
        call = Call(ADDRESSES[who], self.now, value)
        inputs = _INPUTS["function", function]
        step: Json = {
            "at": str(self.now),
            "from": who,
            "call": function,
            "arguments": named(inputs, arguments),
            "value": str(value),
        }
        try:
            events = METHODS[function, len(arguments)](self.market, call, *arguments)
        except Refused as refusal:
            step["refused"] = told("error", refusal.name, refusal.values)
        else:
            step["events"] = [told("event", name, values) for name, values in events]
        step["balances"] = {
            **{who: str(self.market.balance(ADDRESSES[who])) for who in EVS},
            "burnt": str(self.market.balance(BURNT)),
        }
        step["ether"] = str(self.market.ledger.inside())
        self.steps.append(step)

    def wait_until(self, moment: int) -> None:
        """Let the next call be in this second."""
        self.now = moment - 10

    # --- What trades have in common ---------------------------------------------------------------

    @property
    def id(self) -> int:
        return self.market.current_auction_id(ADDRESSES["consumer"])

    @property
    def auction(self) -> Any:
        return self.market.auctions[self.id]

    def start(self, *, open_award: bool = False) -> Trade:
        terms = (ENERGY, MAX_RATE, BIDDING_TIME, VALIDITY, open_award, "car park")
        self.do("consumer", "startAuction", *terms, value=RESERVE)
        return self

    def bid(self, who: str = "provider", rate: int = RATE) -> Trade:
        value = BOND if self.auction.leader != ADDRESSES[who] else 0
        self.do(who, "placeBid", self.id, rate, self.auction.terms, value=value)
        return self

    def relay_bid(self, rate: int = RATE) -> Trade:
        nonce = self.market.bid_nonce(self.auction, ADDRESSES["provider"])
        bid = (self.id, ENERGY, MAX_RATE, VALIDITY, rate, nonce, FOREVER)
        signature = self.signed("provider", "Bid", *bid)
        self.do("stranger", "placeBidFor", self.id, ADDRESSES["provider"], rate, FOREVER, signature)
        return self

    def award(self, by: str = "consumer") -> Trade:
        self.wait_until(self.auction.closing_time)
        self.do(by, "endAuction", self.id)
        return self

    def signed(self, who: str, purpose: str, *values: Any) -> bytes:
        message = self.market.message(purpose, *values)
        return message.signed_by(bytes(ACCOUNTS[who].key))

    def signature(self, who: str, reading: Reading, *, by_key: bool = False) -> bytes:
        message = self.market.reading_message(self.auction, reading)
        if not by_key:
            return message.signed_by(bytes(ACCOUNTS[who].key))
        own = message.signed_by(bytes(ACCOUNTS["key"].key))
        return own + self.signed(who, "SessionKey", self.id, ADDRESSES["key"])

    def settle(self, by: str, energy: int, *, last: bool, by_key: bool = False) -> None:
        reading = Reading(self.id, energy, RECORD_HASH, last)
        signatures = (
            b"" if by == who else self.signature(who, reading, by_key=by_key)
            for who in ("consumer", "provider")
        )
        self.do(by, "settle", reading, *signatures)

    def leave(self) -> Trade:
        """Everybody takes out what is free."""
        for who in EVS:
            if free := self.market.balance(ADDRESSES[who]):
                self.do(who, "withdraw", free, ADDRESSES[who])
        return self

    def content(self) -> Json:
        return {"name": self.name, "steps": self.steps}


def trades() -> list[Trade]:  # noqa: PLR0915 - one after the other
    """A trade through every ending, and what is refused on the way."""
    found: list[Trade] = []

    def trade(name: str) -> Trade:
        found.append(Trade(name))
        return found[-1]

    one = trade("cancelled, no bid stands").start()
    one.do("consumer", "cancelAuction", one.id, 0)

    one = trade("ended, no bid stands").start()
    one.award()

    one = trade("cancelled, the leader is an EV").start().bid()
    one.do("consumer", "cancelAuction", one.id, PENALTY - 1)
    one.do("consumer", "cancelAuction", one.id, PENALTY)

    one = trade("cancelled by anybody after the award window").start().bid()
    one.wait_until(one.market.award_deadline(one.auction) - 1)
    one.do("stranger", "cancelAuction", one.id, PENALTY)
    one.wait_until(one.market.award_deadline(one.auction))
    one.do("stranger", "cancelAuction", one.id, PENALTY)

    one = trade("cancelled, the leader is no longer an EV").start().bid()
    one.do("organization", "removeEV", ADDRESSES["provider"])
    one.do("consumer", "cancelAuction", one.id, 0)

    one = trade("cancelled after a removal, another bid standing").start().bid()
    one.do("provider", "removeBid", one.id)
    one.bid("rival")
    one.wait_until(one.market.free_until(one.auction) - 1)
    one.do("consumer", "cancelAuction", one.id, 0)

    one = trade("cancelled, an open award that nobody made").start(open_award=True).bid()
    one.wait_until(one.market.award_deadline(one.auction))
    one.do("provider", "cancelAuction", one.id, 0)

    one = trade("paid in full, after bids that are refused, overtake, lower and extend").start()
    one.bid("rival", MAX_RATE).bid("provider", MAX_RATE)
    one.bid("provider", RATE + RATE // 8).bid("provider", RATE)
    one.wait_until(one.auction.closing_time - 1)
    one.bid("rival", LOWER_RATE)
    one.award()
    one.do("consumer", "endConnection", one.id)
    one.do("consumer", "endConnection", one.id)

    one = trade("agreed, handed in by the consumer").start().bid().award()
    one.settle("consumer", SOME, last=True)

    one = trade("agreed on nothing, handed in by the provider").start().bid().award()
    one.settle("provider", 0, last=True)

    one = trade("all delivered, by keys, after a relayed bid and an open award")
    one.do("provider", "deposit", value=BOND)
    one.start(open_award=True).relay_bid().award("stranger")
    one.settle("stranger", ENERGY, last=False, by_key=True)

    one = trade("a revoked bid cannot be relayed")
    one.do("provider", "deposit", value=BOND)
    one.start()
    nonce = one.market.bid_nonce(one.auction, ADDRESSES["provider"])
    bid = (one.id, ENERGY, MAX_RATE, VALIDITY, RATE, nonce, one.now + 300)
    signature = one.signed("provider", "Bid", *bid)
    one.do("provider", "revokeBids")
    one.relay_bid(RATE)
    one.do("stranger", "placeBidFor", one.id, ADDRESSES["provider"], RATE, bid[-1], signature)
    one.do("consumer", "cancelAuction", one.id, PENALTY)

    one = trade("broken off, handed in by the provider").start().bid().award()
    one.settle("provider", ENERGY + 1, last=False)
    one.settle("provider", SOME, last=False)

    one = trade("broken off at once, handed in by the consumer").start().bid().award()
    one.settle("consumer", 0, last=False)

    one = trade("forfeited").start().bid().award()
    one.do("provider", "forfeit", one.id)

    one = trade("expired").start().bid().award()
    one.wait_until(one.market.expiry(one.auction) - 1)
    one.do("stranger", "expireConnection", one.id)
    one.wait_until(one.market.expiry(one.auction))
    one.do("stranger", "expireConnection", one.id)

    return [one.leave() for one in found]


def documents() -> list[Json]:
    """One of each struct, as the consumer signs it."""
    trade = Trade("for what is signed")
    trade.start().bid().award()
    parties = (ADDRESSES["consumer"], ADDRESSES["provider"])
    token, challenge = trade.auction.token, b"\x0c" * 32
    values = {
        "Bid": (trade.id, ENERGY, MAX_RATE, VALIDITY, RATE, 0, START + BIDDING_TIME),
        "Reading": (trade.id, *parties, SOME, RECORD_HASH, False),
        "SessionKey": (trade.id, ADDRESSES["key"]),
        "Withdrawal": (RESERVE, ADDRESSES["stranger"], 0, START + BIDDING_TIME),
        "AccessToken": (token, challenge, challenge),
        "SessionChallenge": (token, challenge, challenge, b"meter".ljust(32, b"\0"), 1_234),
        "MeterValue": (token, SOME, RECORD_HASH),
    }
    return [_document(trade.market.message(name, *values[name])) for name in STRUCTS]


def _document(message: Message) -> Json:
    fields = STRUCTS[message.purpose]
    return {
        "struct": message.purpose,
        "fields": [{"name": name, "type": type_} for name, type_ in fields.items()],
        "message": {
            name: plain(type_, value)
            for (name, type_), value in zip(fields.items(), message.values, strict=True)
        },
        "digest": to_hex(message.digest),
        "signedBy": "consumer",
        "signature": to_hex(message.signed_by(bytes(ACCOUNTS["consumer"].key))),
    }


def named(inputs: list[Json], values: Any) -> Json:
    return {
        one["name"]: plain(one["type"], value, one.get("components"))
        for one, value in zip(inputs, values, strict=True)
    }


def told(kind: str, name: str, values: Any) -> Json:
    return {"name": name, "arguments": named(_INPUTS[kind, name], values)}


def plain(type_: str, value: Any, components: list[Json] | None = None) -> Any:
    """As JSON has it: numbers are decimal texts, bytes hexadecimal ones, addresses checksummed."""
    if type_.endswith("[]"):
        return [plain(type_[:-2], one) for one in value]
    if components is not None:
        return named(components, value)
    if type_ == "address":
        return to_checksum_address(value)
    if type_.startswith("bytes"):
        return to_hex(value)
    if type_.startswith("uint"):
        return str(int(value))
    return value


def written() -> str:
    found = trades()
    endings = {
        event["arguments"]["how"]
        for trade in found
        for step in trade.steps
        for event in step.get("events", [])
        if event["name"] == "ConnectionEnded"
    }
    assert endings == {str(int(how)) for how in Ending}
    content = {
        "chainId": str(CHAIN_ID),
        "market": MARKET,
        "accounts": {
            name: {"path": HD_PATH.format(index), "address": ACCOUNTS[name].address}
            for name, index in INDEX.items()
        },
        "parameters": dict(zip(_PARAMETERS, map(str, PARAMETERS), strict=True)),
        "documents": documents(),
        "trades": [trade.content() for trade in found],
    }
    return json.dumps(content, indent=1) + "\n"


(_CONSTRUCTOR,) = (one for one in _ABI if one["type"] == "constructor")
_PARAMETERS = [one["name"] for one in _CONSTRUCTOR["inputs"][1]["components"]]


def main() -> None:
    FILE.write_text(written(), encoding="utf-8")
    content = json.loads(FILE.read_text(encoding="utf-8"))
    steps = sum(len(trade["steps"]) for trade in content["trades"])
    print(f"{FILE.name}: {len(content['trades'])} trades of {steps} calls")


if __name__ == "__main__":
    main()
