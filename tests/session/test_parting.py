"""Who parts before anything has flowed signs for 0 Wh, and nobody loses anything."""

from __future__ import annotations

import pytest

from ape_v2v.market.market import Market
from ape_v2v.metering.equipment import Equipment
from ape_v2v.session.consumer import Consumer
from ape_v2v.session.evidence import Dossier, check_file, check_settlement, written
from ape_v2v.session.link import serving
from ape_v2v.session.link.client import Link
from ape_v2v.session.onchain import MarketChain
from ape_v2v.session.protocol.codes import ErrorCode, LinkError, SessionError
from ape_v2v.session.protocol.signing import AccountSigner
from ape_v2v.session.protocol.wire import SessionStopReq, StopReason
from ape_v2v.session.provider import Supervisor
from ape_v2v.session.store import Store
from ape_v2v.session.terms import SessionPatience
from tests.session.attacking import (
    IMPATIENT,
    attacking,
    attacking_to_the_end,
    delivered,
    hostile,
    wait_until,
)
from tests.session.pairs import MAX_RATE, SESSION_WH

STILL = 1e-6
"""So slow that nothing flows."""
PATIENT = SessionPatience(
    for_the_last_receipt=20, between_looks=0.02, between_looks_at_the_chain=0.05
)
"""Waits for who wishes to part, however busy the machine."""


@pytest.fixture
def parting(market, consumer, tmp_path):
    """A factory of consumers that wish to stop at once."""

    def parting(there, link: Link, *, wishes: bool = True) -> Consumer:
        connection = Market.at(market.address).connection(there.agreement.auction_id)
        return Consumer(
            chain=MarketChain(connection, consumer),
            signer=AccountSigner(consumer),
            meter=Equipment(cable=there.cable.path, meter_id="consumer").meter(),
            peer=link,
            store=Store(tmp_path / "consumer.sqlite"),
            terms=IMPATIENT.model_copy(
                update={"link_timeout": 10.0, "settlement_timeout": 10.0 if wishes else 1.0}
            ),
            stop_requested=lambda: wishes,
        )

    return parting


def test_who_parts_before_anything_has_flowed_pays_nothing_and_loses_nothing(
    admission, parting, market, balance, consumer, provider
):
    there = admission(speed=STILL)
    stake = SESSION_WH * MAX_RATE  # the reserve of the one, the bond of the other
    before = balance(consumer) + stake, balance(provider) + stake
    with attacking_to_the_end(there, PATIENT) as client, Link(str(client.http.base_url)) as link:
        buyer = parting(there, link)
        result = buyer.run()
    assert (balance(consumer), balance(provider)) == before
    assert (result.problem, result.reason) == (None, StopReason.STOPPED_BY_EV)
    end = result.end
    assert (end.how, end.energy_wh, end.cost, end.penalty) == ("agreed", 0, 0, 0)
    assert market.auctions(there.agreement.auction_id).state == 0
    node = Market.at(market.address).node
    for store in (buyer.store, there.provider.store):
        file = written(Dossier.of(store, store.connections.all()[0]), "json").encode()
        checks = [*check_file(file), check_settlement(file, node)]
        assert [check for check in checks if check.problem or not check.count] == []


def test_who_is_started_again_parts_all_the_same(admission, parting):
    """Its process was killed once it had noted that it wished to stop."""
    there = admission(speed=STILL)
    with attacking_to_the_end(there, PATIENT) as client, Link(str(client.http.base_url)) as link:
        first = parting(there, link)
        first._receipts.begin(link.url)
        first.handshake()
        first.store.connections.stop(first.token, StopReason.STOPPED_BY_EV)
        result = parting(there, link, wishes=False).run()
    assert (result.end.how, result.end.energy_wh, result.end.penalty) == ("agreed", 0, 0)


def test_who_parts_while_the_provider_is_leaving_parts_all_the_same(admission, monkeypatch):
    """It has looked, nothing was to be collected, and it gives its last answers."""
    monkeypatch.setattr(serving, "_LAST_ANSWER_SECONDS", 5.0)
    looks, look = [], Supervisor.run

    def looking(self, stop):
        look(self, stop)
        looks.append(self)

    monkeypatch.setattr(Supervisor, "run", looking)
    there = admission(speed=STILL)
    with attacking_to_the_end(there) as client:
        session_id = client.admitted()
        reason = StopReason.STOPPED_BY_EV
        client.ask("session-stop", SessionStopReq(session_id=session_id, reason=reason))
        wait_until(lambda: looks, "the provider has nothing to collect")
        start = there.provider.store.statements.reading(there.agreement.token, 0)
        meter_data_hash = start.statement.meter_data_hash
        client.ask("metering-receipt", there.receipt_for(session_id, 0, meter_data_hash, last=True))
    end = there.provider.store.connections.end(there.agreement.token)
    assert (end.how, end.energy_wh, end.penalty) == ("agreed", 0, 0)


def test_nobody_parts_for_nothing_because_the_provider_stops(admission, parting):
    there = admission(speed=STILL)
    with attacking(there) as client, Link(str(client.http.base_url)) as link:
        buyer = parting(there, link, wishes=False)
        there.admitted()
        there.provider.stop_charging(StopReason.LOCAL)
        with pytest.raises(LinkError, match="has not ended on the chain"):
            buyer.run()
    assert buyer.acknowledged is None
    assert there.provider.acknowledged is None


@pytest.mark.parametrize("stops", [False, True], ids=["while it charges", "once it has stopped"])
def test_nobody_parts_for_nothing_who_has_got_something(admission, stops):
    there = admission(energy=3_000)
    session_id = there.admitted()
    start = there.provider.store.statements.reading(there.agreement.token, 0)
    there.value(session_id)
    if stops:
        reason = StopReason.STOPPED_BY_EV
        there.provider.stop(SessionStopReq(session_id=session_id, reason=reason))
    assert delivered(there) > 0
    with there.refusing(ErrorCode.UNKNOWN_METER_VALUE):
        there.provider.receipt(
            there.receipt_for(session_id, 0, start.statement.meter_data_hash, last=True)
        )


def test_a_start_that_is_not_the_meters_is_refused(admission, parting):
    there = admission(speed=STILL)

    def another(_, honest):
        answer = honest()
        start = answer.start.model_copy(update={"meter_record": b'{"energyWh": 5}'})
        return answer.model_copy(update={"start": start})

    with hostile(there.provider, authorization=another) as (url, _), Link(url, timeout=2) as link:
        buyer = parting(there, link)
        with pytest.raises(SessionError) as caught:
            buyer.run()
    assert caught.value.code is ErrorCode.WRONG_SIGNER
    assert buyer.store.statements.measured(there.agreement.token) == []
