"""A Modbus device on loopback: pymodbus' own server, whose registers a test changes at will."""

from __future__ import annotations

import asyncio
import struct
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_SECONDS = 10


@contextmanager
def modbus_device(values: Callable[[], dict[int, list[int]]], port: int = 0) -> Iterator[str]:
    """Serve registers, by their address, holding and input alike; the place, `host:port`.

    They are asked for anew at every request; those of the first answer are all that there are.
    """
    at: dict[str, Any] = {}

    async def before(
        _code: int, start: int, _at: int, _count: int, current: list[int], _set: Any
    ) -> None:
        for address, words in values().items():
            if start <= address < start + len(current):
                current[address - start : address - start + len(words)] = words

    async def serve() -> None:
        blocks = [
            SimData(address, values=words, datatype=DataType.REGISTERS)
            for address, words in sorted(values().items())
        ]
        device = SimDevice(1, simdata=blocks, action=before)
        server = ModbusTcpServer(device, address=("127.0.0.1", port))
        await server.serve_forever(background=True)
        listening: Any = server.transport
        at["port"] = listening.sockets[0].getsockname()[1]
        at["end"] = asyncio.Event()
        at["loop"] = asyncio.get_running_loop()
        ready.set()
        await at["end"].wait()
        await server.shutdown()

    ready = threading.Event()
    thread = threading.Thread(target=asyncio.run, args=(serve(),), daemon=True)
    thread.start()
    assert ready.wait(_SECONDS), "the device does not start"
    try:
        yield f"127.0.0.1:{at['port']}"
    finally:
        at["loop"].call_soon_threadsafe(at["end"].set)
        thread.join(_SECONDS)


def float32(value: float) -> list[int]:
    """The registers of a number, the highest first."""
    return list(struct.unpack(">HH", struct.pack(">f", value)))


def uint32(value: int) -> list[int]:
    """The registers of a number, the highest first."""
    return list(divmod(value, 2**16))


def sunspec(import_wh: int, *, exponent: int = 0, export_wh: int = 0) -> dict[int, list[int]]:
    """A meter of SunSpec: the common model, then model 203."""
    model = [0] * 105
    model[36:38] = uint32(export_wh)
    model[44:46] = uint32(import_wh)
    model[52] = exponent % 2**16
    model[16:17] = [(-3_700) % 2**16]
    words = [0x5375, 0x6E53, 1, 66, *[0] * 66, 203, 105, *model, 0xFFFF, 0]
    return {40_000: words}
