"""Signed bids and receipts as JSON documents: what one EV sends to another, off the chain.

    {"type": "Bid", "chainId": 1, "market": "0x…", "auctionId": "…", "provider": "0x…",
     "energyWh": 20000, "maxRate": "300000000000", "validity": 7200, "rate": "200000000000",
     "nonce": 0, "deadline": "2026-01-01T12:00:00Z", "signature": "0x…"}

    {"type": "MeteringReceipt", "chainId": 1, "market": "0x…", "auctionId": "…", "energyWh": 18400,
     "meterDataHash": "0x…", "last": false, "signature": "0x…"}

Both a consumer's `MeteringReceipt` and a provider's `Settlement` are signatures over a `Reading`.
The names of the fields are those of the typed data that is signed; ids and rates are decimal texts,
because they exceed what JSON readers take for a number.

A document is foreign: what it says is compared with the market that is connected before anything
is sent. The contract checks all of it once more, but can only say that a signature does not fit.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from eth_keys.exceptions import BadSignature
from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, StrictBool, ValidationError
from pydantic.alias_generators import to_camel

from ape_v2v.chain import blocks
from ape_v2v.config import Configuration
from ape_v2v.errors import V2VError
from ape_v2v.market.interface import messages
from ape_v2v.market.interface.fields import (  # noqa: TC001 - pydantic reads them
    Address,
    Hash,
    PartySignature,
    Signature,
)
from ape_v2v.market.interface.records import SignedBid
from ape_v2v.market.interface.refusals import Refused
from ape_v2v.market.interface.states import State
from ape_v2v.market.statements import EnergyStatement
from ape_v2v.units import Energy, Rate
from ape_v2v.validation import first_problem

if TYPE_CHECKING:
    from ape.api import AccountAPI
    from eip712 import EIP712Message

    from ape_v2v.market.auction import Auction
    from ape_v2v.market.connection import Connection
    from ape_v2v.market.interface.records import AuctionInfo
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
            signer = messages.party_of(message, self.signature, self.auction_id)
        except (BadSignature, ValueError) as error:  # no key makes such a signature
            raise Refused("ECDSAInvalidSignature", {}) from error
        if signer != expected:
            raise Refused("WrongSigner", {"expected": expected, "signer": signer})


class BidDocument(_Document):
    """A bid that its provider has signed, for anyone to relay."""

    what = "a signed bid"

    type: Literal["Bid"] = "Bid"
    provider: Address
    energy_wh: int = Field(ge=1, le=Energy.maximum)
    max_rate: Annotated[int, Field(ge=1, le=Rate.maximum), PlainSerializer(str)]
    validity: int = Field(ge=1)
    """Of the auction, as its energy and maximum rate, when the bid was signed."""
    rate: Annotated[int, Field(ge=1, le=Rate.maximum), PlainSerializer(str)]
    nonce: int = Field(ge=0)
    """How many bids had been removed from the auction, and revoked by the provider."""
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
            energy_wh=int(info.energy),
            max_rate=int(info.max_rate),
            validity=int(info.validity.total_seconds()),
            rate=int(bid.rate),
            nonce=bid.nonce,
            deadline=datetime.fromtimestamp(bid.deadline, UTC),
            signature=bid.signature,
        )

    def bid_for(self, auction: Auction) -> SignedBid:
        """The bid, if it is good for this auction now.

        Raises:
            DocumentError: It is for something else, or a removed bid has made it void, or its
                provider has revoked it.
            Refused: What the market would say: out of time, not the provider's signature, no
                registered EV, or a balance below the bond. Whether the rate is low enough is for
                the market to say in the very block.
        """
        self._require_for(auction)
        info = _open(auction)
        deadline, now = int(self.deadline.timestamp()), blocks.next_timestamp(auction.market.node)
        if now > deadline:
            raise Refused("SignatureExpired", {"deadline": deadline, "timestamp": now})
        self._require_terms(info)
        if self.nonce != (nonce := auction.bid_nonce(self.provider)):
            raise DocumentError(
                f"the bid was signed with the nonce {self.nonce}, and it is {nonce} now: a bid was "
                "removed from the auction, or the provider has revoked what it had signed; ask for "
                "a new one"
            )
        message: Any = messages.Bid  # its domain is a keyword that the class does not declare
        typed = message(
            auctionId=self.auction_id,
            energyWh=self.energy_wh,
            maxRate=self.max_rate,
            validity=self.validity,
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

    def _require_terms(self, info: AuctionInfo) -> None:
        signed = (self.energy_wh, self.max_rate, self.validity)
        actual = (int(info.energy), int(info.max_rate), int(info.validity.total_seconds()))
        if signed != actual:
            raise DocumentError(
                f"the bid was signed for an auction of {signed[0]} Wh at {signed[1]} wei/Wh at "
                f"most, valid for {signed[2]} s, and this one is of {actual[0]} Wh at {actual[1]} "
                f"wei/Wh, valid for {actual[2]} s: ask for a new one"
            )


class ReceiptDocument(_Document):
    """Energy that one side has signed for."""

    what = "a receipt"

    type: Literal["MeteringReceipt", "Settlement"]
    energy_wh: int = Field(ge=0, le=Energy.maximum)
    meter_data_hash: Hash
    last: StrictBool
    """Whether who has signed agrees to end here."""
    signature: PartySignature

    @classmethod
    def sign_receipt(
        cls,
        connection: Connection,
        energy: Energy,
        meter_data_hash: bytes,
        signer: AccountAPI,
        *,
        last: bool = False,
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
        receipt = connection.sign_receipt(energy, meter_data_hash, last=last, signer=signer)
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
        return self._checked(connection, "MeteringReceipt")

    def settlement_for(self, connection: Connection) -> EnergyStatement:
        """What the provider states for this connection, for the consumer to pay.

        Raises:
            DocumentError: The document is something else.
            Refused: What the market would say: not connected, too much energy, not the provider's
                signature.
        """
        return self._checked(connection, "Settlement")

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
            energy_wh=int(receipt.energy),
            meter_data_hash=receipt.meter_data_hash,
            last=receipt.last,
            signature=receipt.signature,
        )

    def _checked(self, connection: Connection, type_: str) -> EnergyStatement:
        self._require_for(connection)
        if self.type != type_:
            raise DocumentError(f"the document is a {self.type}, and this requires a {type_}")
        energy = Energy(self.energy_wh)
        info = _connected(connection, energy)
        message: Any = messages.Reading  # its domain is a keyword that the class does not declare
        typed = message(
            auctionId=self.auction_id,
            consumer=info.consumer,
            provider=info.provider,
            energyWh=self.energy_wh,
            meterDataHash=self.meter_data_hash,
            last=self.last,
            eip712_domain=connection.market.domain(),
        )
        expected = info.consumer if type_ == "MeteringReceipt" else info.provider
        assert expected is not None, "a connection has a provider"
        self._require_signer(typed, expected)
        token = connection.access_token
        return EnergyStatement(token, energy, self.meter_data_hash, self.signature, self.last)


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
