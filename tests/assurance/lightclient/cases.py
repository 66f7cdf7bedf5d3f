"""Updates of a test chain, and what can be made of them: to be judged by two programs."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any

from ape_v2v.lightnode.beacon import protocol
from ape_v2v.lightnode.beacon.reasons import LightClientError
from ape_v2v.lightnode.beacon.types import latest
from tests.lightnode.beacon.chain import Chain, digest, network

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ape_v2v.lightnode.beacon.protocol import SyncPosition

# Each fork begins a little after a period, so that every kind of update crosses one.
EPOCHS = (0, 9, 17, 25, 33, 41)
SIZE = 32
PERIODS = 7
_PERIOD = 64
_BITS_OF_A_BYTE = 8
# In how many cases a changed update is signed again, so that more than its signature is judged.
_SIGNED_AGAIN = 0.6
_MOST_CHANGES = 3
_POSITIONS = 5


@dataclass(frozen=True)
class Case:
    """An update at a position, in a slot. Without an update the position is to be forced."""

    position: int
    update: Any | None
    now: int


class Cases:
    """A test chain, the positions that its updates lead to, and cases made of both."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.chain = Chain(network(*EPOCHS))
        self.updates = list(self._true_updates())
        self.positions = self._followed()

    def true(self) -> Iterator[Case]:
        """Every update of the chain, each at some positions, and every position forced."""
        for update in self.updates:
            for _ in range(_POSITIONS):
                yield Case(self._fitting(update), update, int(update.signature_slot))
        for number in range(len(self.positions)):
            for now in (0, PERIODS * _PERIOD, 2 * PERIODS * _PERIOD):
                yield Case(number, None, now)

    def changed(self, count: int) -> Iterator[Case]:
        """So many updates in which something is not as it should be."""
        while count:
            update = self.random.choice(self.updates)
            signed = update
            for _ in range(self.random.randint(1, _MOST_CHANGES)):
                signed = self.random.choice(_CHANGES)(self, signed) or signed
            if self.random.random() < _SIGNED_AGAIN:
                signed = self._signed_again(signed)
            if signed == update:
                continue
            now = int(signed.signature_slot) + self.random.choice((-1, 0, 0, 0, 0, 1, 100))
            yield Case(self._fitting(signed), signed, min(max(now, 0), 2**64 - 1))
            count -= 1

    def _fitting(self, update: Any) -> int:
        """A position at which the update might hold, mostly."""
        period = int(update.signature_slot) // _PERIOD
        near = [
            number
            for number, position in enumerate(self.positions)
            if period - int(position.finalized.beacon.slot) // _PERIOD in (0, 1)
        ]
        if near and self.random.random() < 0.9:
            return self.random.choice(near)
        return self.random.randrange(len(self.positions))

    def _true_updates(self) -> Iterator[Any]:
        for period in range(PERIODS):
            first = period * _PERIOD
            finalized = self.chain.block(first + 18)
            for at in (20, 40, 62):
                block = self.chain.block(first + at, finalized)
                for signers in (SIZE, 22, 21, 1):
                    yield self._update(block, signers=signers)
                yield self._update(block, finality=False)
                yield self._update(block, kind="finality_update")
                yield self._update(block, kind="optimistic_update", signers=30)
            yield self._update(self.chain.block(first + 63, finalized))
            before = self.chain.blocks[first - 2] if period else None
            yield self._update(self.chain.block(first + 3, before))

    def _update(self, block: Any, **settings: Any) -> Any:
        return latest("update", self.chain.update(block, **settings), SIZE)

    def _followed(self) -> list[SyncPosition]:
        """Positions from one end of the chain to the other, by several ways."""
        root, net = self.chain.block(8), self.chain.network
        bootstrap = latest("bootstrap", self.chain.bootstrap(root), SIZE)
        position = protocol.begun(root.root, bootstrap, net)
        found = [position]
        for update in self.updates:
            try:
                position = protocol.followed(position, update, int(update.signature_slot), net)
            except LightClientError:
                continue
            found.append(position)
            forced = protocol.forced(position, 2 * PERIODS * _PERIOD, net)
            if forced is not position:
                found.append(forced)
        return found

    def _signed_again(self, update: Any) -> Any:
        """With a true signature of some committee over what the update attests now."""
        at = int(update.signature_slot)
        period = at // _PERIOD if at < 2 * PERIODS * _PERIOD else 0
        wrong = self.random.random()
        settings: dict[str, Any] = {}
        if wrong < 0.1:
            settings["committee"] = self.chain.committee(max(0, period + 1))
        elif wrong < 0.2:
            settings["version"] = bytes([self.random.randint(1, 7), 0, 0, 1])
        elif wrong < 0.25:
            settings["genesis"] = digest("another chain")
        signers = self.random.choice((SIZE, SIZE, SIZE, 31, 22, 21, 11, 1))
        where = at if at < 2 * PERIODS * _PERIOD else 1
        aggregate = self.chain.aggregate(
            update.attested_header.beacon, where, type(update.sync_aggregate), signers, **settings
        )
        return with_fields(update, sync_aggregate=aggregate)


def with_fields(container: Any, **values: Any) -> Any:
    fields = {name: getattr(container, name) for name in type(container).fields()}
    return type(container)(**fields | values)


def _bit(cases: Cases, update: Any) -> Any | None:
    """One bit anywhere."""
    raw = bytearray(update.encode_bytes())
    at = cases.random.randrange(len(raw) * _BITS_OF_A_BYTE)
    raw[at // _BITS_OF_A_BYTE] ^= 1 << at % _BITS_OF_A_BYTE
    try:
        return type(update).decode_bytes(bytes(raw))
    except Exception:  # what cannot be read is no update
        return None


def _part_of_another(cases: Cases, update: Any) -> Any:
    """One field as another update has it."""
    name = cases.random.choice(list(type(update).fields()))
    return with_fields(update, **{name: getattr(cases.random.choice(cases.updates), name)})


def _nothing(cases: Cases, update: Any) -> Any:
    """One field empty."""
    name = cases.random.choice(list(type(update).fields()))
    return with_fields(update, **{name: type(update).fields()[name].default(None)})


def _slot(cases: Cases, update: Any) -> Any:
    """Signed at another time."""
    step = cases.random.choice((-64, -8, -2, -1, 1, 2, 8, 64))
    return with_fields(update, signature_slot=max(0, int(update.signature_slot) + step))


def _header_slot(cases: Cases, update: Any) -> Any:
    """A header at another time."""
    which = cases.random.choice(("attested_header", "finalized_header"))
    header = getattr(update, which)
    step = cases.random.choice((-64, -8, -1, 1, 8, 64))
    beacon = with_fields(header.beacon, slot=max(0, int(header.beacon.slot) + step))
    return with_fields(update, **{which: with_fields(header, beacon=beacon)})


def _bits(cases: Cases, update: Any) -> Any:
    """Others are said to have signed."""
    aggregate = update.sync_aggregate
    chance = cases.random.random()
    bits = [cases.random.random() < chance for _ in range(SIZE)]
    return with_fields(update, sync_aggregate=with_fields(aggregate, sync_committee_bits=bits))


def _branch(cases: Cases, update: Any) -> Any:
    """One node of a branch."""
    name = cases.random.choice(("next_sync_committee_branch", "finality_branch"))
    branch = list(getattr(update, name))
    branch[cases.random.randrange(len(branch))] = cases.random.choice((bytes(32), digest("x")))
    return with_fields(update, **{name: branch})


def _without(cases: Cases, update: Any) -> Any:
    """Without its finality or its committee, with all that belongs to it."""
    names = cases.random.choice(
        (
            ("finalized_header", "finality_branch"),
            ("next_sync_committee", "next_sync_committee_branch"),
        )
    )
    return with_fields(update, **{name: type(getattr(update, name))() for name in names})


_CHANGES: tuple[Callable[[Cases, Any], Any | None], ...] = (
    _bit,
    _part_of_another,
    _nothing,
    _slot,
    _header_slot,
    _bits,
    _branch,
    _without,
)
