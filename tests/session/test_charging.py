"""The charging loop on the provider's side: energy against receipts, and the end."""

import time

import pytest

from ape_v2v.session.protocol import charging
from ape_v2v.session.protocol.codes import ErrorCode, SessionError
from ape_v2v.session.protocol.signing import require_signer
from ape_v2v.session.protocol.tolerance import Tolerance
from ape_v2v.session.protocol.wire import SessionStopReq, SettlementReq, StopReason
from tests.session.pairs import SESSION_WH

INCREMENT = 100


def acknowledge(there, session_id, energy, hash_):
    return there.provider.receipt(there.receipt_for(session_id, energy, hash_)).acknowledged_wh


def charge_up_to(there, session_id, energy):
    """Acknowledge readings until there is so much; the last one."""
    while True:
        value = there.value(session_id)
        acknowledge(there, session_id, *value)
        if value[0] >= energy:
            return value


def flowed(there):
    flow = there.cable.flow()
    return flow.energy_at(there.cable.clock()) if flow else 0.0


def await_flow(there, energy):
    """Wait until so much has come through the cable."""
    until = time.monotonic() + 10
    while flowed(there) < energy:
        assert time.monotonic() < until, f"{flowed(there)} Wh after 10 s"
        time.sleep(0.005)


def test_nothing_flows_before_the_access_token(admission):
    there = admission()
    there.provider.setup(there.setup_request())
    time.sleep(0.05)  # 300 Wh would have come through
    assert flowed(there) == 0


def test_the_first_increment_flows_on_the_access_token_alone(admission):
    there = admission()
    there.admitted()
    await_flow(there, INCREMENT)
    time.sleep(0.05)
    assert flowed(there) == INCREMENT


def test_energy_flows_one_increment_beyond_the_receipts(admission):
    there = admission()
    session_id = there.admitted()
    energy, _ = charge_up_to(there, session_id, 1)
    await_flow(there, energy + INCREMENT)
    time.sleep(0.05)
    assert flowed(there) == energy + INCREMENT


def test_the_last_receipt_comes_after_the_end_too(admission):
    """It says no more energy, and nothing is delivered on it."""
    there = admission(energy=3_000)
    session_id = there.admitted()
    value = charge_up_to(there, session_id, INCREMENT)
    there.provider.close(StopReason.STOPPED_BY_EV)
    before = flowed(there)

    last = there.receipt_for(session_id, *value, last=True)
    assert there.provider.receipt(last).acknowledged_wh == value[0]

    assert there.provider.acknowledged.last
    assert flowed(there) == before


def test_a_session_ends_with_all_that_was_contracted(admission):
    there = admission()
    session_id = there.admitted()
    energy, hash_ = charge_up_to(there, session_id, SESSION_WH)
    assert energy == SESSION_WH
    answer = there.provider.settlement(SettlementReq(session_id=session_id))
    assert (answer.energy_wh, answer.meter_data_hash) == (energy, hash_)
    assert answer.reason is StopReason.ENERGY_LIMIT
    message = charging.settlement(there.agreement, energy, hash_)
    require_signer(message, answer.signature, there.agreement.provider, there.agreement.auction_id)
    assert flowed(there) == SESSION_WH


def test_a_receipt_by_anyone_else_is_refused(admission):
    there = admission()
    session_id = there.admitted()
    value = there.value(session_id)
    with there.refusing(ErrorCode.WRONG_SIGNER):
        there.provider.receipt(there.receipt_for(session_id, *value, there.impostor))
    assert acknowledge(there, session_id, *value) == value[0]


def test_a_receipt_for_a_reading_that_was_never_given_out_is_refused(admission):
    there = admission()
    session_id = there.admitted()
    energy, hash_ = there.value(session_id)
    with there.refusing(ErrorCode.UNKNOWN_METER_VALUE):
        acknowledge(there, session_id, energy + 50, hash_)
    with there.refusing(ErrorCode.UNKNOWN_METER_VALUE):
        acknowledge(there, session_id, energy, bytes(32))
    with there.refusing(ErrorCode.ENERGY_ABOVE_CONTRACT):
        acknowledge(there, session_id, SESSION_WH + 1, hash_)


def test_an_old_receipt_changes_nothing(admission):
    there = admission(energy=3_000)
    session_id = there.admitted()
    old = there.value(session_id)
    acknowledge(there, session_id, *old)
    energy, _ = charge_up_to(there, session_id, INCREMENT)
    stored = there.stored
    assert acknowledge(there, session_id, *old) == energy
    assert there.stored == stored


def test_somebody_without_the_session_gets_nothing(admission):
    there = admission()
    with there.refusing(ErrorCode.UNKNOWN_SESSION):
        there.value(bytes(16))
    there.admitted()
    for ask in (
        lambda: there.value(bytes(16)),
        lambda: there.provider.stop(SessionStopReq(session_id=bytes(16), reason=StopReason.LOCAL)),
        lambda: there.provider.settlement(SettlementReq(session_id=bytes(16))),
    ):
        with there.refusing(ErrorCode.UNKNOWN_SESSION):
            ask()


def test_nothing_is_settled_without_a_receipt(admission):
    there = admission()
    session_id = there.admitted()
    with there.refusing(ErrorCode.NOTHING_ACKNOWLEDGED):
        there.provider.settlement(SettlementReq(session_id=session_id))


def test_there_is_one_settlement_and_nothing_after_it(admission):
    there = admission(energy=3_000)
    session_id = there.admitted()
    charge_up_to(there, session_id, INCREMENT)
    await_flow(there, INCREMENT + 1)
    late = there.value(session_id)
    request = SettlementReq(session_id=session_id)
    answer = there.provider.settlement(request)
    assert answer.energy_wh < late[0]
    with there.refusing(ErrorCode.TOKEN_CLOSED):
        acknowledge(there, session_id, *late)
    before = flowed(there)
    assert there.provider.settlement(request) == answer
    assert flowed(there) == before


def test_who_stops_first_says_why(admission):
    there = admission(energy=3_000)
    session_id = there.admitted()
    charge_up_to(there, session_id, 0)
    stop = SessionStopReq(session_id=session_id, reason=StopReason.STOPPED_BY_EV)
    assert there.provider.stop(stop).reason is StopReason.STOPPED_BY_EV
    later = stop.model_copy(update={"reason": StopReason.LOCAL})
    assert there.provider.stop(later).reason is StopReason.STOPPED_BY_EV


@pytest.mark.parametrize(
    ("claimed", "own", "accepted"),
    [
        (0, 0, True),
        (1, 0, True),  # both are rounded down
        (2, 0, False),
        (1_021, 1_000, True),
        (1_022, 1_000, False),
        (879, 1_000, True),  # up to an increment has flowed since
        (878, 1_000, False),
        (5_000, 6_000, True),  # clamped: more is not paid
        (4_999, 6_000, False),
    ],
)
def test_the_meters_may_be_so_far_apart_and_no_further(claimed, own, accepted):
    if accepted:
        Tolerance().check(claimed, own, 2, INCREMENT, 5_000)
        return
    with pytest.raises(SessionError) as caught:
        Tolerance().check(claimed, own, 2, INCREMENT, 5_000)
    assert caught.value.code is ErrorCode.METERS_DISAGREE


@pytest.mark.parametrize(
    ("claimed", "own", "accepted"),
    [(19, 0, True), (20, 0, False), (1_039, 1_000, True), (1_040, 1_000, False)],
)
def test_meters_that_show_steps_of_10_wh_may_be_apart_by_that(claimed, own, accepted):
    assert (claimed in Tolerance().bounds(own, 20)) is accepted


@pytest.mark.parametrize(("claimed", "accepted"), [(6, True), (7, False)])
def test_meters_may_be_apart_by_an_energy_besides(claimed, accepted):
    assert (claimed in Tolerance(wh=5).bounds(0, 2)) is accepted
