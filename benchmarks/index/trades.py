"""Trades on an Anvil: as many as one wants, many in each block."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import requests
from eth_utils.address import to_checksum_address

from ape_v2v.evm.chains import GAS_LIMIT
from ape_v2v.evm.contracts import Interface
from ape_v2v.market.interface import contract as artifact
from ape_v2v.market.interface.messages import offered
from ape_v2v.market.interface.parameters import Parameters
from ape_v2v.market.interface.records import auction_id

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ape_v2v.evm.node import AnvilChain

_PEOPLE = 0xE5 << 152
FUNDS = 10**20
ENERGY, MAX_RATE, BIDDING_TIME, VALIDITY = 1_000, 10**12, 600, 3_600
_SECONDS = 120  # that a block may take
_AT_ONCE, _REGISTERED_AT_ONCE = 100, 20
_SHARE = 8  # of what a transaction may use of gas: more of them fit into a block


class Call(NamedTuple):
    """A transaction that somebody sends to the market."""

    sender: str
    method: str
    arguments: Sequence[Any] = ()
    value: int = 0


def _person(number: int) -> str:
    return to_checksum_address(f"0x{_PEOPLE | number:040x}")


ORGANIZATION, BOB, CAROL = (_person(number) for number in range(3))


class Trades:
    """A market on a chain, and trades that make events in it."""

    def __init__(self, chain: AnvilChain, consumers: int = 5, others: Sequence[str] = ()) -> None:
        """Deploy the market, and register everybody.

        Args:
            chain: Where.
            consumers: How many buy in each round.
            others: Accounts that are registered and funded too.
        """
        self.chain = chain
        self.consumers = [_person(3 + number) for number in range(consumers)]
        self.rounds = 0
        self._interface = Interface(artifact.contract_type())
        code = self._interface.creation_code(ORGANIZATION, Parameters().as_tuple())
        self.market = to_checksum_address(chain.deploy(ORGANIZATION, code))
        chain.request("evm_setAutomine", False)
        self._evs = [BOB, CAROL, *self.consumers, *others]
        for account in (ORGANIZATION, *self._evs):
            chain.set_balance(account, 2 * FUNDS)
        for some in _parts(self._evs, _REGISTERED_AT_ONCE):
            self.block([Call(ORGANIZATION, "addEVs", (some, [""] * len(some)))])
        for some in _parts(self._evs):
            self.block([Call(ev, "deposit", value=FUNDS) for ev in some])

    @property
    def events(self) -> int:
        """How many events there are: the owner, registrations and deposits, and the trades."""
        return 1 + 2 * len(self._evs) + self.rounds * 6 * len(self.consumers)

    def start(self, bidding_time: int = BIDDING_TIME) -> None:
        """Every consumer asks for 1 kWh."""
        terms = (ENERGY, MAX_RATE, bidding_time, VALIDITY, False, "")
        for some in _parts(self.consumers):
            self.block([Call(consumer, "startAuction", terms) for consumer in some])
        self.rounds += 1

    def trade(self) -> None:
        """Every consumer buys 1 kWh: five blocks, if there are few."""
        self.start()
        auctions = [auction_id(consumer, self.rounds) for consumer in self.consumers]
        terms = offered(ENERGY, MAX_RATE, VALIDITY)
        for provider, rate in ((BOB, 9 * MAX_RATE // 10), (CAROL, 8 * MAX_RATE // 10)):
            for some in _parts(auctions):
                self.block([Call(provider, "placeBid", (auction, rate, terms)) for auction in some])
        self.chain.timestamp += BIDDING_TIME
        for method in ("endAuction", "endConnection"):
            for some in _parts(list(zip(self.consumers, auctions, strict=True))):
                self.block([Call(consumer, method, (auction,)) for consumer, auction in some])

    def block(self, calls: Sequence[Call]) -> None:
        """Mine a block of calls.

        Raises:
            RuntimeError: The node refuses one.
        """
        batch = [
            {"jsonrpc": "2.0", "id": id_, "method": "eth_sendTransaction", "params": [self._of(c)]}
            for id_, c in enumerate(calls)
        ]
        answers = requests.post(self.chain.url, json=batch, timeout=_SECONDS).json()
        if errors := [answer["error"] for answer in answers if "error" in answer]:
            raise RuntimeError(f"Anvil refused a transaction: {errors[0]}")
        self.chain.timestamp += 1
        self.chain.request("evm_setNextBlockTimestamp", self.chain.timestamp)
        self.chain.request("evm_mine")

    def _of(self, call: Call) -> dict[str, str]:
        data = self._interface.call_data(call.method, *call.arguments)
        return {
            "from": call.sender,
            "to": self.market,
            "data": f"0x{data.hex()}",
            "value": hex(call.value),
            "gas": hex(GAS_LIMIT // _SHARE),
            "gasPrice": "0x0",
        }


def _parts(items: Sequence[Any], size: int = _AT_ONCE) -> Iterator[Sequence[Any]]:
    for at in range(0, len(items), size):
        yield items[at : at + size]
