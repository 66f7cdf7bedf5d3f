"""The charging session of the demo: the two commands, each a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ape_v2v.errors import V2VError
from ape_v2v.session.store import Store
from ape_v2v.units import Energy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ape.api import AccountAPI

    from ape_v2v.market.connection import Connection
    from ape_v2v.market.statements import EnergyStatement

METER = "ACME-EM24-00042"
POWER_W = 11_000
_SPEED = 2_000  # simulated seconds per second: 100 minutes in 3 s
_INCREMENT = Energy.parse("2 kWh")
_PATIENCE = 60  # seconds


class ChargingFailedError(V2VError):
    """One of the two processes did not do what it was started for."""


@dataclass(frozen=True)
class Charged:
    """How the session ended."""

    energy: Energy
    transaction: str
    """That ended the connection."""
    last_receipt: EnergyStatement | None
    """As the provider has it; it needs none where everything was paid."""


def charge(
    connection: Connection,
    consumer: AccountAPI,
    provider: AccountAPI,
    limit: Energy,
    *,
    tell: Callable[[dict[str, Any]], None],
    node: str,
    sponsor: str | None = None,
    speed: int = _SPEED,
) -> Charged:
    """Run both sides until the connection is settled.

    Args:
        connection: What was awarded.
        consumer: Its account.
        provider: Its account.
        limit: Where the consumer stops.
        tell: Told what the consumer's process says, when more energy is acknowledged.
        node: The URL of the chain.
        sponsor: The URL of who pays the gas; None: each pays its own.
        speed: Simulated seconds per second.

    Raises:
        ChargingFailedError: A process ended before the session did.
    """
    token = connection.access_token
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        serves = [
            "serve", connection.id, "--speed", speed, "--power", POWER_W / 1000,
            "--max-unacknowledged", _INCREMENT, "--meter-id", METER,
        ]  # fmt: skip
        by = [] if sponsor is None else ["--sponsor", sponsor]
        with _side(folder, connection, provider, node, [*serves, *by]) as serving:
            url = _line(serving, folder)["url"]
            charges = ["charge", url, "--limit", limit, "--loss", "0.01", *by]
            with _side(folder, connection, consumer, node, charges) as charging:
                end = _follow(charging, folder, tell)
            _await_end(serving, folder)
        last = Store(folder / f"{provider.address}.sqlite").statements.highest_receipt(token)
    return Charged(Energy(end["energyWh"]), end["transaction"], last)


def _follow(
    charging: subprocess.Popen[str], folder: Path, tell: Callable[[dict[str, Any]], None]
) -> dict[str, Any]:
    """Pass on what the consumer says, until it says how the connection ended."""
    acknowledged = 0
    while True:
        said = _line(charging, folder)
        if said["event"] != "progress":
            return said
        if said["acknowledgedWh"] > acknowledged:
            tell(said)
        acknowledged = said["acknowledgedWh"]


@contextmanager
def _side(
    folder: Path, connection: Connection, account: AccountAPI, node: str, words: list[Any]
) -> Iterator[subprocess.Popen[str]]:
    """A side's process, ended with the block."""
    command = [
        Path(sys.executable).with_name("ape"), "v2v", "session", *words, "--json",
        "--account", account.alias, "--market", connection.market.address,
        "--network", "ethereum:local:foundry", "--cable", folder / "cable",
        "--store", folder / f"{account.address}.sqlite",
    ]  # fmt: skip
    with (
        (folder / "errors").open("a") as errors,
        subprocess.Popen(
            [str(word) for word in command],
            env=os.environ | {"APE_FOUNDRY_HOST": node},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as process,
    ):
        try:
            yield process
        except BaseException:
            process.kill()
            raise


def _line(process: subprocess.Popen[str], folder: Path) -> dict[str, Any]:
    """The next thing that a process says."""
    assert process.stdout is not None, "it was started with a pipe"
    line = process.stdout.readline()
    if not line:
        raise _failed(folder)
    said: dict[str, Any] = json.loads(line)
    return said


def _await_end(process: subprocess.Popen[str], folder: Path) -> None:
    try:
        process.communicate(timeout=_PATIENCE)
    except subprocess.TimeoutExpired as error:
        raise _failed(folder) from error
    if process.returncode:
        raise _failed(folder)


def _failed(folder: Path) -> ChargingFailedError:
    errors = " ".join((folder / "errors").read_text("utf-8").split())
    return ChargingFailedError(f"the charging session failed: {errors or 'without a word'}")
