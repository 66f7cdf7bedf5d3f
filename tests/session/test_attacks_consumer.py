"""Attacks by the consumer of the connection: it wants energy without paying for it."""

import pytest

from ape_v2v.session.protocol.codes import ErrorCode
from ape_v2v.session.protocol.wire import MeterValueReq, SettlementReq
from ape_v2v.testing.assertions import reverts_with
from tests.session.attacking import (
    attacking,
    attacking_to_the_end,
    delivered,
    wait_until,
)
from tests.session.pairs import MAX_RATE, RATE, SESSION_WH

INCREMENT = 100  # Wh: maxUnacknowledgedWh
LONG_WH = 10 * SESSION_WH


@pytest.fixture
def earned(balance, provider):
    """What the provider has earned since the test began, wei."""
    before = balance(provider)
    return lambda: balance(provider) - before


def broken_off(energy):
    """What each side loses by it, wei, in a long session."""
    penalty = LONG_WH * MAX_RATE // 10
    return -(-penalty * (LONG_WH - energy) // LONG_WH)


def still_connected(there, market):
    return market.auctions(there.agreement.auction_id).state == 2


def test_who_vanishes_takes_at_most_one_increment(admission, earned):
    there = admission(LONG_WH, link_timeout=0.5, poll=0.1)
    with attacking_to_the_end(there) as client:
        session_id = client.admitted()
        paid, _ = client.charge_up_to(session_id, 1)
        wait_until(lambda: delivered(there) >= paid + INCREMENT, "it flows up to the limit")
    assert earned() == paid * RATE - broken_off(paid)
    assert delivered(there) - paid <= INCREMENT


def test_who_takes_without_signing_takes_at_most_one_increment(admission, market):
    there = admission(LONG_WH)
    with attacking(there) as client:
        session_id = client.admitted()
        wait_until(lambda: delivered(there) >= INCREMENT, "it flows up to the limit")
        for _ in range(3):  # it polls and polls, and even reconnects
            client.value(session_id)
            session_id = client.admitted()
        for target in (0, LONG_WH, 2**63 - 1):
            client.value(session_id, target)
    assert delivered(there) == INCREMENT
    assert still_connected(there, market)


def test_who_gives_no_first_receipt_takes_one_increment(admission):
    there = admission(LONG_WH, poll=0.1)
    with attacking(there) as client:
        session_id = client.admitted()
        for _ in range(3):
            client.value(session_id)
        client.refused(
            ErrorCode.NOTHING_ACKNOWLEDGED, "settlement", SettlementReq(session_id=session_id)
        )
        wait_until(lambda: delivered(there) >= INCREMENT, "it flows up to the limit")
    assert delivered(there) == INCREMENT


def test_who_does_not_end_the_connection_pays_all_the_same(admission, earned):
    there = admission()
    with attacking_to_the_end(there) as client:
        session_id = client.admitted()
        client.charge_up_to(session_id, SESSION_WH)
        client.settlement(session_id)  # and keeps it
    assert earned() == SESSION_WH * RATE


def test_the_first_receipt_is_not_the_consumers_to_hand_in(admission, market, consumer, balance):
    there = admission(LONG_WH)
    before = balance(consumer)
    with attacking(there) as client:
        session_id = client.admitted()
        first = client.value(session_id)
        client.acknowledge(session_id, *first)
        client.charge_up_to(session_id, INCREMENT)
        receipt = there.receipt_for(session_id, *first)
        reading = (there.agreement.auction_id, *first, False)
        # The provider has not signed it: what it signs on the way is a `MeterValue`.
        with reverts_with("ECDSAInvalidSignatureLength", length=0):
            market.settle(reading, receipt.signature, b"", sender=consumer)
    assert balance(consumer) == before
    assert still_connected(there, market)


def test_a_reading_on_the_way_ends_no_connection(admission, market, consumer, balance):
    """A `MeterValue` is no `Reading`."""
    there = admission(LONG_WH)
    before = balance(consumer)
    with attacking(there) as client:
        session_id = client.admitted()
        answer = client.ask("meter-value", MeterValueReq(session_id=session_id))
        early = int(answer["energyWh"])
        value = there.provider.store.statements.reading(there.agreement.token, early).statement
        client.charge_up_to(session_id, INCREMENT)
        with pytest.raises(market.WrongSigner):
            market.settle(
                (there.agreement.auction_id, early, value.meter_data_hash, True),
                b"",
                value.signature,
                sender=consumer,
            )
    assert balance(consumer) == before
    assert still_connected(there, market)


def test_a_receipt_for_something_else_brings_nothing(admission, market):
    there = admission(LONG_WH)
    with attacking(there) as client:
        session_id = client.admitted()
        first = client.value(session_id)
        client.acknowledge(session_id, *first)
        energy, record = client.charge_up_to(session_id, INCREMENT)
        path = "metering-receipt"
        for more in (energy + 1, LONG_WH):
            client.refused(
                ErrorCode.UNKNOWN_METER_VALUE, path, there.receipt_for(session_id, more, record)
            )
        client.refused(
            ErrorCode.ENERGY_ABOVE_CONTRACT,
            path,
            there.receipt_for(session_id, LONG_WH + 1, record),
        )
        client.refused(
            ErrorCode.UNKNOWN_METER_VALUE, path, there.receipt_for(session_id, energy, bytes(32))
        )
        before = there.stored
        assert client.acknowledge(session_id, *first) == energy  # for less: the highest counts
        assert there.stored == before
    assert there.provider.acknowledged.energy_wh == energy
    assert delivered(there) <= energy + INCREMENT


def test_another_key_half_way_brings_nothing_more(admission, earned):
    there = admission(LONG_WH, link_timeout=0.5, poll=0.1)
    with attacking_to_the_end(there) as client:
        session_id = client.admitted()
        paid, _ = client.charge_up_to(session_id, INCREMENT)
        wait_until(lambda: delivered(there) >= paid + INCREMENT, "it flows up to the limit")
        value = client.value(session_id)
        client.refused(
            ErrorCode.WRONG_SIGNER,
            "metering-receipt",
            there.receipt_for(session_id, *value, there.impostor),
        )
        setup, answer = client.set_up()
        client.refused(
            ErrorCode.WRONG_PUBLIC_KEY,
            "authorization",
            there.authorization(setup, answer, there.impostor),
        )
    assert earned() == paid * RATE - broken_off(paid)
    assert delivered(there) - paid <= INCREMENT


def test_two_sessions_with_one_token_are_one(admission):
    there = admission(LONG_WH)
    with attacking(there) as client:
        first = client.admitted()
        value = client.value(first)
        client.acknowledge(first, *value)
        second = client.admitted()
        for path, message in (
            ("meter-value", MeterValueReq(session_id=first)),
            ("metering-receipt", there.receipt_for(first, *value)),
            ("settlement", SettlementReq(session_id=first)),
        ):
            client.refused(ErrorCode.UNKNOWN_SESSION, path, message)
        paid = value[0]
        wait_until(lambda: delivered(there) >= paid + INCREMENT, "it flows up to the limit")
        assert client.value(second)[0] <= paid + INCREMENT
    assert delivered(there) - paid == INCREMENT  # and not one for each


def test_many_sessions_fill_no_disk(admission):
    there = admission(LONG_WH, sessions_per_token=3)
    with attacking(there) as client:
        for _ in range(3):
            client.admitted()
        client.refused(
            ErrorCode.TOO_MANY_SESSIONS, "authorization", there.authorization(*client.set_up())
        )
    assert there.provider.store.handshakes.count(there.agreement.token) == 3


def test_a_closed_token_delivers_nothing_more(admission, market):
    there = admission(LONG_WH)
    with attacking(there) as client:
        session_id = client.admitted()
        client.charge_up_to(session_id, INCREMENT)
        waiting = client.set_up()
        late = client.value(session_id)
        paid = int(client.settlement(session_id)["energyWh"])
        taken = delivered(there)
        client.refused(ErrorCode.TOKEN_CLOSED, "session-setup", there.setup_request())
        client.refused(ErrorCode.TOKEN_CLOSED, "authorization", there.authorization(*waiting))
        if late[0] > paid:
            receipt = there.receipt_for(session_id, *late)
            client.refused(ErrorCode.TOKEN_CLOSED, "metering-receipt", receipt)
        assert client.value(session_id)[0] == late[0]
    assert delivered(there) == taken <= paid + INCREMENT
    assert still_connected(there, market)
