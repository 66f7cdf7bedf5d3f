"""The rules by which a light client follows: what an update must be, and what follows from it.

As the specification of Ethereum's consensus has them (`process_light_client_update` and what
belongs to it). A position is never changed, another one follows from it: what is refused leaves no
trace.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from ape_v2v.lightnode.beacon.reasons import (
    ForgedBranch,
    FromTheFuture,
    OldUpdate,
    SkippedPeriod,
    TooFewSignatures,
    WrongCheckpoint,
    WrongCommittee,
    WrongOrder,
    WrongSignature,
)
from ape_v2v.lightnode.beacon.signatures import all_have_signed
from ape_v2v.lightnode.beacon.types import (
    CapellaExecutionHeader,
    ForkData,
    LightHeader,
    SigningData,
    slot_of,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ape_v2v.lightnode.beacon.networks import BeaconNetwork

# Where things are in the tree of a beacon position: before Electra, and since.
_FINALIZED_ROOT = (105, 169)
_CURRENT_COMMITTEE = (54, 86)
_NEXT_COMMITTEE = (55, 87)
_EXECUTION = 25  # in the tree of a block's body

_DOMAIN_SYNC_COMMITTEE = b"\x07\x00\x00\x00"
_ZERO = bytes(32)
# What must have signed before anything counts as final, as a fraction.
QUORUM = (2, 3)


@dataclass(frozen=True)
class SyncPosition:
    """How far a light client has come. The containers are in the form of the latest fork."""

    finalized: Any
    """A header."""
    optimistic: Any
    """A header: the newest that enough have signed."""
    current: Any
    """The sync committee of the finalized header's period."""
    next: Any | None = None
    """The one after it, once it is known."""
    best: Any | None = None
    """The best update that could not finalize anything, for `forced`."""
    previous_most: int = 0
    """How many have signed at most, in the period before and in this one."""
    current_most: int = 0
    optimistic_signers: int = 0
    """How many have signed the optimistic header; 0 if it is the finalized one."""
    is_forced: bool = False
    """Whether the finalized header is one that was never shown to be final."""


def is_quorum(signers: int, size: int) -> bool:
    """Whether two thirds of a committee have signed."""
    return signers * QUORUM[1] >= size * QUORUM[0]


def begun(root: bytes, bootstrap: Any, network: BeaconNetwork) -> SyncPosition:
    """The position that a trusted block root leads to.

    Raises:
        InvalidUpdate: The bootstrap is not that of this block.
        UnknownFork: The block is of a fork that is not known.
    """
    header = bootstrap.header
    _require_header(header, network)
    if bytes(header.beacon.hash_tree_root()) != root:
        raise WrongCheckpoint(
            f"the bootstrap is of block {_root(header)}, and not of the checkpoint 0x{root.hex()}"
        )
    _require_branch(
        "the sync committee",
        bytes(bootstrap.current_sync_committee.hash_tree_root()),
        bootstrap.current_sync_committee_branch,
        _CURRENT_COMMITTEE[network.has("electra", slot_of(header))],
        bytes(header.beacon.state_root),
    )
    return SyncPosition(
        finalized=header, optimistic=header, current=bootstrap.current_sync_committee
    )


def followed(position: SyncPosition, update: Any, now: int, network: BeaconNetwork) -> SyncPosition:
    """The position after an update.

    Args:
        position: Before it.
        update: In the form of the latest fork.
        now: The slot that it is, by the own clock.
        network: Whose update it is.

    Raises:
        InvalidUpdate: It does not hold. Each reason has a class of its own.
        UnknownFork: It is of a fork that is not known.
    """
    _require_valid(position, update, now, network)
    signers, size = _signers(update), network.committee_size
    if position.best is None or _is_better(update, position.best, network):
        position = replace(position, best=update)
    position = replace(position, current_most=max(position.current_most, signers))
    attested, finalized = update.attested_header, update.finalized_header
    safe = signers > max(position.previous_most, position.current_most) // 2
    if safe and slot_of(attested) > slot_of(position.optimistic):
        position = replace(position, optimistic=attested, optimistic_signers=signers)
    finalizes_next_committee = (
        position.next is None
        and _has_committee(update)
        and _has_finality(update)
        and network.period(slot_of(finalized)) == network.period(slot_of(attested))
    )
    if is_quorum(signers, size) and (
        slot_of(finalized) > slot_of(position.finalized) or finalizes_next_committee
    ):
        forced = position.is_forced and slot_of(finalized) <= slot_of(position.finalized)
        position = replace(_applied(position, update, network), best=None, is_forced=forced)
    return position


def forced(position: SyncPosition, now: int, network: BeaconNetwork) -> SyncPosition:
    """The position when the best update is taken for final, after a period without finality.

    Nobody has shown that it is final: a majority of one signature may have been enough. It lets the
    client go on when the chain does not finalize; what it calls finalized then is not, and is not
    relied on until an update finalizes something later.
    """
    update = position.best
    if update is None or now <= slot_of(position.finalized) + network.slots_per_period:
        return position
    if slot_of(update.finalized_header) <= slot_of(position.finalized):
        fields = {name: getattr(update, name) for name in type(update).fields()}
        update = type(update)(**fields | {"finalized_header": update.attested_header})
    return replace(_applied(position, update, network), best=None, is_forced=True)


def _applied(position: SyncPosition, update: Any, network: BeaconNetwork) -> SyncPosition:
    """Take an update's finalized header, and its committee."""
    before = network.period(slot_of(position.finalized))
    after = network.period(slot_of(update.finalized_header))
    named = update.next_sync_committee if _has_committee(update) else None
    if position.next is None:
        assert after == before, "an update of a later period is signed by an unknown committee"
        position = replace(position, next=named)
    elif after == before + 1:
        position = replace(
            position,
            current=position.next,
            next=named,
            previous_most=position.current_most,
            current_most=0,
        )
    if slot_of(update.finalized_header) > slot_of(position.finalized):
        position = replace(position, finalized=update.finalized_header)
        if slot_of(position.finalized) > slot_of(position.optimistic):
            position = replace(position, optimistic=position.finalized, optimistic_signers=0)
    return position


def _require_valid(position: SyncPosition, update: Any, now: int, network: BeaconNetwork) -> None:
    if not _signers(update):
        raise TooFewSignatures("nobody has signed the update")
    _require_header(update.attested_header, network)
    attested, finalized = (
        slot_of(header) for header in (update.attested_header, update.finalized_header)
    )
    signed = int(update.signature_slot)
    if signed > now:
        raise FromTheFuture(
            f"the update was signed in slot {signed}, and by this machine's clock it is slot {now}"
            f", {(signed - now) * network.seconds_per_slot} s earlier: set the clock, or the "
            "source lies"
        )
    if not signed > attested >= finalized:
        raise WrongOrder(
            f"the update is signed in slot {signed}, attests slot {attested} and finalizes slot "
            f"{finalized}: expected these in descending order"
        )
    _require_period(position, signed, network)
    reached, period = network.period(attested), network.period(slot_of(position.finalized))
    brings_committee = position.next is None and _has_committee(update) and reached == period
    if attested <= slot_of(position.finalized) and not brings_committee:
        raise OldUpdate(
            f"the update attests slot {attested}, and slot {slot_of(position.finalized)} is "
            "finalized already"
        )
    electra = network.has("electra", attested)
    root = bytes(update.attested_header.beacon.state_root)
    _require_finality(update, _FINALIZED_ROOT[electra], root, network)
    if not _has_committee(update):
        if update.next_sync_committee != type(update.next_sync_committee)():
            raise ForgedBranch("the update names a next committee and proves nothing of it")
    else:
        if (
            reached == period
            and position.next is not None
            and update.next_sync_committee != position.next
        ):
            raise WrongCommittee(
                f"the update names another committee for period {reached + 1} than was proven"
            )
        _require_branch(
            "the next committee",
            bytes(update.next_sync_committee.hash_tree_root()),
            update.next_sync_committee_branch,
            _NEXT_COMMITTEE[electra],
            root,
        )
    _require_signature(position, update, network)


def _require_period(position: SyncPosition, signed: int, network: BeaconNetwork) -> None:
    """Only two committees can have signed: the current one, and the next if it is known."""
    period, signers = network.period(slot_of(position.finalized)), network.period(signed)
    if signers == period or (signers == period + 1 and position.next is not None):
        return
    known = f"{period} and {period + 1}" if position.next is not None else f"{period}"
    raise SkippedPeriod(
        f"the update is signed by the committee of period {signers}, and known is that of {known}"
    )


def _require_header(header: Any, network: BeaconNetwork) -> None:
    """The execution block must be the one in the block's body."""
    slot = slot_of(header)
    network.fork(slot)  # refuses what is not known
    if not network.has("capella", slot):
        if header != LightHeader(beacon=header.beacon):
            raise ForgedBranch(f"the header of slot {slot} has an execution block before Capella")
        return
    execution = header.execution
    if not network.has("deneb", slot):
        if execution.blob_gas_used or execution.excess_blob_gas:
            raise ForgedBranch(f"the header of slot {slot} has blobs before Deneb")
        execution = CapellaExecutionHeader(
            **{name: getattr(execution, name) for name in CapellaExecutionHeader.fields()}
        )
    _require_branch(
        f"the execution block of slot {slot}",
        bytes(execution.hash_tree_root()),
        header.execution_branch,
        _EXECUTION,
        bytes(header.beacon.body_root),
    )


def _require_finality(update: Any, index: int, root: bytes, network: BeaconNetwork) -> None:
    header = update.finalized_header
    if not _has_finality(update):
        if header != LightHeader():
            raise ForgedBranch("the update names a finalized header and proves nothing of it")
        return
    leaf = _ZERO  # how a state has it before anything is finalized
    if slot_of(header):
        _require_header(header, network)
        leaf = bytes(header.beacon.hash_tree_root())
    elif header != LightHeader():
        raise ForgedBranch("the update finalizes slot 0 with a header that is not empty")
    _require_branch("the finalized header", leaf, update.finality_branch, index, root)


def _require_signature(position: SyncPosition, update: Any, network: BeaconNetwork) -> None:
    signed = int(update.signature_slot)
    is_current = network.period(signed) == network.period(slot_of(position.finalized))
    committee = position.current if is_current else position.next
    assert committee is not None, "its period was checked"
    domain = ForkData(
        current_version=network.fork(max(signed, 1) - 1).version,
        genesis_validators_root=network.genesis_validators_root,
    ).hash_tree_root()
    message = SigningData(
        object_root=update.attested_header.beacon.hash_tree_root(),
        domain=_DOMAIN_SYNC_COMMITTEE + bytes(domain)[:28],
    ).hash_tree_root()
    aggregate = update.sync_aggregate
    keys = [
        bytes(key)
        for key, has_signed in zip(committee.pubkeys, aggregate.sync_committee_bits, strict=True)
        if has_signed
    ]
    if not all_have_signed(keys, bytes(message), bytes(aggregate.sync_committee_signature)):
        raise WrongSignature(
            f"the signature is not that of {len(keys)} members of the committee of period "
            f"{network.period(signed)} over block {_root(update.attested_header)} of "
            f"{network.name}: the source lies, is of another chain, or of a fork not known here"
        )


def _require_branch(what: str, leaf: bytes, branch: Sequence[Any], index: int, root: bytes) -> None:
    """Check a Merkle branch; those of older forks are shorter, and have zeros in front."""
    depth = index.bit_length() - 1
    nodes = [bytes(node) for node in branch]
    extra, nodes = nodes[: len(nodes) - depth], nodes[len(nodes) - depth :]
    value = leaf
    for level, node in enumerate(nodes):
        pair = node + value if index >> level & 1 else value + node
        value = sha256(pair).digest()
    if any(node != _ZERO for node in extra) or value != root:
        raise ForgedBranch(f"the proof of {what} does not lead up to its root: the source lies")


def _is_better(new: Any, old: Any, network: BeaconNetwork) -> bool:
    """Which of two updates to force, if it comes to that."""
    return _rank(new, network) > _rank(old, network)


def _rank(update: Any, network: BeaconNetwork) -> tuple[int, ...]:
    signers, size = _signers(update), network.committee_size
    quorum = is_quorum(signers, size)
    attested = slot_of(update.attested_header)
    period = network.period(attested)
    has_finality = _has_finality(update)
    return (
        quorum,
        0 if quorum else signers,
        _has_committee(update) and period == network.period(int(update.signature_slot)),
        has_finality,
        has_finality and network.period(slot_of(update.finalized_header)) == period,
        signers,
        -attested,
        -int(update.signature_slot),
    )


def _signers(update: Any) -> int:
    return sum(map(bool, update.sync_aggregate.sync_committee_bits))


def _has_committee(update: Any) -> bool:
    return any(bytes(node) != _ZERO for node in update.next_sync_committee_branch)


def _has_finality(update: Any) -> bool:
    return any(bytes(node) != _ZERO for node in update.finality_branch)


def _root(header: Any) -> str:
    return f"0x{bytes(header.beacon.hash_tree_root()).hex()}"
