"""Meters as they are: honest ones of every cadence agree, and a broken one gives no energy away."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest

from ape_v2v.market.market import Market
from ape_v2v.metering.cable import Cable
from ape_v2v.metering.equipment import Equipment
from ape_v2v.metering.meter import MeterError, MeterReading
from ape_v2v.session.consumer import Consumer
from ape_v2v.session.link.client import Link
from ape_v2v.session.onchain import MarketChain
from ape_v2v.session.protocol.codes import ErrorCode, SessionError
from ape_v2v.session.protocol.signing import AccountSigner
from ape_v2v.session.protocol.wire import MeterValueReq, StopReason
from ape_v2v.session.provider import Provider, Supervisor
from ape_v2v.session.store import Store
from ape_v2v.session.terms import Limits, SessionPatience
from tests.session.attacking import IMPATIENT, attacking_to_the_end, delivered

if TYPE_CHECKING:
    from collections.abc import Callable

    from ape_v2v.metering.meter import Meter

INCREMENT = 100


@dataclass
class Changed:
    """A meter whose readings a test changes, from some moment on."""

    meter: Meter
    change: Callable[[MeterReading], MeterReading] = lambda reading: reading

    @property
    def id(self) -> str:
        return self.meter.id

    def read(self) -> MeterReading:
        return self.change(self.meter.read())


@dataclass
class Slow:
    """Takes a reading every so many seconds, and shows whole steps of a register."""

    meter: Meter
    every: float
    step: int
    start_wh: int = 123
    taken: MeterReading | None = None
    at: float = field(default=0.0)

    @property
    def id(self) -> str:
        return self.meter.id

    def read(self) -> MeterReading:
        if self.taken is None or time.monotonic() - self.at >= self.every:
            self.taken, self.at = self.meter.read(), time.monotonic()
        energy = (self.start_wh + self.taken.energy_wh) // self.step * self.step
        return replace(
            self.taken,
            energy_wh=energy,
            resolution_wh=self.step,
            record=json.dumps({"energyWh": energy, "at": str(self.taken.at)}).encode(),
        )


@pytest.fixture
def charger(market, consumer, tmp_path):
    """A factory of consumers with a meter of one's own, of a provider that is served."""

    def charger(there, meter: Meter, link: Link, **terms: Any) -> Consumer:
        connection = Market.at(market.address).connection(there.agreement.auction_id)
        return Consumer(
            chain=MarketChain(connection, consumer),
            signer=AccountSigner(consumer),
            meter=meter,
            peer=link,
            store=Store(tmp_path / "consumer.sqlite"),
            terms=IMPATIENT.model_copy(
                update={"link_timeout": 10.0, "stall_timeout": 10.0, "settlement_timeout": 10.0}
                | terms
            ),
        )

    return charger


def own_meter(there) -> Meter:
    return Equipment(cable=there.cable.path, meter_id="consumer").meter()


# Honest meters agree


@pytest.mark.parametrize(
    ("power_w", "every", "step"),
    [
        (11_000, 0.25, 1),
        (50_000, 0.25, 1),
        (150_000, 0.25, 1),
        (11_000, 0, 10),
        (150_000, 0.25, 10),
    ],
)
def test_honest_meters_of_any_cadence_and_resolution_agree(
    admission, charger, power_w, every, step
):
    # Four times as fast as life: a quarter of a second is a second.
    there = admission(energy=300, speed=4 * power_w / 11_000)
    with attacking_to_the_end(there) as client, Link(str(client.http.base_url)) as link:
        meter = Slow(own_meter(there), every, step)
        result = charger(there, meter, link, meter_interval=2.0).run()
    assert result.problem is None
    assert result.acknowledged_wh == 300


def test_meters_that_disagree_are_found_out_once_the_own_one_has_caught_up(admission, charger):
    there = admission(energy=3_000)
    with attacking_to_the_end(there) as client, Link(str(client.http.base_url)) as link:
        meter = Changed(own_meter(there), lambda r: replace(r, energy_wh=r.energy_wh // 2))
        buyer = charger(there, meter, link)
        with pytest.raises(SessionError, match=r"nothing is signed .*: the provider's meter says"):
            buyer.run()
    assert buyer.acknowledged is None
    assert delivered(there) <= INCREMENT


@dataclass
class Hiccup:
    """Fails for some readings in a row."""

    meter: Meter
    first: int
    times: int = 3
    count: int = 0

    @property
    def id(self) -> str:
        return self.meter.id

    def read(self) -> MeterReading:
        self.count += 1
        if self.first <= self.count < self.first + self.times:
            raise MeterError("a garbled line")
        return self.meter.read()


@pytest.mark.parametrize("side", ["provider", "consumer"])
def test_a_reading_that_cannot_be_used_is_tried_again(admission, charger, side):
    there = admission(energy=300)
    meter = own_meter(there)
    if side == "provider":
        register = there.provider.delivery.register
        register.meter = Hiccup(register.meter, 12)
    else:
        meter = Hiccup(meter, 4)
    with attacking_to_the_end(there) as client, Link(str(client.http.base_url)) as link:
        result = charger(there, meter, link).run()
    assert (result.problem, result.acknowledged_wh) == (None, 300)


# A register gives no energy away

BROKEN = {
    "it begins again at 0": (lambda r: replace(r, energy_wh=0), ErrorCode.ENERGY_DECREASED),
    # By more than may flow between two readings that are acknowledged.
    "it falls": (lambda r: replace(r, energy_wh=r.energy_wh - 300), ErrorCode.ENERGY_DECREASED),
    "another register is shown": (
        lambda r: replace(r, register="1-0:2.8.0"),
        ErrorCode.METER_REPLACED,
    ),
    "it runs ahead of the source": (
        lambda r: replace(r, energy_wh=r.energy_wh + 10**9),
        ErrorCode.ENERGY_IMPLAUSIBLE,
    ),
}


def charged_to(there, session_id, energy_wh):
    """Acknowledge readings until so much is; the last reading."""
    while True:
        energy, hash_ = there.value(session_id)
        there.provider.receipt(there.receipt_for(session_id, energy, hash_))
        if energy >= energy_wh:
            return energy


def await_fault(there, session_id):
    """Ask for readings, and acknowledge them, until there is an error that stays."""
    while True:
        try:
            energy, hash_ = there.value(session_id)
            there.provider.receipt(there.receipt_for(session_id, energy, hash_))
        except SessionError as error:
            if error.code is not ErrorCode.METER_FAILED:
                return error.code
        time.sleep(0.01)


@pytest.mark.parametrize(("change", "code"), BROKEN.values(), ids=BROKEN)
def test_a_broken_register_stops_the_flow_and_is_named(admission, change, code):
    there = admission(energy=10_000, poll=0.05, meter_patience=0.3)
    session_id = there.admitted()
    acknowledged = charged_to(there, session_id, 500)
    register = there.provider.delivery.register
    register.meter = Changed(register.meter, change)
    assert await_fault(there, session_id) is code
    assert there.provider.due_to_stop() is StopReason.OTHER
    flowed = delivered(there)
    assert flowed - acknowledged <= INCREMENT
    register.meter = register.meter.meter  # better again, and too late
    assert await_fault(there, session_id) is code
    assert delivered(there) == flowed


def test_a_broken_register_of_the_provider_ends_the_session_with_what_was_acknowledged(
    admission, charger
):
    there = admission(energy=3_000, meter_patience=0.3)
    register = there.provider.delivery.register
    register.meter = Changed(
        register.meter, lambda r: replace(r, energy_wh=0 if r.energy_wh > 500 else r.energy_wh)
    )
    with attacking_to_the_end(there) as client, Link(str(client.http.base_url)) as link:
        result = charger(there, own_meter(there), link).run()
    assert "it has fallen" in result.problem
    assert result.end.energy_wh == result.acknowledged_wh
    assert delivered(there) - result.acknowledged_wh <= INCREMENT


def test_a_register_that_stands_still_lets_no_more_than_an_increment_flow(admission):
    there = admission(energy=10_000, poll=0.05, meter_patience=0.3)
    session_id = there.admitted()
    charged_to(there, session_id, 500)
    register = there.provider.delivery.register
    still = register.meter.read()
    register.meter = Changed(register.meter, lambda r: replace(still, at=r.at))
    assert await_fault(there, session_id) is ErrorCode.ENERGY_IMPLAUSIBLE
    # By the source's count; what may be lost on the way, a fifth of a reading, comes on top.
    most = INCREMENT + INCREMENT // 2 // 5 + 2
    assert delivered(there) - there.provider.acknowledged.energy_wh <= most


def test_a_disturbance_is_borne_with(admission):
    there = admission(energy=10_000, poll=0.05, meter_patience=30)
    session_id = there.admitted()
    acknowledged = charged_to(there, session_id, 500)
    register = there.provider.delivery.register
    register.meter = Changed(register.meter, lambda r: replace(r, energy_wh=0))
    for _ in range(3):
        with pytest.raises(SessionError) as caught:
            there.provider.meter_value(MeterValueReq(session_id=session_id))
        assert caught.value.code is ErrorCode.METER_FAILED
    assert delivered(there) - acknowledged <= INCREMENT
    register.meter = register.meter.meter
    assert charged_to(there, session_id, acknowledged + 300) > acknowledged


@pytest.fixture
def restarted(market, provider, tmp_path):
    """Starts the provider of an admission again, with the same store."""

    def restarted(there, change=lambda reading: reading, patience=0.0):
        equipment = Equipment(cable=there.cable.path, meter_id="provider", speed=2_000)
        connection = Market.at(market.address).connection(there.agreement.auction_id)
        return Provider(
            chain=MarketChain(connection, provider),
            signer=AccountSigner(provider),
            meter=Changed(equipment.meter(), change),
            source=equipment.source(10_000),
            store=Store(tmp_path / "provider.sqlite"),
            limits=Limits(poll=0.05, meter_patience=patience),
        )

    return restarted


@pytest.mark.parametrize("receipts", [False, True], ids=["before the first receipt", "after some"])
def test_a_register_that_has_fallen_is_found_out_after_a_restart(admission, restarted, receipts):
    there = admission(energy=10_000)
    session_id = there.admitted()
    there.provider.delivery.register.meter = Changed(
        there.provider.delivery.register.meter, lambda r: replace(r, energy_wh=r.energy_wh + 5_000)
    )
    acknowledged = charged_to(there, session_id, 500) if receipts else 0
    if not receipts:
        there.value(session_id)
    there.provider.rest()
    before = delivered(there)

    again = restarted(there)
    assert again.delivery.register.fault.code is ErrorCode.ENERGY_DECREASED
    supervisor = Supervisor(again, SessionPatience(between_looks=0.02))
    supervisor.run(threading.Event())
    assert delivered(there) == before <= acknowledged + INCREMENT
    assert again.connection.stop_reason is StopReason.OTHER
    if receipts:  # and nothing that was acknowledged is lost
        assert supervisor.end is not None
        assert supervisor.end.energy_wh == acknowledged
    else:
        assert supervisor.end is None


def test_who_goes_on_with_another_register_is_told_to_take_the_right_one(admission, restarted):
    there = admission(energy=10_000)
    charged_to(there, there.admitted(), 500)
    there.provider.rest()
    with pytest.raises(SessionError, match="go on with that one"):
        restarted(there, BROKEN["another register is shown"][0], patience=30.0)


def test_a_broken_register_of_the_consumer_stops_the_session(admission, charger):
    there = admission(energy=3_000)
    meter = Changed(
        own_meter(there), lambda r: replace(r, energy_wh=0 if r.energy_wh > 500 else r.energy_wh)
    )
    with attacking_to_the_end(there) as client, Link(str(client.http.base_url)) as link:
        result = charger(there, meter, link).run()
    assert "it has fallen" in result.problem
    assert result.end.energy_wh == result.acknowledged_wh >= 400


def test_a_simulated_cable_that_was_taken_away_gives_nothing_for_nothing(admission, restarted):
    there = admission(energy=10_000)
    session_id = there.admitted()
    charged_to(there, session_id, 1_000)
    there.cable.path.unlink()
    again = restarted(there)
    assert "it has fallen" in str(again.delivery.register.fault)
    assert again.due_to_stop() is StopReason.OTHER
    flow = Cable(there.cable.path).flow()
    assert flow is None or flow.limit_wh == 0
