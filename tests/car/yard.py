"""Two cars at one cable, as processes that are killed and started again, on an Anvil of their own.

A car's process does what `ape v2v car run` does, less the command line.
"""

from __future__ import annotations

import math
import random
import signal
import sqlite3
import threading
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import ape
from ape.logging import logger

from ape_v2v.car import Car, CarWatch, Choice, Journal, read_car
from ape_v2v.chain.node import Network, Node, NodeError
from ape_v2v.evm.anvil import started
from ape_v2v.market.interface.parameters import Parameters
from ape_v2v.market.market import Market
from ape_v2v.metering.cable import Cable
from ape_v2v.session.store import Store
from tests.helpers import faults
from tests.helpers.fault_proxy import FaultProxy, Stall
from tests.session.pairs import free_port
from tests.session.runner import PROCESSES, network_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PORTION_WH = 300
INCREMENT_WH = 100
RULES = Parameters(extensionWindow=0, awardWindow=600, settlementWindow=600)
BIDDING_SECONDS, VALIDITY_SECONDS = 4, 120
DEADLINE = BIDDING_SECONDS + RULES.awardWindow + VALIDITY_SECONDS + RULES.settlementWindow
LOCAL = Network("ethereum-local", is_dev=True, is_local=True)
_PAUSE = 0.2
_NODE_FAULTS = [
    fault
    for name, fault in faults.ANYWHERE.items()
    if name
    in {
        "the line is cut before",
        "the answer is lost",
        "half an answer comes",
        "502",
        "502, and it was done",
        "503",
        "429",
        "a rate limit in HTTP 200",
        "an internal error",
        "an internal error, and it was done",
    }
] + [faults.instead(Stall(0.5))]

_COMMON = """
account: TEST::{account}
market: "{market}"
battery: {{capacity: 100 MWh, charged: {charged}}}
equipment:
  cable: cable
  meter: "{meter}"
  power_kw: 11
  speed: 2000
balance: {{deposit_at_most: 1 ether, withdraw_above: 0.003 ether, keep: 0.001 ether}}
retry: 1 s
"""
_CONSUMER = """
link: {{url: "http://127.0.0.1:{port}", timeout: 30 s}}
consumer:
  target: {target}
  by: 2040-01-01T00:00:00+00:00
  max_rate: 0.003 ether/kWh
  at_most: 300 Wh
  at_least: 300 Wh
  bidding_time: 4 s
  validity: 120 s
  attempts: 1000
"""
_PROVIDER = """
link: {{port: {port}, timeout: 30 s}}
provider:
  floor: 0.0002 ether/kWh
  reserve: 10
  at_least: 300 Wh
  ignore_gas: true
  max_unacknowledged: 100 Wh
  patience: 5 s
"""


@dataclass(frozen=True)
class CarPlan:
    """All that a car's process is told."""

    node: str
    line: str
    """The same node by a line that has its faults."""
    file: Path
    folder: Path
    account: int
    name: str

    @property
    def store(self) -> Path:
        return self.folder / f"{self.name}.sqlite"

    @property
    def journal(self) -> Path:
        return self.folder / f"{self.name}-journal.sqlite"


def drive(plan: CarPlan, up: Any) -> None:
    """A car's process; it says when it is up."""
    logger.set_level("ERROR")
    network_of(plan.node).__enter__()  # until the process ends
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=stop.set).start())
    settings = read_car(plan.file)
    market = _market_at(str(settings.market), Node(plan.line, network=LOCAL))
    account = ape.accounts.test_accounts[plan.account]
    log = (plan.folder / f"{plan.name}.log").open("a", buffering=1)

    def decided(choice: Choice) -> None:
        log.write(f"{time.time():.2f} {choice.act} {choice.auction_id} {choice.reason}\n")

    watch = CarWatch(decided, tell=lambda text: print(text, file=log))
    store, journal = Store(plan.store), Journal(plan.journal)
    with Car(
        settings, market, account, store=store, journal=journal, watch=watch, pause=_PAUSE
    ) as car:
        up.set()
        car.run(stop)


def _market_at(address: str, node: Node) -> Market:
    while True:
        try:
            return Market.at(address, node)
        except NodeError:  # whoever starts a car starts it again
            time.sleep(0.1)


class CarProcess:
    """One car: a process after another, with the same file."""

    def __init__(self, plan: CarPlan) -> None:
        self.plan = plan
        self.kills = 0
        self._process: Any = None
        self._up = PROCESSES.Event()

    def start(self) -> None:
        self._up = PROCESSES.Event()
        self._process = PROCESSES.Process(target=drive, args=(self.plan, self._up), daemon=True)
        self._process.start()

    @property
    def is_up(self) -> bool:
        return self._up.is_set()

    @property
    def exit_code(self) -> int | None:
        code: int | None = self._process.exitcode
        return code

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.join()

    def end(self) -> None:
        """Tell it to stop in order."""
        self._process.terminate()
        self._process.join(60)
        assert self._process.exitcode == 0

    @property
    def ended_in(self) -> dict[int, int]:
        """By auction, what was paid for as its store has it, Wh."""
        if not self.plan.store.exists():
            return {}
        store = Store(self.plan.store)
        try:
            ends = {
                kept.agreement.auction_id: store.connections.end(kept.agreement.token)
                for kept in store.connections.all()
            }
        finally:
            store.close()
        return {auction: end.energy_wh for auction, end in ends.items() if end is not None}


class Yard:
    """The place: an Anvil, a market, two cars and what goes wrong with them."""

    def __init__(self, folder: Path, rounds: int, *, seed: int, node_faults: float, hiccups: float):
        self.folder, self.rounds = folder, rounds
        self._random = random.Random(seed)
        self._share, self._hiccups = node_faults, hiccups
        self._open = ExitStack()

    def __enter__(self) -> Yard:
        anvil = started()
        self._open.callback(anvil.stop)
        self.node = Node(f"http://{anvil.address}", network=LOCAL)
        self.node.request("anvil_setLoggingEnabled", [False])
        self.organization, consumer, provider = list(ape.accounts.test_accounts)[:3]
        self.accounts = {"consumer": consumer, "provider": provider}
        self.market = Market.deploy(self.organization, RULES, node=self.node)
        self.market.add_evs(
            [(consumer.address, ""), (provider.address, "")], sender=self.organization
        )
        self.first_block = int(self.node.request("eth_blockNumber"), 16)
        self.before = {name: self._worth(account) for name, account in self.accounts.items()}
        port, cable = free_port(), self.folder / "cable"
        target = 100 * (50_000_000 + self.rounds * PORTION_WH) / 100_000_000
        values = {"market": self.market.address, "port": port, "cable": cable, "target": target}
        self.lines = {name: self._line(anvil.address) for name in self.accounts}
        self.cars = {
            "provider": self._car("provider", 2, _PROVIDER, charged=90, start=5, **values),
            "consumer": self._car("consumer", 1, _CONSUMER, charged=50, start=77, **values),
        }
        return self

    def __exit__(self, *_: object) -> None:
        for car in self.cars.values():
            car.kill()
        self._open.close()

    def _line(self, address: str) -> FaultProxy:
        chance = random.Random(self._random.random())

        def fault(request: Any, forward: Any) -> Any:
            if chance.random() >= self._share:
                return None
            return chance.choice(_NODE_FAULTS)(request, forward)

        return self._open.enter_context(FaultProxy(f"http://{address}", fault))

    def _car(self, name: str, account: int, text: str, start: int, **values: Any) -> CarProcess:
        file = self.folder / f"{name}.yaml"
        options = f"cable={values['cable']}&name={name}&start={start}&share={self._hiccups}"
        meter = f"python:tests.car.hiccups:HiccupMeter?{options}"
        said = {**values, "account": account, "meter": meter}
        file.write_text((_COMMON + text).format(**said), "utf-8")
        return CarProcess(
            CarPlan(self.node.url, self.lines[name].url, file, self.folder, account, name)
        )

    @property
    def done(self) -> int:
        """How many connections have ended."""
        return int(self.market.contract.view("evs", self.accounts["consumer"].address).completed)

    def trade(
        self,
        *,
        between_kills: float,
        limit: float,
        most_kills: float = math.inf,
        told: Callable[[str], None] = print,
    ) -> None:
        """Let the cars trade until the consumer has what it wants; kill them at random instants.

        Args:
            between_kills: Seconds after both are up, about.
            most_kills: How many there are, at most.
            limit: Seconds after which it has taken too long.
            told: Told how far it is, now and then.
        """
        began = time.monotonic()
        for car in self.cars.values():
            car.start()
        next_kill = self._next(between_kills)
        said = 0
        while self.cars["consumer"].exit_code is None:
            now = time.monotonic()
            assert now - began < limit, f"{self.done} of {self.rounds} rounds in {limit:.0f} s"
            if not all(car.is_up for car in self.cars.values()):
                next_kill = self._next(between_kills)
            elif now > next_kill and self.kills < most_kills:
                self._kill()
            code = self.cars["provider"].exit_code
            assert code is None, f"the provider's process has ended with {code}"
            if self.done >= said + 10:
                said = self.done
                told(f"{said} rounds in {now - began:.0f} s, {self.kills} kills")
            time.sleep(0.05)
        assert self.cars["consumer"].exit_code == 0
        self.cars["provider"].end()

    @property
    def kills(self) -> int:
        return sum(car.kills for car in self.cars.values())

    def _next(self, between: float) -> float:
        return time.monotonic() + self._random.uniform(0, 2 * between)

    def _kill(self) -> None:
        victims = self._random.choice([["consumer"], ["provider"], ["consumer", "provider"]])
        for name in victims:
            car = self.cars[name]
            car.kill()
            car.kills += 1
        for name in victims:
            if self.cars[name].exit_code != 0:  # else it had just ended by itself
                self.cars[name].start()

    # The books

    def _worth(self, account: Any) -> int:
        """All that an account has: in its wallet, and free in the market."""
        wallet = int(self.node.request("eth_getBalance", [account.address, "latest"]), 16)
        return wallet + int(self.market.balance(account.address))

    def gas_of(self) -> dict[str, int]:
        """What each account has paid for gas since the cars began, wei."""
        paid = dict.fromkeys(self.accounts, 0)
        names = {account.address.lower(): name for name, account in self.accounts.items()}
        head = int(self.node.request("eth_blockNumber"), 16)
        for number in range(self.first_block + 1, head + 1):
            for receipt in self.node.request("eth_getBlockReceipts", [hex(number)]):
                if (name := names.get(receipt["from"].lower())) is not None:
                    used = int(receipt["gasUsed"], 16) * int(receipt["effectiveGasPrice"], 16)
                    paid[name] += used
        return paid

    def ends(self) -> list[dict[str, Any]]:
        """How each connection ended, by the chain's events, with the seconds that it took."""
        from ape_v2v.index.history import History  # noqa: PLC0415 - imports a database's library

        with History(self.market, cache=False, confirmations=0) as history:
            history.refresh()
            asked = {
                event.args["auctionId"]: event.timestamp
                for event in history.events(["AuctionStarted"])
            }
            return [
                {
                    **event.args,
                    "seconds": (event.timestamp - asked[event.args["auctionId"]]).total_seconds(),
                }
                for event in history.events(["ConnectionEnded"])
            ]

    def check(self) -> dict[str, Any]:
        """Nothing is lost, nothing is paid twice, and nobody is late.

        Returns:
            What the report tells.
        """
        ends = self.ends()
        assert len({end["auctionId"] for end in ends}) == len(ends)
        cost = sum(end["cost"] for end in ends)
        penalty = sum(end["penalty"] for end in ends)
        gas = self.gas_of()
        after = {name: self._worth(account) for name, account in self.accounts.items()}
        for account in self.accounts.values():
            running = int(self.market.contract.view("currentAuctionId", account.address))
            assert self.market.contract.view("auctions", running).state == 0
        assert after["consumer"] == self.before["consumer"] - gas["consumer"] - cost - penalty
        assert after["provider"] == self.before["provider"] - gas["provider"] + cost - penalty
        paid = {end["auctionId"]: end["energyWh"] for end in ends}
        for car in self.cars.values():
            assert {a: wh for a, wh in paid.items() if wh} == {
                a: wh for a, wh in car.ended_in.items() if wh
            }
        lost = self._lost_by_session(paid)
        assert max(lost, default=0) <= INCREMENT_WH
        slowest = max((end["seconds"] for end in ends), default=0)
        assert slowest < DEADLINE
        # What a session that was cut short has left may be too little for another auction.
        assert sum(paid.values()) > (self.rounds - 1) * PORTION_WH
        return {
            "rounds": len(ends),
            "short": sum(1 for end in ends if end["energyWh"] < PORTION_WH),
            "penalty": penalty,
            "paid_wh": sum(paid.values()),
            "cost": cost,
            "kills": {name: car.kills for name, car in self.cars.items()},
            "node_faults": {name: line.faulted for name, line in self.lines.items()},
            "most_lost_wh": max(lost, default=0),
            "slowest_s": slowest,
            "decisions": self._decisions(),
        }

    def _lost_by_session(self, paid: dict[int, int]) -> list[float]:
        """What was delivered and not paid, session by session, Wh."""
        database = sqlite3.connect(self.cars["provider"].plan.store)
        starts = [
            row[0]
            for row in database.execute("SELECT meter_start_wh FROM connections ORDER BY opened_at")
        ]
        database.close()
        store = Store(self.cars["provider"].plan.store)
        auctions = [kept.agreement.auction_id for kept in reversed(store.connections.all())]
        store.close()
        cable = Cable(self.folder / "cable")
        flow = cable.flow()
        assert flow is not None
        starts.append(5 + int(flow.energy_at(cable.clock())))
        return [
            starts[number + 1] - starts[number] - paid.get(auction, 0)
            for number, auction in enumerate(auctions)
        ]

    def _decisions(self) -> dict[str, int]:
        """How often each decision was written down, by both cars."""
        found: Counter[str] = Counter()
        for car in self.cars.values():
            journal = Journal(car.plan.journal)
            found.update(entry.act for entry in journal.last(10**6))
            journal.close()
        return dict(sorted(found.items()))
