"""A campaign of kills: at every boundary alone, and at random instants, each followed by a resume.

Short unless V2V_CRASH_CAMPAIGN=nightly is set; V2V_CRASH_SEED chooses the instants, and
V2V_CRASH_REPORT names the file to write. `ape run crash_session` sets them.
"""

import os
import random
import time
from dataclasses import dataclass, field

import pytest

from ape_v2v.market.statements import EnergyStatement
from ape_v2v.session.boundaries import Boundary
from ape_v2v.session.terms import SessionPatience
from tests.session.crash_report import MAX_UNACKNOWLEDGED_WH, Run, write_report
from tests.session.pairs import MAX_RATE, SESSION_WH, Pair, settled
from tests.session.restarting import PUBLIC_KEY, begin_again
from tests.session.runner import KILLED, await_any, await_ended

NIGHTLY = os.environ.get("V2V_CRASH_CAMPAIGN") == "nightly"
SEED = int(os.environ.get("V2V_CRASH_SEED", "4"))
REPORT = os.environ.get("V2V_CRASH_REPORT")
RANDOM_RUNS = 3 if NIGHTLY else 1
RESTART_RUNS = 12 if NIGHTLY else 0
KILLS_PER_RUN = 20 if NIGHTLY else 2
LONG_WH = (60 if NIGHTLY else 8) * SESSION_WH
"""Long enough for a random instant to fall anywhere in a session."""
LONGER_WH = 4 * LONG_WH
"""Too long to be over before a register begins again."""
LIMIT_WH = 170
PATIENCE = 120
LONGEST_INSTANT = 2.0  # s after a start: the processes need about 1 s to come up

MOMENTS = ("before", "after")
# What a side that was killed before does not come to again: it sees that all is over.
ALONE = {Boundary.PROVIDER_OUTCOME_STORE, Boundary.CONSUMER_OUTCOME_STORE}
CHAIN = [b for b in Boundary if b not in ALONE | {Boundary.PROVIDER_SETTLE_SEND}]
AT_ONCE = SessionPatience(for_the_consumer=0, between_looks=0.02, between_looks_at_the_chain=0.1)


@pytest.fixture(scope="module")
def runs():
    """What has been tried, for the report."""
    runs: list[Run] = []
    began = time.monotonic()
    yield runs
    if REPORT is not None:
        write_report(REPORT, runs, seed=SEED, seconds=time.monotonic() - began)


@dataclass
class Witness:
    """Kills, and what the two stores held at each of them."""

    both: Pair
    kills: list[str] = field(default_factory=list)
    seen: list[tuple[set[EnergyStatement], set[EnergyStatement]]] = field(default_factory=list)
    exposed_wh: float = 0.0
    """The most that was delivered and not acknowledged when a side was killed: what is lost if it
    never comes back."""

    def note(self, where: str) -> None:
        delivered = self.both.delivered_wh  # first: the other side may go on
        receipts = self._receipts()
        acknowledged = max((receipt.energy_wh for receipt in receipts[0]), default=0)
        self.exposed_wh = max(self.exposed_wh, delivered - acknowledged)
        assert self.exposed_wh <= MAX_UNACKNOWLEDGED_WH
        self.kills.append(where)
        self.seen.append(receipts)

    def check(self, market, balances, before, contracted: int) -> float:
        """Nothing is lost, nothing is paid twice. Returns what was delivered for nothing, Wh."""
        paid = settled(self.both)
        at_last = self._receipts()
        for then in self.seen:
            assert all(old <= now for old, now in zip(then, at_last, strict=True))
        ended = [
            log
            for log in market.ConnectionEnded.query("*", start_block=0).to_dict("records")
            if log["event_arguments"]["auctionId"] == self.both.auction_id
        ]
        assert len(ended) == 1
        cost, penalty = (ended[0]["event_arguments"][name] for name in ("cost", "penalty"))
        reserve = bond = contracted * MAX_RATE
        assert balances() == (
            before[0] + reserve - cost - penalty,
            before[1] + bond + cost - penalty,
        )
        return max(0.0, self.both.delivered_wh - paid)

    def _receipts(self) -> tuple[set[EnergyStatement], set[EnergyStatement]]:
        ours, theirs = self.both.stores
        token = self.both.token
        return set(ours.statements.receipts(token)), set(theirs.statements.receipts(token))


@pytest.fixture
def witness(market, balance, consumer, provider, runs):
    """A factory of witnesses, and what to do at the end of a run."""

    def balances():
        return balance(consumer), balance(provider)

    def attend(both, contracted):
        before = balances()
        began = time.monotonic()
        seen = Witness(both)

        def done(kind):
            loss = seen.check(market, balances, before, contracted)
            seconds = time.monotonic() - began
            runs.append(Run(kind, tuple(seen.kills), seen.exposed_wh, loss, seconds))

        return seen, done

    return attend


@pytest.mark.skipif(not NIGHTLY, reason="test_crashes.py kills at every boundary, two at a time")
@pytest.mark.parametrize("role", ["provider", "consumer"])
def test_kills_at_one_boundary_after_another_cost_at_most_one_increment(pair, witness, role):
    """In one session: before, and after, whatever the side stores or sends."""
    both = pair(limit_wh=LIMIT_WH)
    seen, done = witness(both, SESSION_WH)
    ahead = [f"{b}:{moment}" for b in CHAIN if b.startswith(role) for moment in MOMENTS]
    victim, other = (both.provider, both.consumer)[:: 1 if role == "provider" else -1]
    running = [both.provider, both.consumer]
    for side in running:
        side.start(ahead[0] if side is victim else None)
        if side is both.provider:
            assert side.await_message() == both.url
    while running:
        for side in await_any(running):
            if side.await_exit() == KILLED:
                assert side is victim
                seen.note(ahead.pop(0))
                side.start(ahead[0] if ahead else None)
            else:
                assert side.await_exit() == 0
                running.remove(side)
    assert other.await_exit() == 0
    assert not ahead, f"never reached: {ahead}"
    done("boundary")


@pytest.mark.skipif(not NIGHTLY, reason="test_crashes.py kills at every boundary, two at a time")
@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("boundary", sorted(ALONE))
def test_a_kill_at_a_boundary_costs_at_most_one_increment(pair, witness, boundary, moment):
    both = pair()
    seen, done = witness(both, SESSION_WH)
    point = f"{boundary}:{moment}"
    ours = boundary.startswith("provider.")
    both.provider.start(point if ours else None)
    assert both.provider.await_message() == both.url
    both.consumer.start(None if ours else point)
    finish(both, seen, {both.provider: point, both.consumer: point})
    assert seen.kills == [point]
    done("boundary")


@pytest.mark.skipif(not NIGHTLY, reason="test_crashes.py kills at every boundary, two at a time")
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_kill_where_the_provider_settles_costs_nothing(pair, witness, moment):
    both = pair(patience=AT_ONCE)
    seen, done = witness(both, SESSION_WH)
    ours = f"{Boundary.PROVIDER_SETTLE_SEND}:{moment}"
    # The consumer has nothing to end the connection with, or dies when it has.
    theirs = f"{Boundary.CONSUMER_SETTLEMENT_STORE}:after"
    both.provider.start(ours)
    assert both.provider.await_message() == both.url
    both.consumer.start(theirs)
    finish(both, seen, {both.provider: ours, both.consumer: theirs})
    assert ours in seen.kills
    done("boundary")


def finish(both, seen, points):
    """Start again whoever is killed, until both have ended in order."""
    running = [both.provider, both.consumer]
    while running:
        for side in await_any(running):
            if side.await_exit() == KILLED:
                seen.note(points[side])
                side.start()
            else:
                assert side.await_exit() == 0
                running.remove(side)


@pytest.mark.parametrize("number", range(RANDOM_RUNS))
def test_kills_at_random_instants_cost_at_most_one_increment(pair, witness, number):
    instants = random.Random(f"{SEED}:{number}")
    both = pair(LONG_WH)
    seen, done = witness(both, LONG_WH)
    both.provider.start()
    assert both.provider.await_message() == both.url
    both.consumer.start()
    names = {both.provider: "provider", both.consumer: "consumer"}
    running = [both.provider, both.consumer]
    while running and len(seen.kills) < KILLS_PER_RUN:
        after = instants.uniform(0, LONGEST_INSTANT)
        for side in await_ended(running, after):
            assert side.await_exit() == 0
            running.remove(side)
        if not running:
            break
        victim = instants.choice(running)
        victim.kill()
        if victim.await_exit() != KILLED:  # it had just ended by itself
            assert victim.await_exit() == 0
            running.remove(victim)
            continue
        seen.note(f"{names[victim]} {after:.3f} s")
        victim.start()
    finish_rest(both, running)
    done("random")


@pytest.mark.parametrize("number", range(RESTART_RUNS))
def test_kills_while_a_signed_register_begins_again_cost_at_most_one_increment(
    pair, witness, tmp_path, number
):
    """Either side is killed, or both; then the register of one of them begins again at 0."""
    draw = random.Random(f"restart:{SEED}:{number}")
    both = pair(LONGER_WH)
    starts = {both.provider: 5_000, both.consumer: 77_000}
    for side, start in starts.items():
        name = side.plan.settings.equipment.meter_id
        options = f"cable={tmp_path / 'cable'}&name={name}&start={start}"
        meter = f"python:tests.session.restarting:RestartingMeter?{options}"
        equipment = side.plan.settings.equipment.model_copy(
            update={"meter_name": f"{meter}&restarts={tmp_path / name}"}
        )
        side.replace(equipment=equipment)
    both.consumer.replace(
        terms=both.consumer.plan.settings.terms.model_copy(update={"meter_key": PUBLIC_KEY})
    )
    seen, done = witness(both, LONGER_WH)
    both.provider.start()
    assert both.provider.await_message() == both.url
    both.consumer.start()
    running = [both.provider, both.consumer]
    names = {both.provider: "provider", both.consumer: "consumer"}
    broken = draw.choice(running)
    restarts_after = draw.randrange(KILLS_PER_RUN // 2, KILLS_PER_RUN)
    restarted = False
    while running and not (restarted and len(seen.kills) >= KILLS_PER_RUN):
        after = draw.uniform(0, LONGEST_INSTANT)
        for side in await_ended(running, after):
            assert side.await_exit() == 0
            running.remove(side)
        victims = draw.choice([running[:1], running[-1:], running])
        killed = kill_all(victims, running)
        for victim in killed:
            seen.note(f"{names[victim]} {after:.3f} s")
        for victim in killed:
            victim.start()
        if not restarted and len(seen.kills) > restarts_after:
            await_receipt(both)
            register = starts[broken] + int(both.delivered_wh)
            begin_again(tmp_path / broken.plan.settings.equipment.meter_id, register)
            restarted = True
    finish_rest(both, running)
    assert restarted, "the session was over before"
    assert both.outcomes()[0].how == "short"
    done("restart")


def await_receipt(both):
    """Before the first one, the consumer's process would end with an error: nothing is signed."""
    until = time.monotonic() + PATIENCE
    while both.stores[0].statements.highest_receipt(both.token) is None:
        assert time.monotonic() < until, f"no receipt within {PATIENCE} s"
        time.sleep(0.1)


def kill_all(victims, running):
    """Kill these; those of them that had not just ended by themselves."""
    victims, killed = list(victims), []
    for victim in victims:
        victim.kill()
    for victim in victims:
        if victim.await_exit() == KILLED:
            killed.append(victim)
        else:
            assert victim.await_exit() == 0
            running.remove(victim)
    return killed


def finish_rest(both, running):
    for side in running:
        assert side.await_exit() == 0
    assert both.provider.await_exit() == both.consumer.await_exit() == 0
