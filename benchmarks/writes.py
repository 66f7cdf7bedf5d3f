"""Writes through the Python API: each done once on a bad line, and how fast on a good one.

    python -m benchmarks.writes [--writes 1000] [--bids 300]

An Anvil on this machine with Sepolia's chain id, behind a proxy that loses one answer in three;
then the same Anvil without it. "One by one" signs a bid with all known beforehand, sends it and
asks for its receipt, and does nothing else: no simulation, no fees, no note. Anvil alone is asked
one by one about pending state, because a batch can stop it; "in batches" is how every other node is
asked.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ape
from eth_account import Account

from ape_v2v import Market, Money, Parameters, Rate, V2VError
from ape_v2v.chain.node import Network, Node
from ape_v2v.evm.anvil import anvil
from ape_v2v.market.interface.access import MarketContract
from tests.helpers import faults
from tests.helpers.fault_proxy import FaultProxy, some

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ape_v2v.market.auction import Auction

SEPOLIA = 11_155_111


class AnyOther(Node):
    """This Anvil, asked as if it were another node."""

    client = "another"


GWEI = 10**9
_GAS = 200_000
_TURNS = 10


def main() -> None:
    """Measure, and print JSON."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--writes", type=int, default=1_000)
    parser.add_argument("--bids", type=int, default=300)
    options = parser.parse_args()
    with anvil("--chain-id", str(SEPOLIA)) as web3, tempfile.TemporaryDirectory() as folder:
        url = str(web3.provider.endpoint_uri)  # type: ignore[attr-defined]
        network = Network("ethereum-sepolia", patience=10, folder=Path(folder))
        print(json.dumps(on_a_bad_line(url, network, options.writes)), flush=True)
        print(json.dumps(bids(url, network, options.bids)), flush=True)


def on_a_bad_line(url: str, network: Network, writes: int) -> dict[str, Any]:
    """Deposits through a line that loses one answer in three: how often each was done."""
    market = _market(Node(url, network=network))
    ev = ape.accounts.test_accounts[1]
    before, nonce = int(market.balance(ev.address)), _nonce(market.node, ev.address)
    told = {"done": 0, "tried again": 0, "told wrong": 0}
    with FaultProxy(url, some(faults.LOST, one_in=3)) as line:
        far = Market(MarketContract(market.address, Node(line.url, network=network)))
        began = time.monotonic()
        for number in range(writes):
            done = _deposit(far, ev, told)
            arrived = (int(market.balance(ev.address)) - before) // GWEI
            told["done"] += done
            told["told wrong"] += arrived != number + 1
        seconds = time.monotonic() - began
        lost = line.faulted
    return {
        "what": "deposits through a line that loses one answer in three",
        "writes": writes,
        **told,
        "arrived": (int(market.balance(ev.address)) - before) // GWEI,
        "nonces": _nonce(market.node, ev.address) - nonce,
        "answers lost": lost,
        "seconds": round(seconds, 1),
    }


def _deposit(market: Market, ev: Any, told: dict[str, int]) -> bool:
    """Deposit, and try the same again as long as it is not told to be done."""
    for _ in range(20):
        try:
            return bool(market.deposit(Money(GWEI), sender=ev).succeeded)
        except V2VError:
            told["tried again"] += 1
    return False


def bids(url: str, network: Network, count: int) -> dict[str, Any]:
    """Bids a second: by the API in both ways, and one by one, in turns."""
    market = _market(Node(url, network=network))
    other = Market(MarketContract(market.address, AnyOther(url, network=network)))
    auction = _auction(market)
    rates = iter(range(10**12, 0, -1))
    part = max(1, count // _TURNS)
    ways: dict[str, Callable[[], None]] = {
        "by the API": lambda: _bid_by_the_api(auction, rates, part),
        "by the API in batches": lambda: _bid_by_the_api(other.auction(auction.id), rates, part),
        "signed and sent one by one": lambda: _bid_one_by_one(auction, rates, part),
    }
    taken = dict.fromkeys(ways, 0.0)
    for _ in range(_TURNS):
        for name, bid in ways.items():
            with _clock() as seconds:
                bid()
            taken[name] += seconds[0]
    *ours, least = taken.values()
    return {
        "what": "bids a second",
        "bids": _TURNS * part,
        **{name: round(_TURNS * part / seconds) for name, seconds in taken.items()},
        "ratios": [round(least / seconds, 2) for seconds in ours],
    }


def _bid_by_the_api(auction: Auction, rates: Iterator[int], count: int) -> None:
    provider, seen = ape.accounts.test_accounts[2], auction.info
    for _ in range(count):
        auction.place_bid(Rate(next(rates)), sender=provider, seen=seen)


def _bid_one_by_one(auction: Auction, rates: Iterator[int], count: int) -> None:
    account, node = ape.accounts.test_accounts[2], auction.market.node
    key = Account.from_key(account.private_key)
    nonce, terms = _nonce(node, key.address), auction.info.terms
    for number in range(count):
        transaction = {
            "chainId": node.chain_id,
            "nonce": nonce + number,
            "to": auction.market.address,
            "value": 0,
            "data": auction.market.contract.call_data("placeBid", auction.id, next(rates), terms),
            "gas": _GAS,
            "maxFeePerGas": 10 * GWEI,
            "maxPriorityFeePerGas": GWEI,
        }
        raw = key.sign_transaction(transaction).raw_transaction
        sent = node.request("eth_sendRawTransaction", [f"0x{raw.hex()}"])
        while (receipt := node.request("eth_getTransactionReceipt", [sent])) is None:
            pass
        assert receipt["status"] == "0x1", "a bid of the benchmark is refused"


def _market(node: Node) -> Market:
    organization, *evs = ape.accounts.test_accounts[:3]
    market = Market.deploy(organization, Parameters(minDecrementBps=0), node=node)
    market.add_evs([(ev.address, "") for ev in evs], sender=organization)
    for ev in evs:
        market.deposit("100 ether", sender=ev)
    return market


def _auction(market: Market) -> Auction:
    consumer = ape.accounts.test_accounts[1]
    return market.start_auction("1 kWh", Rate(10**12), timedelta(days=7), sender=consumer)


def _nonce(node: Node, account: str) -> int:
    return int(node.request("eth_getTransactionCount", [account, "latest"]), 16)


@contextmanager
def _clock() -> Iterator[list[float]]:
    began, seconds = time.monotonic(), [0.0]
    yield seconds
    seconds[0] = time.monotonic() - began


if __name__ == "__main__":
    main()
