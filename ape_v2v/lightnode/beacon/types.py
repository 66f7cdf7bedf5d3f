"""What light clients are given, fork by fork, as SSZ containers.

Older forms are brought into that of Electra as they come in, so that only one is ever checked and
stored: older headers lack what is zero then, and older branches are shorter and get zeros in front.
"""

# No postponed annotations here: the library reads the fields from them.
from functools import cache
from typing import Any, NamedTuple

from remerkleable.basic import uint64, uint256
from remerkleable.bitfields import Bitvector
from remerkleable.byte_arrays import ByteList, Bytes32, ByteVector
from remerkleable.complex import Container, Vector

from ape_v2v.lightnode.beacon.networks import Fork, require_known
from ape_v2v.lightnode.beacon.reasons import MalformedData

LATEST = "electra"
"""The fork whose form everything is brought into; Fulu has the same."""

_EXECUTION_DEPTH = 4


class BeaconBlockHeader(Container):
    """A block of the beacon chain, without its body."""

    slot: uint64
    proposer_index: uint64
    parent_root: Bytes32
    state_root: Bytes32
    body_root: Bytes32


class ForkData(Container):
    """What tells the signatures of one chain and fork from those of others."""

    current_version: ByteVector[4]
    genesis_validators_root: Bytes32


class SigningData(Container):
    """What is signed."""

    object_root: Bytes32
    domain: Bytes32


class CapellaExecutionHeader(Container):
    """A block of the execution layer, without its transactions."""

    parent_hash: Bytes32
    fee_recipient: ByteVector[20]
    state_root: Bytes32
    receipts_root: Bytes32
    logs_bloom: ByteVector[256]
    prev_randao: Bytes32
    block_number: uint64
    gas_limit: uint64
    gas_used: uint64
    timestamp: uint64
    extra_data: ByteList[32]
    base_fee_per_gas: uint256
    block_hash: Bytes32
    transactions_root: Bytes32
    withdrawals_root: Bytes32


class ExecutionHeader(CapellaExecutionHeader):
    """The same since Deneb."""

    blob_gas_used: uint64
    excess_blob_gas: uint64


class AltairHeader(Container):
    """What a light client is given of a block, in Altair and Bellatrix."""

    beacon: BeaconBlockHeader


class CapellaHeader(AltairHeader):
    """The same in Capella, with a proof that it has this block of the execution layer."""

    execution: CapellaExecutionHeader
    execution_branch: Vector[Bytes32, _EXECUTION_DEPTH]


class LightHeader(AltairHeader):
    """The same since Deneb."""

    execution: ExecutionHeader
    execution_branch: Vector[Bytes32, _EXECUTION_DEPTH]


def slot_of(header: Any) -> int:
    """The slot of a header, as a plain number: those of the library refuse much arithmetic."""
    return int(header.beacon.slot)


class Forms(NamedTuple):
    """The containers of one fork."""

    bootstrap: Any
    update: Any
    finality_update: Any
    optimistic_update: Any
    committee: Any


@cache
def forms(fork: str, committee_size: int) -> Forms:
    """The containers of a fork that is known."""
    header = {"altair": AltairHeader, "bellatrix": AltairHeader, "capella": CapellaHeader}.get(
        fork, LightHeader
    )
    # Generalized indices: 54, 55 and 105 before Electra, 86, 87 and 169 since.
    deeper = fork in ("electra", "fulu")
    committee_branch, finality_branch = (Vector[Bytes32, depth + deeper] for depth in (5, 6))
    committee = _committee(committee_size)
    finality = {
        "attested_header": header,
        "finalized_header": header,
        "finality_branch": finality_branch,
    }
    signed = {"sync_aggregate": _aggregate(committee_size), "signature_slot": uint64}
    next_committee = {
        "next_sync_committee": committee,
        "next_sync_committee_branch": committee_branch,
    }
    return Forms(
        bootstrap=_container(
            "LightClientBootstrap",
            header=header,
            current_sync_committee=committee,
            current_sync_committee_branch=committee_branch,
        ),
        update=_container(
            "LightClientUpdate",
            attested_header=header,
            **next_committee,
            finalized_header=header,
            finality_branch=finality_branch,
            **signed,
        ),
        finality_update=_container("LightClientFinalityUpdate", **finality, **signed),
        optimistic_update=_container(
            "LightClientOptimisticUpdate", attested_header=header, **signed
        ),
        committee=committee,
    )


@cache
def _committee(size: int) -> Any:
    return _container(
        "SyncCommittee", pubkeys=Vector[ByteVector[48], size], aggregate_pubkey=ByteVector[48]
    )


@cache
def _aggregate(size: int) -> Any:
    return _container(
        "SyncAggregate",
        sync_committee_bits=Bitvector[size],
        sync_committee_signature=ByteVector[96],
    )


def _container(name: str, **fields: Any) -> Any:
    return type(name, (Container,), {"__annotations__": fields})


def read(kind: str, version: str, data: object, committee_size: int) -> Any:
    """What a beacon node gives as JSON, in the form of the latest fork.

    Args:
        kind: A field of `Forms`: "bootstrap" or "update", and shorter updates become an "update".
        version: The fork's name, as the node says it.
        data: The JSON.
        committee_size: Of the network.

    Raises:
        UnknownFork: This version does not know it.
        MalformedData: It is something else.
    """
    fork = require_known(Fork(version, b"", 0)).name
    try:
        value = getattr(forms(fork, committee_size), kind).from_obj(data)
    except Exception as error:  # over foreign data the library raises errors of many kinds
        what = kind.replace("_", " ")
        raise MalformedData(f"this is no {what} of the fork {fork}: {str(error)[:200]}") from error
    return latest("update" if kind.endswith("update") else kind, value, committee_size)


def latest(kind: str, value: Any, committee_size: int) -> Any:
    """A container of any fork in the form of the latest; shorter updates as whole ones."""
    return _converted(value, getattr(forms(LATEST, committee_size), kind))


def _converted(value: Any, kind: Any) -> Any:
    if type(value) is kind:
        return value
    if issubclass(kind, Container):
        present = type(value).fields()
        return kind(
            **{
                name: _converted(getattr(value, name), field)
                for name, field in kind.fields().items()
                if name in present
            }
        )
    # Branches alone differ beside containers.
    return kind([Bytes32()] * (kind.vector_length() - len(value)) + list(value))
