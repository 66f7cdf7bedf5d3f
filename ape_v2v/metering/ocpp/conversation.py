"""One connection of a charger: its requests are answered, and it is asked in turn."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from ocpp import exceptions, messages
from websockets.exceptions import ConnectionClosed

from ape_v2v.metering.meter import MeterError
from ape_v2v.metering.ocpp.dialect import accepted
from ape_v2v.metering.ocpp.samples import ChargerError

if TYPE_CHECKING:
    from websockets.asyncio.server import ServerConnection

    from ape_v2v.metering.ocpp.dialect import Dialect
    from ape_v2v.metering.ocpp.station import ChargingStation

_PATIENCE_SECONDS = 10.0
_TRIGGER_SECONDS = 1.0

_logger = logging.getLogger("ape_v2v.ocpp")
_logger.addHandler(logging.NullHandler())


class Conversation:
    """Speaks with a charger until it hangs up."""

    def __init__(
        self,
        socket: ServerConnection,
        station: ChargingStation,
        dialect: Dialect,
        *,
        interval: int,
    ) -> None:
        """Take a connection.

        Args:
            socket: Open.
            station: The charger's.
            dialect: Which of them the charger speaks.
            interval: How often the charger is to measure, seconds.
        """
        self.version = dialect.version
        self._socket = socket
        self._station = station
        self._dialect = dialect
        self._interval = interval
        self._answers: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._one_at_a_time = asyncio.Lock()

    async def run(self) -> None:
        """Speak."""
        looking = asyncio.create_task(self._look_after())
        try:
            async for text in self._socket:
                await self._hear(text)
        except ConnectionClosed:
            pass
        finally:
            looking.cancel()
            for answer in self._answers.values():
                answer.cancel()

    async def ask(self, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        """Send a request, and wait for the answer.

        Raises:
            ChargerError: There is none, or it says that something is wrong.
        """
        async with self._one_at_a_time:  # as OCPP has it
            number = str(uuid4())
            call = messages.Call(number, action, payload)
            answer = self._answers[number] = asyncio.get_running_loop().create_future()
            try:
                await self._socket.send(call.to_json())
                return await asyncio.wait_for(answer, _PATIENCE_SECONDS)
            except TimeoutError as error:
                raise ChargerError(
                    f"the charger has not answered {action} within {_PATIENCE_SECONDS:g} s"
                ) from error
            except (ConnectionClosed, asyncio.CancelledError) as error:
                if isinstance(error, asyncio.CancelledError) and not answer.cancelled():
                    raise
                raise ChargerError(
                    f"the charger has hung up before it answered {action}"
                ) from error
            finally:
                del self._answers[number]

    async def _hear(self, text: str | bytes) -> None:
        try:
            message = messages.unpack(text)
        except (exceptions.OCPPError, ValueError, LookupError, RecursionError) as error:
            _logger.info("%s sends what is no OCPP: %r", self._station.name, error)
            return
        if isinstance(message, messages.Call):
            answer = self._answered(message)
            with suppress(ConnectionClosed):
                await self._socket.send(answer.to_json())
            return
        waiting = self._answers.get(message.unique_id) if _is_text(message.unique_id) else None
        if waiting is None or waiting.done():
            return  # too late, or never asked for
        if isinstance(message, messages.CallResult) and isinstance(message.payload, dict):
            waiting.set_result(message.payload)
        else:
            code = getattr(message, "error_code", "no object")
            words = str(getattr(message, "error_description", ""))[:100]
            waiting.set_exception(ChargerError(f"the charger answers {code} {words}".rstrip()))

    def _answered(self, call: messages.Call) -> Any:
        """The answer to a charger's request."""
        if not isinstance(call.action, str) or not isinstance(call.payload, dict):
            return call.create_call_error(exceptions.FormatViolationError())
        try:
            answer = self._dialect.hear(self._station, call.action, call.payload)
        except MeterError as error:
            self._station.refuse(str(error))
            return call.create_call_error(exceptions.FormatViolationError(str(error)))
        if answer is None:
            return call.create_call_error(exceptions.NotImplementedError())
        return call.create_call_result(answer)

    async def _look_after(self) -> None:
        """Have the charger measure: as often as is wished, and at once where it says nothing."""
        station = self._station
        with suppress(ChargerError):
            await self.ask(*self._dialect.settings(self._interval))
        while True:
            if station.silent_for > 2 * self._interval:
                try:
                    answer = await self.ask(*self._dialect.measure(station.outlet))
                    station.triggers = accepted(answer)
                except ChargerError:
                    station.triggers = False
            await asyncio.sleep(max(_TRIGGER_SECONDS, self._interval / 2))


def _is_text(value: object) -> bool:
    return isinstance(value, str)
