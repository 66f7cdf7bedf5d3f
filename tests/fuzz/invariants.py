"""The invariants I1 to I11 of docs/protocol.md, checked on what the chain says after each step.

They do not ask the model, except I2 for its journal: a mistake that model and contract have in
common is still found. I6 is what liveness.py does with every market in the end.
"""

from collections import Counter, defaultdict
from typing import NamedTuple

from ape_v2v.evm.contracts import Event, Failure
from tests.model.ledger import BURNT, Ledger
from tests.model.market import ZERO_ADDRESS, State

from .observation import Observation
from .signing import Signed

OWNER_FUNCTIONS = {
    "acceptOwnership",
    "addEV",
    "addEVs",
    "changeStatus",
    "removeEV",
    "transferOwnership",
}
# What takes a signature: the struct that it has to be of.
PURPOSES = {
    "placeBidFor": "Bid",
    "settle": "MeteringReceipt",
    "endConnection": "Settlement",
}
# Gas that a bid, an award or a settlement never exceeds, first use of all storage included.
GAS_CEILING = 130_000
BOUNDED_FUNCTIONS = {"placeBid", "placeBidFor", "endAuction", "endConnection", "settle"}


class Step(NamedTuple):
    """One call of the market and what came of it, as the chain tells it."""

    function: str
    sender: str
    value: int
    now: int
    gas_used: int
    failure: Failure | None
    events: list[Event]
    before: Observation
    after: Observation
    signed: Signed | None = None


class Invariants:
    """Checks step after step; remembers what has to be remembered between steps."""

    def __init__(self, chain_id: int, market: str, ledger: Ledger) -> None:
        self._chain_id = chain_id
        self._market = market
        self._ledger = ledger
        self._journaled = 0
        self._put_in: Counter[int] = Counter()
        self._taken_out: Counter[int] = Counter()
        self._accepted: defaultdict[int, list[tuple[int, str]]] = defaultdict(list)
        self._left_connected: set[int] = set()
        self._settled: set[object] = set()
        self.forced = 0

    def check(self, step: Step) -> None:
        self._i1_solvency(step)
        self._i2_conservation(step)
        self._i3_best_bid(step)
        self._i4_consumer_and_i5_provider(step)
        self._i7_owner(step)
        self._i8_signatures(step)
        self._i9_cost(step)
        self._i10_admission(step)
        self._i11_transitions(step)

    def _i1_solvency(self, step: Step) -> None:
        after = step.after
        balances = sum(account.balance for account in after.accounts.values())
        locked = sum(auction.locked for auction in after.auctions.values())
        assert after.market.ether == balances + locked + self.forced, (
            "I1: ether is not what is owed"
        )

    def _i2_conservation(self, step: Step) -> None:
        """Of each auction: in is out and locked. Of all together: what came and went."""
        for amount, source, target in self._ledger.journal[self._journaled :]:
            if target.kind in {"reserve", "bond"}:
                self._put_in[int(target.of)] += amount
            if source.kind in {"reserve", "bond"}:
                self._taken_out[int(source.of)] += amount
        self._journaled = len(self._ledger.journal)
        locked = {view.auction_id: view.locked for view in step.after.auctions.values()}
        for auction_id, put_in in self._put_in.items():
            rest = put_in - self._taken_out[auction_id]
            assert rest == locked.get(auction_id, 0), (
                f"I2: auction {auction_id:#x} lost or made money"
            )

        came = step.value if step.failure is None else 0
        went = sum(event.values[1] for event in step.events if event.name == "Withdrawn")
        change = step.after.market.ether - step.before.market.ether
        assert change == came - went, "I2: ether came or went unseen"

    def _i3_best_bid(self, step: Step) -> None:
        for name, values in step.events:
            if name == "BidPlaced":
                auction_id, provider, rate, _ = values
                accepted = self._accepted[auction_id]
                ceiling = (
                    accepted[-1][0] - 1 if accepted else step.before.auction(auction_id).max_rate
                )
                assert 1 <= rate <= ceiling, "I3: a bid that is not lower was accepted"
                accepted.append((rate, provider))
            elif name == "BidRemoved":
                self._accepted[values[0]].clear()
            elif name == "Connected":
                auction_id, provider, *_ = values
                winner = min(self._accepted[auction_id])[1]
                assert provider == winner, "I3: not the lowest bid has won"
        for view in step.after.auctions.values():
            if view.state != State.NONE:
                lowest = min(self._accepted[view.auction_id], default=(0, ZERO_ADDRESS))
                assert (view.rate, view.provider) == lowest, "I3: not the lowest bid stands"

    def _i4_consumer_and_i5_provider(self, step: Step) -> None:
        """Every balance changes by what the events make due, and no other one changes."""
        due: Counter[str] = Counter()
        for event in step.events:
            due.update(_due(event, step.before))
        for account, before in step.before.accounts.items():
            change = step.after.accounts[account].balance - before.balance
            assert change == due[account], f"I4, I5: {account} got {change}, not {due[account]} wei"

    def _i7_owner(self, step: Step) -> None:
        if step.failure is None and step.function in OWNER_FUNCTIONS:
            assert step.after.auctions == step.before.auctions, "I7: the owner changed an auction"
            for account, before in step.before.accounts.items():
                after = step.after.accounts[account]
                assert after._replace(added_at=before.added_at, is_ev=before.is_ev) == before, (
                    "I7: the owner changed more than a registration"
                )

    def _i8_signatures(self, step: Step) -> None:
        if step.failure is not None or step.signed is None:
            return
        signature, message, signer = step.signed
        assert (message.chain_id, message.market) == (self._chain_id, self._market), "I8: elsewhere"
        assert message.purpose == PURPOSES[step.function], "I8: signed for another purpose"
        assert len(signature) == 65, "I8: a malleable form"
        (event,) = step.events
        view = step.before.auction(event.values[0])
        if step.function == "placeBidFor":
            provider, rate = event.values[1:3]
            assert message.values[:3] == (view.auction_id, rate, view.removals), "I8: another bid"
            assert message.values[3] >= step.now, "I8: after its deadline"
            assert signer == provider, "I8: signed by somebody else"
        else:
            energy_wh, _, meter_data_hash = event.values[2:]
            assert message.values == (view.token, energy_wh, meter_data_hash), "I8: another receipt"
            expected = view.consumer if step.function == "settle" else view.provider
            assert signer == expected, "I8: signed by somebody else"
            assert message.values[0] not in self._settled, "I8: settled twice"
            self._settled.add(message.values[0])

    def _i9_cost(self, step: Step) -> None:
        if step.function in BOUNDED_FUNCTIONS:
            assert step.gas_used <= GAS_CEILING, f"I9: {step.gas_used} gas"

    def _i10_admission(self, step: Step) -> None:
        for name, values in step.events:
            if name in {"AuctionStarted", "BidPlaced"}:
                assert step.before.accounts[values[1]].is_ev, f"I10: {name} by one who is no EV"
            if name == "AuctionStarted":
                assert step.before.market.active, "I10: an auction in a closed market"
        for account, before in step.before.accounts.items():
            if step.after.accounts[account].added_at != before.added_at:
                assert step.sender == step.before.market.owner, "I10: registered by somebody else"
        registered = sum(account.is_ev for account in step.after.accounts.values())
        assert step.after.market.number_of_evs == registered, "I10: the EVs are not counted"

    def _i11_transitions(self, step: Step) -> None:
        for consumer, before in step.before.auctions.items():
            after = step.after.auctions[consumer]
            if after.auction_id != before.auction_id:
                assert after.auction_id == before.auction_id + 1, "I11: a round was left out"
                assert (before.state, after.state) == (State.NONE, State.OPEN), "I11: a wrong start"
            elif before.state != after.state:
                change = (State(before.state), State(after.state))
                assert change in _TRANSITIONS, f"I11: {change}"
                if before.state == State.CONNECTED:
                    assert before.auction_id not in self._left_connected, "I11: left twice"
                    self._left_connected.add(before.auction_id)


# From a state to another one within the same auction.
_TRANSITIONS = {
    (State.OPEN, State.CONNECTED),
    (State.OPEN, State.NONE),
    (State.CONNECTED, State.NONE),
}


def _due(event: Event, before: Observation) -> dict[str, int]:  # noqa: PLR0911 - one for each event
    """What an event makes due to whom, by what the views said before it."""
    name, values = event
    match name:
        case "Deposited":
            account, _, amount = values
            return {account: amount}
        case "Withdrawn":
            account, amount = values
            return {account: -amount}
        case "AuctionStarted":
            _, consumer, energy_wh, max_rate, *_ = values
            return {consumer: -energy_wh * max_rate}
        case "BidPlaced":
            view, provider = before.auction(values[0]), values[1]
            if provider == view.provider:
                return {}
            return {provider: -view.bond} | _if_any(view.provider, view.bond)
        case "BidRemoved":
            view = before.auction(values[0])
            return {view.consumer: view.penalty, view.provider: view.bond - view.penalty}
        case "AuctionCancelled":
            view = before.auction(values[0])
            an_ev_leads = view.provider != ZERO_ADDRESS and before.accounts[view.provider].is_ev
            penalty = view.penalty if an_ev_leads else 0
            return {view.consumer: view.reserve - penalty} | _if_any(
                view.provider, view.bond + penalty
            )
        case "AuctionEnded" if values[1] == ZERO_ADDRESS:
            view = before.auction(values[0])
            return {view.consumer: view.reserve}
        case "ConnectionEnded":
            view, energy_wh = before.auction(values[0]), values[2]
            cost = view.rate * energy_wh
            assert energy_wh <= view.energy_wh, "I4: paid for more than was contracted"
            assert cost <= view.reserve, "I4: paid more than the reserve"
            assert cost == values[3], "I4: reported another cost"
            return {view.consumer: view.reserve - cost, view.provider: view.bond + cost}
        case "ConnectionForfeited":
            view = before.auction(values[0])
            return {
                view.consumer: view.reserve + view.penalty,
                view.provider: view.bond - view.penalty,
            }
        case "ConnectionExpired":
            view = before.auction(values[0])
            return {
                view.consumer: view.reserve - view.penalty,
                view.provider: view.bond - view.penalty,
                BURNT: 2 * view.penalty,
            }
        case _:
            return {}


def _if_any(provider: str, amount: int) -> dict[str, int]:
    return {provider: amount} if provider != ZERO_ADDRESS else {}
