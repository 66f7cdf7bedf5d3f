"""The invariants I1 to I12 of docs/protocol.md, checked on what the chain says after each step.

They do not ask the model, except I2 for its journal: a mistake that model and contract have in
common is still found. I6 is what liveness.py does with every market in the end.
"""

from collections import Counter, defaultdict
from typing import Any, NamedTuple

from ape_v2v.evm.contracts import DecodedEvent, Failure
from tests.model.ledger import BURNT, Ledger
from tests.model.market import ZERO_ADDRESS, Ending, State

from .observation import AuctionView, Observation
from .signing import Signed

OWNER_FUNCTIONS = {
    "acceptOwnership",
    "addEV",
    "addEVs",
    "changeStatus",
    "removeEV",
    "setActive",
    "transferOwnership",
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
    events: list[DecodedEvent]
    before: Observation
    after: Observation
    signed: tuple[Signed, ...] = ()


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
        self._i12_sabotage(step)

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
        went = sum(event.values[2] for event in step.events if event.name == "Withdrawn")
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
        if step.failure is not None or not step.signed:
            return
        (event,) = step.events
        view = step.before.auction(event.values[0])
        terms = (view.energy_wh, view.max_rate, view.validity)
        if step.function == "placeBidFor":
            provider, rate = event.values[1:3]
            nonce = view.removals + step.before.accounts[provider].revocations
            (bid,) = step.signed
            self._require_signed(bid, "Bid", provider)
            expected = (view.auction_id, *terms, rate, nonce)
            assert bid.message.values[:-1] == expected, "I8: another bid"
            assert bid.message.values[-1] >= step.now, "I8: after its deadline"
            assert bid.delegation is None, "I8: a bid by a key"
            return
        how, energy_wh, _, _, meter_data_hash = event.values[3:]
        parties = (view.consumer, view.provider)
        for party, signed in zip(parties, step.signed, strict=True):
            if party != step.sender:
                self._require_reading(signed, party, view.auction_id)
                *said, last = signed.message.values
                assert said == [view.auction_id, *parties, energy_wh, meter_data_hash], (
                    "I8: another reading"
                )
                clean = last or energy_wh == view.energy_wh
                assert how == (Ending.AGREED if clean else Ending.SHORT), "I8: another ending"
        assert view.auction_id not in self._settled, "I8: settled twice"
        self._settled.add(view.auction_id)

    def _require_reading(self, signed: Signed, party: str, auction_id: int) -> None:
        if signed.delegation is None:
            self._require_signed(signed, "Reading", party)
            return
        self._require_signed(signed._replace(signature=signed.signature[:65]), "Reading", None)
        self._require_signed(signed.delegation, "SessionKey", party)
        assert signed.delegation.message.values == (auction_id, signed.signer), "I8: another key"
        assert len(signed.signature) == 130, "I8: a malleable form"

    def _require_signed(self, signed: Signed, purpose: str, by: str | None) -> None:
        message = signed.message
        assert (message.chain_id, message.market) == (self._chain_id, self._market), "I8: elsewhere"
        assert message.purpose == purpose, "I8: signed for another purpose"
        assert len(signed.signature) == 65, "I8: a malleable form"
        assert by in {None, signed.signer}, "I8: signed by somebody else"

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

    def _i12_sabotage(self, step: Step) -> None:
        """Nobody ends better by breaking a deal, nor worse than who may have broken it.

        By balances alone, energy valued at the agreed rate: `gains` are what each has more than by
        keeping its word.
        """
        for name, values in step.events:
            if name not in {"BidRemoved", "AuctionCancelled", "ConnectionEnded"}:
                continue
            view = step.before.auction(values[0])
            energy_wh = values[4] if name == "ConnectionEnded" else 0
            consumer, provider = (
                step.after.accounts[who].balance - step.before.accounts[who].balance
                for who in (view.consumer, view.provider)
            )
            worth = energy_wh * view.rate
            staked = 0 if name == "BidRemoved" else view.reserve
            require_fair(
                name, values, view, consumer - staked + worth, provider - view.bond - worth
            )


def require_fair(
    name: str, values: tuple[Any, ...], view: AuctionView, consumer: int, provider: int
) -> None:
    """What the two have gained, or lost, by an ending."""
    if name == "BidRemoved":
        assert (consumer, provider) == (view.penalty, -view.penalty), "I12: a removal"
    elif name == "AuctionCancelled":
        if view.provider != ZERO_ADDRESS:
            assert (consumer, provider) in {(0, 0), (-view.penalty, view.penalty)}, (
                "I12: a cancellation"
            )
    else:
        missing = view.energy_wh - values[4]
        match Ending(values[3]):
            case Ending.PAID | Ending.AGREED:
                assert (consumer, provider) == (0, 0), "I12: a kept word costs something"
            case Ending.SHORT:
                assert consumer == provider, "I12: one has lost less by breaking off"
                assert -consumer * view.energy_wh >= view.penalty * missing > 0, (
                    "I12: breaking off costs less than the share that is missing"
                )
                assert -consumer <= view.penalty, "I12: breaking off costs more than staying away"
            case Ending.EXPIRED:
                assert consumer == provider == -view.penalty < 0, "I12: one gains by staying away"
            case Ending.FORFEITED:
                assert provider <= -2 * view.penalty, "I12: forfeiting is better than waiting"
                assert consumer == -provider, "I12: a forfeit is not for the other"


# From a state to another one within the same auction.
_TRANSITIONS = {
    (State.OPEN, State.CONNECTED),
    (State.OPEN, State.NONE),
    (State.CONNECTED, State.NONE),
}


def _due(event: DecodedEvent, before: Observation) -> dict[str, int]:  # noqa: PLR0911 - one for each event
    """What an event makes due to whom, by what the views said before it."""
    name, values = event
    match name:
        case "Deposited":
            account, _, amount = values
            return {account: amount}
        case "Withdrawn":
            account, _, amount = values
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
            view, penalty = before.auction(values[0]), values[2]
            assert penalty in {0, view.penalty}, "I4: another penalty"
            return {view.consumer: view.reserve - penalty} | _if_any(
                view.provider, view.bond + penalty
            )
        case "AuctionEnded" if values[1] == ZERO_ADDRESS:
            view = before.auction(values[0])
            return {view.consumer: view.reserve}
        case "ConnectionEnded":
            view = before.auction(values[0])
            assert values[1:3] == (view.consumer, view.provider), "I4: reported other parties"
            return _due_at_the_end(view, *values[3:7])
        case _:
            return {}


def _due_at_the_end(
    view: AuctionView, how: int, energy_wh: int, cost: int, penalty: int
) -> dict[str, int]:
    assert energy_wh <= view.energy_wh, "I4: paid for more than was contracted"
    assert cost == view.rate * energy_wh, "I4: reported another cost"
    assert cost + penalty <= max(view.reserve, 2 * view.penalty), "I4: more than the reserve"
    if how == Ending.FORFEITED:
        return {view.consumer: view.reserve + penalty, view.provider: view.bond - penalty}
    return {
        view.consumer: view.reserve - cost - penalty,
        view.provider: view.bond + cost - penalty,
        BURNT: 2 * penalty,
    }


def _if_any(provider: str, amount: int) -> dict[str, int]:
    return {provider: amount} if provider != ZERO_ADDRESS else {}
