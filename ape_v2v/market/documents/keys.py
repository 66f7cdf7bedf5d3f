"""A key that an account has chosen: it signs the readings of one auction for it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import ValidationError

from ape_v2v.market.documents.document import Document, DocumentError
from ape_v2v.market.interface import messages
from ape_v2v.market.interface.fields import Address  # noqa: TC001 - pydantic reads
from ape_v2v.market.statements import SignedKey
from ape_v2v.validation import first_problem

if TYPE_CHECKING:
    from ape.api import AccountAPI

    from ape_v2v.market.standing import AuctionRecord


class KeyDocument(Document):
    """An account's word for a key."""

    what = "a session key"

    type: Literal["SessionKey"] = "SessionKey"
    account: Address
    key: Address

    @classmethod
    def sign(cls, auction: AuctionRecord, key: str, signer: AccountAPI) -> Self:
        """Choose a key as the consumer or the provider of an auction, before or after the award."""
        chosen = auction.sign_key(key, signer=signer)
        return cls(
            chain_id=auction.market.node.chain_id,
            market=auction.market.address,
            auction_id=chosen.auction_id,
            account=chosen.account,
            key=chosen.key,
            signature=chosen.signature,
        )

    @classmethod
    def of(cls, answer: bytes, **values: Any) -> Self:
        """The document of what a mailbox has: `{"signature": "0x…"}`, and what it was left for.

        Raises:
            DocumentError: It is something else.
        """
        try:
            left = json.loads(answer)
            signature = left["signature"]
        except (ValueError, TypeError, KeyError) as error:
            raise DocumentError('expected {"signature": "0x…"}') from error
        try:
            return cls(signature=signature, **values)
        except ValidationError as error:
            key, reason = first_problem(error)
            raise DocumentError(f"{key}: {reason}") from error

    def key_for(self, auction: AuctionRecord) -> SignedKey:
        """The key, if it was chosen for this auction.

        Raises:
            DocumentError: It is for something else.
            Refused: The signature is not the account's.
        """
        self.require_for(auction)
        # Its domain is a keyword that the class does not declare.
        message: Any = messages.SessionKey
        typed = message(
            auctionId=self.auction_id, key=self.key, eip712_domain=auction.market.domain()
        )
        self.require_signer(typed, self.account)
        return SignedKey(self.auction_id, self.account, self.key, self.signature)
