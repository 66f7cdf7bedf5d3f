"""Whether the market's money is all there: to the last unit, after every block."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ape_v2v.market.interface.events import checksummed
from ape_v2v.market.interface.records import consumer_of
from ape_v2v.market.market import BURNT
from ape_v2v.simulation.errors import SimulationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ape_v2v.market.market import Market
    from ape_v2v.simulation.chain.node import SimulatedContract
    from ape_v2v.simulation.chain.pool import Included

_ACCOUNTS = {"account", "consumer", "ev", "provider"}
_ALL_AFTER = 512
"""Blocks after which every account is asked again, not only those that a block has touched."""


class Books:
    """Balances and locked amounts, beside the ether or the tokens that the contract holds."""

    def __init__(
        self, market: Market, contract: SimulatedContract, accounts: Iterable[str]
    ) -> None:
        self.market, self.contract = market, contract
        self._balances = dict.fromkeys([*accounts, BURNT], 0)
        self._locked: dict[int, int] = {}
        self._leaders: dict[int, str] = {}
        """Whose bid stands: an event does not name who is overtaken."""
        self._blocks = 0
        self.check_all()

    @property
    def checks(self) -> int:
        """How many blocks were checked."""
        return self._blocks

    def see(self, block: Sequence[Included]) -> None:
        """Check a block.

        Raises:
            SimulationError: Money was lost or made.
        """
        self._blocks += 1
        accounts, auctions = self._touched(block)
        if self._blocks % _ALL_AFTER:
            self._read(accounts, auctions)
            self._compare()
        else:
            self._locked |= dict.fromkeys(auctions, 0)
            self.check_all()

    def check_all(self) -> None:
        """Check every account and every auction.

        Raises:
            SimulationError: Money was lost or made.
        """
        self._read(list(self._balances), list(self._locked))
        self._compare()

    def _read(self, accounts: Iterable[str], auctions: Iterable[int]) -> None:
        words = self.contract.words
        for account in accounts:
            self._balances[account] = int.from_bytes(words("evs", account)[:32])
        for auction in auctions:
            locked = int.from_bytes(words("reserve", auction))
            if locked and auction in self._leaders:
                locked += int.from_bytes(words("bond", auction))
            self._locked.pop(auction, None)
            if locked:
                self._locked[auction] = locked
            else:
                self._leaders.pop(auction, None)

    def _compare(self) -> None:
        held = int(self.market.holdings)
        known = sum(self._balances.values()) + sum(self._locked.values())
        if held != known:
            raise SimulationError(
                f"after {self._blocks} blocks the contract holds {held} "
                f"{self.market.currency.base}, and its accounts and auctions {known}: money was "
                f"{'lost' if known < held else 'made'}"
            )
        if not self.market.currency.is_ether and (wei := self._wei()):
            raise SimulationError(
                f"after {self._blocks} blocks the contract holds {wei} wei, and is paid in "
                f"{self.market.currency}: nobody can ever get them out"
            )

    def _wei(self) -> int:
        return self.contract.node.chain.balance(self.market.address)

    def _touched(self, block: Iterable[Included]) -> tuple[list[str], list[int]]:
        """Whose money, and which auctions, a block can have changed.

        Had it changed somebody else's too, the sum would be wrong.
        """
        accounts: dict[str, None] = {}
        auctions: dict[int, None] = {}
        for one in block:
            accounts[one.sender] = None
            for name, args in one.facts:
                if (auction := args.get("auctionId")) is not None:
                    auctions[auction] = None
                    if name != "BidPlaced":  # a bid moves money of bidders alone
                        accounts |= {BURNT: None, checksummed(consumer_of(auction)): None}
                    if (overtaken := self._leaders.get(auction)) is not None:
                        accounts[overtaken] = None
                    self._lead(name, auction, args)
                for role in _ACCOUNTS & args.keys():
                    if args[role] != BURNT:
                        accounts[args[role]] = None
        return list(accounts), list(auctions)

    def _lead(self, name: str, auction: int, args: dict[str, Any]) -> None:
        if name == "BidPlaced":
            self._leaders[auction] = args["provider"]
        elif name == "BidRemoved":
            self._leaders.pop(auction, None)
