"""What the light client costs: a cold start from a checkpoint a year old, and a look each day.

    python -m benchmarks.light_client [--periods 320]

A test chain with committees of 512, like mainnet's, is served over HTTP on this machine, packed as
beacon nodes do it. The client is a process of its own on one core; times are what it computes.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ape_v2v.lightnode.beacon.networks import KNOWN_FORKS, BeaconNetwork, Fork

if TYPE_CHECKING:
    from collections.abc import Sequence

_YEAR = 320  # periods of 27 hours
_DAY = 86_400
_LOOKS = 24  # a day
_VALIDATORS = 8_192
_ROOM = 64  # slots from the head until now
_FORKS = tuple(
    Fork(name, bytes([number + 1, 0, 0, 1]), 0) for number, name in enumerate(KNOWN_FORKS)
)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--periods", type=int, default=_YEAR, help="how old the checkpoint is")
    parser.add_argument("--client", metavar="JSON", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.client is not None:
        print(json.dumps(_client(**json.loads(options.client))))
        return 0
    print(_measured(options.periods))
    return 0


def _measured(periods: int) -> str:
    from tests.lightnode.beacon.chain import Chain  # noqa: PLC0415 - the client goes without
    from tests.lightnode.beacon.node import Served, beacon_node  # noqa: PLC0415

    genesis_time = int(time.time()) - 12 * (8_192 * periods + 4_096 + _ROOM)
    # So many that hardly a key is seen twice, as on mainnet.
    chain = Chain(_network(genesis_time), pool=_VALIDATORS)
    head = 8_192 * periods + 4_096
    began = time.monotonic()
    served = Served.until(chain, head)
    made = time.monotonic() - began
    with tempfile.TemporaryDirectory() as folder, beacon_node(served, packed=True) as node:
        plan = {
            "genesis_time": genesis_time,
            "url": node.url,
            "path": str(Path(folder) / "light.sqlite"),
            "checkpoint": served.checkpoint.root.hex(),
        }
        cold = _run(plan)
        newer = chain.block(head + 32, chain.block(head))
        for kind in ("finality_update", "optimistic_update"):
            setattr(served, kind, chain.update(newer, kind=kind))
        look = _run(plan)
        again = chain.block(head + 33, chain.block(head))
        for kind in ("finality_update", "optimistic_update"):
            setattr(served, kind, chain.update(again, kind=kind))
        assert _run(plan)["slot"] == head, "a newer head that finalizes nothing new"
    assert cold["periods"] == periods, cold
    committee = cold["received"] / (periods + 1)
    day = committee * _DAY / (8_192 * 12) + _LOOKS * look["received"]
    rows = [
        ("", "measured"),
        (f"cold start over {periods} periods", f"{cold['seconds']:.1f} s on one core"),
        ("its memory, all in all", f"{cold['memory'] / 2**20:.0f} MB"),
        ("what it loads", f"{cold['received'] / 1e6:.1f} MB"),
        ("a committee, every 27 hours", f"{committee / 1e3:.1f} kB"),
        ("a look at the newest block, afterwards", f"{look['seconds']:.2f} s"),
        ("the same with the start of Python", f"{look['process']:.2f} s"),
        ("what a look loads", f"{look['received'] / 1e3:.1f} kB"),
        (f"a day with {_LOOKS} looks", f"{day / 1e3:.0f} kB"),
        ("what is kept on disk", f"{cold['disk'] / 1e3:.0f} kB"),
    ]
    print(f"the chain was made in {made:.0f} s", file=sys.stderr)
    lines = [f"| {name} | {value} |" for name, value in rows]
    return "\n".join([lines[0], "| --- | --- |", *lines[1:]])


def _network(genesis_time: int) -> BeaconNetwork:
    return BeaconNetwork("measured", 1, genesis_time, b"\x11" * 32, _FORKS)


def _run(plan: dict[str, Any]) -> dict[str, Any]:
    """A client in a process of its own."""
    answer = subprocess.run(
        [sys.executable, "-m", "benchmarks.light_client", "--client", json.dumps(plan)],
        check=True,
        capture_output=True,
        text=True,
        timeout=600,
    )
    found: dict[str, Any] = json.loads(answer.stdout)
    return found


def _client(genesis_time: int, url: str, path: str, checkpoint: str) -> dict[str, Any]:
    from ape_v2v.lightnode.beacon.client import LightClient  # noqa: PLC0415 - measured here
    from ape_v2v.lightnode.beacon.head import HeadKind  # noqa: PLC0415
    from ape_v2v.lightnode.beacon.keeping import Keeper  # noqa: PLC0415
    from ape_v2v.lightnode.beacon.sources import BeaconApi  # noqa: PLC0415

    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    network = _network(genesis_time)
    began = time.process_time()
    client = LightClient(network, Keeper(Path(path), network), [BeaconApi(url, network)])
    received = 0
    if not client.has_begun:
        received += client.begin(bytes.fromhex(checkpoint), old=True).received
    report = client.follow(old=True)
    head = client.head(HeadKind.FINALIZED)
    return {
        "process": time.process_time(),
        "seconds": time.process_time() - began,
        "periods": report.periods,
        "received": received + report.received,
        "slot": head.slot,
        "memory": _most_memory(),
        "disk": sum(file.stat().st_size for file in Path(path).parent.iterdir()),
    }


def _most_memory() -> int:
    """The most that this process has had, bytes."""
    for line in Path("/proc/self/status").read_text("utf-8").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
