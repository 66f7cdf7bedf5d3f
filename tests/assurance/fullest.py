"""A program with all fields of all slots as full as they can be, which is written into the storage.

After every call it looks at the slots themselves: also what no function reads any more costs the
next one who writes there, and anybody may read it.

No run of the property tests gets there: it would take 2^32 auctions. What has to come out is in
tests/contracts/test_market.py, which fills the slots in the same way and says what each call then
does.
"""

from ethpm_types import ContractType

from ape_v2v.evm.contracts import Contract, Interface
from tests.fuzz.actors import DEPLOYER, PEOPLE
from tests.fuzz.recording import Program
from tests.model.market import DAYS, HOUR, Parameters

from .programs import BareRecorder, slot_of

UINT32, UINT64 = 2**32 - 1, 2**64 - 1
WEEK, LAST_SECOND = 7 * DAYS, 2**36 - 1
RESERVE = UINT32 * UINT64
TERMS = UINT32 | UINT64 << 32 | WEEK << 96
ACCOUNTS, BOOK = 2, 3
"""The slots of the two mappings in the market."""
ADDED_AT, COMPLETED, NO_SHOWS, REVOCATIONS = 2**128, 2**168, 2**208, 2**232
REMOVALS = 2**169
"""One of each, in its slot."""

OWNER, CONSUMER, PROVIDER = (PEOPLE[who].address for who in ("organization", "alice", "bob"))


class FullMarket:
    """A market with a consumer and a provider who are rich, and what is done in it."""

    def __init__(self, market: ContractType) -> None:
        self.chain = BareRecorder(timestamp=LAST_SECOND - 4 * WEEK)
        interface = Interface(market)
        code = interface.creation_code(OWNER, Parameters(award_window=HOUR, settlement_window=HOUR))
        self._contract = Contract(self.chain, self.chain.deploy(DEPLOYER.address, code), interface)
        self.do(OWNER, "addEVs", [CONSUMER, PROVIDER], ["", ""])
        for who in (CONSUMER, PROVIDER):
            self.chain.set_balance(who, 4 * RESERVE)
            self.do(who, "deposit", value=4 * RESERVE)

    def do(self, who: str, method: str, *arguments: object, value: int = 0) -> None:
        """Call the market, then ask all views and look at all slots; the program has it all."""
        data = self._contract.interface.call_data(method, *arguments)
        self.chain.transact(who, self._contract.address, data, value)
        for account in (CONSUMER, PROVIDER):
            self._contract.view("evs", account)
        for view in ("auctions", "reserve", "bond", "penalty"):
            self._contract.view(view, self.auction_id)
        auction = slot_of(CONSUMER, BOOK)
        for slot in (
            slot_of(CONSUMER, ACCOUNTS),
            slot_of(PROVIDER, ACCOUNTS),
            auction,
            auction + 1,
        ):
            self.chain.storage(self._contract.address, slot)

    @property
    def auction_id(self) -> int:
        return int(self._contract.view("currentAuctionId", CONSUMER))

    def fill(self, mapping: int, account: str, word: int) -> None:
        self.chain.set_storage(self._contract.address, slot_of(account, mapping), word)

    def count(self, completed: int, no_shows: int, revocations: int = 0) -> None:
        """Give both an account with so much behind it, and a balance."""
        counts = completed * COMPLETED + no_shows * NO_SHOWS + revocations * REVOCATIONS
        for who in (CONSUMER, PROVIDER):
            self.fill(ACCOUNTS, who, 2 * RESERVE + 1_000 * ADDED_AT + counts)

    def remove(self, times: int) -> None:
        """Note so many removals in the auction that runs."""
        since = self.chain.timestamp
        terms = UINT32 << 32 | UINT64 << 64 | WEEK << 128 | WEEK << 148 | 1 << 168
        word = UINT32 | terms | times * REMOVALS | (since + WEEK) << 184 | since << 220
        self.fill(BOOK, CONSUMER, word)

    def connect(self, closing_time: int) -> None:
        """The longest and dearest auction, with a bid, awarded in the second of its close."""
        self.chain.timestamp = closing_time - WEEK
        self.do(CONSUMER, "startAuction", UINT32, UINT64, WEEK, WEEK, False, "")
        self.do(PROVIDER, "placeBid", self.auction_id, UINT64, TERMS)
        self.chain.timestamp = closing_time
        self.do(CONSUMER, "endAuction", self.auction_id)


def fullest(market: ContractType) -> Program:
    """Auctions up to the last one of a consumer, counts up to their maximum, to the last second."""
    full = FullMarket(market)

    full.fill(BOOK, CONSUMER, 2**24 - 1)
    full.count(2**32 - 1, 2**16 - 1)
    full.connect(LAST_SECOND - 2 * WEEK - 2 * HOUR)
    full.do(CONSUMER, "endConnection", full.auction_id)

    full.count(2**40 - 2, 2**24 - 2)
    full.connect(LAST_SECOND - WEEK - HOUR)
    full.chain.timestamp = LAST_SECOND
    full.do(PROVIDER, "expireConnection", full.auction_id)

    full.fill(BOOK, CONSUMER, UINT32 - 1)
    full.count(2**40 - 2, 2**24 - 2)
    full.chain.timestamp = LAST_SECOND - WEEK
    full.do(CONSUMER, "startAuction", UINT32, UINT64, WEEK, WEEK, True, "")
    full.remove(2**14)
    for _ in range(2):
        full.do(PROVIDER, "placeBid", full.auction_id, UINT64, TERMS)
        full.do(PROVIDER, "removeBid", full.auction_id)
    full.remove(2**15 - 2)
    for _ in range(2):
        full.do(PROVIDER, "placeBid", full.auction_id, UINT64, TERMS)
        full.do(PROVIDER, "removeBid", full.auction_id)
    full.chain.timestamp = LAST_SECOND
    full.do(CONSUMER, "endAuction", full.auction_id)
    full.do(CONSUMER, "endConnection", full.auction_id)
    full.do(CONSUMER, "startAuction", 1, 1, 1, 1, False, "")

    full.fill(BOOK, CONSUMER, 0)
    full.count(0, 0, 2**24 - 2)
    full.do(CONSUMER, "revokeBids")
    full.chain.timestamp = LAST_SECOND - 2 * WEEK
    for bid_again in (False, True):
        full.do(CONSUMER, "startAuction", UINT32, UINT64, WEEK, WEEK, False, "")
        full.do(PROVIDER, "placeBid", full.auction_id, UINT64, TERMS)
        full.do(PROVIDER, "removeBid", full.auction_id)
        if bid_again:
            full.do(PROVIDER, "placeBid", full.auction_id, UINT64 - 1, TERMS)
        full.do(CONSUMER, "cancelAuction", full.auction_id, RESERVE)
    return full.chain.program
