"""What reading, keeping and asking a market's history costs.

    python -m benchmarks.index [--events 100000] [--kept 1000000]

Either may be 0, and is left out then. Trades are made on an Anvil of its own, which takes longer
than all that is measured, and read from it by HTTP; CPU is this process's alone.
Commands run as a user would run them, with the history already kept: their figures include Python
and Ape starting. A million events are more than an Anvil makes in a reasonable time: those are made
up, and kept in SQLite.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from ape_v2v import Market
from ape_v2v.chain.node import Node
from ape_v2v.evm.node import AnvilChain
from ape_v2v.index.history import History
from ape_v2v.index.storage.selection import Selection
from ape_v2v.index.storage.store import EventStore
from benchmarks.index import made
from benchmarks.index.trades import Trades

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_HISTORY = ("ape", "v2v", "history")
COMMANDS = (("events",), ("events", "--json"), ("records",))
SEPOLIA = 11_155_111
_CONSUMERS = 20_000  # of the events that are made up
_ASKED = 50  # accounts


def main() -> None:
    """Measure, and print a line of JSON for each figure."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--events", type=int, default=100_000, help="on an Anvil")
    parser.add_argument("--kept", type=int, default=1_000_000, help="made up")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if options.events:
            with AnvilChain(SEPOLIA) as chain:
                trades = Trades(chain)
                while trades.events < options.events:
                    trades.trade()
                for figure in reading(chain, trades, Path(folder)):
                    _print(figure)
        if options.kept:
            _print(filtering(options.kept, Path(folder) / "kept.sqlite"))


def reading(chain: AnvilChain, trades: Trades, folder: Path) -> Iterator[dict[str, Any]]:
    """The first look at a market, and later ones."""
    market = Market.at(trades.market, Node(chain.url))
    with History(market, cache=folder, confirmations=0) as history:
        with _clock() as seconds:
            history.refresh()
        yield {"what": "first index", "events": trades.events, **seconds}
    with History(market, cache=folder, confirmations=0) as history:
        with _clock() as seconds:
            auctions = history.auctions()
        yield {"what": "auctions(), warm", "auctions": len(auctions), **seconds}
        with _clock() as seconds:
            events = sum(1 for _ in history.events())
        assert events == trades.events, f"{events} events were read of {trades.events}"
        yield {"what": "events(), warm", "events": events, **seconds}
    (folder / "ape-config.yaml").write_text(
        f"node:\n  ethereum:\n    sepolia:\n      uri: {chain.url}\n"
    )
    place = ["--network", "ethereum:sepolia:node", "--market", trades.market]
    _run([*_HISTORY, "records", *place], folder)  # this one reads it
    for command in COMMANDS:
        figures = _run([*_HISTORY, *command, *place], folder)
        yield {"what": f"history {' '.join(command)}, warm", **figures}


def filtering(events: int, place: Path) -> dict[str, Any]:
    """An account's events among very many."""
    rounds = max(1, events // (made.EVENTS_PER_TRADE * _CONSUMERS))
    store = EventStore(place, chain_id=1, genesis=bytes(32), address="0x" + "00" * 20)
    store.begin_at(1)
    kept = 0
    for block, logs in made.trades(rounds, _CONSUMERS):
        store.append(store.position, logs, [block])
        kept += len(logs)
    taken, found = [], 0
    for number in range(_ASKED):
        account = made.account(2 + number * _CONSUMERS // _ASKED)
        began = time.perf_counter()
        found = sum(1 for _ in store.logs(Selection(account=account)))
        taken.append(time.perf_counter() - began)
    store.close()
    return {
        "what": "events of an account",
        "kept": kept,
        "found": found,
        "milliseconds": round(1_000 * median(taken), 2),
        "at worst": round(1_000 * max(taken), 2),
    }


def _run(arguments: Sequence[str], folder: Path) -> dict[str, Any]:
    """What a command takes from its start to its end."""
    environment = {**os.environ, "APE_DATA_FOLDER": str(folder / "ape"), "COLUMNS": "200"}
    began = time.monotonic()
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(arguments, stdout=output, env=environment, cwd=folder)
        # Unlike `Popen.wait`, this says what that one process used.
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - began
        if code := os.waitstatus_to_exitcode(status):
            raise RuntimeError(f"{' '.join(arguments)} ended with exit code {code}")
        output.seek(0)
        lines = sum(1 for _ in output)
    unit = 1 if sys.platform == "darwin" else 1_024
    return {
        "seconds": round(seconds, 2),
        "of CPU": round(usage.ru_utime + usage.ru_stime, 2),
        "peak MB": round(usage.ru_maxrss * unit / 1e6),
        "lines": lines,
    }


@contextmanager
def _clock() -> Iterator[dict[str, float]]:
    seconds: dict[str, float] = {}
    began, used = time.monotonic(), time.process_time()
    yield seconds
    seconds["seconds"] = round(time.monotonic() - began, 3)
    seconds["of CPU"] = round(time.process_time() - used, 3)


def _print(figure: dict[str, Any]) -> None:
    print(json.dumps(figure), flush=True)


if __name__ == "__main__":
    main()
