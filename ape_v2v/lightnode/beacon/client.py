"""A light client: begins with a checkpoint, follows the sync committees, and knows the head."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from eth_utils.conversions import to_hex

from ape_v2v.lightnode.beacon import protocol
from ape_v2v.lightnode.beacon.checkpoint import agreed_root
from ape_v2v.lightnode.beacon.head import Head, HeadKind
from ape_v2v.lightnode.beacon.keeping import Kept
from ape_v2v.lightnode.beacon.reasons import (
    CheckpointTooOld,
    HeadTooOld,
    LightClientError,
    NoCheckpoint,
    NoProgress,
    NotTrustworthy,
)
from ape_v2v.lightnode.beacon.types import slot_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ape_v2v.lightnode.beacon.keeping import Keeper
    from ape_v2v.lightnode.beacon.networks import BeaconNetwork
    from ape_v2v.lightnode.beacon.protocol import SyncPosition
    from ape_v2v.lightnode.beacon.sources import Source

_DAY = 86_400
# Updates asked for, and kept, at once: 1.7 MB as JSON.
_BATCH = 32
# Clocks may be so far apart, in seconds, before it is told.
_SKEW = 10


@dataclass(frozen=True)
class SyncPatience:
    """How old things may be, in seconds."""

    warn_after: float = 14 * _DAY
    """Of what one goes on from: about as long as validators have something to lose."""
    refuse_after: float = 60 * _DAY
    finalized: float = 3_600
    """Of a finalized head; it is about 15 minutes old at best."""
    optimistic: float = 300
    """Of an optimistic head; it is a slot or two old at best."""

    def of(self, kind: HeadKind) -> float:
        return self.finalized if kind is HeadKind.FINALIZED else self.optimistic


@dataclass
class Report:
    """What came of following."""

    periods: int = 0
    """How many committees were followed."""
    received: int = 0
    """Bytes."""
    warnings: list[str] = field(default_factory=list)
    """What the user should know."""
    complaints: list[str] = field(default_factory=list)
    """What was wrong with a source, while another one did."""


@dataclass(frozen=True)
class SyncStanding:
    """How far a light client is."""

    network: str
    checkpoint: bytes
    """The block root that it began with."""
    heads: dict[HeadKind, Head | LightClientError]
    """Of each kind the newest block, or why there is none that will do."""
    report: Report | None = None
    """What came of following, where it has just followed."""

    def as_json(self) -> dict[str, Any]:
        told: dict[str, Any] = {"network": self.network, "checkpoint": to_hex(self.checkpoint)}
        for kind, head in self.heads.items():
            told[kind.value] = head.as_json() if isinstance(head, Head) else {"error": str(head)}
        if self.report is not None:
            told |= {"periods": self.report.periods, "received": self.report.received}
        return told


class LightClient:
    """Follows one network, from a checkpoint to the head."""

    def __init__(
        self,
        network: BeaconNetwork,
        keeper: Keeper,
        sources: Sequence[Source],
        *,
        clock: Callable[[], float] = time.time,
        patience: SyncPatience | None = None,
    ) -> None:
        """Resume where the file stands.

        Args:
            network: Which.
            keeper: Where it is kept.
            sources: Asked for data, the first one first. None of them is trusted.
            clock: Seconds since 1970, by this machine.
            patience: How old things may be.

        Raises:
            ConfigurationError: The file cannot be used.
        """
        self.network = network
        self._keeper = keeper
        self._sources = sources
        self._clock = clock
        self._patience = patience or SyncPatience()
        self._kept = keeper.load()

    @property
    def has_sources(self) -> bool:
        """Whether there is anybody to ask."""
        return bool(self._sources)

    @property
    def has_begun(self) -> bool:
        """Whether it has a checkpoint."""
        return self._kept is not None

    @property
    def checkpoint(self) -> bytes:
        """The block root that it began with.

        Raises:
            NoCheckpoint: It has not begun.
        """
        return self._begun_with().checkpoint

    @property
    def position(self) -> SyncPosition:
        """How far it is.

        Raises:
            NoCheckpoint: It has not begun.
        """
        return self._begun_with().position

    def begin(self, root: bytes | None = None, *, old: bool = False) -> Report:
        """Begin with a block, or begin anew.

        Args:
            root: Of a finalized block that somebody trusted has given. Without it the sources are
                asked, two at least, which must agree: then they are trusted with it, together.
            old: Take it however old it is.

        Raises:
            NoCheckpoint: The sources do not agree.
            NoProgress: No source has what belongs to it.
            CheckpointTooOld: It is.
        """
        report = Report()
        before = self._received()
        if root is None:
            root = agreed_root(self._sources)
            report.warnings.append(
                f"{len(self._sources)} sources agree on the checkpoint 0x{root.hex()}: compare it "
                "with one from somebody else you trust"
            )
        position = self._begun(root, report)
        self._require_young(position, report, old=old)
        self._keep(Kept(root, position), anew=True)
        report.received = self._received() - before
        return report

    def follow(self, *, old: bool = False, force: bool = False) -> Report:
        """Follow up to the head.

        Args:
            old: Go on from what is kept however old it is.
            force: Go on without finality if there has been none for a whole period.

        Raises:
            NoCheckpoint: It has not begun.
            CheckpointTooOld: What is kept is.
            NoProgress: No source leads on.
        """
        report = Report()
        before = self._received()
        if not self._sources:
            raise NoProgress(
                "no source is named: give the light client the REST API of a beacon node, better "
                "of several, or a file"
            )
        self._require_young(self.position, report, old=old)
        began = self._period()
        while len(missing := self._missing_periods()):
            complaints: list[str] = []
            if not self._follow_periods(missing[:_BATCH], complaints, force=force):
                raise _no_progress(f"the committee after that of period {missing[0]}", complaints)
            report.complaints += complaints
        self._follow_news(report)
        if self.position.next is None:  # asked for now, to be known when its turn comes
            reached = self._period()
            self._follow_periods(range(reached, reached + 1), report.complaints)
        for source in self._sources:
            if source.ahead is not None and abs(source.ahead) > _SKEW:
                report.warnings.append(
                    f"the clock of {source.name} is {abs(source.ahead):.0f} s "
                    f"{'ahead of' if source.ahead > 0 else 'behind'} this machine's: one of them "
                    "is wrong, and with a wrong clock old blocks pass for new ones"
                )
        report.periods = self._period() - began
        report.received = self._received() - before
        return report

    def head(self, kind: HeadKind) -> Head:
        """The newest block that is proven.

        Raises:
            NoCheckpoint: It has not begun.
            HeadTooOld: There is none that is young enough: follow first.
            NotTrustworthy: It is not finalized, or signed by too few.
        """
        return Head.of(self.position, kind, self.network, self._clock(), self._patience.of(kind))

    def standing(self, report: Report | None = None) -> SyncStanding:
        """How far it is, and whether that will do. Asks nobody.

        Args:
            report: What came of following just now.

        Raises:
            NoCheckpoint: It has not begun.
        """
        checkpoint = self.checkpoint
        heads: dict[HeadKind, Head | LightClientError] = {}
        for kind in HeadKind:
            try:
                heads[kind] = self.head(kind)
            except (HeadTooOld, NotTrustworthy) as error:
                heads[kind] = error
        return SyncStanding(self.network.name, checkpoint, heads, report)

    def _begun_with(self) -> Kept:
        if self._kept is None:
            raise NoCheckpoint(
                f"the light client of {self.network.name} has no checkpoint to begin with: name "
                "the root of a recent finalized block that somebody you trust has given you"
            )
        return self._kept

    def _period(self) -> int:
        """Whose committee it is of which it knows that it has finalized something."""
        return self.network.period(slot_of(self.position.finalized))

    def _now(self) -> int:
        return self.network.slot(self._clock())

    def _received(self) -> int:
        return sum(source.received for source in self._sources)

    def _keep(self, kept: Kept, *, anew: bool = False) -> None:
        self._keeper.save(kept, anew=anew)
        self._kept = kept

    def _require_young(self, position: SyncPosition, report: Report, *, old: bool) -> None:
        """Those who signed long ago may have left, with nothing to lose by signing another past."""
        age = self._clock() - self.network.time(slot_of(position.finalized))
        days = f"{age / _DAY:.0f} days"
        if age > self._patience.refuse_after and not old:
            raise CheckpointTooOld(
                f"what the light client goes on from is {days} old, and whoever has bought the "
                "keys of those who signed then could lead it astray: begin anew with a recent "
                "checkpoint, or say that the old one will do"
            )
        if age > self._patience.warn_after:
            report.warnings.append(
                f"what the light client goes on from is {days} old: compare its head with "
                "somebody you trust, or begin anew with a recent checkpoint"
            )

    def _begun(self, root: bytes, report: Report) -> SyncPosition:
        for source in self._sources:
            try:
                return protocol.begun(root, source.bootstrap(root), self.network)
            except LightClientError as error:
                report.complaints.append(_complaint(source, error))
        raise _no_progress(f"the checkpoint 0x{root.hex()}", report.complaints)

    def _missing_periods(self) -> range:
        """Those whose updates it takes before the newest ones can be checked."""
        reached = self._period()
        first = reached if self.position.next is None else reached + 1
        return range(first, self.network.period(self._now()))

    def _follow_periods(self, wanted: range, complaints: list[str], *, force: bool = False) -> bool:
        """Follow the committees of some periods, as far as one source leads; whether it leads."""
        for source in self._sources:
            before = position = self.position
            refused = False
            try:
                for update in source.updates(wanted.start, len(wanted)):
                    position = protocol.followed(position, update, self._now(), self.network)
                    if force:
                        position = protocol.forced(position, self._now(), self.network)
            except LightClientError as error:
                refused = True
                complaints.append(_complaint(source, error))
            reached, began = (
                self.network.period(slot_of(each.finalized)) for each in (position, before)
            )
            if reached > began or (before.next is None and position.next is not None):
                self._advance(position)
                return True
            if not refused:
                complaints.append(
                    f"{source.name}: it has nothing that leads on from period {began}"
                )
        return False

    def _follow_news(self, report: Report) -> None:
        """Follow the newest updates that any source has."""
        complaints: list[str] = []
        answered = False
        with ThreadPoolExecutor(len(self._sources)) as pool:
            asked = [(source, pool.submit(source.news)) for source in self._sources]
        for source, answer in asked:
            try:
                position = self.position
                for update in answer.result():
                    if _is_new(update, position):
                        position = protocol.followed(position, update, self._now(), self.network)
                        self._advance(position)
                answered = True
            except LightClientError as error:
                complaints.append(_complaint(source, error))
        if not answered:
            raise _no_progress("the newest block", complaints)
        report.complaints += complaints

    def _advance(self, position: SyncPosition) -> None:
        self._keep(self._begun_with()._replace(position=position))


def _is_new(update: Any, position: SyncPosition) -> bool:
    """Whether an update is worth checking its signature."""
    return bool(
        slot_of(update.attested_header) > slot_of(position.optimistic)
        or slot_of(update.finalized_header) > slot_of(position.finalized)
    )


def _complaint(source: Source, error: LightClientError) -> str:
    said = str(error)
    return said if said.startswith(source.name) else f"{source.name}: {said}"


def _no_progress(what: str, complaints: list[str]) -> NoProgress:
    return NoProgress(
        f"no source leads to {what}: {'; '.join(complaints) or 'there is none'}; name other sources"
    )
