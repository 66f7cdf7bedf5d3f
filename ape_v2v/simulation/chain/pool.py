"""Transactions on their way into blocks: latency, fees, luck, and what became of them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from eth_utils.conversions import to_hex
from eth_utils.crypto import keccak

from ape_v2v.chain.writing.receipts import Mined, RawLog
from ape_v2v.errors import SentAs
from ape_v2v.market.interface import events
from ape_v2v.market.interface.refusals import refusal
from ape_v2v.simulation.chain.gas import REFUSED, gas_of
from ape_v2v.simulation.streams import Stream

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ape_v2v.evm.chains import EmittedLog, Execution
    from ape_v2v.market.interface.events import Fact
    from ape_v2v.market.interface.transactions import Write
    from ape_v2v.simulation.chain.loop import Loop
    from ape_v2v.simulation.chain.node import SimulatedNode


class Submitted(SentAs):
    """A transaction is on its way: the sender learns of its block as everybody does."""

    def __init__(self, transaction: str) -> None:
        super().__init__(transaction, f"{transaction} is on its way into a block")


@dataclass(frozen=True)
class ChainHabits:
    """How blocks come, and how transactions come into them."""

    block_seconds: int = 12
    """Between two blocks; 0 makes one for each transaction, at once."""
    latency_seconds: float = 1.0
    """How long a transaction travels, on average."""
    inclusion: float = 1.0
    """The probability that a block takes a transaction that it could take."""
    outages: tuple[tuple[int, int], ...] = ()
    """From when until when no block comes."""
    base_fee: Callable[[int], int] = lambda _: 0
    """At a time, wei per gas."""
    tip: int = 0
    """What is offered on top unless somebody offers more, wei per gas."""


@dataclass(frozen=True)
class Included:
    """What became of a transaction."""

    hash: str
    time: int
    block: int
    sender: str
    method: str
    arguments: tuple[object, ...]
    succeeded: bool
    gas: int
    fee: int
    """Wei."""
    facts: tuple[Fact, ...]
    refusal: str
    """The contract's error; empty where it succeeded."""


@dataclass
class _Waiting:
    number: int
    hash: str
    write: Write
    data: bytes
    tip: int
    ready: float
    luck: Stream | None = None


@dataclass
class Pool:
    """The gateway of every simulated client."""

    loop: Loop
    node: SimulatedNode
    habits: ChainHabits
    seed: str
    on_block: list[Callable[[Sequence[Included]], None]] = field(default_factory=list)
    """Told what each block has."""
    tips: dict[str, int] = field(default_factory=dict)
    """What an account offers on top, where that is not the usual, wei per gas."""
    _waiting: list[_Waiting] = field(default_factory=list)
    _due: set[int] = field(default_factory=set)
    _sent: dict[str, int] = field(default_factory=dict)
    _number: int = 0
    _bid_for: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._genesis = self.node.chain.timestamp
        self.node.next_time = self.next_block
        self.node.tip = self.habits.tip
        self.node.base_fee = self.habits.base_fee(self._genesis)

    def next_block(self, after: float | None = None) -> int:
        """When the first block comes that is made after a moment; left out, that is now."""
        after = self.loop.now if after is None else after
        if not (spacing := self.habits.block_seconds):
            return max(math.ceil(after), self.node.chain.timestamp)
        slot = math.floor((after - self._genesis) / spacing) + 1
        time = self._genesis + slot * spacing
        for start, end in self.habits.outages:
            if start <= time < end:
                return self.next_block(end - 1)
        return time

    def gateway(self, write: Write) -> Mined:
        """Send a call, unless the market would refuse it now.

        Raises:
            Refused: It would.
            Submitted: It is on its way.
        """
        if not self.habits.block_seconds:
            return self.at_once(write)
        waiting = self._prepared(write)
        self._try(waiting)
        self._number += 1
        waiting.number = self._number
        luck = waiting.luck = Stream(self.seed, "transaction", waiting.hash)
        waiting.ready += luck.exponential(self.habits.latency_seconds)
        self._waiting.append(waiting)
        key = write.sender.address.lower()
        self.node.waiting[key] = self.node.waiting.get(key, 0) + 1
        self._schedule(waiting.ready)
        raise Submitted(waiting.hash)

    def _prepared(self, write: Write) -> _Waiting:
        sender = write.sender.address
        count = self._sent.get(sender, 0)
        self._sent[sender] = count + 1
        return _Waiting(
            number=0,
            hash=to_hex(keccak(text=f"{sender} {count}")),
            write=write,
            data=write.request.data,
            tip=self.tips.get(sender, self.habits.tip),
            ready=self.loop.now,
        )

    def _try(self, waiting: _Waiting) -> None:
        """Refuse what the next block would refuse, as things stand."""
        chain = self.node.chain
        before = chain.snapshot()
        try:
            chain.timestamp = self.next_block()
            execution = self._execute(waiting)
        finally:
            chain.revert(before)
            self.node.known.clear()
        if not execution.success:
            raise refusal(execution.output, "execution reverted")

    def at_once(self, write: Write) -> Mined:
        """Carry a call out now, in a block of its own.

        Raises:
            Refused: The market refuses it.
        """
        waiting = self._prepared(write)
        time = max(math.ceil(self.loop.now), self.node.chain.timestamp)
        self._open(time)
        execution = self._execute(waiting)
        if not execution.success:
            raise refusal(execution.output, "execution reverted")
        included = self._included(waiting, execution, time)
        logs = tuple(map(_raw, execution.logs))
        for told in self.on_block:
            told([included])
        return Mined(included.hash, included.block, True, included.gas, 0, included.fee, None, logs)

    def _schedule(self, ready: float) -> None:
        time = self.next_block(ready)
        if time not in self._due:
            self._due.add(time)
            self.loop.at(time, lambda: self._make_block(time))

    def _make_block(self, time: int) -> None:
        self._due.discard(time)
        taken, left, late = [], [], set()
        order = sorted(self._waiting, key=lambda one: (-one.tip, one.ready, one.number))
        for one in order:
            sender = one.write.sender.address
            assert one.luck is not None
            lucky = sender not in late and one.ready < time
            if lucky and one.luck.chance(self.habits.inclusion):
                taken.append(one)
            else:
                late.add(sender)  # its later ones wait for it
                left.append(one)
        self._waiting = left
        if left:
            self._schedule(max(float(time), min(one.ready for one in left)))
        self._open(time)
        block = [self._included_of(one, time) for one in taken]
        for told in self.on_block:
            told(block)

    def _open(self, time: int) -> None:
        """Begin a block: what is asked from now on is asked of its state."""
        node, spacing = self.node, self.habits.block_seconds
        node.chain.timestamp = time
        node.height = (time - self._genesis) // spacing if spacing else node.height + 1
        node.base_fee = self.habits.base_fee(time)

    def _included_of(self, waiting: _Waiting, time: int) -> Included:
        self.node.waiting[waiting.write.sender.address.lower()] -= 1
        return self._included(waiting, self._execute(waiting), time)

    def _execute(self, waiting: _Waiting) -> Execution:
        write = waiting.write
        self.node.known.clear()
        return self.node.chain.transact(
            write.sender.address, write.contract.address, waiting.data, int(write.value)
        )

    def _included(self, waiting: _Waiting, execution: Execution, time: int) -> Included:
        write = waiting.write
        facts = tuple(events.facts(map(_raw, execution.logs), write.contract.address))
        name = ""
        if not execution.success:
            name = refusal(execution.output, "execution reverted").name
        overtaking = self._note_bids(facts)
        gas = gas_of(write.method, facts, overtaking=overtaking) if execution.success else REFUSED
        price = self.node.base_fee + waiting.tip
        return Included(
            hash=waiting.hash,
            time=time,
            block=self.node.height,
            sender=write.sender.address,
            method=write.method,
            arguments=write.arguments,
            succeeded=execution.success,
            gas=gas,
            fee=gas * price,
            facts=facts,
            refusal=name,
        )

    def _note_bids(self, facts: Sequence[Fact]) -> bool:
        """Whether a bid stood already in an auction that has got one."""
        overtaking = False
        for name, args in facts:
            if name == "BidPlaced":
                overtaking = args["auctionId"] in self._bid_for
                self._bid_for.add(args["auctionId"])
            elif name in {"AuctionCancelled", "AuctionEnded", "BidRemoved"}:
                self._bid_for.discard(args["auctionId"])
        return overtaking


def _raw(log: EmittedLog) -> RawLog:
    return RawLog(log.address, b"".join(log.topics), log.data)
