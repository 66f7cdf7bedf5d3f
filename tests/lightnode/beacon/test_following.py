"""A light client follows a beacon chain from a checkpoint to its head, and stays there."""

import json
from dataclasses import replace

import pytest

from ape_v2v.lightnode.beacon import reasons
from ape_v2v.lightnode.beacon.client import LightClient, SyncPatience
from ape_v2v.lightnode.beacon.head import HeadKind
from ape_v2v.lightnode.beacon.keeping import Keeper, Kept
from ape_v2v.lightnode.beacon.sources import BeaconApi, UpdateFile
from tests.lightnode.beacon.chain import Chain, network
from tests.lightnode.beacon.node import Served, beacon_node


def slots(client):
    state = client.position
    return int(state.finalized.beacon.slot), int(state.optimistic.beacon.slot)


# To the head


def test_a_client_follows_through_every_fork_to_the_head(beacon, follow, forked):
    client = follow(beacon)
    client.begin(forked.checkpoint.root)
    report = client.follow()
    assert report.periods == 6
    assert report.complaints == report.warnings == []
    newest = forked.chain.blocks[404]
    head = client.head(HeadKind.OPTIMISTIC)
    assert (head.slot, head.root) == (404, newest.root)
    header = head.header
    assert header.hash == newest.fields["block_hash"]
    assert header.state_root == newest.fields["state_root"]
    assert header.receipts_root == newest.fields["receipts_root"]
    assert (header.number, header.timestamp) == (404, forked.chain.network.time(404))
    assert head.signers == 32
    finalized = client.head(HeadKind.FINALIZED)
    assert (finalized.slot, finalized.signers) == (388, None)


def test_a_committee_of_512_is_followed_like_a_small_one():
    chain = Chain(network(slots_per_epoch=4, epochs_per_period=4, committee_size=512))
    served = Served.until(chain, slot=16 * 2 + 12)
    with beacon_node(served, packed=True) as node:
        source = BeaconApi(node.url, chain.network)
        client = LightClient(
            chain.network,
            Keeper(None, chain.network),
            [source],
            clock=lambda: chain.network.time(45),
        )
        client.begin(served.checkpoint.root)
        report = client.follow()
    assert (client.head(HeadKind.OPTIMISTIC).slot, client.head(HeadKind.OPTIMISTIC).signers) == (
        44,
        512,
    )
    as_json = sum(len(json.dumps(served.wrapped(update))) for update in served.updates.values())
    assert report.received < as_json, "what came packed is counted packed"


def test_a_client_goes_on_where_it_was(beacon, follow, forked, tmp_path):
    path = tmp_path / "light.sqlite"
    first = follow(beacon, path=path)
    first.begin(forked.checkpoint.root)
    first.follow()
    beacon.asked.clear()
    again = follow(beacon, path=path)
    assert again.checkpoint == forked.checkpoint.root
    assert again.position == first.position
    assert again.follow().periods == 0
    assert [path.rpartition("/")[2] for path in beacon.asked] == [
        "finality_update",
        "optimistic_update",
    ]


def test_a_client_that_is_stopped_on_the_way_goes_on_from_there(beacon, follow, forked, tmp_path):
    path = tmp_path / "light.sqlite"
    early = follow(beacon, path=path, slot=3 * 64)
    early.begin(forked.checkpoint.root)
    beacon.lies["_update"] = lambda _: None  # nothing newer than the committees
    with pytest.raises(reasons.NoProgress, match="the newest block"):
        early.follow()
    beacon.lies.clear()
    beacon.asked.clear()
    late = follow(beacon, path=path)
    assert late.follow().periods == 4
    assert "updates?start_period=3&count=3" in beacon.asked[0]


def test_of_two_processes_the_one_that_is_ahead_stays(beacon, follow, forked, tmp_path):
    path = tmp_path / "light.sqlite"
    ahead, behind = follow(beacon, path=path), follow(beacon, path=path)
    ahead.begin(forked.checkpoint.root)
    behind = follow(beacon, path=path)
    ahead.follow()
    keeper = Keeper(path, forked.chain.network)
    keeper.save(Kept(forked.checkpoint.root, behind.position))
    assert follow(beacon, path=path).position == ahead.position
    keeper.save(Kept(forked.checkpoint.root, behind.position), anew=True)
    assert follow(beacon, path=path).position == behind.position


def test_nothing_new_is_no_trouble(beacon, follow, forked):
    client = follow(beacon, beacon)
    client.begin(forked.checkpoint.root)
    client.follow()
    before = client.position
    assert client.follow().complaints == []
    assert client.position == before


def test_a_committee_that_is_not_known_yet_is_waited_for(follow, forked):
    served = replace(forked, updates={p: u for p, u in forked.updates.items() if p < 6})
    with beacon_node(served) as node:
        client = follow(node)
        client.begin(forked.checkpoint.root)
        client.follow()
        assert client.position.next is None
        assert client.head(HeadKind.OPTIMISTIC).slot == 404
        served.updates[6] = forked.updates[6]
        assert client.follow().complaints == []
    assert client.position.next is not None


# Sources


def test_what_one_source_does_not_have_another_one_has(beacon, follow, forked):
    with beacon_node(replace(forked, updates={0: forked.updates[0]})) as poor:
        client = follow(poor, beacon)
        client.begin(forked.checkpoint.root)
        report = client.follow()
    assert client.head(HeadKind.OPTIMISTIC).slot == 404
    assert "it has nothing that leads on from period 0" in report.complaints[0]


def test_a_source_that_lies_is_named_and_another_one_followed(beacon, follow, forked):
    other = Served.until(Chain(forked.chain.network, seed=1), slot=404)
    with beacon_node(replace(other, checkpoint=forked.checkpoint)) as liar:
        client = follow(liar, beacon)
        client.begin(forked.checkpoint.root)
        report = client.follow()
        assert all(said.startswith(liar.url.removeprefix("http://")) for said in report.complaints)
        assert "the signature is not that of 32 members" in report.complaints[0]
        assert client.head(HeadKind.FINALIZED).root == forked.chain.blocks[388].root
        with pytest.raises(reasons.NoProgress, match="name other sources"):
            follow(liar).begin(forked.checkpoint.root)


def test_a_file_leads_as_far_as_it_goes(follow, forked, tmp_path):
    path = tmp_path / "updates.json"
    content = {
        "bootstrap": forked.wrapped(forked.chain.bootstrap(forked.checkpoint)),
        "updates": [forked.wrapped(update) for update in forked.updates.values()],
        "finality_update": forked.wrapped(forked.finality_update),
    }
    path.write_text(json.dumps(content))
    client = follow(UpdateFile(path, forked.chain.network))
    client.begin(forked.checkpoint.root)
    assert client.follow().complaints == []
    assert client.head(HeadKind.FINALIZED).slot == 388
    path.write_text("{}")
    empty = follow(UpdateFile(path, forked.chain.network))
    with pytest.raises(reasons.NoProgress, match="has no bootstrap"):
        empty.begin(forked.checkpoint.root)


# The checkpoint


def test_sources_that_agree_give_a_checkpoint(beacon, follow, forked):
    checkpoint = forked.chain.blocks[388]
    served = replace(forked, checkpoint=checkpoint)
    with beacon_node(served) as first, beacon_node(served) as second:
        client = follow(first, second)
        report = client.begin()
        assert client.checkpoint == checkpoint.root
        assert f"2 sources agree on the checkpoint 0x{checkpoint.root.hex()}" in report.warnings[0]
        client.follow()
    assert client.head(HeadKind.OPTIMISTIC).slot == 404


def test_sources_that_do_not_agree_give_none(beacon, follow, forked):
    other = Served.until(Chain(forked.chain.network, seed=1), slot=404)
    with (
        beacon_node(other) as liar,
        pytest.raises(reasons.NoCheckpoint, match="do not agree on the block in slot 388"),
    ):
        follow(beacon, liar).begin()


def test_one_source_alone_gives_none(beacon, follow):
    with pytest.raises(reasons.NoCheckpoint, match="it takes two sources"):
        follow(beacon).begin()


def test_without_a_checkpoint_nothing_is_followed(beacon, follow):
    with pytest.raises(reasons.NoCheckpoint, match="name the root"):
        follow(beacon).follow()


def test_an_old_checkpoint_is_warned_of_and_a_very_old_one_refused(beacon, follow, forked):
    hour = 3_600
    warned = follow(beacon, patience=SyncPatience(warn_after=0.5 * hour))
    assert "compare its head" in warned.begin(forked.checkpoint.root).warnings[0]
    refused = follow(beacon, patience=SyncPatience(refuse_after=0.5 * hour))
    with pytest.raises(reasons.CheckpointTooOld, match="begin anew with a recent checkpoint"):
        refused.begin(forked.checkpoint.root)
    assert not refused.has_begun
    refused.begin(forked.checkpoint.root, old=True)
    with pytest.raises(reasons.CheckpointTooOld):
        refused.follow()
    assert refused.follow(old=True).periods == 6


# The head


def test_a_head_that_is_too_old_is_refused(beacon, follow, forked):
    client = follow(beacon, slot=404 + 700)
    client.begin(forked.checkpoint.root)
    beacon.lies["updates?"] = lambda updates: updates  # the node stands still, and says so
    with pytest.raises(reasons.NoProgress):
        client.follow()
    with pytest.raises(reasons.HeadTooOld, match="at most 3600 s are relied on"):
        client.head(HeadKind.FINALIZED)


def test_a_head_before_capella_proves_nothing(follow, forked, beacon):
    client = follow(beacon, slot=9)
    client.begin(forked.checkpoint.root)
    with pytest.raises(reasons.NotTrustworthy, match="before Capella"):
        client.head(HeadKind.FINALIZED)


@pytest.mark.parametrize(("signers", "enough"), [(21, False), (22, True)])
def test_a_head_that_less_than_two_thirds_have_signed_is_refused(follow, forked, signers, enough):
    update = forked.chain.update(
        forked.chain.blocks[404], kind="optimistic_update", signers=signers
    )
    with beacon_node(replace(forked, optimistic_update=update, finality_update=None)) as node:
        client = follow(node)
        client.begin(forked.checkpoint.root)
        client.follow()
    if enough:
        assert client.head(HeadKind.OPTIMISTIC).signers == signers
        return
    with pytest.raises(reasons.NotTrustworthy, match=f"only {signers} of 32 have signed"):
        client.head(HeadKind.OPTIMISTIC)


def test_a_clock_that_is_behind_is_told_of(beacon, follow, forked):
    client = follow(beacon, slot=403)
    client.begin(forked.checkpoint.root)
    with pytest.raises(reasons.NoProgress, match="by this machine's clock it is slot 403, 12 s"):
        client.follow()
