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

from ape import chain

from ape_v2v.errors import V2VError
from ape_v2v.market import contract as artifact
from ape_v2v.market import messages
from ape_v2v.market.auction import NO_MONEY, Auction, moment
from ape_v2v.market.connection import Connection
from ape_v2v.market.parameters import Parameters
from ape_v2v.market.refusals import refusals
from ape_v2v.market.transactions import (
    Gateway,
    Write,
    send,
    simulate_deployment,
)
from ape_v2v.units import Energy, Money, Rate

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from ape.api import AccountAPI, ReceiptAPI
    from ape.contracts import ContractInstance
    from ape.types import AddressType
    from eip712 import EIP712Message

BURNT = "0x0000000000000000000000000000000000000000"
"""The account that burnt penalties are credited to; nobody holds its key."""

DEFAULT_BIDDING_TIME = timedelta(minutes=10)
DEFAULT_VALIDITY = timedelta(hours=2)


class Market:
    """One market. `contract` is the Ape instance under it."""

    def __init__(self, contract: ContractInstance, gateway: Gateway = send) -> None:
        self.contract = contract
        self.gateway = gateway

    @classmethod
    def at(cls, address: AddressType | str, gateway: Gateway = send) -> Self:
        """The market at an address.

        Raises:
            V2VError: There is no contract at this address on the connected network.
        """
        if not chain.provider.get_code(address):
            raise V2VError(
                f"no contract at {address} on {chain.provider.network.choice}: check the address "
                "and the network"
            )
        return cls(artifact.instance(address), gateway)

    @classmethod
    def deploy(
        cls,
        sender: AccountAPI,
        parameters: Parameters | None = None,
        organization: AddressType | str | None = None,
        gateway: Gateway = send,
    ) -> Self:
        """Deploy a market, owned by `organization`, or by the sender.

        This only deploys; `ape_v2v.deployment` also checks the network and keeps a record.

        Raises:
            Refused: The constructor refused a parameter or the owner.
        """
        container = artifact.container()
        arguments = (organization or sender.address, (parameters or Parameters()).as_tuple())
        simulate_deployment(container, *arguments, sender=sender)
        with refusals():
            contract = sender.deploy(container, *arguments)
        return cls(contract, gateway)

    def __repr__(self) -> str:
        return f"<Market {self.address}>"

    @property
    def address(self) -> AddressType:
        return self.contract.address

    @property
    def parameters(self) -> Parameters:
        return Parameters.from_contract(self.contract.parameters())

    @property
    def organization(self) -> AddressType:
        """The owner: who registers EVs."""
        return self.contract.owner()

    @property
    def pending_organization(self) -> AddressType | None:
        """To whom the ownership is being transferred, if it is."""
        pending = self.contract.pendingOwner()
        return None if int(pending, 16) == 0 else pending

    @property
    def active(self) -> bool:
        """Whether new EVs and new auctions are admitted."""
        return self.contract.active()

    @property
    def number_of_evs(self) -> int:
        return self.contract.numberOfEVs()

    @property
    def holdings(self) -> Money:
        """All the ether in the contract: balances, locked amounts and what was forced in."""
        return Money(int(self.contract.balance))

    @property
    def burnt(self) -> Money:
        """The penalties of connections that nobody settled."""
        return self.balance(BURNT)

    # The organization

    def add_ev(self, ev: AddressType | str, infos: str = "", *, sender: AccountAPI) -> EV:
        """Register an EV. `infos` are public for ever: nothing personal."""
        self.transact("addEV", ev, infos, sender=sender)
        return self.ev(ev)

    def add_evs(self, evs: Iterable[tuple[AddressType | str, str]], *, sender: AccountAPI) -> None:
        """Register several EVs with their notes, all or none."""
        addresses, infos = zip(*evs, strict=True)
        self.transact("addEVs", list(addresses), list(infos), sender=sender)

    def remove_ev(self, ev: AddressType | str, *, sender: AccountAPI) -> ReceiptAPI:
        """End an EV's right to start auctions and to bid; nothing else of it is touched."""
        return self.transact("removeEV", ev, sender=sender)

    def change_status(self, *, sender: AccountAPI) -> ReceiptAPI:
        """Close the market to new EVs and new auctions, or open it again."""
        return self.transact("changeStatus", sender=sender)

    def transfer(self, organization: AddressType | str, *, sender: AccountAPI) -> ReceiptAPI:
        """Offer the market to another organization, which has to accept."""
        return self.transact("transferOwnership", organization, sender=sender)

    def withdraw_transfer(self, *, sender: AccountAPI) -> ReceiptAPI:
        """Take back the offer that stands."""
        return self.transact("transferOwnership", BURNT, sender=sender)

    def accept(self, *, sender: AccountAPI) -> ReceiptAPI:
        """Become the organization of a market that is offered to the sender."""
        return self.transact("acceptOwnership", sender=sender)

    # Everybody

    def ev(self, address: AddressType | str) -> EV:
        """What the market knows of an account, registered or not."""
        return EV(self, address)

    def balance(self, account: AddressType | str) -> Money:
        """The free balance of an account; what it has locked is not in it."""
        return Money(self.contract.evs(account).balance)

    def deposit(self, amount: Money | str, *, sender: AccountAPI) -> ReceiptAPI:
        """Add to the sender's balance."""
        return self.transact("deposit", sender=sender, value=Money.of(amount))

    def deposit_for(
        self, ev: AddressType | str, amount: Money | str, *, sender: AccountAPI
    ) -> ReceiptAPI:
        """Add to the balance of a registered EV."""
        return self.transact("depositFor", ev, sender=sender, value=Money.of(amount))

    def withdraw(self, amount: Money | str, *, sender: AccountAPI) -> ReceiptAPI:
        """Pay out part of the sender's balance."""
        return self.transact("withdraw", int(Money.of(amount)), sender=sender)

    def withdraw_all(self, *, sender: AccountAPI) -> ReceiptAPI:
        """Pay out the sender's whole balance."""
        return self.withdraw(self.balance(sender.address), sender=sender)

    def auction(self, auction_id: int) -> Auction:
        return Auction(self, auction_id)

    def auction_of(self, consumer: AddressType | str) -> Auction:
        """The last auction that a consumer started."""
        return Auction(self, self.contract.currentAuctionId(consumer))

    def connection(self, auction_id: int) -> Connection:
        return Connection(self, auction_id)

    def start_auction(
        self,
        energy: Energy | str,
        max_rate: Rate | str,
        bidding_time: timedelta = DEFAULT_BIDDING_TIME,
        validity: timedelta = DEFAULT_VALIDITY,
        details: str = "",
        *,
        sender: AccountAPI,
        value: Money | str = NO_MONEY,
    ) -> Auction:
        """Ask for energy, and lock `max_rate * energy` out of the sender's balance.

        Args:
            energy: What is wanted.
            max_rate: The most that the sender would pay.
            bidding_time: How long bids are accepted.
            validity: How long the two EVs will have to meet, from the award on.
            details: Place, connector, power, time: what providers filter by. Public for ever.
            sender: A registered EV.
            value: Added to the sender's balance first.
        """
        energy, max_rate = Energy.of(energy), Rate.of(max_rate)
        receipt = self.transact(
            "startAuction",
            int(energy),
            int(max_rate),
            int(bidding_time.total_seconds()),
            int(validity.total_seconds()),
            details,
            sender=sender,
            value=Money.of(value),
            locks=max_rate * energy,
        )
        (started,) = receipt.decode_logs(self.contract.AuctionStarted)
        return self.auction(started.auctionId)

    def domain(self) -> Any:
        """The EIP-712 domain of this market."""
        return messages.domain(self.address, chain.provider.chain_id)

    def sign(
        self, message: type[EIP712Message], *, signer: AccountAPI, **fields: int | bytes
    ) -> bytes:
        """Sign one of `ape_v2v.market.messages` for this market: 65 bytes.

        Raises:
            V2VError: The account did not sign.
        """
        typed: Any = message  # its domain is a keyword that the class does not declare
        signature = signer.sign_message(typed(**fields, eip712_domain=self.domain()))
        if signature is None:
            raise V2VError(f"{signer.address} did not sign the {message.__name__}")
        return signature.encode_rsv()

    def transact(
        self,
        method: str,
        *arguments: Any,
        sender: AccountAPI,
        value: Money = NO_MONEY,
        locks: Money = NO_MONEY,
        pays: Money = NO_MONEY,
    ) -> ReceiptAPI:
        """Send a call through the gateway. `locks` and `pays` are for people to see before."""
        return self.gateway(Write(self.contract, method, arguments, sender, value, locks, pays))


class EV:
    """What a market knows of an account."""

    def __init__(self, market: Market, address: AddressType | str) -> None:
        self.market = market
        self.address = address

    def __repr__(self) -> str:
        return f"<EV {self.address}>"

    @property
    def registered(self) -> bool:
        return self.market.contract.isEV(self.address)

    @property
    def added_at(self) -> datetime | None:
        """When it was registered; None when it is not."""
        added_at = self._record.addedAt
        return moment(added_at) if added_at else None

    @property
    def balance(self) -> Money:
        return Money(self._record.balance)

    @property
    def completed(self) -> int:
        """Connections with energy delivered that were settled, in either role."""
        return self._record.completed

    @property
    def no_shows(self) -> int:
        """Connections that expired without a word, in either role."""
        return self._record.noShows

    @property
    def auction(self) -> Auction:
        """The last auction that it started."""
        return self.market.auction_of(self.address)

    @property
    def _record(self) -> Any:
        return self.market.contract.evs(self.address)
