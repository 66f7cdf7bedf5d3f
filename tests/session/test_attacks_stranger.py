"""Attacks by a third party on the network: no key of either side, and anything to send."""

import secrets
import socket
import threading
import time
from urllib.parse import urlsplit

import pytest

from ape_v2v.session.link.guard import Bounds
from ape_v2v.session.protocol.codes import ErrorCode
from ape_v2v.session.protocol.wire import (
    AuthorizationReq,
    MeterValueReq,
    SessionStopReq,
    SettlementReq,
    StopReason,
)
from tests.session.attacking import attacking, delivered, wait_until
from tests.session.pairs import SESSION_WH

LONG_WH = 10 * SESSION_WH


@pytest.fixture
def stake(market, balance, consumer, provider):
    """The money of both, and the state of the connection."""
    return lambda there: (
        market.auctions(there.agreement.auction_id).state,
        balance(consumer),
        balance(provider),
    )


def test_who_pretends_to_be_the_consumer_is_not_admitted(admission, stake):
    there = admission(LONG_WH)
    before = stake(there)
    with attacking(there) as client:
        setup, answer = client.set_up()
        own = there.authorization(setup, answer, there.impostor)
        client.refused(ErrorCode.WRONG_PUBLIC_KEY, "authorization", own)
        theirs = there.authorization(setup, answer)
        borrowed = own.model_copy(update={"public_key": theirs.public_key})
        client.refused(ErrorCode.WRONG_SIGNER, "authorization", borrowed)
        s = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141 - int.from_bytes(
            theirs.signature[32:64]
        )
        twin = theirs.signature[:32] + s.to_bytes(32) + bytes([55 - theirs.signature[64]])
        malleable = theirs.model_copy(update={"signature": twin})
        client.refused(ErrorCode.MALLEABLE_SIGNATURE, "authorization", malleable)
    assert delivered(there) == 0
    assert stake(there) == before


def test_a_recorded_handshake_opens_nothing(admission, stake):
    there = admission(LONG_WH)
    before = stake(there)
    with attacking(there) as client:
        session_id = client.admitted()
        client.acknowledge(session_id, *client.value(session_id))
        (_, setup), (_, authorization) = (
            entry for entry in client.heard if entry[0] in {"session-setup", "authorization"}
        )
        client.refused(ErrorCode.CHALLENGE_USED, "session-setup", setup)
        # The same once more: the same session, and nothing new.
        stored = there.stored
        again = client.send("authorization", authorization).json()
        assert bytes.fromhex(again["sessionId"][2:]) == session_id
        assert there.stored == stored
        client.admitted()
        client.refused(ErrorCode.CHALLENGE_USED, "authorization", authorization)
        # An old challenge of the provider, with a new one of the consumer.
        old = AuthorizationReq.received(authorization)
        request, _ = client.set_up()
        stale = old.model_copy(update={"challenge_evc": request.challenge_evc})
        client.refused(ErrorCode.UNKNOWN_SETUP, "authorization", stale)
    assert stake(there) == before


def test_a_token_for_something_else_opens_nothing(admission, stake, clock):
    there = admission(LONG_WH)
    before = stake(there)
    with attacking(there) as client:
        for code, changes in (
            (ErrorCode.WRONG_CHAIN, {"chain_id": 1}),
            (ErrorCode.WRONG_MARKET, {"market": there.agreement.consumer}),
            (ErrorCode.WRONG_AUCTION, {"auction_id": there.agreement.auction_id - 1}),
            (ErrorCode.WRONG_TOKEN, {"token": secrets.token_bytes(32)}),
        ):
            client.refused(code, "session-setup", there.setup_request(**changes))
        waiting = client.set_up()
        other = there.authorization(*waiting).model_copy(update={"token": bytes(32)})
        client.refused(ErrorCode.WRONG_TOKEN, "authorization", other)
        clock.move_to(there.agreement.valid_until)
        client.refused(ErrorCode.TOKEN_EXPIRED, "session-setup", there.setup_request())
        client.refused(ErrorCode.TOKEN_EXPIRED, "authorization", there.authorization(*waiting))
    assert stake(there) == before


def test_guessed_sessions_get_nothing(admission):
    there = admission(LONG_WH)
    with attacking(there) as client:
        session_id = client.admitted()
        value = client.value(session_id)
        client.acknowledge(session_id, *value)
        for guess in (bytes(16), session_id[:-1] + bytes([session_id[-1] ^ 1])):
            for path, message in (
                ("meter-value", MeterValueReq(session_id=guess)),
                ("metering-receipt", there.receipt_for(guess, *value)),
                ("session-stop", SessionStopReq(session_id=guess, reason=StopReason.LOCAL)),
                ("settlement", SettlementReq(session_id=guess)),
            ):
                client.refused(ErrorCode.UNKNOWN_SESSION, path, message)
        assert client.value(session_id)[0] > 0  # the consumer goes on


def test_a_flood_of_set_ups_does_not_keep_the_consumer_out(admission):
    there = admission(LONG_WH)
    stop = threading.Event()
    sent = []
    with attacking(there) as client:

        def flood():
            while not stop.is_set():
                sent.append(client.send("session-setup", there.setup_request()).status_code)

        threads = [threading.Thread(target=flood) for _ in range(2)]
        for thread in threads:
            thread.start()
        try:
            wait_until(lambda: len(sent) > 20, "the flood begins")
            before = there.stored
            setup, answer = client.set_up()
            assert there.stored == before  # nothing of it is on the disk
            admitted = client.send("authorization", there.authorization(setup, answer))
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        # Too late, perhaps: then the consumer begins anew.
        assert admitted.is_success or admitted.json()["error"] == str(ErrorCode.UNKNOWN_SETUP)
        session_id = client.admitted()
        assert client.value(session_id)[0] > 0
    assert len(there.provider.admissions.pending._setups) <= there.provider.limits.pending_setups


def raw(client):
    """A bare connection to the service."""
    url = urlsplit(str(client.http.base_url))
    return socket.create_connection((url.hostname, url.port), timeout=20)


def head(path, **headers):
    lines = [f"POST /v1/{path} HTTP/1.1", "Host: v2v"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode()


def test_what_is_too_large_is_refused(admission):
    there = admission(LONG_WH)
    with attacking(there) as client:
        client.refused(ErrorCode.MESSAGE_TOO_LARGE, "session-setup", b"x" * 4_097)
        client.refused(ErrorCode.MALFORMED_MESSAGE, "session-setup", b"x" * 4_096)
        before = there.stored
        with raw(client) as endless:  # no length is told, and no end comes
            endless.sendall(head("session-setup", Transfer_Encoding="chunked"))
            for _ in range(5):
                endless.sendall(b"400\r\n" + b"x" * 1_024 + b"\r\n")
            answer = endless.recv(4_096)
        assert b" 413 " in answer.splitlines()[0]
        assert there.stored == before


def test_what_comes_in_too_slowly_is_refused(admission):
    there = admission(LONG_WH)
    with attacking(there, Bounds(body_seconds=0.3)) as client:
        before = there.stored
        with raw(client) as slow:
            slow.sendall(head("session-setup", Content_Length=500) + b"{")
            began = time.monotonic()
            answer = slow.recv(4_096)
        assert b" 408 " in answer.splitlines()[0]
        assert time.monotonic() - began < 5
        assert there.stored == before
        client.admitted()


def test_slow_messages_keep_nobody_out(admission):
    there = admission(LONG_WH)
    with attacking(there, Bounds(slow=3)) as client:
        slow = [raw(client) for _ in range(4)]
        for connection in slow:
            connection.sendall(head("session-setup", Content_Length=500) + b"{")
        assert b" 408 " in slow[0].recv(4_096).splitlines()[0]  # the oldest has given way
        client.admitted()
        for connection in slow:
            connection.close()


def test_what_is_nothing_of_ours_is_refused(admission):
    there = admission(LONG_WH)
    with attacking(there) as client:
        client.refused(ErrorCode.UNKNOWN_REQUEST, "../store", b"{}")
        client.refused(ErrorCode.UNKNOWN_REQUEST, "stop", b"{}")
        for body in (b"", b"{}", b"[]", b"null", b'{"sessionId": {}}', b"\xff\xfe", b"[" * 4_000):
            client.refused(ErrorCode.MALFORMED_MESSAGE, "meter-value", body)
