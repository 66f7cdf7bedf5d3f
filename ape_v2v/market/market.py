"""A market, its EVs, auctions and connections: the contract in the user's units.

    market = Market.at("0x…")
    auction = market.start_auction("7.2 kWh", "0.0003 ether/kWh", sender=alice, value=Money(10**16))
    auction.place_bid("0.0002 ether/kWh", sender=bob)
    connection = auction.end(sender=alice)
    connection.end(sender=alice)

Every write takes a `sender`, an Ape account, and raises `Refused` when the market refuses it.
Reads are made anew each time; `Auction.info` gives everything about an auction at one block.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Self

from ape_v2v.chain import blocks
from ape_v2v.chain.connected import or_connected
from ape_v2v.currency import ETHER
from ape_v2v.errors import OutcomeUnknown, V2VError
from ape_v2v.market.auction import Auction
from ape_v2v.market.connection import Connection
from ape_v2v.market.interface.access import MarketContract, TokenContract, address_of
from ape_v2v.market.interface.parameters import Parameters
from ape_v2v.market.interface.records import NO_MONEY, auction_id, moment
from ape_v2v.market.interface.transactions import Gateway, creation, deliver, foresee, send
from ape_v2v.market.shapes import EVRecord, MarketOverview
from ape_v2v.market.till import Till
from ape_v2v.units import Energy, duration_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from ape.api import AccountAPI

    from ape_v2v.chain.node import Node
    from ape_v2v.chain.writing.receipts import Mined
    from ape_v2v.units import Money, Rate

BURNT = "0x0000000000000000000000000000000000000000"
"""The account that burnt penalties are credited to; nobody holds its key."""

DEFAULT_BIDDING_TIME = timedelta(minutes=10)
DEFAULT_VALIDITY = timedelta(hours=2)


class Market(Till):
    """One market, paid in ether or in a token. `contract` is asked for what is not here."""

    @classmethod
    def at(cls, address: str, node: Node | None = None, *, gateway: Gateway = send) -> Self:
        """The market at an address, paid in whatever its contract says.

        Args:
            address: In any case.
            node: Who is asked, from now on. None: the node that Ape is connected to now.
            gateway: How writes are sent.

        Raises:
            V2VError: There is no contract at this address on the node's network.
        """
        return cls(MarketContract.at(address, or_connected(node)), gateway)

    @classmethod
    def deploy(
        cls,
        sender: AccountAPI,
        parameters: Parameters | None = None,
        organization: str | None = None,
        node: Node | None = None,
        *,
        token: str | None = None,
        gateway: Gateway = send,
    ) -> Self:
        """Deploy a market, owned by `organization`, or by the sender.

        This only deploys; `ape_v2v.deployment` also checks the network and keeps a record.

        Args:
            sender: Who pays.
            parameters: The rules; the default ones in its currency.
            organization: Who owns it.
            node: Where it is deployed. None: on the network that Ape is connected to now.
            token: The address of the token that it is paid in. None: it is paid in ether.
            gateway: How its writes are sent.

        Raises:
            V2VError: There is no token at that address.
            Refused: The constructor refused a parameter or the owner.
        """
        node = or_connected(node)
        owner = organization or sender.address
        currency = ETHER if token is None else TokenContract.at(token, node).currency
        rules = parameters or Parameters.of(currency)
        request = creation(sender, owner, rules.as_tuple(), currency)
        mined = deliver(node, request, foresee(node, request, currency=currency), currency=currency)
        if mined.created is None:
            raise OutcomeUnknown(mined.transaction, "the node does not say what was created")
        return cls(MarketContract(address_of(mined.created), node, currency), gateway)

    def __repr__(self) -> str:
        return f"<Market {self.address}>"

    @property
    def organization(self) -> str:
        """The owner: who registers EVs."""
        return str(self.contract.view("owner"))

    @property
    def pending_organization(self) -> str | None:
        """To whom the ownership is being transferred, if it is."""
        pending = str(self.contract.view("pendingOwner"))
        return None if int(pending, 16) == 0 else pending

    @property
    def active(self) -> bool:
        """Whether new EVs and new auctions are admitted."""
        return bool(self.contract.view("active"))

    @property
    def number_of_evs(self) -> int:
        """How many EVs are registered now."""
        return int(self.contract.view("numberOfEVs"))

    @property
    def holdings(self) -> Money:
        """All of its currency in the contract: balances, locked amounts, what was forced in."""
        token = self.contract.token
        if token is not None:
            return self.money(token.view("balanceOf", self.address))
        return self.money(blocks.balance(self.node, self.address))

    @property
    def burnt(self) -> Money:
        """The penalties of connections that nobody settled."""
        return self.balance(BURNT)

    def overview(self) -> MarketOverview:
        """Who owns it, whether it is open, what it holds."""
        return MarketOverview(
            address=self.address,
            network=self.node.network.name,
            organization=self.organization,
            pending_organization=self.pending_organization,
            active=self.active,
            number_of_evs=self.number_of_evs,
            holdings=self.holdings,
            burnt=self.burnt,
        )

    # The organization

    def add_ev(self, ev: str, infos: str = "", *, sender: AccountAPI) -> EV:
        """Register an EV. `infos` are public for ever: nothing personal."""
        self.transact("addEV", ev, infos, sender=sender)
        return self.ev(ev)

    def add_evs(self, evs: Iterable[tuple[str, str]], *, sender: AccountAPI) -> None:
        """Register several EVs with their notes, all or none."""
        addresses, infos = zip(*evs, strict=True)
        self.transact("addEVs", list(addresses), list(infos), sender=sender)

    def remove_ev(self, ev: str, *, sender: AccountAPI) -> Mined:
        """End an EV's right to start auctions and to bid; nothing else of it is touched."""
        return self.transact("removeEV", ev, sender=sender)

    def set_active(self, active: bool, *, sender: AccountAPI) -> Mined:
        """Close the market to new EVs and new auctions, or open it again."""
        return self.transact("setActive", active, sender=sender)

    def change_status(self, *, sender: AccountAPI) -> Mined:
        """Close the market if it is open, and open it if it is closed."""
        return self.transact("changeStatus", sender=sender)

    def transfer(self, organization: str, *, sender: AccountAPI) -> Mined:
        """Offer the market to another organization, which has to accept."""
        return self.transact("transferOwnership", organization, sender=sender)

    def withdraw_transfer(self, *, sender: AccountAPI) -> Mined:
        """Take back the offer that stands."""
        return self.transact("transferOwnership", BURNT, sender=sender)

    def accept(self, *, sender: AccountAPI) -> Mined:
        """Become the organization of a market that is offered to the sender."""
        return self.transact("acceptOwnership", sender=sender)

    # Everybody

    def ev(self, address: str) -> EV:
        """What the market knows of an account, registered or not."""
        return EV(self, address_of(address))

    def revoke_bids(self, *, sender: AccountAPI) -> Mined:
        """Void every bid that the sender has signed and nobody has placed, in all auctions."""
        return self.transact("revokeBids", sender=sender)

    def auction(self, auction_id: int) -> Auction:
        return Auction(self, auction_id)

    def auction_of(self, consumer: str) -> Auction:
        """The last auction that a consumer started.

        Raises:
            V2VError: It has started none.
        """
        consumer = address_of(consumer)
        found = int(self.contract.view("currentAuctionId", consumer))
        if found == auction_id(consumer, 0):
            raise V2VError(f"{consumer} has not started an auction in the market {self.address}")
        return Auction(self, found)

    def reserve_of(self, consumer: str) -> Money:
        """What a consumer has locked; 0 when it has no auction that runs."""
        return Auction(self, int(self.contract.view("currentAuctionId", consumer))).reserve

    def connection(self, auction_id: int) -> Connection:
        return Connection(self, auction_id)

    def start_auction(
        self,
        energy: Energy | str,
        max_rate: Rate | str,
        bidding_time: timedelta | str = DEFAULT_BIDDING_TIME,
        validity: timedelta | str = DEFAULT_VALIDITY,
        details: str = "",
        *,
        open_award: bool = False,
        sender: AccountAPI,
        value: Money | str = NO_MONEY,
    ) -> Auction:
        """Ask for energy, and lock `max_rate * energy` out of the sender's balance.

        Args:
            energy: What is wanted, such as "7.2 kWh".
            max_rate: The most that the sender would pay, such as "0.0003 ether/kWh".
            bidding_time: How long bids are accepted, such as "10 min".
            validity: How long the two EVs will have to meet, from the award on; such as "2 h".
            details: Place, connector, power, time: what providers filter by. Public for ever.
            open_award: Whether anybody may end the auction after the close.
            sender: A registered EV.
            value: Ether that is added to the sender's balance first.
        """
        energy, max_rate = Energy.of(energy), self.rate_of(max_rate)
        mined = self.transact(
            "startAuction",
            int(energy),
            int(max_rate),
            int(duration_of(bidding_time).total_seconds()),
            int(duration_of(validity).total_seconds()),
            open_award,
            details,
            sender=sender,
            value=self.along(value),
            locks=max_rate * energy,
        )
        for name, args in self.facts(mined):
            if name == "AuctionStarted":
                return self.auction(args["auctionId"])
        raise OutcomeUnknown(mined.transaction, "its receipt has no events")


class EV:
    """What a market knows of an account."""

    def __init__(self, market: Market, address: str) -> None:
        self.market = market
        self.address = address

    def __repr__(self) -> str:
        return f"<EV {self.address}>"

    def record(self, infos: str | None = None) -> EVRecord:
        """Everything that the market knows of it.

        Args:
            infos: The organization's notes, which are in the history only.
        """
        found = self._record
        return EVRecord(
            address=self.address,
            infos=infos,
            added_at=moment(found.addedAt) if found.addedAt else None,
            balance=self.market.money(found.balance),
            completed=int(found.completed),
            no_shows=int(found.noShows),
            revocations=int(found.revocations),
        )

    @property
    def registered(self) -> bool:
        """Whether it may start auctions and bid."""
        return self.market.is_ev(self.address)

    @property
    def added_at(self) -> datetime | None:
        """When it was registered; None when it is not."""
        added_at = self._record.addedAt
        return moment(added_at) if added_at else None

    @property
    def balance(self) -> Money:
        """What it has in the market, free to be locked or withdrawn."""
        return self.market.money(self._record.balance)

    @property
    def completed(self) -> int:
        """Connections with energy delivered that both sides agreed on, in either role."""
        return int(self._record.completed)

    @property
    def no_shows(self) -> int:
        """Connections that expired without a word, in either role."""
        return int(self._record.noShows)

    @property
    def revocations(self) -> int:
        """How often it has revoked the bids that it had signed."""
        return int(self._record.revocations)

    @property
    def auction(self) -> Auction:
        """The last auction that it started.

        Raises:
            V2VError: It has started none.
        """
        return self.market.auction_of(self.address)

    @property
    def _record(self) -> Any:
        return self.market.contract.view("evs", self.address)
