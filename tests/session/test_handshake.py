"""The handshake: the consumer on the chain gets in, and nobody else, however it tries."""

import pytest
from eth_keys.constants import SECPK1_N

from ape_v2v.session.protocol.codes import ErrorCode, SessionError
from ape_v2v.session.protocol.handshake import PendingSetups, check_setup_answer
from ape_v2v.session.protocol.signing import AccountSigner, require_signer
from ape_v2v.session.protocol.wire import StopReason


def high_s(signature):
    """The other signature of the same message, which anybody can make of it."""
    s = SECPK1_N - int.from_bytes(signature[32:64])
    return signature[:32] + s.to_bytes(32) + bytes([27 + 28 - signature[64]])


def test_the_consumer_of_the_connection_is_admitted(admission):
    there = admission()
    setup = there.setup_request()
    answer = there.provider.setup(setup)
    check_setup_answer(answer, setup, there.agreement)
    admitted = there.provider.authorize(there.authorization(setup, answer))
    assert admitted.accepted
    assert len(admitted.session_id) == 16
    assert there.provider.connection.meter_start_wh == answer.meter_start_wh


def test_the_same_requests_get_the_same_answers(admission):
    there = admission()
    setup = there.setup_request()
    answer = there.provider.setup(setup)
    assert there.provider.setup(setup) == answer
    authorization = there.authorization(setup, answer)
    admitted = there.provider.authorize(authorization)
    stored = there.stored
    assert there.provider.authorize(authorization) == admitted
    assert there.stored == stored


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"chain_id": 1}, ErrorCode.WRONG_CHAIN),
        ({"market": "0x5FbDB2315678afecb367f032d93F642f64180aa4"}, ErrorCode.WRONG_MARKET),
        ({"auction_id": 1}, ErrorCode.WRONG_AUCTION),
        ({"token": bytes(32)}, ErrorCode.WRONG_TOKEN),
    ],
)
def test_a_setup_for_something_else_is_refused(admission, changes, code):
    there = admission()
    with there.refusing(code):
        there.provider.setup(there.setup_request(**changes))


def test_a_third_party_is_not_admitted(admission):
    there = admission()
    setup = there.setup_request()
    answer = there.provider.setup(setup)
    with there.refusing(ErrorCode.WRONG_PUBLIC_KEY):
        there.provider.authorize(there.authorization(setup, answer, there.impostor))
    honest = there.authorization(setup, answer)
    forged = there.authorization(setup, answer, there.impostor, public_key=honest.public_key)
    with there.refusing(ErrorCode.WRONG_SIGNER):
        there.provider.authorize(forged)
    assert there.provider.authorize(honest).accepted  # the impostor has spoilt nothing


@pytest.mark.parametrize("other", ["token", "evc", "evp"])
def test_a_signature_over_other_values_is_refused(admission, other):
    there = admission()
    setup = there.setup_request()
    answer = there.provider.setup(setup)
    stranger = there.setup_request()
    signed = {
        "token": lambda: there.authorization(setup, answer, token=bytes(32)),
        "evc": lambda: there.authorization(stranger, answer),
        "evp": lambda: there.authorization(setup, answer, challenge_evp=bytes(32)),
    }[other]()
    wrong = ErrorCode.WRONG_TOKEN if other == "token" else ErrorCode.UNKNOWN_SETUP
    with there.refusing(wrong):
        there.provider.authorize(signed)


def test_a_malleable_or_broken_signature_is_refused(admission):
    there = admission()
    setup = there.setup_request()
    answer = there.provider.setup(setup)
    honest = there.authorization(setup, answer)
    with there.refusing(ErrorCode.MALLEABLE_SIGNATURE):
        there.provider.authorize(honest.model_copy(update={"signature": high_s(honest.signature)}))
    for broken in (bytes(65), honest.signature[:64] + b"\0", b"\xff" * 64 + b"\x1b"):
        with pytest.raises(SessionError) as caught:
            there.provider.authorize(honest.model_copy(update={"signature": broken}))
        assert caught.value.code in {ErrorCode.INVALID_SIGNATURE, ErrorCode.MALLEABLE_SIGNATURE}


def test_a_replayed_handshake_is_refused(admission):
    there = admission()
    setup = there.setup_request()
    authorization = there.authorization(setup, there.provider.setup(setup))
    there.provider.authorize(authorization)
    with there.refusing(ErrorCode.CHALLENGE_USED):
        there.provider.setup(setup)
    there.admitted()  # the consumer has begun anew
    with there.refusing(ErrorCode.CHALLENGE_USED):
        there.provider.authorize(authorization)


def test_a_later_session_replaces_the_earlier_one(admission):
    there = admission()
    first, second = there.admitted(), there.admitted()
    with there.refusing(ErrorCode.UNKNOWN_SESSION):
        there.value(first)
    assert there.value(second)[0] > 0


def test_one_token_begins_so_many_sessions_and_no_more(admission):
    there = admission(sessions_per_token=2)
    there.admitted()
    there.admitted()
    with there.refusing(ErrorCode.TOO_MANY_SESSIONS):
        there.admitted()


def test_an_expired_token_begins_no_session(admission, clock):
    there = admission()
    setup = there.setup_request()
    answer = there.provider.setup(setup)
    clock.move_to(there.agreement.valid_until)
    with there.refusing(ErrorCode.TOKEN_EXPIRED):
        there.provider.authorize(there.authorization(setup, answer))
    with there.refusing(ErrorCode.TOKEN_EXPIRED):
        there.provider.setup(there.setup_request())


def test_a_closed_token_begins_no_session(admission):
    there = admission()
    there.admitted()
    there.provider.close(StopReason.LOCAL)
    with there.refusing(ErrorCode.TOKEN_CLOSED):
        there.provider.setup(there.setup_request())


def test_who_only_asks_cannot_keep_the_consumer_out(admission):
    there = admission(pending_setups=3)
    for _ in range(50):
        there.provider.setup(there.setup_request())
    assert there.admitted()


def test_a_setup_is_forgotten_after_a_while():
    now = 0.0
    pending = PendingSetups(most=2, lifetime=30, clock=lambda: now)

    class Request:
        challenge_evc = b"1"

    pending.add(Request(), object())  # type: ignore[arg-type]
    now = 30.0
    assert pending.find(b"1") is not None
    now = 30.1
    assert pending.find(b"1") is None


def test_a_consumer_refuses_a_provider_that_is_not_the_winner(admission, rival):
    there = admission()
    setup = there.setup_request()
    answer = there.provider.setup(setup)
    changed = answer.model_copy(update={"meter_start_wh": answer.meter_start_wh + 1})
    with pytest.raises(SessionError) as caught:
        check_setup_answer(changed, setup, there.agreement)
    assert caught.value.code is ErrorCode.WRONG_SIGNER


def test_only_65_or_130_bytes_are_a_signature(admission, consumer):
    there = admission()
    setup = there.setup_request()
    request = there.authorization(setup, there.provider.setup(setup))
    from ape_v2v.session.protocol.handshake import access  # noqa: PLC0415

    message = access(there.agreement, request.challenge_evc, request.challenge_evp)
    require_signer(
        message, request.signature, AccountSigner(consumer).address, there.agreement.auction_id
    )
    with pytest.raises(SessionError):
        require_signer(
            message,
            request.signature + b"\0",
            AccountSigner(consumer).address,
            there.agreement.auction_id,
        )
