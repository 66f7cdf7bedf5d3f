"""The service bears what comes: bad nodes, too many requests, its end."""

import re

import pytest

from ape_v2v.service.page import Files
from ape_v2v.service.reads import NotFound
from tests.helpers.providers import Line, Provider, Refusal
from tests.helpers.world import ALICE
from tests.service.conftest import await_that, head, listening, serving


def test_a_service_is_ready_once_it_has_read_the_market(quiet_client):
    assert quiet_client.get("/health/live").json() == {"status": "ok"}
    assert quiet_client.get("/health/ready").json() == {"status": "ok"}


def test_a_monitor_reads_how_it_does(client):
    client.get("/api/v1/auctions/7")
    with listening(client) as following:
        following("head")
        text = client.get("/metrics").text
    assert 'v2v_requests_total{route="/api/v1/auctions/{auction_id}",status="404"} 1.0' in text
    assert "v2v_listeners 1.0" in text
    assert "v2v_head_age_seconds" in text


def test_who_asks_too_often_is_told_to_wait_and_others_are_not(world):
    with serving(world, requests=5) as client:
        statuses = [client.get("/health/live").status_code for _ in range(7)]
        assert statuses == [200] * 5 + [429] * 2
        refused = client.get("/health/live")
        assert refused.headers["retry-after"] == "10"
        assert "too many requests" in refused.json()["error"]


def test_a_request_that_is_too_long_is_refused(quiet_client):
    answer = quiet_client.post("/rpc", content=b"x" * 200_000)
    assert (answer.status_code, "at most 131072 bytes" in answer.text) == (413, True)


def test_a_service_shows_what_it_has_while_its_node_is_gone_and_goes_on_after_it(world):
    provider = Provider(world.node.url)
    with Line(provider) as line, serving(world, line.url, requests=100_000) as client:
        await_that(lambda: head(client) == world.height)
        provider.before = lambda _method, _parameters: Refusal(502, b"")
        world.start(ALICE)
        await_that(lambda: "v2v_failed_looks 0.0" not in client.get("/metrics").text)
        assert client.get("/api/v1/auctions").json()["auctions"] == []
        assert head(client) == world.height - 1
        assert client.get("/health/live").status_code == 200
        provider.before = lambda _method, _parameters: None
        await_that(lambda: head(client) == world.height)
        assert len(client.get("/api/v1/auctions").json()["auctions"]) == 1


def test_a_service_that_is_stopped_lets_those_who_listen_go(world):
    with serving(world, requests=100_000) as client:
        await_that(lambda: head(client) == world.height)
        with listening(client) as following:
            following("head")
            client.stop()
            with pytest.raises(AssertionError, match="the stream has ended"):
                following("reorg")  # which never comes


def test_what_was_read_before_is_there_after_a_new_start(world, tmp_path):
    world.trade()
    for _ in range(2):
        with serving(world, cache=tmp_path, requests=100_000) as client:
            await_that(lambda: head(client) == world.height)
            assert len(client.get("/api/v1/auctions/past").json()["auctions"]) == 1


def test_the_page_comes_whole_and_packed_and_is_not_sent_again_unchanged(quiet_client):
    whole = quiet_client.get("/", headers={"Accept-Encoding": "identity"})
    packed = quiet_client.get("/", headers={"Accept-Encoding": "gzip"})

    assert whole.text == packed.text
    assert "<title>V2V market</title>" in whole.text
    assert (whole.headers.get("content-encoding"), packed.headers["content-encoding"]) == (
        None,
        "gzip",
    )
    assert whole.headers["cache-control"] == "no-cache"
    unchanged = quiet_client.get("/", headers={"If-None-Match": whole.headers["etag"]})
    assert (unchanged.status_code, unchanged.content) == (304, b"")


def test_what_a_page_names_by_its_content_is_kept_for_ever(quiet_client):
    scripts = re.findall(r'src="\./(assets/[^"]+)"', quiet_client.get("/").text)
    assert scripts
    for script in scripts:
        answer = quiet_client.get(f"/{script}")
        assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
        assert "immutable" in answer.headers["cache-control"]


@pytest.mark.parametrize(
    "path", ["/nothing.js", "/assets/../../__init__.py", "/%2e%2e/__init__.py"]
)
def test_nothing_but_the_page_is_served(quiet_client, path):
    answer = quiet_client.get(path)

    assert (answer.status_code, list(answer.json())) == (404, ["error"])


def test_without_a_page_the_service_says_where_to_get_one(tmp_path):
    with pytest.raises(NotFound, match="make setup"):
        Files(tmp_path).find("")
