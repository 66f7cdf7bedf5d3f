"""I9: no operation costs more for what went before, and storage grows with accounts alone."""

import gzip
import json
from collections.abc import Iterator
from typing import Any

import pytest

from ape_v2v.evm.contracts import Contract, Interface
from ape_v2v.evm.node import AnvilChain
from tests.model.market import Parameters

from .actors import DEPLOYER, PEOPLE
from .chosen import chosen_market

ORGANIZATION, CONSUMER, PROVIDER, RIVAL = (
    PEOPLE[name].address for name in ("organization", "alice", "bob", "carol")
)
NEWCOMERS = [f"0x{number:040x}" for number in range(2**64, 2**64 + 50)]
ETHER = 10**18
ENERGY, MAX_RATE = 20_000, 400_000
HOUR = 3_600
TERMS = ENERGY | MAX_RATE << 32 | HOUR << 96


class Trader:
    """Runs one trade after the other in a market on a node, and tells what each call costs."""

    def __init__(self, node: AnvilChain, interface: Interface) -> None:
        self._node = node
        address = node.deploy(DEPLOYER.address, interface.creation_code(ORGANIZATION, Parameters()))
        self._market = Contract(node, address, interface)
        self.register([CONSUMER, PROVIDER, RIVAL])
        for account in (CONSUMER, PROVIDER, RIVAL):
            node.set_balance(account, ETHER)
            self._call(account, "deposit", value=ETHER)

    def register(self, accounts: list[str]) -> None:
        self._call(ORGANIZATION, "addEVs", accounts, [""] * len(accounts))

    def trade(self, bids: int = 2) -> dict[str, int]:
        """One auction with some bids, awarded and paid. Returns the gas, of the last bid."""
        gas = {
            "start": self._call(CONSUMER, "startAuction", ENERGY, MAX_RATE, HOUR, HOUR, False, "")
        }
        auction_id = self._market.view("currentAuctionId", CONSUMER)
        for number in range(bids):
            rate = MAX_RATE * 49**number // 50**number
            who = (PROVIDER, RIVAL)[number % 2]
            gas["bid"] = self._call(who, "placeBid", auction_id, rate, TERMS)
        self._node.timestamp += HOUR
        gas["award"] = self._call(CONSUMER, "endAuction", auction_id)
        gas["pay"] = self._call(CONSUMER, "endConnection", auction_id)
        return gas

    def slots(self) -> int:
        """How many storage slots of the market are in use."""
        dump = bytes.fromhex(self._node.request("anvil_dumpState").removeprefix("0x"))
        storage = json.loads(gzip.decompress(dump))["accounts"][self._market.address]["storage"]
        return sum(int(value, 16) != 0 for value in storage.values())

    def _call(self, sender: str, method: str, *arguments: Any, value: int = 0) -> int:
        """Make a call that has to succeed. Returns its gas, less that of the bytes handed over."""
        data = self._market.interface.call_data(method, *arguments)
        receipt = self._node.transact(sender, self._market.address, data, value)
        assert receipt.success, self._market.interface.failure(receipt.output)
        return receipt.gas_used - sum(16 if byte else 4 for byte in data)


@pytest.fixture
def trader(project: Any) -> Iterator[Trader]:
    market = chosen_market(lambda: project.V2VMarket.contract_type)
    with AnvilChain() as node:
        yield Trader(node, Interface(market))


def test_no_call_of_a_trade_costs_more_after_many_evs_auctions_and_bids(trader: Trader) -> None:
    trader.trade()
    early = trader.trade()
    trader.register(NEWCOMERS)
    for _ in range(20):
        trader.trade(bids=8)

    assert trader.trade() == early
    assert trader.trade(bids=8) == early


def test_storage_grows_with_accounts_and_not_with_auctions(trader: Trader) -> None:
    trader.trade()
    after_one = trader.slots()
    for _ in range(5):
        trader.trade(bids=8)

    assert trader.slots() == after_one

    trader.register(NEWCOMERS)

    assert trader.slots() == after_one + len(NEWCOMERS)
