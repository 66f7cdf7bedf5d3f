"""How many bids and trades one node takes from this client in a second."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import ape
from eth_account import Account
from eth_utils.address import to_checksum_address
from web3 import HTTPProvider
from web3.types import RPCEndpoint

from ape_v2v.evm.chains import BLOCK_GAS_LIMIT, ChainError
from ape_v2v.evm.node import AnvilChain
from ape_v2v.market.market import Market as ApiMarket
from ape_v2v.units import Energy, Money, Rate
from benchmarks.gas.designs import (
    BIDDING_TIME,
    ENERGY,
    MAX_RATE,
    TERMS,
    VALIDITY,
    OwnMarket,
)
from benchmarks.gas.scenarios import CONSUMER, PROVIDER, RIVAL
from benchmarks.gas.stage import Stage

if TYPE_CHECKING:
    from ape.api import AccountAPI
    from eth_account.signers.local import LocalAccount

    from ape_v2v.evm.contracts import Interface
    from ape_v2v.market.auction import Auction

BATCH = 400
"""Bids that are sent at once; they fit into one block."""
_BATCHES = 2
_TRADES = 20
_API_BIDS = 20
_API_TRADES = 4
_SEND = RPCEndpoint("eth_sendRawTransaction")


@dataclass(frozen=True)
class Throughput:
    """Per second, on one Anvil on this machine: the best of several runs.

    Whatever else the machine does only takes away from what a run can show.
    """

    batched_bids: float
    """Signed beforehand, sent as one JSON-RPC batch, mined as one block: what the node can do."""
    raw_bids: float
    """Signed and sent one after another, each awaited: what a plain client can do."""
    raw_trades: float
    api_bids: float
    """Through this package's Python objects on Ape: each bid is simulated, signed, awaited."""
    api_trades: float
    runs: int
    load: float
    """What the machine had to do in the minute before: processes that wanted to run."""


def measure(interface: Interface, runs: int = 5) -> Throughput:
    """Measure it; Ape must be connected to a local chain."""
    load = os.getloadavg()[0]
    raw, api = [], []
    for _ in range(runs):
        with AnvilChain() as chain:
            client = _Client(chain, interface)
            raw.append((client.batched_bids(), client.bids(), client.trades()))
        api.append(_api())
    batched, bids, trades = map(max, zip(*raw, strict=True))
    api_bids, api_trades = map(max, zip(*api, strict=True))
    return Throughput(batched, bids, trades, api_bids, api_trades, runs, load)


class _Client:
    """Somebody with keys and a node's address, and nothing else."""

    def __init__(self, chain: AnvilChain, interface: Interface) -> None:
        self.stage = Stage(chain, interface)
        self.market = OwnMarket(self.stage)
        self.market.register([CONSUMER, PROVIDER, RIVAL])
        for ev in (CONSUMER, PROVIDER, RIVAL):
            self.market.deposit(ev)
        self.market.trade(CONSUMER, [PROVIDER, RIVAL])
        self.http = HTTPProvider(chain.url)
        self._nonces: dict[str, int] = {}
        self._auction_id = self.market.auction_id(CONSUMER)

    def batched_bids(self) -> float:
        chain = self.stage.chain
        self._start()
        chain.request("evm_setAutomine", False)
        seconds, rate = 0.0, MAX_RATE
        for _ in range(_BATCHES):
            signed = []
            for _ in range(BATCH):
                rate = rate * 99 // 100
                # One bidder, who lowers its own bid: a block orders several as it likes.
                signed.append(self._bid(RIVAL, rate))
            chain.request("evm_setNextBlockTimestamp", chain.timestamp)
            began = time.perf_counter()
            self.http.make_batch_request([(_SEND, [one]) for one in signed])
            chain.request("evm_mine")
            seconds += time.perf_counter() - began
            self._expect(BATCH)
        chain.request("evm_setAutomine", True)
        self._finish()
        return _BATCHES * BATCH / seconds

    def bids(self) -> float:
        self._start()
        rate = MAX_RATE
        began = time.perf_counter()
        for number in range(BATCH):
            rate = rate * 99 // 100
            self._send(self._bid((PROVIDER, RIVAL)[number % 2], rate))
        seconds = time.perf_counter() - began
        self._finish()
        return BATCH / seconds

    def trades(self, count: int = _TRADES) -> float:
        chain = self.stage.chain
        terms = (ENERGY, MAX_RATE, BIDDING_TIME, VALIDITY, False, "")
        self._nonces.clear()
        began = time.perf_counter()
        for _ in range(count):
            self._send(self._sign(CONSUMER, "startAuction", *terms))
            self._auction_id += 1
            self._send(self._bid(PROVIDER, MAX_RATE))
            self._send(self._bid(RIVAL, MAX_RATE // 2))
            chain.timestamp += BIDDING_TIME + 1
            chain.request("evm_setNextBlockTimestamp", chain.timestamp)
            self._send(self._sign(CONSUMER, "endAuction", self._auction_id))
            self._send(self._sign(CONSUMER, "endConnection", self._auction_id))
        return count / (time.perf_counter() - began)

    def _bid(self, ev: LocalAccount, rate: int) -> str:
        return self._sign(ev, "placeBid", self._auction_id, rate, TERMS)

    def _sign(self, sender: LocalAccount, method: str, *arguments: Any) -> str:
        chain = self.stage.chain
        if sender.address not in self._nonces:
            count = chain.request("eth_getTransactionCount", sender.address, "latest")
            self._nonces[sender.address] = int(count, 16)
        nonce = self._nonces[sender.address]
        self._nonces[sender.address] += 1
        signed = Account.sign_transaction(
            {
                "to": to_checksum_address(self.stage.address),
                "data": self.stage.interface.call_data(method, *arguments),
                "value": 0,
                "gas": BLOCK_GAS_LIMIT // BATCH,
                "gasPrice": 0,
                "nonce": nonce,
                "chainId": chain.chain_id,
            },
            sender.key,
        )
        return str(signed.raw_transaction.to_0x_hex())

    def _send(self, raw: str) -> None:
        chain = self.stage.chain
        sent = chain.request("eth_sendRawTransaction", raw)
        while not (receipt := chain.request("eth_getTransactionReceipt", sent)):
            pass
        if receipt["status"] != "0x1":
            raise ChainError("a transaction of the throughput run reverted")

    def _expect(self, count: int) -> None:
        block = self.stage.chain.request("eth_getBlockByNumber", "latest", False)
        logs = self.stage.chain.request("eth_getLogs", {"blockHash": block["hash"]})
        if len(logs) != count:
            raise ChainError(f"{len(logs)} of {count} bids were accepted")

    def _start(self) -> None:
        self.market.start(CONSUMER)
        self._auction_id += 1  # the round is its last part
        self._nonces.clear()

    def _finish(self) -> None:
        self.market.wait(2 * BIDDING_TIME)
        self.market.award(CONSUMER, RIVAL)
        self.market.pay(CONSUMER)


def _api() -> tuple[float, float]:
    """Bids and trades per second through the Python objects, on Ape's connected chain."""
    organization, consumer, *providers = ape.accounts.test_accounts[:4]
    market = ApiMarket.deploy(organization)
    evs = (consumer, *providers)
    market.add_evs([(ev, "") for ev in evs], sender=organization)
    for ev in evs:
        market.deposit(Money(10**18), sender=ev)
    energy = Energy(ENERGY)

    auction = market.start_auction(energy, Rate(MAX_RATE), sender=consumer)
    rate = MAX_RATE
    began = time.perf_counter()
    for number in range(_API_BIDS):
        rate = rate * 98 // 100
        auction.place_bid(Rate(rate), sender=providers[number % 2])
    bids = _API_BIDS / (time.perf_counter() - began)
    _pass(timedelta(hours=1))
    _settle(auction, consumer)

    began = time.perf_counter()
    for _ in range(_API_TRADES):
        auction = market.start_auction(energy, Rate(MAX_RATE), sender=consumer)
        auction.place_bid(Rate(MAX_RATE), sender=providers[0])
        auction.place_bid(Rate(MAX_RATE // 2), sender=providers[1])
        _pass(timedelta(minutes=11))
        _settle(auction, consumer)
    return bids, _API_TRADES / (time.perf_counter() - began)


def _settle(auction: Auction, consumer: AccountAPI) -> None:
    connection = auction.end(sender=consumer)
    assert connection is not None, "somebody has bid"
    connection.end(sender=consumer)


def _pass(duration: timedelta) -> None:
    ape.chain.mine(deltatime=int(duration.total_seconds()))
