"""A meter that signs OCMF records, and whose register begins again at 0 when a file says so."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from ape_v2v.metering.cable import Cable
from ape_v2v.metering.signed.ocmf import OcmfMeter
from ape_v2v.metering.simulated import SimulatedMeter

if TYPE_CHECKING:
    from ape_v2v.metering.meter import MeterReading

_KEY = ec.derive_private_key(7, ec.SECP256R1())  # each process has the same one
PUBLIC_KEY = (
    _KEY.public_key()
    .public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    .hex()
)


class RestartingMeter:
    """Measures at a cable; all of its arguments are texts, as names have them."""

    def __init__(self, cable: str, name: str, start: str, restarts: str) -> None:
        self.id = name
        self._meter = SimulatedMeter(Cable(cable), id=name, start_wh=int(start))
        self._restarts = Path(restarts)
        self._signed = OcmfMeter(self, serial=name, public_key=PUBLIC_KEY)

    def read(self) -> MeterReading:
        return self._signed.read()

    def arrived(self) -> list[bytes]:
        """The record of this moment."""
        wh = self._meter.read().energy_wh
        if self._restarts.exists():
            wh = max(0, wh - int(self._restarts.read_text("ascii")))
        entry = {
            "TM": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S,%f")[:-3] + "+0000 S",
            "TX": "C", "RV": wh / 1000, "RI": "1-b:1.8.0", "RU": "kWh", "ST": "G",
        }  # fmt: skip
        payload = json.dumps(
            {"FV": "1.0", "PG": f"T{time.time_ns()}", "MS": self.id, "RD": [entry]}
        )
        signature = _KEY.sign(payload.encode(), ec.ECDSA(hashes.SHA256())).hex()
        section = json.dumps({"SA": "ECDSA-secp256r1-SHA256", "SD": signature})
        return [f"OCMF|{payload}|{section}".encode()]


def begin_again(restarts: Path, register_wh: int) -> None:
    """Let a register that shows so much begin again at 0, at once and for good."""
    made = restarts.with_suffix(".new")
    made.write_text(str(register_wh), "ascii")
    made.replace(restarts)
