"""Strangers that take up the link with real sockets, and the honest consumer among them."""

import socket
import time
from contextlib import ExitStack, suppress

import httpx
import pytest

from ape_v2v.session.link.guard import Bounds
from ape_v2v.session.link.places import Places
from tests.session.attacking import attacking

LONG_WH = 3_000
SLOWEST = 1.5  # seconds for one message, on a busy machine; a place was waited for 5 s and more
HEAD = (
    b"POST /v1/session-setup HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    b"Content-Length: 500\r\n\r\n{"
)


def crowd(stack, url, number, said):
    """So many connections that have said so much, and go on to say nothing."""
    address = httpx.URL(url)
    assert address.port is not None
    made = []
    for _ in range(number):
        link = stack.enter_context(socket.create_connection((address.host, address.port), 10))
        link.sendall(said)
        made.append(link)
    return made


@pytest.mark.parametrize(
    ("number", "said"), [(300, b"POST /v1/sess"), (300, b""), (40, HEAD)], ids=str
)
def test_a_crowd_does_not_delay_the_honest_consumer(admission, number, said):
    there = admission(LONG_WH)
    with attacking(there) as client, ExitStack() as stack:
        url = str(client.http.base_url)
        crowd(stack, url, number, said)
        began = time.monotonic()
        session = client.admitted()  # on a new connection
        handshake = time.monotonic() - began
        crowd(stack, url, number, said)
        slowest = 0.0
        for _ in range(3):  # on the connection that it has
            began = time.monotonic()
            client.acknowledge(session, *client.value(session))
            slowest = max(slowest, time.monotonic() - began)
        assert max(handshake / 2, slowest / 2) < SLOWEST


def refusals(link):
    """The error's name of an answer, and that the connection is closed after it."""
    answer = b""
    with suppress(ConnectionResetError):  # for what it had said, and nobody has read
        while part := link.recv(4_096):
            answer += part
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"application/json" in head
    return httpx.Response(200, content=body).json()


def test_every_refusal_of_a_connection_has_the_documented_form(admission):
    there = admission(LONG_WH)
    bounds = Bounds(header_seconds=0.3, connections=1)
    with attacking(there, bounds) as client, ExitStack() as stack:
        url = str(client.http.base_url)
        first, second = crowd(stack, url, 2, b"POST")
        told = [refusals(link)["error"] for link in (first, second)]
        assert told == ["TooManyRequests", "RequestTimeout"]
        (nonsense,) = crowd(stack, url, 1, b"what is this\r\n\r\n")
        answer = refusals(nonsense)
        assert set(answer) == {"error", "responseCode", "message"}
        assert answer["error"] == "MalformedMessage"


def test_a_second_message_has_no_longer_for_its_head_than_the_first(admission):
    there = admission(LONG_WH)
    with attacking(there, Bounds(header_seconds=0.3)) as client, ExitStack() as stack:
        (link,) = crowd(stack, str(client.http.base_url), 1, b"GET /x HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = b""
        while not answer.endswith(b"}"):
            answer += link.recv(4_096)
        assert b"UnknownRequest" in answer
        link.sendall(b"GET /y")
        assert refusals(link)["error"] == "RequestTimeout"


def test_the_oldest_of_the_address_with_most_gives_way():
    gone = []
    places = Places(3, 2)

    def take(who, address):
        places.take(who, address, lambda: gone.append(who))

    take(1, "here")
    take(2, "here")
    take(3, "here")  # a third from here is too many
    assert gone == [1]
    take(4, "there")
    take(5, "elsewhere")  # and a fourth in all: here are most
    assert gone == [1, 2]
    places.leave(3, "here")
    places.leave(3, "here")
    take(6, "there")
    assert gone == [1, 2]
    assert len(places) == 3
