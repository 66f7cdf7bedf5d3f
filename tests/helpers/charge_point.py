"""A charger on loopback: the charge-point side of the `ocpp` library, at a simulated cable.

Its contactor is the cable's source, its meter hangs at the same cable. It keeps to schedules, or
does not, measures as often as it likes, and hangs up when a test wants it to.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import math
import ssl
import threading
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ocpp import v16, v21, v201
from ocpp.exceptions import NotImplementedError as NotDone
from ocpp.routing import on
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from ape_v2v.metering.cable import Cable
from ape_v2v.metering.curve import ChargingCurve
from ape_v2v.metering.simulated import SimulatedMeter, SimulatedSource

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SECONDS_PER_HOUR = 3600
_PATIENCE = 10
_SUBPROTOCOLS = {"1.6": "ocpp1.6", "2.0.1": "ocpp2.0.1", "2.1": "ocpp2.1"}

logging.getLogger("ocpp").addHandler(logging.NullHandler())


def stamp(at: datetime | None = None) -> str:
    """A time as OCPP has it."""
    return (at or datetime.now(UTC)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Charger:
    """A charger, by whichever version of OCPP it speaks."""

    def __init__(
        self,
        url: str,
        version: str,
        cable: Path,
        *,
        power_w: int = 180_000,
        every: float = 0.1,
        start_wh: int = 1_000,
        keeps_schedules: bool = True,
        takes_triggers: bool = True,
        refuses: frozenset[str] = frozenset(),
        measurand: str = "Energy.Active.Import.Register",
        unit: str = "Wh",
        soc: Callable[[], float] | None = None,
        signs: Callable[[int], str] | None = None,
        headers: dict[str, str] | None = None,
        trusts: Path | None = None,
    ) -> None:
        self.url = url
        self.version = version
        self.every = every
        self.keeps_schedules = keeps_schedules
        self.takes_triggers = takes_triggers
        self.refuses = refuses
        self.measurand = measurand
        self.unit = unit
        self.soc = soc
        self.signs = signs
        self.transaction: Any = None
        self.heard: list[tuple[str, dict[str, Any]]] = []
        """What it was asked to do."""
        self.connections = 0
        self.offset_wh = 0
        """What its register shows besides: a test lets it fall."""
        self._headers = headers or {}
        self._trusts = None if trusts is None else ssl.create_default_context(cafile=trusts)
        self._cable = Cable(cable)
        self.source = self._source(power_w)
        self.meter = SimulatedMeter(Cable(cable), id="charger", start_wh=start_wh)
        self._numbers = itertools.count(1)
        self._end = threading.Event()
        self._socket: Any = None
        self.point: Any = None
        self._loop: Any = None
        self.closed_with: Any = None

    # What a test does with it

    def cut(self) -> None:
        """Cut the connection; it comes back by itself."""
        asyncio.run_coroutine_threadsafe(self._socket.close(), self._loop).result(_PATIENCE)

    def send(self, request: Any, **how: Any) -> Any:
        """Send a request of the library's, and return the answer."""
        sending = self.point.call(request, suppress=False, **how)
        return asyncio.run_coroutine_threadsafe(sending, self._loop).result(_PATIENCE)

    def send_raw(self, text: str | bytes) -> None:
        """Send whatever."""
        asyncio.run_coroutine_threadsafe(self._socket.send(text), self._loop).result(_PATIENCE)

    def asked(self, action: str) -> list[dict[str, Any]]:
        """What it was asked of one kind."""
        return [payload for name, payload in self.heard if name == action]

    # What it does by itself

    def run(self) -> None:
        asyncio.run(self._run())

    def end(self) -> None:
        self._end.set()

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        while not self._end.is_set():
            with suppress(OSError, WebSocketException, TimeoutError):
                await self._connect()
            await asyncio.sleep(0.05)

    async def _connect(self) -> None:
        protocol: Any = _SUBPROTOCOLS[self.version]
        async with connect(
            self.url,
            subprotocols=[protocol],
            additional_headers=self._headers,
            compression=None,
            ssl=self._trusts,
        ) as socket:
            self._socket = socket
            self.connections += 1
            self.point = _POINTS[self.version](self, socket)
            tasks = [asyncio.create_task(self.point.start()), asyncio.create_task(self._live())]
            try:
                while not self._end.is_set() and not any(task.done() for task in tasks):
                    await asyncio.sleep(0.02)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
        self.closed_with = socket.close_code

    async def _live(self) -> None:
        await self.point.boot()
        while True:
            if self.transaction is not None:
                with suppress(ConnectionClosed):
                    await self.point.measure("Sample.Periodic")
            await asyncio.sleep(self.every)

    def samples(self, context: str) -> list[dict[str, Any]]:
        """What it measures now, as 1.6 has it, all but the unit."""
        reading = self.meter.read()
        wh = reading.energy_wh + self.offset_wh
        values: list[dict[str, Any]] = [
            {"value": wh, "measurand": self.measurand, "context": context},
            {"value": reading.power_w, "measurand": "Power.Active.Import", "context": context},
            {"value": 16, "measurand": "Current.Import", "phase": "L1", "context": context},
        ]
        if self.soc is not None:
            values.append({"value": self.soc(), "measurand": "SoC", "context": context})
        return values

    def follow(self, periods: list[dict[str, Any]]) -> None:
        """Let energy flow as a schedule says: its power for its seconds."""
        first, *rest = periods
        # The library's names of fields are those of Python.
        power = abs(first.get("limit") or first.get("setpoint") or 0)
        seconds = rest[0]["start_period"] if rest else math.inf if power else 0
        if not power:
            self.source.stop()
            return
        self.source = self._source(power)
        most = self.source.delivered_wh + min(power * seconds / SECONDS_PER_HOUR, 1e8)
        self.source.allow(math.ceil(most))

    def _source(self, power_w: int) -> SimulatedSource:
        return SimulatedSource(self._cable, ChargingCurve.for_energy(10**9, power_w))

    def begin(self, transaction: Any, periods: list[dict[str, Any]] | None) -> None:
        """Close the contactor."""
        self.transaction = transaction
        if periods is None or not self.keeps_schedules:
            self.source.allow(10**8)
        else:
            self.follow(periods)

    def stop(self) -> None:
        """Open it."""
        self.transaction = None
        self.source.stop()

    def judge(self, action: str, payload: dict[str, Any]) -> str:
        self.heard.append((action, payload))
        return "Rejected" if action in self.refuses else "Accepted"


class Point16(v16.ChargePoint):
    def __init__(self, charger: Charger, socket: Any) -> None:
        super().__init__("CP1", socket, response_timeout=_PATIENCE)
        self.charger = charger

    async def boot(self) -> None:
        await self.call(v16.call.BootNotification("Model", "Maker"))
        status = v16.call.StatusNotification(1, "NoError", "Preparing")
        await self.call(status)

    async def measure(self, context: str) -> None:
        values = []
        for sample in self.charger.samples(context):
            value = sample["value"]
            if sample["measurand"] == self.charger.measurand:
                value = value / 1000 if self.charger.unit == "kWh" else value
                sample |= {"unit": self.charger.unit}
            values.append(sample | {"value": str(value)})
        if self.charger.signs is not None:
            values.append({"value": self.charger.signs(self._wh()), "format": "SignedData"})
        sample = {"timestamp": stamp(), "sampled_value": values}
        number = self.charger.transaction
        await self.call(v16.call.MeterValues(1, [sample], number), skip_schema_validation=True)

    def _wh(self) -> int:
        return self.charger.meter.read().energy_wh + self.charger.offset_wh

    @on("ChangeConfiguration")
    def on_change(self, **asked: Any) -> Any:
        return v16.call_result.ChangeConfiguration(self.charger.judge("ChangeConfiguration", asked))

    @on("TriggerMessage")
    def on_trigger(self, **asked: Any) -> Any:
        self.charger.judge("TriggerMessage", asked)
        if not self.charger.takes_triggers:
            raise NotDone
        asyncio.get_running_loop().create_task(self.measure("Trigger"))
        return v16.call_result.TriggerMessage("Accepted")

    @on("RemoteStartTransaction")
    def on_start(self, **asked: Any) -> Any:
        status = self.charger.judge("RemoteStartTransaction", asked)
        if status == "Accepted":
            asyncio.get_running_loop().create_task(self.begin(asked))
        return v16.call_result.RemoteStartTransaction(status)

    async def begin(self, asked: dict[str, Any]) -> None:
        answer = await self.call(v16.call.StartTransaction(1, asked["id_tag"], self._wh(), stamp()))
        if answer.id_tag_info["status"] == "Accepted":
            profile = asked.get("charging_profile")
            schedule = profile and profile["charging_schedule"]["charging_schedule_period"]
            self.charger.begin(answer.transaction_id, schedule)

    @on("SetChargingProfile")
    def on_profile(self, **asked: Any) -> Any:
        status = self.charger.judge("SetChargingProfile", asked)
        if not self.charger.keeps_schedules:
            raise NotDone
        if status == "Accepted":
            schedule = asked["cs_charging_profiles"]["charging_schedule"]
            self.charger.follow(schedule["charging_schedule_period"])
        return v16.call_result.SetChargingProfile(status)

    @on("RemoteStopTransaction")
    def on_stop(self, **asked: Any) -> Any:
        status = self.charger.judge("RemoteStopTransaction", asked)
        if status == "Accepted":
            self.charger.stop()
            ending = v16.call.StopTransaction(
                self._wh(),
                stamp(),
                asked["transaction_id"],
                "Remote",
            )
            asyncio.get_running_loop().create_task(self.call(ending))
        return v16.call_result.RemoteStopTransaction(status)


class _Point2:
    """What 2.0.1 and 2.1 have alike."""

    charger: Charger
    messages: Any
    call: Any

    def _set_up(self, charger: Charger) -> None:
        self.charger = charger
        self._count = itertools.count()

    async def boot(self) -> None:
        calls = self.messages.call
        station = {"model": "Model", "vendor_name": "Maker"}
        await self.call(calls.BootNotification(station, "PowerUp"))

    def values(self, context: str) -> list[dict[str, Any]]:
        values = []
        for sample in self.charger.samples(context):
            if sample["measurand"] == self.charger.measurand and self.charger.unit == "kWh":
                sample |= {"unit_of_measure": {"unit": "Wh", "multiplier": 3}}
                sample["value"] /= 1000
            values.append(sample)
        if self.charger.signs is not None:
            values[0] |= {
                "signed_meter_value": {
                    "signed_meter_data": self.charger.signs(values[0]["value"]),
                    "signing_method": "",
                    "encoding_method": "OCMF",
                    "public_key": "",
                }
            }
        return [{"timestamp": stamp(), "sampled_value": values}]

    async def measure(self, context: str) -> None:
        if self.charger.transaction is None:
            calls = self.messages.call
            await self.call(calls.MeterValues(1, self.values(context)))
        else:
            await self._event("Updated", "MeterValuePeriodic", context)

    async def _event(self, kind: str, why: str, context: str, **more: Any) -> Any:
        return await self.call(
            self.messages.call.TransactionEvent(
                event_type=kind,
                timestamp=stamp(),
                trigger_reason=why,
                seq_no=next(self._count),
                transaction_info={"transaction_id": self.charger.transaction},
                meter_value=self.values(context),
                **more,
            )
        )

    @on("SetVariables")
    def on_variables(self, **asked: Any) -> Any:
        status = self.charger.judge("SetVariables", asked)
        (data,) = asked["set_variable_data"]
        result = {key: data[key] for key in ("component", "variable")}
        return self.messages.call_result.SetVariables([result | {"attribute_status": status}])

    @on("TriggerMessage")
    def on_trigger(self, **asked: Any) -> Any:
        self.charger.judge("TriggerMessage", asked)
        if not self.charger.takes_triggers:
            raise NotDone
        asyncio.get_running_loop().create_task(self.measure("Trigger"))
        return self.messages.call_result.TriggerMessage("Accepted")

    @on("RequestStartTransaction")
    def on_start(self, **asked: Any) -> Any:
        status = self.charger.judge("RequestStartTransaction", asked)
        if status == "Accepted":
            asyncio.get_running_loop().create_task(self.begin(asked))
        return self.messages.call_result.RequestStartTransaction(status)

    async def begin(self, asked: dict[str, Any]) -> None:
        self.charger.transaction = f"tx-{next(self._count)}-{id(self)}"
        answer = await self._event(
            "Started",
            "RemoteStart",
            "Transaction.Begin",
            evse={"id": 1, "connector_id": 1},
            id_token=asked["id_token"],
        )
        profile = asked.get("charging_profile")
        schedule = profile and profile["charging_schedule"][0]["charging_schedule_period"]
        if answer.id_token_info["status"] == "Accepted":
            self.charger.begin(self.charger.transaction, schedule)

    @on("SetChargingProfile")
    def on_profile(self, **asked: Any) -> Any:
        status = self.charger.judge("SetChargingProfile", asked)
        if not self.charger.keeps_schedules:
            raise NotDone
        if status == "Accepted":
            (schedule,) = asked["charging_profile"]["charging_schedule"]
            self.charger.follow(schedule["charging_schedule_period"])
        return self.messages.call_result.SetChargingProfile(status)

    @on("RequestStopTransaction")
    def on_stop(self, **asked: Any) -> Any:
        status = self.charger.judge("RequestStopTransaction", asked)
        if status == "Accepted":
            self.charger.source.stop()
            asyncio.get_running_loop().create_task(self._finish())
        return self.messages.call_result.RequestStopTransaction(status)

    async def _finish(self) -> None:
        await self._event("Ended", "RemoteStop", "Transaction.End")
        self.charger.stop()


class Point201(_Point2, v201.ChargePoint):
    messages = v201

    def __init__(self, charger: Charger, socket: Any) -> None:
        super().__init__("CP1", socket, response_timeout=_PATIENCE)
        self._set_up(charger)


class Point21(_Point2, v21.ChargePoint):
    messages = v21

    def __init__(self, charger: Charger, socket: Any) -> None:
        super().__init__("CP1", socket, response_timeout=_PATIENCE)
        self._set_up(charger)

    @on("NotifyAllowedEnergyTransfer")
    def on_allowed(self, **asked: Any) -> Any:
        status = self.charger.judge("NotifyAllowedEnergyTransfer", asked)
        return v21.call_result.NotifyAllowedEnergyTransfer(status)


_POINTS: dict[str, Any] = {"1.6": Point16, "2.0.1": Point201, "2.1": Point21}


@contextmanager
def charger(url: str, version: str, cable: Path, **how: Any) -> Iterator[Charger]:
    """A charger that runs, in a thread of its own."""
    made = Charger(url, version, cable, **how)
    thread = threading.Thread(target=made.run, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        made.end()
        thread.join(_PATIENCE)
