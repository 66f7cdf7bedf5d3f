"""Sessions whose meters are real devices to this program: everything but the current is there."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from ape_v2v.metering.cable import Cable
from ape_v2v.session.protocol.wire import StopReason
from ape_v2v.session.terms import Limits
from tests.helpers.charge_point import charger
from tests.helpers.modbus_device import modbus_device, sunspec
from tests.metering.test_ocmf import der
from tests.metering.test_ocpp import SIGNING as SERIAL
from tests.metering.test_ocpp import ocmf
from tests.session.pairs import SESSION_WH, free_port, settled

if TYPE_CHECKING:
    from tests.session.pairs import Pair
    from tests.session.runner import Side


POWER_W = 180_000


def until(check, seconds=60):
    """Wait until something is so."""
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.02)


def with_meter(side: Side, name: str) -> None:
    """Let a side read this meter instead of the simulated one."""
    equipment = side.plan.settings.equipment
    side.replace(equipment=equipment.model_copy(update={"meter_name": name}))


def registers_of(both: Pair, start_wh: int):
    """What a SunSpec meter at the cable shows."""
    path = both.provider.plan.settings.equipment.cable
    assert path is not None
    cable = Cable(path)

    def registers() -> dict[int, list[int]]:
        flow = cable.flow()
        return sunspec(start_wh + int(flow.energy_at(cable.clock()) if flow else 0))

    return registers


def test_a_session_is_metered_over_modbus_on_both_sides(pair):
    both = pair(speed=500)
    with (
        modbus_device(registers_of(both, 1_000)) as provider,
        modbus_device(registers_of(both, 77_000)) as consumer,
    ):
        options = "map=sunspec-meter&every=0.02"
        with_meter(both.provider, f"modbus:{provider}?{options}&id=SN-1")
        with_meter(both.consumer, f"modbus:{consumer}?{options}&id=SN-2")
        both.run()
    assert settled(both) == SESSION_WH
    (kept,) = both.stores[0].connections.all()
    assert (kept.meter_id.rstrip(b"\0"), kept.meter_start_wh) == (b"SN-1", 1_000)


# Chargers


def plugged_in(pair, version, **how):
    """A pair whose provider's meter and contactor are a charger's, and that charger."""
    both = pair(limits=Limits(max_unacknowledged_wh=SESSION_WH, poll=0.5))
    place = f"127.0.0.1:{free_port()}/CP1"
    equipment = both.provider.plan.settings.equipment
    flow, discharge = (
        ("export", "&discharge=yes&reserve=20") if version == "2.1" else ("import", "")
    )
    name = f"ocpp:{place}?interval=1&id=CP1-meter&flow={flow}"
    if "signs" in how:
        name = f"ocpp:{place}?interval=1&serial={SERIAL}&key={der()}"
    source = f"ocpp:{place}?interval=1&power_w={POWER_W}{discharge}"
    names = {"meter_name": name, "source_name": source}
    both.provider.replace(equipment=equipment.model_copy(update=names))
    assert equipment.cable is not None
    return both, charger(f"ws://{place}", version, equipment.cable, **how)


@pytest.mark.parametrize("version", ["1.6", "2.0.1", "2.1"])
def test_a_session_is_metered_and_switched_by_a_charger(pair, version):
    how = {}
    if version == "2.1":  # out of the vehicle
        how = {"measurand": "Energy.Active.Export.Register", "soc": lambda: 80.0}
    both, plug = plugged_in(pair, version, **how)
    with plug as there:
        both.run()
        starts = [*there.asked("RemoteStartTransaction"), *there.asked("RequestStartTransaction")]
    assert settled(both) == SESSION_WH
    assert len(starts) == 1
    assert both.delivered_wh <= SESSION_WH + 2  # it was told when to stop
    (kept,) = both.stores[0].connections.all()
    assert kept.meter_id.rstrip(b"\0") == b"CP1-meter"


def test_what_a_charger_has_signed_is_what_the_consumer_pays_for(pair):
    both, plug = plugged_in(pair, "1.6", signs=lambda wh: ocmf(wh).hex())
    settings = both.consumer.plan.settings
    both.consumer.replace(terms=settings.terms.model_copy(update={"meter_key": der()}))
    with plug:
        both.run()
    assert settled(both) == SESSION_WH


def test_a_charger_whose_register_begins_again_gives_nothing_away(pair):
    both, plug = plugged_in(pair, "2.0.1")
    with plug as there:
        both.provider.start()
        assert both.provider.await_message() == both.url
        both.consumer.start()
        until(lambda: both.delivered_wh > SESSION_WH / 3)
        there.offset_wh = -1_000
        assert both.provider.await_exit() == 0
        both.consumer.await_exit()
    paid = settled(both)
    assert paid < SESSION_WH
    assert both.stores[0].connections.get(both.token).stop_reason is StopReason.OTHER
