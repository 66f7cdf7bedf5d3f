"""The newest block that a light client has proven, and what of it the proofs of states take."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import TYPE_CHECKING, Any, Self

from eth_utils.conversions import to_hex

from ape_v2v.lightnode.beacon.protocol import is_quorum
from ape_v2v.lightnode.beacon.reasons import HeadTooOld, NotTrustworthy
from ape_v2v.lightnode.beacon.types import slot_of
from ape_v2v.lightnode.header import Header

if TYPE_CHECKING:
    from ape_v2v.lightnode.beacon.networks import BeaconNetwork
    from ape_v2v.lightnode.beacon.protocol import SyncPosition


class HeadKind(Enum):
    """How sure a block is."""

    FINALIZED = "finalized"
    """Two thirds of the committee have signed that it is final: a quarter of an hour old."""
    OPTIMISTIC = "optimistic"
    """Two thirds have signed it as the head: seconds old, and a reorganisation may replace it."""


@dataclass(frozen=True)
class Head:
    """A block of the execution layer, proven from a checkpoint."""

    kind: HeadKind
    slot: int
    """Of the beacon chain."""
    root: bytes
    """Of the beacon block."""
    header: Header
    """Of the execution block."""
    signers: int | None
    """How many of the committee have signed it; None of a finalized block."""

    def __str__(self) -> str:
        signers = "" if self.signers is None else f", signed by {self.signers}"
        return (
            f"{self.kind.value} block {self.header.number} of {self.time:%Y-%m-%d %H:%M:%S} UTC"
            f"{signers}, {to_hex(self.header.hash)}"
        )

    @property
    def time(self) -> datetime:
        return datetime.fromtimestamp(self.header.timestamp, UTC)

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "head": self.kind.value,
            "slot": self.slot,
            "block": self.header.number,
            "blockHash": to_hex(self.header.hash),
            "time": self.time.isoformat(),
            "signers": self.signers,
        }

    @classmethod
    def of(
        cls,
        position: SyncPosition,
        kind: HeadKind,
        network: BeaconNetwork,
        now: float,
        patience: float,
    ) -> Self:
        """The newest one of a kind.

        Args:
            position: Of the light client.
            kind: Finalized, or optimistic.
            network: Its network.
            now: Seconds since 1970.
            patience: How old it may be, in seconds.

        Raises:
            HeadTooOld: It is older.
            NotTrustworthy: It is not final, or signed by too few, or from before the merge.
        """
        finalized = kind is HeadKind.FINALIZED
        header = position.finalized if finalized else position.optimistic
        slot = slot_of(header)
        if position.is_forced and (finalized or not position.optimistic_signers):
            raise NotTrustworthy(
                f"the block of slot {slot} was never shown to be final, the light client was forced"
                " to go on from it: sync again until something is finalized"
            )
        if not finalized and position.optimistic_signers:
            signers = position.optimistic_signers
            if not is_quorum(signers, network.committee_size):
                raise NotTrustworthy(
                    f"only {signers} of {network.committee_size} have signed the newest block, of "
                    f"slot {slot}, and it takes two thirds: sync again, or take the finalized one"
                )
        if not network.has("capella", slot):
            raise NotTrustworthy(
                f"the block of slot {slot} is from before Capella: nothing of the execution layer "
                "can be proven from it; sync on"
            )
        age = now - network.time(slot)
        if age > patience:
            raise HeadTooOld(
                f"the newest {kind.value} block that is proven is {age:.0f} s old, and at most "
                f"{patience:.0f} s are relied on: sync; if that does not help, the sources hold "
                "back what is newer, the chain stands still, or this machine's clock is wrong"
            )
        execution = header.execution
        return cls(
            kind=kind,
            slot=slot,
            root=bytes(header.beacon.hash_tree_root()),
            header=Header(
                hash=bytes(execution.block_hash),
                number=int(execution.block_number),
                timestamp=int(execution.timestamp),
                state_root=bytes(execution.state_root),
                receipts_root=bytes(execution.receipts_root),
                transactions_root=bytes(execution.transactions_root),
                gas_limit=int(execution.gas_limit),
                base_fee=int(execution.base_fee_per_gas),
            ),
            signers=None if finalized else position.optimistic_signers or None,
        )
