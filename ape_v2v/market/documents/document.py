"""What every signed document has: for which market, most for which auction, signed by whom."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Self

from eth_keys.exceptions import BadSignature
from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, ValidationError
from pydantic.alias_generators import to_camel

from ape_v2v.errors import V2VError
from ape_v2v.market.interface import messages
from ape_v2v.market.interface.fields import Address, Signature  # noqa: TC001 - pydantic reads
from ape_v2v.market.interface.refusals import Refused
from ape_v2v.validation import first_problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from eip712 import EIP712Message

    from ape_v2v.market.desk import Desk
    from ape_v2v.market.standing import AuctionRecord


class DocumentError(V2VError):
    """A document is not what it has to be here; nothing was sent."""


Number = Annotated[int, Field(ge=0, lt=2**256), PlainSerializer(str)]


class MarketDocument(BaseModel):
    """A signed document: read with `load`, written with `text`, compared with its market."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True
    )

    what: ClassVar[str]

    chain_id: int
    market: Address

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

    def require_market(self, market: Desk) -> None:
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


class Document(MarketDocument):
    """One that is about an auction."""

    auction_id: Number
    signature: Signature

    def require_for(self, record: AuctionRecord) -> None:
        self.require_market(record.market)
        if self.auction_id != record.id:
            raise DocumentError(
                f"the document is for auction {self.auction_id}, not for {record.id}"
            )

    def require_signer(self, message: EIP712Message, expected: str) -> None:
        require_signed(
            lambda: messages.party_of(message, self.signature, self.auction_id), expected
        )


def require_signed(recover: Callable[[], str], expected: str, said: str | None = None) -> None:
    """Refuse a signature that is not this account's; `said` fits better than the error's own words.

    Raises:
        Refused: It is somebody else's, or no key makes it.
    """
    try:
        signer = recover()
    except (BadSignature, ValueError) as error:  # no key makes such a signature
        raise Refused("ECDSAInvalidSignature", {}) from error
    if signer != expected:
        raise Refused("WrongSigner", {"expected": expected, "signer": signer}, said)
