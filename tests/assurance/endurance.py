"""Processes that last, on a node that fails one request in five in every way that is known.

An autobidder and a follower of the history run from the first trade to the last; each trade has a
charging session of its own, both sides of which talk to the chain through the same kind of line.
What has to hold: nobody gives up, nothing is bid or settled twice, nothing is left out or told
twice, and all end in order when they are told to.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ape

from ape_v2v import Market, Money, Parameters
from ape_v2v.chain.node import Network, Node
from ape_v2v.evm.anvil import anvil
from ape_v2v.index.history import History
from tests.helpers import faults
from tests.helpers.fault_proxy import FaultProxy, Outcome, Request, Stall
from tests.helpers.live import SEPOLIA

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ape_v2v.market.auction import Auction
    from tests.helpers.fault_proxy import Forward

ONE_IN = 5
"""One request in so many fails, drawn at random."""
KINDS = {**faults.ANYWHERE, **faults.SENDING, **faults.READING}
ENERGY = "2 kWh"
MAX_RATE, RIVAL_RATE, FLOOR = "300 gwei/Wh", "200 gwei/Wh", "150 gwei/Wh"
SPEED = 200  # of the energy: 2 kWh at 11 kW take 3 s
BIDDING_TIME = timedelta(seconds=20)
PATIENCE = 240.0
"""Seconds until everything that is waited for has to have happened."""
STALL = 5.0
_FUNDS = Money.parse("1 ether")
_PARAMETERS = Parameters(extensionWindow=10, awardWindow=3_600)
_CONFIG = """\
default_ecosystem: ethereum
node:
  ethereum:
    sepolia:
      uri: {url}
ethereum:
  sepolia:
    required_confirmations: 0
    transaction_acceptance_timeout: 30
v2v:
  timeout: 3
  confirmations: 0
"""


class Broken(Exception):
    """Something did not hold."""


@dataclass
class Tally:
    """What was tried, and what came of it."""

    trades: int = 0
    bids: int = 0
    energy_wh: int = 0
    requests: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    events: int = 0
    seconds: float = 0.0

    def as_json(self) -> dict[str, Any]:
        return {
            "trades": self.trades,
            "bids": self.bids,
            "energyWh": self.energy_wh,
            "requests": self.requests,
            "faults": sum(self.faults.values()),
            "kinds": len(self.faults),
            "events": self.events,
            "seconds": round(self.seconds),
        }


class _Line:
    """A line with any of the faults on one request in five; a batch is one request."""

    def __init__(self, url: str, rng: random.Random, counted: Counter[str]) -> None:
        self._rng, self._counted, self._lock = rng, counted, threading.Lock()
        self.proxy = FaultProxy(url)
        self.good = True
        """Nothing fails: while a process starts, whose Ape connects once and for all."""
        self.requests = 0
        self.proxy.fault = self._fault
        self.proxy.batch_fault = self._batch_fault

    def _fault(self, request: Request, forward: Forward) -> Outcome:
        return self._failing(request, forward) if self._drawn() else None

    def _batch_fault(self, batch: list[Request], forward: Forward) -> Any:
        if not self._drawn():
            return None
        hurt, answers = self._any(batch), []
        for request in batch:
            answer = self._failing(request, forward) if request is hurt else forward(request)
            if not isinstance(answer, dict):
                return answer  # which befalls the whole batch
            answers.append(answer)
        return answers

    def _drawn(self) -> bool:
        with self._lock:
            self.requests += 1
            return not self.good and not self._rng.randrange(ONE_IN)

    def _any(self, among: Sequence[Any]) -> Any:
        with self._lock:
            return self._rng.choice(among)

    def _failing(self, request: Request, forward: Forward) -> Outcome:
        while True:
            kind = self._any(list(KINDS))
            outcome = KINDS[kind](request, forward)
            if outcome is not None:  # else that kind does not befall this request
                with self._lock:
                    self._counted[kind] += 1
                return Stall(STALL) if isinstance(outcome, Stall) else outcome


@dataclass
class _Process:
    """One of our commands, and what it says."""

    name: str
    popen: subprocess.Popen[str]
    said: list[dict[str, Any]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._threads = [
            threading.Thread(target=self._listen, daemon=True),
            threading.Thread(target=self._complaints, daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def _listen(self) -> None:
        assert self.popen.stdout is not None
        for line in self.popen.stdout:
            self.said.append(json.loads(line))

    def _complaints(self) -> None:
        assert self.popen.stderr is not None
        for line in self.popen.stderr:
            self.errors.append(line.rstrip())

    def running(self) -> bool:
        return self.popen.poll() is None

    def await_end(self, seconds: float = PATIENCE) -> None:
        """Wait for its end in order.

        Raises:
            Broken: It does not end, or not in order.
        """
        try:
            code = self.popen.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Broken(f"{self.name} does not end: {self._last()}") from None
        for thread in self._threads:
            thread.join()
        if code:
            raise Broken(f"{self.name} ended with {code}: {self._last()}")
        if any("Traceback" in line for line in self.errors):
            raise Broken(f"{self.name} shows a traceback: {self._last()}")

    def stop(self) -> None:
        """Ask it to end, and wait until it has."""
        self.popen.send_signal(signal.SIGTERM)
        self.await_end()

    def _last(self) -> str:
        return " | ".join(self.errors[-8:]) or "without a word"


class Endurance:
    """A market, its people and the processes that last."""

    def __init__(self, node_url: str, folder: Path, seed: int) -> None:
        self.tally = Tally()
        rng = random.Random(seed)
        self.lasting = _Line(node_url, rng, self.tally.faults)
        self.sessions = _Line(node_url, rng, self.tally.faults)
        self.folder = folder
        organization, consumer, bidder, rival = ape.accounts.test_accounts[:4]
        self.consumer, self.bidder, self.rival = consumer, bidder, rival
        node = Node(node_url, network=Network("ethereum-sepolia", patience=30, folder=folder))
        self.market = Market.deploy(organization, _PARAMETERS, node=node)
        evs = (consumer, bidder, rival)
        self.market.add_evs([(ev.address, "") for ev in evs], sender=organization)
        for ev in evs:
            self.market.deposit(_FUNDS, sender=ev)

    @contextmanager
    def process(self, line: _Line, *words: object) -> Iterator[_Process]:
        """One of our commands over a line; ended with the block."""
        name = "-".join(str(word) for word in words[:2])
        project = self.folder / f"{name}-{time.monotonic_ns()}"
        project.mkdir()
        (project / "ape-config.yaml").write_text(_CONFIG.format(url=line.proxy.url), "utf-8")
        command = [
            Path(sys.executable).with_name("ape"), "v2v", *words, "--json",
            "--market", self.market.address, "--network", "ethereum:sepolia:node",
        ]  # fmt: skip
        with subprocess.Popen(
            [str(word) for word in command],
            cwd=project,
            env=os.environ | {"APE_DATA_FOLDER": str(self.folder / "ape")},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as popen:
            try:
                yield _Process(name, popen)
            finally:
                if popen.poll() is None:
                    popen.kill()

    def run(self, minutes: float, tell: Callable[[dict[str, Any]], None]) -> Tally:
        """Trade for so long, one trade after the other, and check everything.

        Raises:
            Broken: Something did not hold.
        """
        began = time.monotonic()
        with ExitStack() as stack:
            for line in (self.lasting, self.sessions):
                stack.enter_context(line.proxy)
            follower = stack.enter_context(
                self.process(self.lasting, "history", "events", "--follow", "--interval", 1)
            )
            _wait("the history is followed", lambda: len(follower.said) > 2, (follower,))
            bids = ("auction", "autobid", "--floor", FLOOR, "--yes", "--ignore-gas")
            account = ("--account", "TEST::2", "--interval", 1)
            bidder = stack.enter_context(self.process(self.lasting, *bids, *account))
            self._first_bid(bidder, follower)
            self.lasting.good = False
            while time.monotonic() - began < 60 * minutes:
                self._trade(bidder, follower)
                self.tally.trades += 1
                self.tally.seconds = time.monotonic() - began
                self.tally.requests = self.lasting.requests + self.sessions.requests
                tell(self.tally.as_json())
            self._await_all_events(follower, (bidder, follower))
            bidder.stop()
            follower.stop()
        self.tally.seconds = time.monotonic() - began
        return self.tally

    def _first_bid(self, bidder: _Process, follower: _Process) -> None:
        """See that the bidder is at work, before anything fails."""
        auction = self._auction()
        self._await_lead(auction, (bidder, follower))
        auction.cancel(auction.penalty, sender=self.consumer)

    def _auction(self) -> Auction:
        return self.market.start_auction(ENERGY, MAX_RATE, BIDDING_TIME, "1h", sender=self.consumer)

    def _await_lead(self, auction: Auction, alive: tuple[_Process, ...]) -> None:
        who = self.bidder.address
        _wait("the autobidder leads", lambda: auction.info.provider == who, alive)

    def _trade(self, *alive: _Process) -> None:
        """Somebody underbids the autobidder, it wins all the same, delivers and is paid."""
        auction = self._auction()
        self._await_lead(auction, alive)
        auction.place_bid(RIVAL_RATE, sender=self.rival)
        while auction.time_left > timedelta(0):
            time.sleep(0.5)
        if auction.info.provider != self.bidder.address:
            raise Broken("the autobidder did not answer within the auction's extension")
        bids = [event for event in self._events(auction.id) if event["event"] == "BidPlaced"]
        self.tally.bids += sum(event["provider"] == self.bidder.address for event in bids)
        auction.end(sender=self.consumer)
        self._charge(auction.id)
        endings = [e for e in self._events(auction.id) if e["event"] == "ConnectionEnded"]
        if len(endings) != 1 or endings[0]["energyWh"] <= 0:
            raise Broken(f"a connection has ended as {endings}")
        self.tally.energy_wh += endings[0]["energyWh"]

    def _charge(self, auction_id: int) -> None:
        store, cable = self.folder / "store", self.folder / f"cable-{auction_id}"
        common = ("--cable", cable, "--link-timeout", "30s")
        serves = ("session", "serve", auction_id, "--speed", SPEED, "--account", "TEST::2")
        self.sessions.good = True
        with self.process(self.sessions, *serves, *common, "--store", f"{store}-2") as serving:
            _wait("the provider serves", lambda: bool(serving.said), (serving,))
            charges = ("session", "charge", serving.said[0]["url"], "--account", "TEST::1")
            with self.process(
                self.sessions, *charges, *common, "--store", f"{store}-1"
            ) as charging:
                _wait("energy flows", lambda: bool(charging.said), (charging, serving))
                self.sessions.good = False
                charging.await_end()
                serving.await_end()
        self.sessions.good = True

    def _events(self, auction_id: int | None = None) -> list[dict[str, Any]]:
        with History(self.market, cache=False, confirmations=0) as history:
            history.refresh()
            return [event.as_json() for event in history.events(auction=auction_id)]

    def _await_all_events(self, follower: _Process, alive: tuple[_Process, ...]) -> None:
        """Each event of the chain was told, once."""
        expected = Counter(_place(event) for event in self._events())
        _wait("all is told", lambda: len(follower.said) >= len(expected), alive)
        told = Counter(_place(event) for event in follower.said)
        if told != expected:
            missing, more = expected - told, told - expected
            raise Broken(f"{len(missing)} events were not told, {len(more)} twice or wrongly")
        self.tally.events = len(expected)


def _place(event: dict[str, Any]) -> tuple[Any, ...]:
    return event["transaction"], event["logIndex"], event["event"], event.get("removed", False)


def _wait(what: str, happened: Callable[[], bool], alive: tuple[_Process, ...]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not happened():
        for process in alive:
            if not process.running():
                process.await_end()
                raise Broken(f"{process.name} has ended before {what}")
        if time.monotonic() > deadline:
            raise Broken(f"not within {PATIENCE:.0f} s: {what}")
        time.sleep(0.2)


def endure(minutes: float, seed: int, tell: Callable[[dict[str, Any]], None]) -> Tally:
    """Run it on an Anvil of its own, with a block every second."""
    with (
        anvil("--chain-id", str(SEPOLIA), "--block-time", "1") as web3,
        tempfile.TemporaryDirectory() as folder,
    ):
        url = str(web3.provider.endpoint_uri)  # type: ignore[attr-defined]
        return Endurance(url, Path(folder), seed).run(minutes, tell)


def report(tally: Tally, seed: int) -> str:
    """The report as Markdown."""
    kinds = "\n".join(f"| {kind} | {count:,} |" for kind, count in sorted(tally.faults.items()))
    return f"""\
# An hour of a bad node

Written by `ape run endure`; do not edit. An autobidder and a follower of the history went on from
the first trade to the last, and each trade had a charging session of two processes, while one
request in {ONE_IN} to the node failed in a way drawn at random (seed {seed}). Processes start on a
good line. Each run checks that none of them gives up or shows a traceback, that the autobidder
wins each auction although somebody underbids it, that each connection ended once and for energy
that was delivered, that every event of the chain was told exactly once, and that SIGTERM ends the
processes in order.

| measure | |
| --- | ---: |
| minutes | {tally.seconds / 60:.1f} |
| trades, all settled | {tally.trades:,} |
| bids of the autobidder | {tally.bids:,} |
| energy paid, Wh | {tally.energy_wh:,} |
| events, each told once | {tally.events:,} |
| requests to the node | {tally.requests:,} |
| of these failed | {sum(tally.faults.values()):,} |

| kind of fault | times |
| --- | ---: |
{kinds}
"""
