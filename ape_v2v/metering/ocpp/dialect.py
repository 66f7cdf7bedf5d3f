"""How each version of OCPP says what matters here: 1.6, 2.0.1 and 2.1.

What a charger says is taken down in its `ChargingStation`; what it is asked is built here, as
JSON has it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from zlib import crc32

from ape_v2v.metering.ocpp.samples import (
    IMPORTED,
    ChargerError,
    ChargerSample,
    moment,
    samples,
    watt_hours,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from ape_v2v.metering.ocpp.station import ChargingStation

    Handler = Callable[[ChargingStation, dict[str, Any]], dict[str, Any]]

HEARTBEAT_SECONDS = 300
DISCHARGES = "2.1"
"""The version that can ask for it."""
_PROFILE_ID = 1
_FREE = "Available"
_POSITIVE_INT32 = 2**31 - 1
_HEARD = {
    *("SecurityEventNotification", "FirmwareStatusNotification", "LogStatusNotification"),
    *("DiagnosticsStatusNotification", "NotifyEvent", "NotifyReport", "NotifyMonitoringReport"),
    *("NotifyChargingLimit", "ClearedChargingLimit", "ReportChargingProfiles"),
    *("NotifyCustomerInformation", "NotifyDisplayMessages"),
}
"""What is heard, and of no interest."""

Asked = tuple[str, dict[str, Any]]


@dataclass(frozen=True)
class PowerPeriod:
    """The power from a moment of a schedule on."""

    begin: int
    """Seconds after the schedule's."""
    power_w: int
    """Below 0 out of the vehicle."""


class _Listener(ABC):
    """What both dialects do with a message: look for who takes it."""

    @property
    @abstractmethod
    def _handlers(self) -> dict[str, Handler]:
        """Who takes which message."""

    def hear(
        self, station: ChargingStation, action: str, said: dict[str, Any]
    ) -> dict[str, Any] | None:
        """Take down what a charger says; the answer, or None where the message is not known.

        Raises:
            ChargerError: It says what cannot be.
        """
        handler = self._handlers.get(action)
        return _heard(action) if handler is None else handler(station, said)


class Dialect16(_Listener):
    """OCPP 1.6."""

    version = "1.6"

    @property
    def _handlers(self) -> dict[str, Handler]:
        return {
            "Authorize": self._authorize,
            "StatusNotification": self._status,
            "StartTransaction": self._begin,
            "StopTransaction": self._end,
            "MeterValues": self._measure,
        }

    def _authorize(self, station: ChargingStation, said: dict[str, Any]) -> dict[str, Any]:
        return {"idTagInfo": _judged(said.get("idTag"), station.tag)}

    def _status(self, station: ChargingStation, said: dict[str, Any]) -> dict[str, Any]:
        if said.get("connectorId") == station.outlet and said.get("status") == _FREE:
            station.end(None)
        return {}

    def _begin(self, station: ChargingStation, said: dict[str, Any]) -> dict[str, Any]:
        # The same for a message that is repeated, and after this program was started again.
        named = [said.get(key) for key in ("connectorId", "idTag", "meterStart", "timestamp")]
        number = crc32(repr(named).encode()) & _POSITIVE_INT32 or 1
        judged = _judged(said.get("idTag"), station.tag)
        if said.get("connectorId") == station.outlet and judged["status"] == "Accepted":
            _note_count(station, said, "meterStart")
            station.begin(number)
        return {"transactionId": number, "idTagInfo": judged}

    def _end(self, station: ChargingStation, said: dict[str, Any]) -> dict[str, Any]:
        if (number := said.get("transactionId")) == station.transaction:
            for sample in samples(said.get("transactionData", [])):
                station.note(sample)
            _note_count(station, said, "meterStop")
        station.end(_transaction(number))
        return {}

    def _measure(self, station: ChargingStation, said: dict[str, Any]) -> dict[str, Any]:
        if said.get("connectorId") != station.outlet:
            return {}
        if (number := said.get("transactionId")) is not None and station.transaction is None:
            station.begin(_transaction(number))
        for sample in samples(said.get("meterValue")):
            station.note(sample)
        return {}

    # What a charger is asked

    def settings(self, seconds: int) -> Asked:
        """Have it measure every so many seconds."""
        return "ChangeConfiguration", {"key": "MeterValueSampleInterval", "value": str(seconds)}

    def measure(self, outlet: int) -> Asked:
        """Have it measure now."""
        return "TriggerMessage", {"requestedMessage": "MeterValues", "connectorId": outlet}

    def start(self, outlet: int, tag: str, periods: list[PowerPeriod] | None) -> Asked:
        """Have it begin a transaction, with a schedule if it keeps to them."""
        asked: dict[str, Any] = {"idTag": tag, "connectorId": outlet}
        if periods is not None:
            asked["chargingProfile"] = self._profile(periods)
        return "RemoteStartTransaction", asked

    def schedule(self, outlet: int, transaction: int | str, periods: list[PowerPeriod]) -> Asked:
        """Have it keep to a schedule from now on."""
        profile = self._profile(periods) | {"transactionId": transaction}
        return "SetChargingProfile", {"connectorId": outlet, "csChargingProfiles": profile}

    def stop(self, transaction: int | str) -> Asked:
        """Have it end its transaction."""
        return "RemoteStopTransaction", {"transactionId": transaction}

    def _profile(self, periods: list[PowerPeriod]) -> dict[str, Any]:
        return {
            "chargingProfileId": _PROFILE_ID,
            "stackLevel": 0,
            "chargingProfilePurpose": "TxProfile",
            "chargingProfileKind": "Absolute",
            "chargingSchedule": {
                "startSchedule": _now(),
                "chargingRateUnit": "W",
                "chargingSchedulePeriod": [
                    {"startPeriod": each.begin, "limit": each.power_w} for each in periods
                ],
            },
        }


class Dialect2(_Listener):
    """OCPP 2.0.1 and 2.1."""

    def __init__(self, version: str) -> None:
        self.version = version

    @property
    def _handlers(self) -> dict[str, Handler]:
        return {
            "Authorize": self._authorize,
            "StatusNotification": self._status,
            "TransactionEvent": self._transaction,
            "MeterValues": self._measure,
            "NotifyEVChargingNeeds": self._needs,
        }

    def _authorize(self, station: ChargingStation, said: dict[str, Any]) -> dict[str, Any]:
        return {"idTokenInfo": _judged(_part(said, "idToken").get("idToken"), station.tag)}

    def _status(self, station: ChargingStation, said: dict[str, Any]) -> dict[str, Any]:
        if said.get("evseId") == station.outlet and said.get("connectorStatus") == _FREE:
            station.end(None)
        return {}

    def _measure(self, station: ChargingStation, said: dict[str, Any]) -> dict[str, Any]:
        if said.get("evseId") == station.outlet:
            for sample in samples(said.get("meterValue")):
                station.note(sample)
        return {}

    def _transaction(self, station: ChargingStation, said: dict[str, Any]) -> dict[str, Any]:
        number = _transaction(_part(said, "transactionInfo").get("transactionId"))
        token = _part(said, "idToken")
        judged = _judged(token.get("idToken"), station.tag)
        answer = {"idTokenInfo": judged} if token else {}
        outlet = _part(said, "evse").get("id")  # later events may leave it out
        ours = outlet == station.outlet if outlet is not None else number == station.transaction
        if not ours or judged["status"] != "Accepted":
            return answer
        for sample in samples(said.get("meterValue", [])):
            station.note(sample)
        if said.get("eventType") == "Ended":
            station.end(number)
        else:
            station.begin(number)
        return answer

    def _needs(self, station: ChargingStation, said: dict[str, Any]) -> dict[str, Any]:
        if said.get("evseId") != station.outlet:
            return {"status": "Accepted"}
        needs = _part(said, "chargingNeeds")
        power = _part(needs, "v2xChargingParameters").get("maxDischargePower")
        if isinstance(power, int | float) and 0 <= power <= _POSITIVE_INT32:
            station.largest_discharge_w = int(power)
        charge = _part(needs, "dcChargingParameters").get("stateOfCharge")
        if charge is not None:
            value = {"value": charge, "measurand": "SoC"}
            (sample,) = samples([{"timestamp": _now(), "sampledValue": [value]}])
            station.note(sample)
        return {"status": "Accepted"}

    # What a charger is asked

    def settings(self, seconds: int) -> Asked:
        """Have it measure every so many seconds."""
        setting = {
            "attributeValue": str(seconds),
            "component": {"name": "SampledDataCtrlr"},
            "variable": {"name": "TxUpdatedInterval"},
        }
        return "SetVariables", {"setVariableData": [setting]}

    def measure(self, outlet: int) -> Asked:
        """Have it measure now."""
        return "TriggerMessage", {"requestedMessage": "MeterValues", "evse": {"id": outlet}}

    def start(self, outlet: int, tag: str, periods: list[PowerPeriod] | None) -> Asked:
        """Have it begin a transaction, with a schedule if it keeps to them."""
        asked = {
            "idToken": {"idToken": tag, "type": "Central"},
            "remoteStartId": 1,
            "evseId": outlet,
        }
        if periods is not None:
            asked["chargingProfile"] = self._profile(periods)
        return "RequestStartTransaction", asked

    def schedule(self, outlet: int, transaction: int | str, periods: list[PowerPeriod]) -> Asked:
        """Have it keep to a schedule from now on."""
        profile = self._profile(periods) | {"transactionId": transaction}
        return "SetChargingProfile", {"evseId": outlet, "chargingProfile": profile}

    def stop(self, transaction: int | str) -> Asked:
        """Have it end its transaction."""
        return "RequestStopTransaction", {"transactionId": transaction}

    def both_ways(self, transaction: int | str) -> Asked:
        """Allow it to take energy out of the vehicle."""
        allowed = {"allowedEnergyTransfer": ["DC_BPT", "AC_BPT"], "transactionId": transaction}
        return "NotifyAllowedEnergyTransfer", allowed

    def _profile(self, periods: list[PowerPeriod]) -> dict[str, Any]:
        schedule = {
            "id": _PROFILE_ID,
            "startSchedule": _now(),
            "chargingRateUnit": "W",
            "chargingSchedulePeriod": [self._period(each) for each in periods],
        }
        return {
            "id": _PROFILE_ID,
            "stackLevel": 0,
            "chargingProfilePurpose": "TxProfile",
            "chargingProfileKind": "Absolute",
            "chargingSchedule": [schedule],
        }

    def _period(self, period: PowerPeriod) -> dict[str, Any]:
        if period.power_w >= 0:
            return {"startPeriod": period.begin, "limit": period.power_w}
        return {
            "startPeriod": period.begin,
            "operationMode": "CentralSetpoint",
            "setpoint": period.power_w,
        }


Dialect = Dialect16 | Dialect2
_SPOKEN: dict[str, Dialect] = {
    "ocpp2.1": Dialect2(DISCHARGES),
    "ocpp2.0.1": Dialect2("2.0.1"),
    "ocpp1.6": Dialect16(),
}
SUBPROTOCOLS = tuple(_SPOKEN)
"""As WebSocket names them, the best first."""


def spoken_version(version: str) -> Dialect:
    """The dialect of a version of OCPP."""
    return _SPOKEN[f"ocpp{version}"]


def spoken(subprotocol: str) -> Dialect:
    """The dialect of a WebSocket's subprotocol."""
    return _SPOKEN[subprotocol]


def accepted(answer: dict[str, Any]) -> bool:
    """Whether a charger does what it was asked to; perhaps after it was started again."""
    status = answer.get("status")
    if isinstance(results := answer.get("setVariableResult"), list) and results:
        status = results[0].get("attributeStatus") if isinstance(results[0], dict) else None
    return status in {"Accepted", "RebootRequired"}


def _heard(action: str) -> dict[str, Any] | None:
    """The answer to what every version has, or None."""
    answers: dict[str, dict[str, Any]] = {
        "BootNotification": {
            "status": "Accepted",
            "currentTime": _now(),
            "interval": HEARTBEAT_SECONDS,
        },
        "Heartbeat": {"currentTime": _now()},
        "DataTransfer": {"status": "UnknownVendorId"},
        "NotifyEVChargingSchedule": {"status": "Accepted"},
    }
    return {} if action in _HEARD else answers.get(action)


def _judged(shown: Any, tag: str | None) -> dict[str, str]:
    """Whether a transaction may begin: with a source, only that which it has asked for."""
    return {"status": "Accepted" if tag is None or shown in {None, tag} else "Invalid"}


def _note_count(station: ChargingStation, said: dict[str, Any], key: str) -> None:
    """Take the register at a transaction's begin or end, whole Wh."""
    if key in said:
        at = moment(said.get("timestamp"))
        station.note(ChargerSample(at, {IMPORTED: watt_hours(said[key])}))


def _transaction(number: Any) -> int | str:
    if isinstance(number, bool) or not isinstance(number, int | str):
        raise ChargerError(f"the transaction is {number!r:.60}: expected its number")
    return number


def _part(said: dict[str, Any], key: str) -> dict[str, Any]:
    part = said.get(key)
    if part is None:
        return {}
    if not isinstance(part, dict):
        raise ChargerError(f"{key} is {part!r:.60}: expected an object")
    return part


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
