"""What happens is told as it happens, once, and taken back when the chain takes it back."""

from tests.helpers.world import ALICE, BOB
from tests.service.conftest import await_block, listening


def test_a_page_is_greeted_and_told_the_head(client, world):
    with listening(client) as following:
        assert following("hello")[1] == {"market": world.address, "resumed": False}
        assert following("head")[1]["number"] == str(world.height)


def test_a_page_is_told_each_event_as_it_happens(client, world):
    with listening(client) as following:
        following("head")
        started = world.start(ALICE)
        _, event, _ = following("auction")
        assert (event["event"], event["auctionId"]) == ("AuctionStarted", str(started))
        assert "currency" not in event  # which is ether
        assert following("head")[1]["number"] == str(world.height)


def test_a_page_that_comes_back_is_told_what_it_has_missed(client, world):
    with listening(client) as following:
        following("head")
        world.start(ALICE)
        *_, last = following("auction")
    world.start(BOB)
    await_block(client, world)
    with listening(client, **{"Last-Event-ID": last}) as following:
        assert following("hello")[1]["resumed"] is True
        _, event, _ = following("auction", "head")
        assert event["consumer"].lower() == BOB


def test_a_page_whose_last_event_is_gone_is_told_to_read_again(client, world):
    world.start(ALICE)
    await_block(client, world)
    for unknown in (f"{world.height}-0-00000000", "1-1-ffffffff", "yesterday"):
        with listening(client, **{"Last-Event-ID": unknown}) as following:
            assert following("hello")[1]["resumed"] is False


def test_a_page_is_told_what_a_reorganisation_takes_back(client, world):
    snapshot = world.node.snapshot()
    before = world.height
    with listening(client) as following:
        following("head")
        world.start(ALICE)
        assert following("auction")[1]["event"] == "AuctionStarted"
        world.node.revert(snapshot)
        world.node.timestamp += 7  # another block than before
        world.start(BOB)
        _, reorg, _ = following("reorg")
        assert int(reorg["from"]) == before + 1
        assert following("auction")[1]["consumer"].lower() == BOB
    await_block(client, world)
    (running,) = client.get("/api/v1/auctions").json()["auctions"]
    assert running["consumer"].lower() == BOB
