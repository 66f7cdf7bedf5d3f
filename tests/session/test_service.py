"""The provider's service: what it bears from anyone on the network, and what it answers."""

import json
import socket
import threading
from contextlib import contextmanager
from http.client import HTTPResponse

import httpx
import pytest

from ape_v2v.errors import ConfigurationError
from ape_v2v.session.link import serving
from ape_v2v.session.link.guard import Bounds
from ape_v2v.session.link.server import Service, create_app
from ape_v2v.session.protocol.codes import ErrorCode
from ape_v2v.session.provider import Supervisor
from tests.helpers.certificates import self_signed
from tests.session.pairs import SESSION_WH, settled

PATIENCE = 10  # seconds


@contextmanager
def served(provider, bounds=None):
    """The provider's service in a thread: its address."""
    started, urls = threading.Event(), []

    def on_start(url):
        urls.append(url)
        started.set()

    service = Service(create_app(provider, bounds), bounds=bounds, on_start=on_start)
    listening = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=service.run, args=([listening],))
    thread.start()
    try:
        assert started.wait(PATIENCE)
        yield urls[0]
    finally:
        service.should_exit = True
        thread.join(PATIENCE)
        listening.close()


@pytest.fixture
def there(admission):
    return admission()


@pytest.fixture
def url(there):
    with served(there.provider) as url:
        yield url


@contextmanager
def half_a_request(url):
    """A connection on which all of a message but its last byte has been sent."""
    address = httpx.URL(url)
    assert address.port is not None
    head = (
        b"POST /v1/settlement HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n"
        b"Expect: 100-continue\r\n\r\n"
    )
    with socket.create_connection((address.host, address.port), timeout=PATIENCE) as link:
        link.sendall(head)
        assert link.recv(4096) == b"HTTP/1.1 100 Continue\r\n\r\n"  # the service waits for the body
        link.sendall(b"{")
        yield link


def answer_on(link):
    """The body of the answer that comes on a connection."""
    with HTTPResponse(link) as answer:
        answer.begin()
        return answer.read()


def refused(answer):
    """The error of an answer."""
    return answer.json()["error"]


def test_a_message_is_answered(there, url):
    request = there.setup_request()
    answer = httpx.post(f"{url}/v1/session-setup", content=request.text())
    assert answer.status_code == 200
    assert set(answer.json()) == {"challengeEVP", "meterId", "meterStartWh", "signature"}
    assert answer.json()["meterStartWh"] == "0"


@pytest.mark.parametrize(
    "change",
    [
        {"chainId": 31337},  # a number, and not its digits
        {"chainId": "031337"},
        {"chainId": "-1"},
        {"chainId": "1" * 79},
        {"chainId": "\u0661"},  # a digit, elsewhere
        {"token": "0x12"},
        {"token": "0x" + "zz" * 32},
        {"market": "0x5fbdb2315678afecb367f032d93f642f64180aa3"},  # without its checksum
        {"more": "1"},
        {"challengeEVC": None},
    ],
    ids=str,
)
def test_a_message_that_is_none_is_refused(there, url, change):
    message = there.setup_request().data() | change
    with_change = httpx.post(f"{url}/v1/session-setup", json=message)
    assert with_change.status_code == 422
    assert refused(with_change) == "MalformedMessage"
    assert next(iter(change)) in with_change.json()["message"]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"a":' * 500])
def test_what_is_no_json_object_is_refused(url, body):
    answer = httpx.post(f"{url}/v1/authorization", content=body)
    assert answer.status_code == 422
    assert refused(answer) == "MalformedMessage"


def test_a_refusal_has_iso_15118s_code(there, url):
    request = there.setup_request(chain_id=1)
    answer = httpx.post(f"{url}/v1/session-setup", content=request.text())
    assert answer.status_code == 409
    assert answer.json()["error"] == "WrongChain"
    assert answer.json()["responseCode"] == "FAILED_WrongContract"


def test_every_error_has_a_name_of_its_own():
    assert len({str(code) for code in ErrorCode}) == len(ErrorCode)
    assert all(ErrorCode.named(str(code)) is code for code in ErrorCode)


def test_what_does_not_exist_is_refused(url):
    answer = httpx.get(f"{url}/v1/nothing")
    assert (answer.status_code, refused(answer)) == (404, "UnknownRequest")
    answer = httpx.get(f"{url}/v1/settlement")
    assert (answer.status_code, refused(answer)) == (405, "UnknownRequest")


def test_the_openapi_document_describes_every_message(url):
    document = httpx.get(f"{url}/openapi.json").json()
    assert set(document["paths"]) == {
        f"/v1/{name}"
        for name in (
            "session-setup",
            "authorization",
            "meter-value",
            "metering-receipt",
            "session-stop",
            "settlement",
        )
    }
    text = json.dumps(document)
    for reference in {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}:
        assert reference in document["components"]["schemas"]


def test_a_message_that_is_too_large_is_refused(there):
    with served(there.provider, Bounds(body_bytes=1_000)) as url:
        answer = httpx.post(f"{url}/v1/settlement", content=b" " * 1_000)
        assert refused(answer) == "MalformedMessage"
        answer = httpx.post(f"{url}/v1/settlement", content=b" " * 1_001)
        assert (answer.status_code, refused(answer)) == (413, "MessageTooLarge")
        endless = (b" " * 100 for _ in range(10**6))
        answer = httpx.post(f"{url}/v1/settlement", content=endless)
        assert refused(answer) == "MessageTooLarge"


def test_a_message_that_is_too_slow_is_refused(there):
    with served(there.provider, Bounds(body_seconds=0.2)) as url, half_a_request(url) as link:
        assert b"RequestTimeout" in answer_on(link)


def test_the_slowest_message_gives_way_to_another(there):
    bounds = Bounds(slow=1, body_seconds=PATIENCE)
    with (
        served(there.provider, bounds) as url,
        half_a_request(url) as first,
        half_a_request(url) as second,
    ):
        assert b"RequestTimeout" in answer_on(first)
        second.sendall(b"}")
        assert b"MalformedMessage" in answer_on(second)


def test_too_many_requests_at_a_time_are_refused_and_a_place_is_kept(there, monkeypatch):
    """Who has a session is answered when others have taken all the places for strangers."""
    session = there.admitted()
    busy, go_on = threading.Event(), threading.Event()
    setup = there.provider.setup

    def slowly(request):
        busy.set()
        assert go_on.wait(PATIENCE)
        return setup(request)

    monkeypatch.setattr(there.provider.admissions, "setup", slowly)
    with served(there.provider, Bounds(requests=2, kept=1)) as url:
        stranger = threading.Thread(
            target=httpx.post,
            args=(f"{url}/v1/session-setup",),
            kwargs={"content": there.setup_request().text(), "timeout": PATIENCE},
        )
        stranger.start()
        assert busy.wait(PATIENCE)
        answer = httpx.post(f"{url}/v1/settlement", json={})
        assert (answer.status_code, refused(answer)) == (429, "TooManyRequests")
        named = {"sessionId": "0x" + session.hex(), "more": "1"}
        answer = httpx.post(f"{url}/v1/settlement", json=named)
        assert refused(answer) == "MalformedMessage"  # it was read
        go_on.set()
        stranger.join(PATIENCE)


def test_a_taken_port_is_told_in_a_sentence(there):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigurationError, match=f"cannot listen on 127.0.0.1, port {port}"):
            serving.serve(there.provider, port=port)


def test_what_nobody_has_thought_of_is_no_session_that_nobody_came_to(there, monkeypatch):
    def step(_):
        raise ZeroDivisionError("as if by a mistake")

    monkeypatch.setattr(Supervisor, "step", step)
    with pytest.raises(ZeroDivisionError, match="as if by a mistake"):
        serving.serve(there.provider)


def test_a_session_goes_through_tls(pair, tmp_path):
    certificate = self_signed(tmp_path)
    both = pair()
    both.provider.replace(certificate=certificate)
    url = both.url.replace("http:", "https:")
    both.consumer.replace(url=url, authority=certificate[0])
    both.provider.start()
    assert both.provider.await_message() == url
    both.consumer.start()
    assert both.consumer.await_exit() == 0
    assert both.provider.await_exit() == 0
    assert settled(both) == SESSION_WH


def test_the_service_describes_itself_and_loads_nothing_from_elsewhere(url):
    assert "/v1/session-setup" in httpx.get(f"{url}/openapi.json").json()["paths"]
    for page in ("docs", "redoc"):
        refusal = httpx.get(f"{url}/{page}")
        assert (refusal.status_code, refusal.json()["error"]) == (404, "UnknownRequest")
