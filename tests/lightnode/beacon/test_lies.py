"""Every lie that a source can tell is found out, and named; what is true beside it is taken."""

import pytest

from ape_v2v.lightnode.beacon import protocol, reasons
from ape_v2v.lightnode.beacon.types import latest
from tests.lightnode.beacon.chain import Chain, digest, network

SIZE = 32
EPOCH, PERIOD = 8, 64
CHECKPOINT, FINAL, NEWEST = 8, 24, 40


class Follower:
    """A light client of a chain, without sources and without a file."""

    def __init__(self, *epochs):
        self.chain = Chain(network(*epochs))
        self.checkpoint = self.chain.block(CHECKPOINT)
        self.final = self.chain.block(FINAL)
        self.newest = self.chain.block(NEWEST, self.final)
        self.state = self.begin(self.checkpoint.root, self.chain.bootstrap(self.checkpoint))

    def begin(self, root, bootstrap):
        return protocol.begun(root, latest("bootstrap", bootstrap, SIZE), self.chain.network)

    def follow(self, update, now=None):
        at = int(update.signature_slot) if now is None else now
        whole = latest("update", update, SIZE)
        self.state = protocol.followed(self.state, whole, at, self.chain.network)
        return self.state

    def update(self, block=None, **settings):
        return self.chain.update(block or self.newest, **settings)

    def signed_again(self, update, **settings):
        """An update that was changed, with a signature that fits what it attests."""
        made = self.chain.aggregate(
            update.attested_header.beacon,
            int(update.signature_slot),
            type(update.sync_aggregate),
            **settings,
        )
        return changed(update, sync_aggregate=made)


def changed(container, **values):
    fields = {name: getattr(container, name) for name in type(container).fields()}
    return type(container)(**fields | values)


def forged(branch):
    return type(branch)([digest("forged"), *list(branch)[1:]])


@pytest.fixture
def follower():
    return Follower()


def refused(follower, update, error, match, now=None):
    """The update is refused for this reason, and leaves no trace."""
    before = follower.state
    with pytest.raises(error, match=match):
        follower.follow(update, now)
    assert follower.state is before


# What is true


def test_what_is_true_is_followed(follower):
    state = follower.follow(follower.update())
    assert bytes(state.finalized.beacon.hash_tree_root()) == follower.final.root
    assert bytes(state.optimistic.beacon.hash_tree_root()) == follower.newest.root
    assert bytes(state.next.hash_tree_root()) == follower.chain.committee(1).root


@pytest.mark.parametrize(("signers", "final"), [(1, False), (21, False), (22, True)])
def test_it_takes_two_thirds_to_finalize(follower, signers, final):
    state = follower.follow(follower.update(signers=signers))
    assert int(state.finalized.beacon.slot) == (FINAL if final else CHECKPOINT)
    assert (state.next is not None) is final


def test_the_next_committee_signs_when_its_turn_comes(follower):
    follower.follow(follower.update())
    later = follower.chain.block(PERIOD + 20, follower.chain.block(PERIOD + 4))
    state = follower.follow(follower.update(later))
    assert bytes(state.current.hash_tree_root()) == follower.chain.committee(1).root


# Signatures


def test_another_committee_cannot_sign(follower):
    stranger = Chain(follower.chain.network, seed=1).committee(0)
    refused(
        follower,
        follower.update(committee=stranger),
        reasons.WrongSignature,
        "not that of 32 members of the committee of period 0",
    )


def test_nobody_cannot_sign(follower):
    refused(follower, follower.update(signers=0), reasons.TooFewSignatures, "nobody has signed")


def test_more_cannot_be_said_to_have_signed_than_have(follower):
    few = follower.update(signers=20)
    bits = type(few.sync_aggregate.sync_committee_bits)([True] * SIZE)
    more = changed(few, sync_aggregate=changed(few.sync_aggregate, sync_committee_bits=bits))
    refused(follower, more, reasons.WrongSignature, "not that of 32 members")


def test_a_signature_over_another_block_is_not_one_over_this(follower):
    other = follower.update(follower.chain.block(NEWEST - 1, follower.final))
    update = changed(follower.update(), sync_aggregate=other.sync_aggregate)
    refused(follower, update, reasons.WrongSignature, "the source lies")


@pytest.mark.parametrize(
    "signature", [b"\xc0" + bytes(95), bytes(96), b"\xff" * 96, b"\xa0" + b"\x11" * 95]
)
def test_what_is_no_signature_is_refused(follower, signature):
    update = follower.update()
    aggregate = changed(update.sync_aggregate, sync_committee_signature=signature)
    refused(
        follower, changed(update, sync_aggregate=aggregate), reasons.WrongSignature, "not that of"
    )


@pytest.mark.parametrize(
    "domain", [{"version": b"\x05\x00\x00\x01"}, {"genesis": digest("another chain")}]
)
def test_a_signature_of_another_fork_or_chain_is_refused(follower, domain):
    refused(
        follower, follower.update(**domain), reasons.WrongSignature, "is of another chain, or of a"
    )


def test_the_fork_before_a_signature_decides_and_not_that_of_its_slot():
    follower = Follower(0, 0, 0, 0, 0, 5)  # Fulu begins in slot 40
    block = follower.chain.block(39, follower.final)
    wrong = follower.update(block, signature_slot=40, version=b"\x06\x00\x00\x01")
    refused(follower, wrong, reasons.WrongSignature, "not that of")
    assert follower.follow(follower.update(block, signature_slot=40))


# Time


def test_what_was_signed_in_the_future_is_refused_and_tells_of_the_clock(follower):
    update = follower.update()
    refused(
        follower, update, reasons.FromTheFuture, "slot 41, and by this .* slot 39, 12 s", now=39
    )
    assert follower.follow(update, now=41)


@pytest.mark.parametrize(("signed", "final"), [(NEWEST, FINAL), (NEWEST - 1, FINAL), (41, 41)])
def test_slots_out_of_order_are_refused(follower, signed, final):
    block = follower.chain.block(NEWEST, follower.chain.block(final))
    update = follower.update(block, signature_slot=signed)
    refused(follower, update, reasons.WrongOrder, "expected these in descending order", now=50)


def test_what_is_known_already_is_refused(follower):
    follower.follow(follower.update())
    old = follower.update(follower.chain.block(FINAL - 1))
    refused(follower, old, reasons.OldUpdate, "slot 24 is finalized already")


def test_a_committee_that_is_not_known_cannot_sign(follower):
    chain = follower.chain
    skipping = follower.update(chain.block(PERIOD + 20, chain.block(PERIOD + 4)))
    refused(follower, skipping, reasons.SkippedPeriod, "of period 1, and known is that of 0$")
    follower.follow(follower.update())
    far = follower.update(chain.block(2 * PERIOD + 20, chain.block(2 * PERIOD + 4)))
    refused(follower, far, reasons.SkippedPeriod, "of period 2, and known is that of 0 and 1")


def test_a_fork_from_long_ago_is_refused_however_many_signed_it(follower):
    """Whoever has bought the keys of an old committee can sign another past, to no avail."""
    follower.follow(follower.update())
    bought = follower.chain.committee(0)
    another = Chain(follower.chain.network, seed=1).committee(1)
    past = follower.chain.block(NEWEST + 2, follower.final, next_committee=another)
    refused(
        follower, follower.update(past), reasons.WrongCommittee, "another committee for period 1"
    )
    later = follower.chain.block(PERIOD + 20, follower.chain.block(PERIOD + 4))
    refused(
        follower,
        follower.update(later, committee=bought),
        reasons.WrongSignature,
        "of the committee of period 1",
    )


# Branches


@pytest.mark.parametrize("epochs", [(), (0, 0, 0, 0), (0, 0, 0), (0,)])
@pytest.mark.parametrize(
    ("branch", "what"),
    [("finality_branch", "the finalized header"), ("next_sync_committee_branch", "the next comm")],
)
def test_a_forged_branch_is_refused_in_every_fork(epochs, branch, what):
    follower = Follower(*epochs)
    update = follower.update()
    wrong = changed(update, **{branch: forged(getattr(update, branch))})
    refused(follower, wrong, reasons.ForgedBranch, f"the proof of {what}")
    assert follower.follow(update)


@pytest.mark.parametrize("which", ["attested_header", "finalized_header"])
@pytest.mark.parametrize(
    "change",
    [
        {"state_root": digest("rich")},
        {"block_hash": digest("other")},
        {"receipts_root": digest("receipt")},
        {"timestamp": 1},
        {"excess_blob_gas": 1},
    ],
)
def test_another_execution_block_than_the_one_in_the_body_is_refused(follower, which, change):
    update = follower.update()
    header = getattr(update, which)
    wrong = changed(header, execution=changed(header.execution, **change))
    refused(
        follower, changed(update, **{which: wrong}), reasons.ForgedBranch, "the execution block of"
    )


@pytest.mark.parametrize("fork", ["altair", "capella"])
def test_an_older_header_has_nothing_that_came_later(fork):
    follower = Follower(*{"altair": (0, 0), "capella": (0, 0, 0)}[fork])
    update = latest("update", follower.update(), SIZE)
    execution = changed(update.attested_header.execution, excess_blob_gas=1)
    wrong = changed(update.attested_header, execution=execution)
    match = {"altair": "before Capella", "capella": "blobs before Deneb"}[fork]
    refused(follower, changed(update, attested_header=wrong), reasons.ForgedBranch, match)
    assert follower.follow(update)


def test_an_older_branch_has_only_zeros_in_front():
    follower = Follower(0, 0, 0, 0)
    update = latest("update", follower.update(), SIZE)
    for name in ("finality_branch", "next_sync_committee_branch"):
        wrong = changed(update, **{name: forged(getattr(update, name))})
        refused(follower, wrong, reasons.ForgedBranch, "does not lead up")
    assert follower.follow(update)


@pytest.mark.parametrize("name", ["finalized_header", "next_sync_committee"])
def test_what_is_not_proven_cannot_be_named(follower, name):
    branch = {"finalized_header": "finality_branch"}.get(name, f"{name}_branch")
    update = follower.update()
    wrong = changed(update, **{branch: type(getattr(update, branch))()})
    refused(follower, wrong, reasons.ForgedBranch, "proves nothing of it")


def test_another_committee_than_the_proven_one_cannot_be_named(follower):
    update = follower.update()
    stranger = Chain(follower.chain.network, seed=1).committee(1).container
    kind = type(update.next_sync_committee)
    named = kind.decode_bytes(stranger.encode_bytes())
    refused(
        follower,
        changed(update, next_sync_committee=named),
        reasons.ForgedBranch,
        "the proof of the next committee",
    )


def test_the_beginning_of_the_chain_is_finalized_by_zeros_alone(follower):
    chain = follower.chain
    update = follower.update(chain.block(NEWEST, None))
    tree = chain.blocks[NEWEST].state
    genesis = changed(update, finality_branch=tree.branch(169))
    named = changed(
        genesis,
        finalized_header=changed(
            genesis.finalized_header,
            beacon=changed(genesis.finalized_header.beacon, proposer_index=1),
        ),
    )
    refused(follower, named, reasons.ForgedBranch, "finalizes slot 0 with a header that is not")
    assert int(follower.follow(genesis).finalized.beacon.slot) == CHECKPOINT


# The checkpoint


def test_a_bootstrap_of_another_block_is_refused(follower):
    bootstrap = follower.chain.bootstrap(follower.final)
    with pytest.raises(reasons.WrongCheckpoint, match="and not of the checkpoint 0x"):
        follower.begin(follower.checkpoint.root, bootstrap)


def test_a_bootstrap_with_another_committee_is_refused(follower):
    stranger = Chain(follower.chain.network, seed=1).committee(0).container
    bootstrap = changed(
        follower.chain.bootstrap(follower.checkpoint), current_sync_committee=stranger
    )
    with pytest.raises(reasons.ForgedBranch, match="the proof of the sync committee"):
        follower.begin(follower.checkpoint.root, bootstrap)


# Without finality


def test_without_finality_for_a_period_it_can_be_forced_and_is_not_called_final(follower):
    chain = follower.chain
    follower.follow(follower.update(finality=False, signers=30))
    follower.follow(follower.update(finality=False, signers=20))  # no better than the first
    state, net = follower.state, chain.network
    assert protocol.forced(state, CHECKPOINT + PERIOD, net) is state
    forced = protocol.forced(state, CHECKPOINT + PERIOD + 1, net)
    assert int(forced.finalized.beacon.slot) == NEWEST
    assert forced.is_forced
    follower.state = forced
    later = chain.block(PERIOD + 20, chain.block(PERIOD + 4))
    assert not follower.follow(follower.update(later)).is_forced


# Forks


def test_a_fork_that_is_not_known_is_refused_by_its_name():
    follower = Follower(0, 0, 0, 0, 0, 0)
    block = follower.newest
    update = follower.update(block)
    from dataclasses import replace  # noqa: PLC0415

    from ape_v2v.lightnode.beacon.networks import Fork  # noqa: PLC0415

    forks = (*follower.chain.network.forks, Fork("gloas", b"\x07\x00\x00\x01", 5))
    follower.chain.network = replace(follower.chain.network, forks=forks)
    refused(follower, update, reasons.UnknownFork, "does not know the fork gloas, it knows altair")
