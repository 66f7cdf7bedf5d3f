"""What the order of transactions and the clock are worth in an auction, played and measured.

Whoever decides the order sees bids before they count. Here one EV does, and the auction is played
on a chain with what each provider's energy really costs it; then balances are compared.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ape_v2v.evm.chains import Chain
from ape_v2v.evm.contracts import Contract, Interface
from ape_v2v.market.interface.messages import offered
from tests.fuzz.actors import DEPLOYER, PEOPLE
from tests.model.market import (
    HOUR,
    MINUTES,
    WHOLE,
    Parameters,
)

ENERGY = 20_000  # Wh
MAX_RATE = 1_500_000_000_000  # wei per Wh: a reserve of 0.03 ether
RESERVE = ENERGY * MAX_RATE
VALIDITY = 1 * HOUR
TERMS = offered(ENERGY, MAX_RATE, VALIDITY)
ORGANIZATION, CONSUMER = "organization", "alice"
HONEST, OTHER, ATTACKER = "bob", "carol", "dave"
# What a provider's energy costs it, in hundredths of the most that the consumer pays.
COSTS = {HONEST: 50, ATTACKER: 60, OTHER: 80}
FUNDS = 10 * RESERVE
# Seconds: an answer to a bid comes in the next block of Ethereum's main network.
BLOCK = 12

Rows = list[dict[str, Any]]


@dataclass
class Auction:
    """One auction in a market of its own, and what its people do there."""

    chain: Chain
    interface: Interface
    parameters: Parameters = field(default_factory=Parameters)
    bidding_time: int = 1 * HOUR
    front_runner: str | None = None
    """Who sees every pending bid, and can come before it."""

    def __post_init__(self) -> None:
        people = (CONSUMER, *COSTS)
        self.gas: dict[str, list[int]] = {who: [] for who in people}
        """The gas of every bid, refused or not."""
        self.failed = dict.fromkeys(people, 0)
        organization = PEOPLE[ORGANIZATION].address
        code = self.interface.creation_code(organization, self.parameters)
        address = self.chain.deploy(DEPLOYER.address, code)
        self.market = Contract(self.chain, address, self.interface)
        addresses = [PEOPLE[who].address for who in people]
        self.must(ORGANIZATION, "addEVs", addresses, [""] * len(people))
        for who in people:
            self.chain.set_balance(PEOPLE[who].address, 2 * FUNDS)
            self.must(who, "deposit", value=FUNDS)
        terms = (ENERGY, MAX_RATE, self.bidding_time, VALIDITY, False, "")
        self.must(CONSUMER, "startAuction", *terms)
        self.id: int = self.market.view("currentAuctionId", PEOPLE[CONSUMER].address)

    # --- What there is to see ---------------------------------------------------------------------

    @property
    def closing_time(self) -> int:
        return int(self.market.view("auctions", self.id)[4])

    @property
    def leader(self) -> str | None:
        provider = self.market.view("auctions", self.id)[7]
        return next((who for who in COSTS if PEOPLE[who].address == provider), None)

    @property
    def rate(self) -> int:
        return int(self.market.view("auctions", self.id)[8])

    @property
    def highest(self) -> int:
        """The highest rate that would be accepted."""
        if self.leader is None:
            return MAX_RATE
        return self.rate - max(1, -(-self.rate * self.parameters.min_decrement_bps // WHOLE))

    def balance(self, who: str) -> int:
        return int(self.market.view("evs", PEOPLE[who].address)[0])

    # --- What people do ---------------------------------------------------------------------------

    def must(self, who: str, function: str, *arguments: Any, value: int = 0) -> None:
        if not self.send(who, function, *arguments, value=value)[0]:
            raise AssertionError(f"{function} by {who} was refused")

    def send(self, who: str, function: str, *arguments: Any, value: int = 0) -> tuple[bool, int]:
        data = self.interface.call_data(function, *arguments)
        receipt = self.chain.transact(PEOPLE[who].address, self.market.address, data, value)
        return receipt.success, receipt.gas_used

    def bid(self, who: str, rate: int) -> bool:
        """Bid, and let the front-runner come before it with the same rate, if that pays."""
        rival = self.front_runner
        if rival not in (None, who) and cost(str(rival)) <= rate <= self.highest:
            self._place(str(rival), rate)
        return self._place(who, rate)

    def _place(self, who: str, rate: int) -> bool:
        success, gas = self.send(who, "placeBid", self.id, rate, TERMS)
        self.gas[who].append(gas)
        self.failed[who] += not success
        return success

    def compete(self, people: Sequence[str]) -> None:
        """Each undercuts by the least there is while that pays, one bid per block."""
        while ready := [w for w in people if w != self.leader and cost(w) <= self.highest]:
            if self.chain.timestamp + BLOCK >= self.closing_time:
                return
            self.chain.timestamp += BLOCK
            self.bid(ready[0], self.highest)

    def snipe(self, people: Sequence[str]) -> None:
        """The attacker bids in the last second only, again and again while that is answered."""
        self.compete(people)
        while self.leader != ATTACKER and cost(ATTACKER) <= self.highest:
            self.chain.timestamp = self.closing_time - 1
            self.bid(ATTACKER, self.highest)
            self.compete(people)

    def settle(self, late: int = 0) -> None:
        """Award, so many seconds after the close, and pay the whole energy."""
        self.chain.timestamp = self.closing_time + late
        self.must(CONSUMER, "endAuction", self.id)
        self.must(CONSUMER, "endConnection", self.id)

    def outcome(self, late: int = 0) -> dict[str, Any]:
        """Let the trade come to its end: who has won, and what everybody has gained, wei."""
        winner, rate = self.leader, self.rate
        self.settle(late)
        gains = {who: self.balance(who) - FUNDS for who in (CONSUMER, *COSTS)}
        if winner:
            gains[winner] -= cost(winner) * ENERGY
        return {
            "winner": winner,
            "rate": rate,
            "paid": -gains[CONSUMER],
            "profits": {who: gains[who] for who in COSTS},
            "bids": {who: len(self.gas[who]) for who in COSTS},
            "failed": {who: self.failed[who] for who in COSTS},
            "gas": {who: sum(self.gas[who]) for who in COSTS},
        }


def cost(who: str) -> int:
    """What a provider's energy costs it, wei per Wh."""
    return MAX_RATE * COSTS[who] // 100


# --- Transaction order ----------------------------------------------------------------------------


class Case(NamedTuple):
    """A way in which the attacker uses the order, and what would have been without."""

    name: str
    play: Callable[[Auction], None]
    baseline: str | None = None
    front_runner: str | None = None
    extension_window: int = Parameters().extension_window
    bidding_time: int = 1 * HOUR


def _all_compete(auction: Auction) -> None:
    auction.compete((HONEST, OTHER, ATTACKER))


def _others_compete(auction: Auction) -> None:
    auction.compete((HONEST, OTHER))


def _one_bid_each(auction: Auction) -> None:
    auction.bid(OTHER, cost(OTHER))
    # The honest provider bids late and once, with a margin, and does not look again.
    auction.bid(HONEST, (cost(OTHER) + cost(ATTACKER)) // 2)


def _snipe(auction: Auction) -> None:
    auction.snipe((HONEST, OTHER))


ANSWERED = "everybody bids in the open and answers"
SINGLE = "two bid once and do not look again"
CASES = (
    Case(ANSWERED, _all_compete),
    Case("a front-runner copies every bid; it is answered", _others_compete, ANSWERED, ATTACKER),
    Case(SINGLE, _one_bid_each),
    Case("a front-runner copies both; nobody looks again", _one_bid_each, SINGLE, ATTACKER),
    Case("a sniper in the last second, hard close", _snipe, ANSWERED, extension_window=0),
    Case("a sniper in the last second, with extensions", _snipe, ANSWERED),
    Case("the same in a bidding of 10 minutes", _snipe, ANSWERED, bidding_time=10 * MINUTES),
)


def orders(chain: Chain, interface: Interface) -> Rows:
    """Play every case."""
    rows: Rows = []
    for case in CASES:
        auction = Auction(
            chain,
            interface,
            Parameters(extension_window=case.extension_window),
            case.bidding_time,
            case.front_runner,
        )
        case.play(auction)
        about = {
            "case": case.name,
            "against": case.baseline,
            "bond": auction.market.view("bond", auction.id),
        }
        rows.append({**about, **auction.outcome()})
    return rows


# --- The clock ------------------------------------------------------------------------------------


def shifts(chain: Chain, interface: Interface, seconds: Sequence[int]) -> Rows:
    """A whole trade with every block's time moved by so much: what is paid, and to whom."""
    rows: Rows = []
    for shift in seconds:
        auction = Auction(chain, interface)
        chain.timestamp += shift
        auction.bid(HONEST, cost(OTHER))
        outcome = auction.outcome(late=shift)
        rows.append({"shift": shift, "paid": outcome["paid"], "profit": outcome["profits"][HONEST]})
    return rows


def boundaries(chain: Chain, interface: Interface) -> Rows:
    """Each moment of an auction at which one second decides about money, with what it decides."""
    return [
        {"moment": name, "before": before, "from then on": after, "costs": costs}
        for name, (before, after, costs) in {
            "a bid at the close": _at_the_close(chain, interface),
            "an award at the end of its window": _at_the_award(chain, interface),
        }.items()
    ]


def _at_the_close(chain: Chain, interface: Interface) -> tuple[bool, bool, int]:
    """Whether a bid is accepted, and what the provider loses that comes too late."""
    accepted, profits = [], []
    for late in (-1, 0):
        auction = Auction(chain, interface, Parameters(extension_window=0))
        auction.bid(OTHER, cost(OTHER))
        chain.timestamp = auction.closing_time + late
        accepted.append(auction.bid(HONEST, auction.highest))
        profits.append(auction.outcome()["profits"][HONEST])
    return accepted[0], accepted[1], profits[0] - profits[1]


def _at_the_award(chain: Chain, interface: Interface) -> tuple[bool, bool, int]:
    """Whether an award is accepted, and what the consumer loses that comes too late."""
    (in_time, _), (too_late, auction) = (_award(chain, interface, late) for late in (-1, 0))
    auction.must(OTHER, "cancelAuction", auction.id, RESERVE)
    return in_time, too_late, FUNDS - auction.balance(CONSUMER)


def _award(chain: Chain, interface: Interface, late: int) -> tuple[bool, Auction]:
    auction = Auction(chain, interface)
    auction.bid(HONEST, cost(HONEST))
    chain.timestamp = auction.closing_time + auction.parameters.award_window + late
    return auction.send(CONSUMER, "endAuction", auction.id)[0], auction


# --- Reading the outcomes -------------------------------------------------------------------------


def compared(row: Mapping[str, Any], rows: Rows) -> dict[str, int]:
    """What has changed against the same auction without the trick, wei."""
    before = next(one for one in rows if one["case"] == row["against"])
    honest, attacker = (row["profits"][who] - before["profits"][who] for who in (HONEST, ATTACKER))
    return {"honest": honest, "attacker": attacker, "paid": row["paid"] - before["paid"]}


def share(amount: int) -> str:
    """An amount of wei as a share of the reserve."""
    return f"{100 * amount / RESERVE:.2f} %"
