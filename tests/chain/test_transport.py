"""Bytes to a node and back: however they come, in a bounded time, and never with the URL's key."""

import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from ape_v2v.chain.line.faults import AccessDenied, NodeError, NodeSilent
from ape_v2v.chain.line.urls import Secrets, without_secrets
from ape_v2v.chain.node import Network, Node

SEPARATOR = ":" + "//"
HTTP = f"http{SEPARATOR}"  # of sites that nobody is to follow a link to
ANSWER = b'{"jsonrpc": "2.0", "id": 1, "result": "0x1"}'


@pytest.fixture
def serve():
    """Serve answers: a function that writes to the handler; gives the URL."""
    servers = []

    def serve(answer):
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                self.rfile.read(int(self.headers["Content-Length"]))
                answer(self)

            def log_message(self, *_):
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        return f"127.0.0.1:{server.server_port}"

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


def whole(handler):
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(ANSWER)))
    handler.end_headers()
    handler.wfile.write(ANSWER)


def in_chunks(handler):
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    for at in range(0, len(ANSWER), 7):
        part = ANSWER[at : at + 7]
        handler.wfile.write(f"{len(part):x}\r\n".encode() + part + b"\r\n")
    handler.wfile.write(b"0\r\n\r\n")


def until_the_end(handler):
    handler.send_response(200)
    handler.send_header("Connection", "close")
    handler.end_headers()
    handler.wfile.write(ANSWER)
    handler.close_connection = True


@pytest.mark.parametrize("answer", [whole, in_chunks, until_the_end])
def test_an_answer_is_read_however_it_comes(serve, answer):
    node = Node(f"http://{serve(answer)}", network=Network("x"))
    assert [node.request("eth_chainId") for _ in range(3)] == ["0x1"] * 3


def test_a_user_in_the_url_is_sent_as_such_and_never_shown(serve):
    seen = []

    def answer(handler):
        seen.append(handler.headers["Authorization"])
        whole(handler)

    node = Node(f"{HTTP}alice:s3cret%40word@{serve(answer)}/rpc", network=Network("x"))
    assert node.request("eth_chainId") == "0x1"
    assert seen == ["Basic YWxpY2U6czNjcmV0QHdvcmQ="]
    assert "s3cret" not in repr(node) + node.shown


def test_headers_of_the_settings_are_sent(serve):
    seen = []

    def answer(handler):
        seen.append(handler.headers["X-Key"])
        whole(handler)

    Node(f"http://{serve(answer)}", network=Network("x"), headers={"X-Key": "abc"}).request("a")
    assert seen == ["abc"]


def test_the_proxy_of_the_environment_is_asked(serve):
    seen = []

    def answer(handler):
        seen.append(handler.path)
        whole(handler)

    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("http_proxy", f"http://{serve(answer)}")
        node = Node(f"{HTTP}node.example/v3/key?x=1", network=Network("x"))
        assert node.request("eth_chainId") == "0x1"
    assert seen == [f"{HTTP}node.example/v3/key?x=1"]


@pytest.mark.parametrize("rest", ["/", "/v3/key", "/v3/key?x=1&y=%20", "/?x=1"])
def test_path_and_query_reach_the_node(serve, rest):
    seen = []

    def answer(handler):
        seen.append(handler.path)
        whole(handler)

    Node(f"http://{serve(answer)}{rest}", network=Network("x")).request("a")
    assert seen == [rest]


def test_an_address_without_a_path_is_asked_at_its_root(serve):
    seen = []

    def answer(handler):
        seen.append(handler.path)
        whole(handler)

    for rest in ("", "?x=1"):
        Node(f"http://{serve(answer)}{rest}", network=Network("x")).request("a")
    assert seen == ["/", "/?x=1"]


def test_a_closed_port_is_told_at_once():
    node = Node("http://127.0.0.1:1/v3/0123456789SECRET", network=Network("x"))
    with pytest.raises(NodeSilent, match=f"^no node at {re.escape(HTTP)}127.0.0.1:1: ") as silent:
        node.request("eth_chainId")
    assert silent.value.unreached
    assert silent.value.__context__ is None, "a traceback would show the URL"


def test_what_a_node_says_of_its_key_is_not_shown(serve):
    def answer(handler):
        body = (
            b'{"jsonrpc": "2.0", "id": 1, "error": {"code": 1, "message": "no 0123456789SECRET"}}'
        )
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    node = Node(f"http://{serve(answer)}/v3/0123456789SECRET?apikey=9876543210SECRET")
    with pytest.raises(NodeError) as refused:
        node.request("eth_blockNumber")
    assert "SECRET" not in str(refused.value)


def test_denied_access_is_told_at_once(serve):
    asked = []

    def answer(handler):
        asked.append(1)
        handler.send_error(403)

    with pytest.raises(AccessDenied, match=r"HTTP 403\): check the key in its URI"):
        Node(f"http://{serve(answer)}", network=Network("x")).request("eth_blockNumber")
    assert asked == [1]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"at {HTTP}user:pass@host:8545/v3/key?x=1: no", f"at {HTTP}host:8545/… no"),
        (
            "Max retries exceeded with url: /v3/key (Caused",
            "Max retries exceeded with url: /… (Caused",
        ),
        (f"see {HTTP}host", f"see {HTTP}host"),
        ("two\nlines", "two lines"),
    ],
)
def test_addresses_in_texts_of_others_lose_their_secrets(text, shown):
    assert without_secrets(text) == shown


def test_an_address_is_shown_by_its_host():
    assert Secrets(f"{HTTP}u:p@[::1]:8545/key").shown == f"{HTTP}[::1]:8545"
    assert Secrets(f"wss{SEPARATOR}node.example/v2/abc").shown == f"wss{SEPARATOR}node.example"
