"""Receipts and settlements of many connections, brought together: both are needed of each."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ape_v2v.market.batch import SignedCall, signed_reading
from ape_v2v.market.documents.document import DocumentError
from ape_v2v.market.documents.readings import ReceiptDocument

if TYPE_CHECKING:
    from ape_v2v.market.market import Market

_BOTH = ("MeteringReceipt", "Settlement")


@dataclass
class Pair:
    """What was found of one connection; or one text that is no document of one."""

    documents: dict[str, ReceiptDocument] = field(default_factory=dict)
    """By their type."""
    names: list[str] = field(default_factory=list)
    """What the documents are called, in their order."""
    problem: DocumentError | None = None

    @property
    def what(self) -> str:
        """What both are called."""
        return " + ".join(self.names)

    def call(self, market: Market) -> SignedCall:
        """The call that hands both in.

        Raises:
            V2VError: One is missing, no document, or of something else.
            Refused: What the market would say.
        """
        if self.problem is not None:
            raise self.problem
        for type_ in _BOTH:
            if type_ not in self.documents:
                raise DocumentError(
                    f"the {type_} of this connection is missing: who is neither consumer nor "
                    "provider hands in what both have signed"
                )
        receipt, settlement = (self.documents[type_] for type_ in _BOTH)
        connection = market.connection(receipt.auction_id)
        return signed_reading(
            self.what,
            connection,
            receipt.receipt_for(connection),
            settlement.settlement_for(connection),
        )


class Pairs:
    """Documents put together by their connections, in the order of the first of each."""

    def __init__(self) -> None:
        self._pairs: list[Pair] = []

    def add(self, name: str, text: bytes) -> None:
        """Read one more document, and put it beside the other one of its connection."""
        try:
            document = ReceiptDocument.load(text)
        except DocumentError as error:
            self._pairs.append(Pair(names=[name], problem=error))
            return
        pair = self._with_room_for(document)
        pair.documents[document.type] = document
        pair.names.append(name)

    def all(self) -> list[Pair]:
        """All of them, the incomplete ones too."""
        return list(self._pairs)

    def _with_room_for(self, document: ReceiptDocument) -> Pair:
        """A second receipt of a connection starts a pair of its own: the market takes one."""
        for pair in self._pairs:
            others = pair.documents.values()
            is_of_it = any(one.auction_id == document.auction_id for one in others)
            if is_of_it and document.type not in pair.documents:
                return pair
        self._pairs.append(Pair())
        return self._pairs[-1]
