"""Attacks by the provider, or by who says that it is one: it wants money without delivering."""

import json
import time
from typing import Any

import pytest
from eth_utils.crypto import keccak

from ape_v2v.market.market import Market
from ape_v2v.metering.equipment import Equipment
from ape_v2v.session.consumer import Consumer
from ape_v2v.session.link.client import Link
from ape_v2v.session.onchain import MarketChain
from ape_v2v.session.protocol import charging, handshake
from ape_v2v.session.protocol.codes import ErrorCode, LinkError, SessionError
from ape_v2v.session.protocol.signing import AccountSigner
from ape_v2v.session.protocol.wire import ChargingState
from ape_v2v.session.store import Store
from ape_v2v.testing.assertions import reverts_with
from tests.session.attacking import (
    IMPATIENT,
    LyingMeter,
    delivered,
    hostile,
)
from tests.session.pairs import MAX_RATE, RATE, SESSION_WH

LONG_WH = 10 * SESSION_WH
TOLERANCE = 0.02
PENALTY_SHARE = 10  # of the reserve: penaltyBps is 1,000
RESERVE = LONG_WH * MAX_RATE


@pytest.fixture
def victim(market, consumer, tmp_path):
    """A factory of real consumers of a provider's connection."""
    stores = []

    def victim(there, link):
        connection = Market.at(market.address).connection(there.agreement.auction_id)
        equipment = Equipment(cable=there.cable.path, meter_id="consumer")
        stores.append(Store(tmp_path / "consumer.sqlite"))
        return Consumer(
            chain=MarketChain(connection, consumer),
            signer=AccountSigner(consumer),
            meter=equipment.meter(),
            peer=link,
            store=stores[-1],
            terms=IMPATIENT,
        )

    yield victim
    for store in stores:
        store.close()


@pytest.fixture
def stake(market, balance, consumer, provider):
    """Nobody's money has moved, and the connection is as it was."""
    return lambda there: (
        market.auctions(there.agreement.auction_id).state,
        balance(consumer),
        balance(provider),
    )


def charge_against(there, victim, expected, **twists):
    """Let a real consumer charge at a hostile provider, and see it give up; what it has signed."""
    with hostile(there.provider, **twists) as (url, server), Link(url, timeout=2) as link:
        buyer = victim(there, link)
        with pytest.raises((LinkError, SessionError), match=expected):
            buyer.run()
    signed = buyer.acknowledged
    return (0 if signed is None else signed.energy_wh), buyer, server


def signed_value(there, answer, signer=None, **changes):
    """A reading that is not what the meter says, signed by the provider, and a record to suit."""
    if "energy_wh" in changes and "meter_record" not in changes:
        shown = there.provider.delivery.start_wh + changes["energy_wh"]
        changes["meter_record"] = json.dumps({"energyWh": shown, "meter": "provider"}).encode()
    answer = answer.model_copy(update=changes)
    message = charging.meter_value(there.agreement, answer.energy_wh, keccak(answer.meter_record))
    signature = (signer or there.provider.signer).sign(message)
    return answer.model_copy(update={"signature": signature})


# More than was delivered


def test_over_reporting_beyond_the_tolerance_is_not_paid(admission, victim, stake):
    """The consumer stops, and does not agree to end there: that is not what it wanted."""
    there = admission(LONG_WH)
    there.provider.delivery.register.meter = LyingMeter(there.provider.delivery.register.meter, 1.1)
    before = stake(there)
    signed, buyer, _ = charge_against(there, victim, "the provider's meter says")
    assert signed <= delivered(there) * (1 + TOLERANCE) + 1
    assert buyer.store.statements.settlement(there.agreement.token) is None
    assert not any(one.last for one in buyer.store.statements.receipts(there.agreement.token))
    assert stake(there) == before


def test_over_reporting_within_the_tolerance_costs_the_tolerance(
    admission, victim, balance, consumer
):
    there = admission(LONG_WH)
    there.provider.delivery.register.meter = LyingMeter(
        there.provider.delivery.register.meter, 1.015
    )
    before = balance(consumer)
    with hostile(there.provider) as (url, _), Link(url) as link:
        result = victim(there, link).run()
    lost = result.acknowledged_wh - delivered(there)
    assert 0 < lost <= delivered(there) * TOLERANCE + 1
    cost = result.acknowledged_wh * RATE
    assert balance(consumer) == before + RESERVE - cost
    assert result.end.cost == cost


def test_energy_that_never_flowed_is_not_paid(admission, victim, stake):
    there = admission(LONG_WH)
    before = stake(there)

    def claim(_, honest):
        answer = honest()
        return signed_value(there, answer, energy_wh=answer.energy_wh + 500)

    expected = "the first reading was refused, so nothing is signed .* the provider's meter says"
    signed, buyer, _ = charge_against(there, victim, expected, meter_value=claim)
    assert signed == 0
    assert buyer.acknowledged is None
    assert delivered(there) <= 100
    assert stake(there) == before


def twist_later(twist, after=2):
    """Honest readings, and then others."""
    seen = 0

    def value(_, honest):
        nonlocal seen
        seen += 1
        answer = honest()
        return answer if seen <= after else twist(answer)

    return value


TWISTS = {
    "falling energy": (
        lambda there, answer: signed_value(there, answer, energy_wh=0),
        "its register has fallen",
    ),
    "more than was contracted": (
        lambda there, answer: signed_value(there, answer, energy_wh=LONG_WH + 1),
        "is more than the",
    ),
    "all at once": (
        lambda there, answer: signed_value(there, answer, energy_wh=LONG_WH),
        "the provider's meter says",
    ),
    "another key": (
        lambda there, answer: signed_value(there, answer, there.impostor),
        "must be signed by",
    ),
    "another record than was signed": (
        lambda _, answer: answer.model_copy(update={"meter_record": b"{}"}),
        "must be signed by",
    ),
    "a high s": (
        lambda _, answer: answer.model_copy(update={"signature": high_s(answer.signature)}),
        "malleable",
    ),
}


def high_s(signature):
    order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
    s = order - int.from_bytes(signature[32:64])
    return signature[:32] + s.to_bytes(32) + bytes([55 - signature[64]])


@pytest.mark.parametrize(("twist", "expected"), TWISTS.values(), ids=TWISTS)
def test_a_reading_that_cannot_be_is_not_signed_for(admission, victim, stake, twist, expected):
    there = admission(LONG_WH)
    before = stake(there)
    value = twist_later(lambda answer: twist(there, answer))
    signed, buyer, _ = charge_against(there, victim, expected, meter_value=value)
    assert signed <= delivered(there) * (1 + TOLERANCE) + 1
    assert buyer.store.statements.settlement(there.agreement.token) is None
    assert stake(there) == before


# What it states, and does, at the end


def test_a_settlement_above_the_receipt_is_not_paid(admission, victim, stake):
    there = admission()
    before = stake(there)

    def more(_, honest):
        answer = honest()
        energy = answer.energy_wh + 1
        message = charging.settlement(there.agreement, energy, answer.meter_data_hash)
        signature = there.provider.signer.sign(message)
        return answer.model_copy(update={"energy_wh": energy, "signature": signature})

    signed, buyer, _ = charge_against(there, victim, "were acknowledged", settlement=more)
    assert signed == SESSION_WH
    assert buyer.store.statements.settlement(there.agreement.token) is None
    assert stake(there) == before


def test_who_never_settles_loses_a_penalty(
    admission, victim, market, balance, consumer, provider, clock
):
    there = admission(LONG_WH)
    reserve = there.agreement.energy_wh * MAX_RATE
    before = balance(consumer), balance(provider)

    def gone(*_):
        raise SessionError(ErrorCode.NODE_UNAVAILABLE, "gone")

    charge_against(
        there, victim, "has not ended on the chain yet", meter_value=twist_later_by(gone)
    )
    assert (balance(consumer), balance(provider)) == before
    clock.next_block_at(there.agreement.expires_at)
    market.expireConnection(there.agreement.auction_id, sender=consumer)
    rest = reserve - reserve // PENALTY_SHARE
    assert (balance(consumer), balance(provider)) == (before[0] + rest, before[1] + rest)


def test_who_stalls_does_not_keep_the_consumer(admission, victim, stake):
    """It answers the same reading again, at once and for ever."""
    there = admission(LONG_WH)
    before = stake(there)
    first: list[Any] = []

    def same(_, honest):
        if not first:
            first.append(honest())
        return first[0]

    began = time.monotonic()
    _, _, server = charge_against(there, victim, "no new reading for 1 s", meter_value=same)
    assert time.monotonic() - began < 10
    assert server.asked.count("meter-value") < 100
    assert stake(there) == before


def test_who_forgets_every_session_does_not_keep_the_consumer(admission, victim, stake):
    there = admission(LONG_WH, sessions_per_token=1_000)
    before = stake(there)

    def forget(*_):
        raise SessionError(ErrorCode.UNKNOWN_SESSION, "which session?")

    _, buyer, _ = charge_against(there, victim, "which session", meter_value=forget)
    assert 1 < buyer.store.handshakes.count(there.agreement.token) <= 64
    assert stake(there) == before


def test_an_old_receipt_is_all_that_who_hands_it_in_gets(admission, market, provider, balance):
    there = admission(LONG_WH)
    before = balance(provider)
    session_id = there.admitted()
    receipts = []
    for _ in range(3):
        receipts.append(there.receipt_for(session_id, *there.value(session_id)))
        there.provider.receipt(receipts[-1])
    old, last = receipts[1], receipts[2]
    assert old.energy_wh < last.energy_wh
    auction_id = there.agreement.auction_id

    def settle(receipt):
        market.settle(
            (auction_id, receipt.energy_wh, receipt.meter_data_hash, False),
            receipt.signature,
            b"",
            sender=provider,
        )

    settle(old)
    with reverts_with("UnexpectedState", auctionId=auction_id, actual=0, expected=2):
        settle(last)
    loss = -(-(RESERVE // PENALTY_SHARE) * (LONG_WH - old.energy_wh) // LONG_WH)
    assert balance(provider) == before + RESERVE + old.energy_wh * RATE - loss


# Whoever is not the provider


def test_a_false_provider_learns_nothing(admission, victim, stake):
    there = admission(LONG_WH)
    before = stake(there)

    def false(request, honest):
        answer = honest()
        meter = answer.meter_id, answer.meter_start_wh
        message = handshake.challenge(there.agreement, request, answer.challenge_evp, meter)
        return answer.model_copy(update={"signature": there.impostor.sign(message)})

    signed, buyer, server = charge_against(there, victim, "must be signed by", session_setup=false)
    assert server.asked == ["session-setup"]  # no signature of the consumer has left it
    assert signed == 0
    assert buyer.store.handshakes.last(there.agreement.token) is None
    assert stake(there) == before


def test_a_recorded_answer_of_the_provider_is_refused(admission, victim, stake):
    there = admission(LONG_WH)
    before = stake(there)
    recorded = there.provider.setup(there.setup_request())
    signed, _, server = charge_against(
        there, victim, "must be signed by", session_setup=lambda *_: recorded
    )
    assert server.asked == ["session-setup"]
    assert signed == 0
    assert stake(there) == before


NO_ANSWERS = {
    "what is no JSON": (b"<html>", "no message of a session"),
    "another message": (b'{"acknowledgedWh": "0"}', "no message of a session"),
    "a number out of range": (
        b'{"challengeEVP": "0x'
        + b"00" * 32
        + b'", "meterId": "0x'
        + b"00" * 32
        + b'", "meterStartWh": "'
        + str(2**63).encode()
        + b'", "signature": "0x'
        + b"00" * 65
        + b'"}',
        "no message of a session",
    ),
    "without an end": (b" " * 10**6, "has no end"),
    "nested deeply": (b"[" * 60_000, "no message of a session"),
}


@pytest.mark.parametrize(("answer", "expected"), NO_ANSWERS.values(), ids=NO_ANSWERS)
def test_an_answer_that_is_none_is_refused(admission, victim, stake, answer, expected):
    there = admission(LONG_WH)
    before = stake(there)
    signed, _, _ = charge_against(there, victim, expected, session_setup=lambda *_: answer)
    assert signed == 0
    assert stake(there) == before


def test_closing_at_once_is_not_agreed_to(admission, victim, stake):
    """The state in an answer is not signed: it ends a session early, and the provider pays too."""
    there = admission(LONG_WH)
    before = stake(there)

    def closed(answer):
        return answer.model_copy(update={"state": ChargingState.CLOSED})

    signed, buyer, _ = charge_against(
        there, victim, "has not ended on the chain yet", meter_value=twist_later(closed)
    )
    assert 0 < signed < LONG_WH
    assert not any(one.last for one in buyer.store.statements.receipts(there.agreement.token))
    assert stake(there) == before


def test_f1_a_provider_that_leaves_at_once_loses_what_staying_away_costs(
    admission, victim, market, balance, consumer, provider
):
    """A real consumer signs nothing before energy has flowed, and no last receipt for who stops."""
    there = admission(LONG_WH)
    before = balance(consumer), balance(provider)

    def gone(*_):
        raise SessionError(ErrorCode.NODE_UNAVAILABLE, "gone")

    signed, _, _ = charge_against(
        there,
        victim,
        "has not ended on the chain yet",
        meter_value=twist_later_by(gone),
    )
    receipt = there.provider.acknowledged
    assert receipt is not None
    assert (receipt.energy_wh, receipt.last) == (signed, False)
    assert signed > 0
    reading = (there.agreement.auction_id, signed, receipt.meter_data_hash, False)
    market.settle(reading, receipt.signature, b"", sender=provider)

    loss = -(-(RESERVE // PENALTY_SHARE) * (LONG_WH - signed) // LONG_WH)
    cost = signed * RATE
    assert balance(provider) == before[1] + RESERVE + cost - loss
    assert balance(consumer) == before[0] + RESERVE - cost - loss


def twist_later_by(gone, after=3):
    """Honest answers, and then none."""
    seen = 0

    def value(request, honest):
        nonlocal seen
        seen += 1
        return honest() if seen <= after else gone()

    return value
