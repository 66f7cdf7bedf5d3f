"""A beacon chain of our own: its keys, its blocks, and what it gives light clients.

There are no validators and no votes: a block is what a light client can see of it, and the sync
committees sign what they are told to. So it can lie in every way that a committee can.
"""

# No postponed annotations here: SSZ containers read them.
from dataclasses import dataclass, field
from functools import cache, cached_property
from hashlib import sha256
from typing import Any, NamedTuple

from py_arkworks_bls12381 import G1Point, G2Point, Scalar

from ape_v2v.lightnode.beacon.networks import KNOWN_FORKS, BeaconNetwork, Fork
from ape_v2v.lightnode.beacon.types import (
    BeaconBlockHeader,
    CapellaExecutionHeader,
    ExecutionHeader,
    ForkData,
    SigningData,
    forms,
)

SUITE = b"BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_"
ORDER = 0x73EDA753299D7D483339D80809A1D80553BDA402FFFE5BFEFFFFFFFF00000001

MINIMAL = {"slots_per_epoch": 8, "epochs_per_period": 8, "committee_size": 32}


def network(*epochs: int, **settings: Any) -> BeaconNetwork:
    """A small network whose forks begin at these epochs, Altair first; all at 0 by default."""
    begins = epochs or (0,) * len(KNOWN_FORKS)
    forks = tuple(
        Fork(name, bytes([number + 1, 0, 0, 1]), epoch)
        for number, (name, epoch) in enumerate(zip(KNOWN_FORKS, begins, strict=False))
    )
    usual: dict[str, Any] = {
        "name": "test",
        "chain_id": 31_337,
        "genesis_time": 1_700_000_000,
        "genesis_validators_root": digest("genesis"),
        "forks": forks,
        "seconds_per_slot": 6,
    }
    return BeaconNetwork(**usual | MINIMAL | settings)


def digest(*what: Any) -> bytes:
    """Bytes that look random, and are the same in every run."""
    return sha256(repr(what).encode()).digest()


class Validator(NamedTuple):
    """Its keys."""

    secret: int
    key: bytes


@cache
def validator(number: int) -> Validator:
    secret = int.from_bytes(digest("validator", number)) % ORDER
    return Validator(secret, public_key(secret))


def public_key(secret: int) -> bytes:
    return (G1Point() * Scalar(secret % ORDER)).to_compressed_bytes()


def signed(message: bytes, secrets: list[int]) -> bytes:
    """What all of them sign together: the sum of their signatures is that of their sum."""
    point = G2Point.hash_to_curve(message, SUITE) * Scalar(sum(secrets) % ORDER)
    return point.to_compressed_bytes()


class Tree:
    """A Merkle tree of which a few nodes are known, and the others are any."""

    def __init__(self, **nodes: tuple[int, bytes]) -> None:
        """Take nodes by their generalized indices; their names are for the reader alone."""
        self._nodes = dict(nodes.values())
        self._fillers = {index: digest("node", index) for index in range(1, 256)}

    def node(self, index: int) -> bytes:
        if index in self._nodes:
            return self._nodes[index]
        for known in self._nodes:
            if known >> max(known.bit_length() - index.bit_length(), 0) == index:
                return sha256(self.node(2 * index) + self.node(2 * index + 1)).digest()
        return self._fillers[index]

    def branch(self, index: int) -> list[bytes]:
        """The neighbours on the way up."""
        return [self.node(index >> level ^ 1) for level in range(index.bit_length() - 1)]

    @property
    def root(self) -> bytes:
        return self.node(1)


@dataclass(frozen=True)
class Block:
    """A beacon block, as far as light clients can see it."""

    chain: "Chain"
    slot: int
    finalized: "Block | None"
    """What its state calls finalized."""
    fields: dict[str, Any]
    """Of its execution block."""
    next_committee: "Committee"

    @property
    def fork(self) -> str:
        return self.chain.network.fork(self.slot).name

    @cached_property
    def places(self) -> dict[str, int]:
        """Generalized indices in the state."""
        names = ("finalized", "current", "next")
        electra = self.chain.network.has("electra", self.slot)
        return dict(zip(names, (169, 86, 87) if electra else (105, 54, 55), strict=True))

    @cached_property
    def state(self) -> Tree:
        finalized = bytes(32) if self.finalized is None else self.finalized.root
        period = self.chain.network.period(self.slot)
        return Tree(
            finalized=(self.places["finalized"], finalized),
            current=(self.places["current"], self.chain.committee(period).root),
            next=(self.places["next"], self.next_committee.root),
        )

    @cached_property
    def execution(self) -> Any:
        """In its own form; None before Capella."""
        kinds = {"altair": None, "bellatrix": None, "capella": CapellaExecutionHeader}
        kind = kinds.get(self.fork, ExecutionHeader)
        if kind is None:
            return None
        return kind(**{name: self.fields[name] for name in kind.fields()})

    @cached_property
    def body(self) -> Tree:
        leaf = digest("no execution")
        return Tree(
            execution=(25, bytes(self.execution.hash_tree_root()) if self.execution else leaf)
        )

    @cached_property
    def beacon(self) -> BeaconBlockHeader:
        return BeaconBlockHeader(
            slot=self.slot,
            proposer_index=self.slot % 7,
            parent_root=digest("parent", self.slot),
            state_root=self.state.root,
            body_root=self.body.root,
        )

    @cached_property
    def root(self) -> bytes:
        return bytes(self.beacon.hash_tree_root())

    def header(self, kind: Any) -> Any:
        """In the form of this container, which may be that of a later fork."""
        values: dict[str, Any] = {"beacon": self.beacon}
        if self.execution is not None and "execution" in kind.fields():
            execution = kind.fields()["execution"]
            present = type(self.execution).fields()
            values["execution"] = execution(
                **{n: getattr(self.execution, n) for n in execution.fields() if n in present}
            )
            values["execution_branch"] = self.body.branch(25)
        return kind(**values)


@dataclass(frozen=True)
class Committee:
    """Those who sign for a period."""

    members: tuple[Validator, ...]

    @cached_property
    def container(self) -> Any:
        kind = forms("electra", len(self.members)).committee
        total = public_key(sum(member.secret for member in self.members))
        return kind(pubkeys=[member.key for member in self.members], aggregate_pubkey=total)

    @cached_property
    def root(self) -> bytes:
        return bytes(self.container.hash_tree_root())


@dataclass
class Chain:
    """Blocks, committees, and what light clients are given of them."""

    network: BeaconNetwork
    seed: int = 0
    """Another one has other committees."""
    pool: int = 0
    """How many validators there are; by default a half more than a committee has."""
    blocks: dict[int, Block] = field(default_factory=dict)
    _committees: dict[int, Committee] = field(default_factory=dict)

    def committee(self, period: int) -> Committee:
        if period not in self._committees:
            size = self.network.committee_size
            pool = self.pool or size * 3 // 2
            first = int.from_bytes(digest(self.seed, period)[:4])
            members = tuple(validator((first + 5 * n) % pool) for n in range(size))
            self._committees[period] = Committee(members)
        return self._committees[period]

    def block(
        self,
        slot: int,
        finalized: Block | None = None,
        execution: dict[str, Any] | None = None,
        next_committee: Committee | None = None,
    ) -> Block:
        """Make a block.

        Args:
            slot: Of it.
            finalized: What its state calls so.
            execution: Fields of its execution block; the others are any.
            next_committee: What its state says; the right one by default.
        """
        fields = {
            "parent_hash": digest("parent block", slot),
            "fee_recipient": bytes(20),
            "state_root": digest("state", slot),
            "receipts_root": digest("receipts", slot),
            "logs_bloom": bytes(256),
            "prev_randao": digest("randao", slot),
            "block_number": slot,
            "gas_limit": 36_000_000,
            "gas_used": 21_000,
            "timestamp": self.network.time(slot),
            "extra_data": b"test",
            "base_fee_per_gas": 10**9,
            "block_hash": digest("block", slot),
            "transactions_root": digest("transactions", slot),
            "withdrawals_root": digest("withdrawals", slot),
            "blob_gas_used": 131_072,
            "excess_blob_gas": 0,
        }
        following = next_committee or self.committee(self.network.period(slot) + 1)
        made = Block(self, slot, finalized, fields | (execution or {}), following)
        self.blocks[slot] = made
        return made

    def forms(self, block: Block) -> Any:
        return forms(block.fork, self.network.committee_size)

    def bootstrap(self, block: Block) -> Any:
        kind = self.forms(block).bootstrap
        return kind(
            header=block.header(kind.fields()["header"]),
            current_sync_committee=self.committee(self.network.period(block.slot)).container,
            current_sync_committee_branch=block.state.branch(block.places["current"]),
        )

    def update(
        self,
        attested: Block,
        signature_slot: int | None = None,
        *,
        kind: str = "update",
        signers: int | None = None,
        committee: Committee | None = None,
        finality: bool = True,
        **domain: Any,
    ) -> Any:
        """What the committee has signed.

        Args:
            attested: The block that is signed.
            signature_slot: The next one by default.
            kind: A field of `Forms`.
            signers: How many sign; all by default.
            committee: Who signs, the one whose turn it is by default.
            finality: Whether it shows what is finalized, if anything is.
            domain: See `domain`.
        """
        form = getattr(self.forms(attested), kind)
        fields = form.fields()
        at = attested.slot + 1 if signature_slot is None else signature_slot
        values = {"attested_header": attested.header(fields["attested_header"])}
        if "next_sync_committee" in fields:
            values["next_sync_committee"] = attested.next_committee.container
            values["next_sync_committee_branch"] = attested.state.branch(attested.places["next"])
        if "finalized_header" in fields and attested.finalized is not None and finality:
            values["finalized_header"] = attested.finalized.header(fields["finalized_header"])
            values["finality_branch"] = attested.state.branch(attested.places["finalized"])
        values["sync_aggregate"] = self.aggregate(
            attested.beacon, at, fields["sync_aggregate"], signers, committee, **domain
        )
        return form(**values, signature_slot=at)

    def aggregate(
        self,
        beacon: Any,
        at: int,
        kind: Any,
        signers: int | None = None,
        committee: Committee | None = None,
        **domain: Any,
    ) -> Any:
        """The signature of a committee, or of some of it, over a header."""
        members = (committee or self.committee(self.network.period(at))).members
        bits = [
            number < (len(members) if signers is None else signers)
            for number in range(len(members))
        ]
        secrets = [member.secret for member, signs in zip(members, bits, strict=True) if signs]
        message = SigningData(
            object_root=beacon.hash_tree_root(), domain=self.domain(at, **domain)
        ).hash_tree_root()
        return kind(
            sync_committee_bits=bits, sync_committee_signature=signed(bytes(message), secrets)
        )

    def domain(self, at: int, version: bytes | None = None, genesis: bytes | None = None) -> bytes:
        """What is mixed into a signature, so that it is of this chain and fork only."""
        data = ForkData(
            current_version=version or self.network.fork(max(at, 1) - 1).version,
            genesis_validators_root=genesis or self.network.genesis_validators_root,
        )
        return b"\x07\x00\x00\x00" + bytes(data.hash_tree_root())[:28]


def as_json(value: Any) -> Any:
    """An SSZ container as beacon nodes write it: numbers are decimal texts."""
    return _texts(value.to_obj())


def _texts(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _texts(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_texts(each) for each in value]
    return str(value) if isinstance(value, int) else value
