"""How fast a market's history is read and shown, and in how much memory.

ape run bench_history

Makes trades on an Anvil of its own, and then runs the commands as a user would: the figures
include Python and Ape starting.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import click
import requests
from eth_utils.address import to_checksum_address
from rich.console import Console
from rich.table import Table

from ape_v2v.evm.chains import GAS_LIMIT
from ape_v2v.evm.contracts import Interface
from ape_v2v.evm.node import AnvilChain
from ape_v2v.market import contract as artifact
from ape_v2v.market import messages
from ape_v2v.market.parameters import Parameters
from ape_v2v.market.records import auction_id

ORGANIZATION, BOB, CAROL, *CONSUMERS = (f"0x{0xE5 << 152 | number:040x}" for number in range(8))
FUNDS = 10**20
BIDDING_TIME = 600
EVENTS_PER_ROUND = 6 * len(CONSUMERS)
SECONDS = 120  # that a command may take

COMMANDS = (("events",), ("events", "--json"), ("records",))


class Call(NamedTuple):
    """A transaction that somebody sends to the market."""

    sender: str
    method: str
    arguments: Sequence[Any] = ()
    value: int = 0


@dataclass
class Trades:
    """A market on a chain, and trades that make events in it."""

    chain: AnvilChain
    interface: Interface = field(default_factory=lambda: Interface(artifact.contract_type()))
    rounds: int = 0

    def __post_init__(self) -> None:
        code = self.interface.creation_code(ORGANIZATION, Parameters().as_tuple())
        self.market = to_checksum_address(self.chain.deploy(ORGANIZATION, code))
        self.chain.request("evm_setAutomine", False)
        evs = [BOB, CAROL, *CONSUMERS]
        for account in (ORGANIZATION, *evs):
            self.chain.set_balance(account, 2 * FUNDS)
        self.block([Call(ORGANIZATION, "addEVs", (evs, [""] * len(evs)))])
        self.block([Call(ev, "deposit", value=FUNDS) for ev in evs])

    @property
    def events(self) -> int:
        """How many events there are: the owner, registrations and deposits, and the trades."""
        return 1 + 2 * (len(CONSUMERS) + 2) + self.rounds * EVENTS_PER_ROUND

    def trade(self) -> None:
        """Every consumer buys 1 kWh: five blocks."""
        self.rounds += 1
        terms = (1_000, 10**11, BIDDING_TIME, 3_600, False, "")
        offered = messages.offered(1_000, 10**11, 3_600)
        self.block([Call(consumer, "startAuction", terms) for consumer in CONSUMERS])
        auctions = [auction_id(consumer, self.rounds) for consumer in CONSUMERS]
        self.block([Call(BOB, "placeBid", (auction, 9 * 10**10, offered)) for auction in auctions])
        self.block(
            [Call(CAROL, "placeBid", (auction, 8 * 10**10, offered)) for auction in auctions]
        )
        self.chain.timestamp += BIDDING_TIME
        pairs = list(zip(CONSUMERS, auctions, strict=True))
        self.block([Call(consumer, "endAuction", (auction,)) for consumer, auction in pairs])
        self.block([Call(consumer, "endConnection", (auction,)) for consumer, auction in pairs])

    def block(self, calls: Sequence[Call]) -> None:
        """Mine a block of calls."""
        transactions = [
            {
                "from": call.sender,
                "to": self.market,
                "data": "0x" + self.interface.call_data(call.method, *call.arguments).hex(),
                "value": hex(call.value),
                "gas": hex(GAS_LIMIT // 8),
                "gasPrice": "0x0",
            }
            for call in calls
        ]
        batch = [
            {"jsonrpc": "2.0", "id": id_, "method": "eth_sendTransaction", "params": [transaction]}
            for id_, transaction in enumerate(transactions)
        ]
        answers = requests.post(self.chain.url, json=batch, timeout=SECONDS).json()
        if errors := [answer["error"] for answer in answers if "error" in answer]:
            raise click.ClickException(f"Anvil refused a transaction: {errors[0]}")
        self.chain.timestamp += 1
        self.chain.request("evm_setNextBlockTimestamp", self.chain.timestamp)
        self.chain.request("evm_mine")


@dataclass(frozen=True)
class Run:
    """What a command took."""

    seconds: float
    cpu_seconds: float
    peak_mb: float
    lines: int


def run(arguments: Sequence[str], environment: dict[str, str]) -> Run:
    """Run a command to its end.

    Raises:
        ClickException: It failed, or took too long.
    """
    with tempfile.TemporaryFile() as output:
        began = time.monotonic()
        process = subprocess.Popen(arguments, stdout=output, env=os.environ | environment)
        # Unlike `Popen.wait`, this says what that one process used.
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - began
        if code := os.waitstatus_to_exitcode(status):
            raise click.ClickException(f"{' '.join(arguments)} ended with exit code {code}")
        output.seek(0)
        lines = sum(1 for _ in output)
    unit = 1 if sys.platform == "darwin" else 1_024
    return Run(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * unit / 1e6, lines)


@click.command(short_help="How fast the history is read and shown")
@click.option("--events", "wanted", default=10_000, show_default=True, type=click.IntRange(100))
def cli(wanted: int) -> None:
    console = Console()
    table = Table(
        "command", "seconds", "of CPU", "events/s", "peak MB", "lines", box=None, pad_edge=False
    )
    with AnvilChain() as chain:
        began = time.monotonic()
        trades = Trades(chain)
        while trades.events < wanted:
            trades.trade()
        height = int(chain.request("eth_blockNumber"), 16)
        console.print(
            f"{trades.events:,} events in {height:,} blocks, "
            f"made in {time.monotonic() - began:.1f} s"
        )
        for command in COMMANDS:
            arguments = ["ape", "v2v", "history", *command, "--market", trades.market]
            result = run(arguments, {"APE_FOUNDRY_HOST": chain.url, "COLUMNS": "200"})
            table.add_row(
                " ".join(command),
                f"{result.seconds:.1f}",
                f"{result.cpu_seconds:.1f}",
                f"{trades.events / result.seconds:,.0f}",
                f"{result.peak_mb:.0f}",
                f"{result.lines:,}",
            )
    console.print(table)
