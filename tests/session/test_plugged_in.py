"""Sessions whose meters are real devices to this program: everything but the current is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ape_v2v.metering.cable import Cable
from tests.helpers.modbus_device import modbus_device, sunspec
from tests.session.pairs import SESSION_WH, settled

if TYPE_CHECKING:
    from tests.session.pairs import Pair
    from tests.session.runner import Side


def with_meter(side: Side, name: str) -> None:
    """Let a side read this meter instead of the simulated one."""
    equipment = side.plan.settings.equipment
    side.replace(equipment=equipment.model_copy(update={"meter_name": name}))


def registers_of(both: Pair, start_wh: int):
    """What a SunSpec meter at the cable shows."""
    cable = Cable(both.provider.plan.settings.equipment.cable)

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
