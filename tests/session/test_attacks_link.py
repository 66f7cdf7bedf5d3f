"""Attacks from the link: who reads it, and who changes what is sent over it, without TLS."""

import json
from contextlib import closing

import pytest
from eth_utils.hexadecimal import decode_hex

from ape_v2v.session.protocol import charging
from ape_v2v.session.protocol.codes import ErrorCode
from ape_v2v.session.protocol.signing import require_signer
from ape_v2v.session.protocol.wire import SessionStopReq, StopReason
from tests.session.attacking import Client, attacking, delivered
from tests.session.pairs import MAX_RATE, RATE, SESSION_WH

INCREMENT = 100
LONG_WH = 10 * SESSION_WH


def test_who_reads_the_session_id_can_end_it_and_move_no_money(
    admission, market, balance, provider
):
    there = admission(LONG_WH)
    before = balance(provider)
    with (
        attacking(there) as client,
        closing(Client(str(client.http.base_url), there)) as eavesdropper,
    ):
        session_id = client.admitted()
        signed, _ = client.charge_up_to(session_id, INCREMENT)
        value = eavesdropper.value(session_id)
        eavesdropper.refused(
            ErrorCode.WRONG_SIGNER,
            "metering-receipt",
            there.receipt_for(session_id, *value, there.impostor),
        )
        stop = SessionStopReq(session_id=session_id, reason=StopReason.OTHER)
        assert eavesdropper.ask("session-stop", stop)["state"] == "Stopping"
        answer = eavesdropper.settlement(session_id)
    acknowledged = there.provider.acknowledged
    assert int(answer["energyWh"]) == acknowledged.energy_wh == signed
    message = charging.settlement(
        there.agreement, acknowledged.energy_wh, acknowledged.meter_data_hash
    )
    require_signer(
        message,
        decode_hex(answer["signature"]),
        there.agreement.provider,
        there.agreement.auction_id,
    )
    # It is worth as much as the consumer has signed for, and only the consumer can hand it in.
    assert delivered(there) - signed <= INCREMENT
    assert market.auctions(there.agreement.auction_id).state == 2
    assert balance(provider) == before
    receipt = there.receipt_for(session_id, signed, acknowledged.meter_data_hash, last=True)
    market.settle(
        (there.agreement.auction_id, receipt.energy_wh, receipt.meter_data_hash, True),
        receipt.signature,
        b"",
        sender=provider,
    )
    assert balance(provider) == before + LONG_WH * MAX_RATE + signed * RATE


CHANGES = {
    "energyWh": ("1", ErrorCode.UNKNOWN_METER_VALUE),
    "meterDataHash": ("0x" + "00" * 32, ErrorCode.UNKNOWN_METER_VALUE),
    "last": (True, ErrorCode.WRONG_SIGNER),
    "signature": ("0x" + "11" * 65, ErrorCode.INVALID_SIGNATURE),
    "sessionId": ("0x" + "00" * 16, ErrorCode.UNKNOWN_SESSION),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_receipt_that_is_changed_on_the_way_does_not_count(admission, name):
    there = admission(LONG_WH)
    changed, code = CHANGES[name]
    with attacking(there) as client:
        session_id = client.admitted()
        receipt = there.receipt_for(session_id, *client.value(session_id))
        client.refused(code, "metering-receipt", json.dumps(receipt.data() | {name: changed}))
        assert there.provider.acknowledged is None
        assert delivered(there) <= INCREMENT
        assert int(client.ask("metering-receipt", receipt)["acknowledgedWh"]) == receipt.energy_wh


def test_an_authorization_that_is_changed_on_the_way_does_not_count(admission):
    there = admission(LONG_WH)
    with attacking(there) as client:
        good = there.authorization(*client.set_up())
        for name, changed, code in (
            ("token", "0x" + "00" * 32, ErrorCode.WRONG_TOKEN),
            ("challengeEVC", "0x" + "00" * 32, ErrorCode.UNKNOWN_SETUP),
            ("challengeEVP", "0x" + "00" * 32, ErrorCode.UNKNOWN_SETUP),
            ("publicKey", "0x" + "11" * 64, ErrorCode.WRONG_PUBLIC_KEY),
            ("signature", "0x" + "00" * 65, ErrorCode.INVALID_SIGNATURE),
        ):
            client.refused(code, "authorization", json.dumps(good.data() | {name: changed}))
        client.ask("authorization", good)


def test_what_is_sent_twice_counts_once(admission):
    there = admission(LONG_WH)
    with attacking(there) as client:
        session_id = client.admitted()
        first = client.value(session_id)
        client.acknowledge(session_id, *first)
        signed, _ = client.charge_up_to(session_id, INCREMENT)
        before = there.stored
        for path, text in [e for e in client.heard if e[0] == "metering-receipt"]:
            assert int(client.send(path, text).json()["acknowledgedWh"]) == signed
        assert there.stored == before
        answers = [client.settlement(session_id) for _ in range(2)]
        assert answers[0] == answers[1]
