"""Signed bids and receipts as JSON documents: what one EV sends to another, off the chain.

    {"type": "Bid", "chainId": 1, "market": "0x…", "auctionId": "…", "provider": "0x…",
     "rate": "200000000000", "nonce": 0, "deadline": "2026-01-01T12:00:00Z", "signature": "0x…"}

    {"type": "MeteringReceipt", "chainId": 1, "market": "0x…", "auctionId": "…", "token": "0x…",
     "energyWh": 18400, "meterDataHash": "0x…", "signature": "0x…"}

A `Settlement` looks like a `MeteringReceipt`. The names are those of the typed data that is signed;
ids and rates are decimal texts, because they exceed what JSON readers take for a number.

A document is foreign: what it says is compared with the market that is connected before anything
is sent. The contract checks all of it once more, but can only say that a signature does not fit.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from eth_keys.exceptions import BadSignature
from eth_utils.conversions import to_hex
from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, ValidationError
from pydantic.alias_generators import to_camel

from ape_v2v.chain import blocks
from ape_v2v.config import Configuration
from ape_v2v.errors import V2VError
from ape_v2v.market import messages
from ape_v2v.market.fields import Address, Hash, Signature  # noqa: TC001 - pydantic reads them
from ape_v2v.market.records import SignedBid
from ape_v2v.market.refusals import Refused
from ape_v2v.market.statements import EnergyStatement
from ape_v2v.market.states import State
from ape_v2v.units import Energy, Rate
from ape_v2v.validation import first_problem

if TYPE_CHECKING:
    from ape.api import AccountAPI
    from eip712 import EIP712Message

    from ape_v2v.market.auction import Auction
    from ape_v2v.market.connection import Connection
    from ape_v2v.market.records import AuctionInfo
    from ape_v2v.market.standing import AuctionRecord

NO_METER_DATA = bytes(32)
"""The hash in a receipt that refers to no record of a meter."""


class DocumentError(V2VError):
    """A document is not what it has to be here; nothing was sent."""


_Number = Annotated[int, Field(ge=0, lt=2**256), PlainSerializer(str)]


class _Document(BaseModel):
    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True
    )

    what: ClassVar[str]

    chain_id: int
    market: Address
    auction_id: _Number
    signature: Signature

    @classmethod
    def load(cls, text: str | bytes) -> Self:
        """Read a document.

        Raises:
            DocumentError: It is not JSON, is another document, or a value in it is wrong.
        """
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            key, reason = first_problem(error)
            raise DocumentError(
                f"this is not {cls.what}: {f'{key}: ' if key else ''}{reason}"
            ) from error

    def text(self) -> str:
        """The document as one line of JSON."""
        return self.model_dump_json(by_alias=True)

    def _require_for(self, record: AuctionRecord) -> None:
        market = record.market
        if self.chain_id != (connected := market.node.chain_id):
            raise DocumentError(
                f"the document is for chain {self.chain_id}, and this is chain {connected}: choose "
                "its network with --network"
            )
        if self.market != market.address:
            raise DocumentError(
                f"the document is for the market at {self.market}, and this one is at "
                f"{market.address}: choose its market with --market"
            )
        if self.auction_id != record.id:
            raise DocumentError(
                f"the document is for auction {self.auction_id}, not for {record.id}"
            )

    def _require_signer(self, message: EIP712Message, expected: str) -> None:
        try:
            signer = messages.signer_of(message, self.signature)
        except (BadSignature, ValueError) as error:  # no key makes such a signature
            raise Refused("ECDSAInvalidSignature", {}) from error
        if signer != expected:
            raise Refused("WrongSigner", {"expected": expected, "signer": signer})


class BidDocument(_Document):
    """A bid that its provider has signed, for anyone to relay."""

    what = "a signed bid"

    type: Literal["Bid"] = "Bid"
    provider: Address
    rate: Annotated[int, Field(ge=1, le=Rate.maximum), PlainSerializer(str)]
    nonce: int = Field(ge=0)
    """How many bids had been removed from the auction."""
    deadline: datetime
    """The last second in which the signature is valid."""

    @classmethod
    def sign(
        cls,
        auction: Auction,
        rate: Rate,
        deadline: datetime,
        signer: AccountAPI,
        confirmations: int | None = None,
    ) -> Self:
        """Sign a bid that the market would accept now from this account, its balance apart.

        Args:
            auction: The auction.
            rate: What to bid.
            deadline: The last second in which it may be placed.
            signer: Who bids.
            confirmations: Blocks that must lie on top of the auction's start: others may take the
                place of the latest ones, and another auction with the same id. Configured; 0 on a
                development chain.

        Raises:
            Refused: The market would not accept it.
            DocumentError: The auction is too young.
        """
        info = _open(auction)
        if confirmations is None:
            is_dev = auction.market.node.network.is_dev
            confirmations = 0 if is_dev else Configuration.current().confirmations
        _require_age(auction, info, confirmations)
        _require_bidder(auction, info, signer.address)
        highest = auction.highest_rate or Rate(0)
        if rate > highest:
            raise Refused("RateTooHigh", {"rate": int(rate), "highest": int(highest)})
        if not rate:
            raise Refused("ZeroRate", {})
        bid = auction.sign_bid(rate, deadline, signer=signer)
        return cls(
            chain_id=auction.market.node.chain_id,
            market=auction.market.address,
            auction_id=bid.auction_id,
            provider=bid.provider,
            rate=int(bid.rate),
            nonce=bid.nonce,
            deadline=datetime.fromtimestamp(bid.deadline, UTC),
            signature=bid.signature,
        )

    def bid_for(self, auction: Auction) -> SignedBid:
        """The bid, if it is good for this auction now.

        Raises:
            DocumentError: It is for something else, or a removed bid has made it void.
            Refused: What the market would say: out of time, not the provider's signature, no
                registered EV, or a balance below the bond. Whether the rate is low enough is for
                the market to say in the very block.
        """
        self._require_for(auction)
        info = _open(auction)
        deadline, now = int(self.deadline.timestamp()), blocks.next_timestamp(auction.market.node)
        if now > deadline:
            raise Refused("SignatureExpired", {"deadline": deadline, "timestamp": now})
        if self.nonce != info.removals:
            raise DocumentError(
                f"the bid was signed after {self.nonce} removals of bids, and there have been "
                f"{info.removals}: each makes void what was signed before it; ask for a new one"
            )
        message: Any = messages.Bid  # its domain is a keyword that the class does not declare
        typed = message(
            auctionId=self.auction_id,
            rate=self.rate,
            nonce=self.nonce,
            deadline=deadline,
            eip712_domain=auction.market.domain(),
        )
        self._require_signer(typed, self.provider)
        _require_bidder(auction, info, self.provider)
        balance, bond = auction.market.balance(self.provider), auction.bond
        if info.provider != self.provider and balance < bond:
            raise Refused(
                "BalanceTooLow",
                {"account": self.provider, "balance": int(balance), "needed": int(bond)},
            )
        return SignedBid(
            auction_id=self.auction_id,
            provider=self.provider,
            rate=Rate(self.rate),
            nonce=self.nonce,
            deadline=deadline,
            signature=self.signature,
        )


class ReceiptDocument(_Document):
    """Energy that one side has signed for."""

    what = "a receipt"

    type: Literal["MeteringReceipt", "Settlement"]
    token: Hash
    energy_wh: int = Field(ge=0, le=Energy.maximum)
    meter_data_hash: Hash

    @classmethod
    def sign_receipt(
        cls, connection: Connection, energy: Energy, meter_data_hash: bytes, signer: AccountAPI
    ) -> Self:
        """Acknowledge energy as the consumer.

        Raises:
            DocumentError: The signer is somebody else.
            Refused: The auction is not connected, or less energy was contracted.
        """
        info = _connected(connection, energy)
        if signer.address != info.consumer:
            raise DocumentError(
                f"a MeteringReceipt takes the consumer, {info.consumer}, and the account is "
                f"{signer.address}"
            )
        receipt = connection.sign_receipt(energy, meter_data_hash, signer=signer)
        return cls._of(connection, "MeteringReceipt", receipt)

    @classmethod
    def sign_settlement(
        cls, connection: Connection, energy: Energy, meter_data_hash: bytes, signer: AccountAPI
    ) -> Self:
        """State as the provider what is to be paid.

        Raises:
            DocumentError: The signer is somebody else.
            Refused: The auction is not connected, or less energy was contracted.
        """
        info = _connected(connection, energy)
        if signer.address != info.provider:
            raise DocumentError(
                f"a Settlement takes the provider, {info.provider}, and the account is "
                f"{signer.address}"
            )
        receipt = connection.sign_settlement(energy, meter_data_hash, signer=signer)
        return cls._of(connection, "Settlement", receipt)

    def receipt_for(self, connection: Connection) -> EnergyStatement:
        """What the consumer has acknowledged in this connection, for the provider to collect.

        Raises:
            DocumentError: The document is something else.
            Refused: What the market would say: not connected, too much energy, not the consumer's
                signature.
        """
        return self._checked(connection, "MeteringReceipt", messages.MeteringReceipt)

    def settlement_for(self, connection: Connection) -> EnergyStatement:
        """What the provider states for this connection, for the consumer to pay.

        Raises:
            DocumentError: The document is something else.
            Refused: What the market would say: not connected, too much energy, not the provider's
                signature.
        """
        return self._checked(connection, "Settlement", messages.Settlement)

    @classmethod
    def _of(
        cls,
        connection: Connection,
        type_: Literal["MeteringReceipt", "Settlement"],
        receipt: EnergyStatement,
    ) -> Self:
        return cls(
            type=type_,
            chain_id=connection.market.node.chain_id,
            market=connection.market.address,
            auction_id=connection.id,
            token=receipt.token,
            energy_wh=int(receipt.energy),
            meter_data_hash=receipt.meter_data_hash,
            signature=receipt.signature,
        )

    def _checked(self, connection: Connection, type_: str, message: Any) -> EnergyStatement:
        self._require_for(connection)
        if self.type != type_:
            raise DocumentError(f"the document is a {self.type}, and this requires a {type_}")
        energy = Energy(self.energy_wh)
        info = _connected(connection, energy)
        if self.token != (token := connection.access_token):
            raise DocumentError(
                f"the document is for the access token {to_hex(self.token)}, and this connection "
                f"has {to_hex(token)}: ask for one that was signed for it"
            )
        typed = message(
            token=token,
            energyWh=self.energy_wh,
            meterDataHash=self.meter_data_hash,
            eip712_domain=connection.market.domain(),
        )
        expected = info.consumer if type_ == "MeteringReceipt" else info.provider
        assert expected is not None, "a connection has a provider"
        self._require_signer(typed, expected)
        return EnergyStatement(token, energy, self.meter_data_hash, self.signature)


def _open(auction: Auction) -> AuctionInfo:
    info, now = auction.info, blocks.next_timestamp(auction.market.node)
    if info.state is not State.OPEN:
        raise Refused(
            "UnexpectedState",
            {"auctionId": info.id, "actual": info.state, "expected": State.OPEN},
        )
    closing_time = int(info.closing_time.timestamp())
    if now >= closing_time:
        raise Refused("BiddingClosed", {"closingTime": closing_time, "timestamp": now})
    return info


def _require_age(auction: Auction, info: AuctionInfo, confirmations: int) -> None:
    block = blocks.height(auction.market.node) - confirmations
    terms = None
    if block >= 0:
        then = auction.market.contract.view("auctions", auction.id, block=block)
        terms = (then.energyWh, then.maxRate, then.validity)
    if terms != (int(info.energy), int(info.max_rate), info.validity.total_seconds()):
        raise DocumentError(
            f"the auction was started less than {confirmations} blocks ago: wait until that is "
            "final, then sign"
        )


def _require_bidder(auction: Auction, info: AuctionInfo, provider: str) -> None:
    if provider == info.consumer:
        raise Refused("OwnAuction", {"auctionId": info.id})
    if not auction.market.is_ev(provider):
        raise Refused("NotEV", {"account": provider})


def _connected(connection: Connection, energy: Energy) -> AuctionInfo:
    info = connection.info
    if info.state is not State.CONNECTED:
        raise Refused(
            "UnexpectedState",
            {"auctionId": info.id, "actual": info.state, "expected": State.CONNECTED},
        )
    if energy > info.energy:
        raise Refused(
            "EnergyAboveContract",
            {"energyWh": int(energy), "contracted": int(info.energy)},
        )
    return info
