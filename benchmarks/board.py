"""What looking at an order book costs far from the node, and how soon a bidder bids.

    python -m benchmarks.board [--auctions 300] [--latency 50] [--rounds 10]

An Anvil on this machine behind a line that takes so many milliseconds for every HTTP request, as a
node does that is a country away. The bidder runs as `ape v2v auction autobid` does, by its
defaults; the chain makes a block a second. Its reaction is counted from the block that has the
auction to the block that has its bid.
"""

from __future__ import annotations

import argparse
import json
import math
import threading
import time
from contextlib import contextmanager
from datetime import timedelta
from statistics import median
from typing import TYPE_CHECKING, Any

import ape

from ape_v2v import Market, Rate
from ape_v2v.bidding.autobidder import Autobidder
from ape_v2v.bidding.policy import Policy
from ape_v2v.chain import blocks
from ape_v2v.chain.node import Network, Node
from ape_v2v.evm.node import AnvilChain
from ape_v2v.index.board import Board
from ape_v2v.index.history import History
from benchmarks.index.trades import MAX_RATE, Trades
from tests.helpers.fault_proxy import FaultProxy

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ape_v2v.market.auction import Auction

SEPOLIA = 11_155_111
_BIDDING = 3_600  # seconds
_PATIENCE = 30.0


class Far(FaultProxy):
    """A node that is far away: each request takes its time, a batch as long as a single one."""

    def __init__(self, upstream: str, seconds: float) -> None:
        super().__init__(upstream)
        self._seconds = seconds

    def outcome(self, body: Any) -> Any:
        time.sleep(self._seconds)
        if not isinstance(body, list):
            return super().outcome(body)
        self.batches.append(len(body))
        return self.passed_on(body)


def main() -> None:
    """Measure, and print a line of JSON for each figure."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--auctions", type=int, default=300, help="that are running")
    parser.add_argument("--latency", type=float, default=50, help="milliseconds")
    parser.add_argument("--rounds", type=int, default=10, help="new auctions to react to")
    options = parser.parse_args()
    seller, buyer = ape.accounts.test_accounts[1:3]
    with AnvilChain(SEPOLIA) as chain:
        trades = Trades(chain, options.auctions, [seller.address, buyer.address])
        trades.start(_BIDDING)
        with Far(chain.url, options.latency / 1_000) as line:
            print(json.dumps(order_book(trades.market, line, options.auctions)), flush=True)
            reaction = reactions(trades.market, chain.url, line, (seller, buyer), options.rounds)
            print(json.dumps({**reaction, "others running": options.auctions}), flush=True)


def order_book(address: str, line: Far, expected: int) -> dict[str, Any]:
    """All running auctions, with the history read before and without."""
    with History(_market(address, line.url), cache=False, confirmations=0) as history:
        board = Board(history)
        with _clock() as first:
            board.refresh()
            found = len(board.running())
        line.asked.clear()
        with _clock() as again:
            board.refresh()
            found = len(board.running())
    assert found == expected, f"{found} auctions are running, not {expected}"
    return {
        "what": "order book",
        "auctions": found,
        "first look, seconds": round(first[0], 2),
        "again, seconds": round(again[0], 2),
    }


def reactions(
    address: str, url: str, line: Far, people: Sequence[Any], rounds: int
) -> dict[str, Any]:
    """How long a bidder takes to bid in a new auction."""
    seller, buyer = people
    near = _market(address, url)
    near.node.request("evm_setIntervalMining", [1])
    taken, later = [], []
    with _bidding(_market(address, line.url), seller):
        for _ in range(rounds):
            auction = near.start_auction(
                "1 kWh", Rate(1_000 * MAX_RATE), timedelta(seconds=_BIDDING), sender=buyer
            )
            began, born = time.monotonic(), blocks.height(near.node)
            _await_bid(auction, seller.address)
            taken.append(time.monotonic() - began)
            later.append(blocks.height(near.node) - born)
            auction.cancel(auction.penalty, sender=buyer)
    return {
        "what": "a bidder reacts to a new auction",
        "rounds": rounds,
        "blocks": sorted(later),
        "seconds, median": round(median(taken), 2),
        "at worst": round(max(taken), 2),
    }


def _await_bid(auction: Auction, bidder: str) -> None:
    end = time.monotonic() + _PATIENCE
    while auction.info.provider != bidder:
        if time.monotonic() > end:
            raise RuntimeError(f"no bid within {_PATIENCE:g} s")
        time.sleep(0.01)


@contextmanager
def _bidding(market: Market, account: Any) -> Iterator[None]:
    """An autobidder at work, to which only the new auctions offer enough."""
    stop, policy = threading.Event(), Policy(Rate(100 * MAX_RATE), max_auctions=10_000)
    with History(market, cache=False, confirmations=0) as history:
        board = Board(history)

        def look() -> Any:
            board.refresh()
            return board.running()

        look()
        bidder = Autobidder(market, account, policy)
        thread = threading.Thread(target=bidder.run, args=(look, stop), kwargs={"lasting": True})
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()


def _market(address: str, url: str) -> Market:
    return Market.at(address, Node(url, network=Network("ethereum-sepolia", patience=_PATIENCE)))


@contextmanager
def _clock() -> Iterator[list[float]]:
    began, seconds = time.monotonic(), [math.nan]
    yield seconds
    seconds[0] = time.monotonic() - began


if __name__ == "__main__":
    main()
