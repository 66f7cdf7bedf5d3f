"""Energy that one side has signed for: the consumer's receipts, the provider's settlement."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import Field, StrictBool

from ape_v2v.market.documents.document import Document, DocumentError
from ape_v2v.market.interface import messages
from ape_v2v.market.interface.fields import Hash, PartySignature  # noqa: TC001 - pydantic reads
from ape_v2v.market.interface.refusals import Refused
from ape_v2v.market.interface.states import State
from ape_v2v.market.statements import EnergyStatement
from ape_v2v.units import Energy

if TYPE_CHECKING:
    from ape.api import AccountAPI

    from ape_v2v.market.connection import Connection
    from ape_v2v.market.documents.keys import KeyDocument
    from ape_v2v.market.interface.records import AuctionInfo
    from ape_v2v.market.statements import SignedKey


NO_METER_DATA = bytes(32)
"""The hash in a receipt that refers to no record of a meter."""


class ReceiptDocument(Document):
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
        by_key: KeyDocument | None = None,
    ) -> Self:
        """Acknowledge energy as the consumer, or by the key that it has chosen.

        Raises:
            DocumentError: The signer is somebody else.
            Refused: The auction is not connected, or less energy was contracted.
        """
        info = _connected(connection, energy)
        chosen = _signing("MeteringReceipt", connection, info.consumer, signer, by_key)
        receipt = connection.sign_receipt(
            energy, meter_data_hash, last=last, signer=signer, chosen=chosen
        )
        return cls._of(connection, "MeteringReceipt", receipt)

    @classmethod
    def sign_settlement(
        cls,
        connection: Connection,
        energy: Energy,
        meter_data_hash: bytes,
        signer: AccountAPI,
        *,
        by_key: KeyDocument | None = None,
    ) -> Self:
        """State as the provider what is to be paid, or by the key that it has chosen.

        Raises:
            DocumentError: The signer is somebody else.
            Refused: The auction is not connected, or less energy was contracted.
        """
        info = _connected(connection, energy)
        chosen = _signing("Settlement", connection, info.provider, signer, by_key)
        receipt = connection.sign_settlement(energy, meter_data_hash, signer=signer, chosen=chosen)
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
        self.require_for(connection)
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
        self.require_signer(typed, expected)
        token = connection.access_token
        return EnergyStatement(token, energy, self.meter_data_hash, self.signature, self.last)


def _signing(
    what: str,
    connection: Connection,
    party: str | None,
    signer: AccountAPI,
    by_key: KeyDocument | None,
) -> SignedKey | None:
    """The key that a side has chosen, if it is one; it, or the signer, has to be that side's."""
    chosen = None if by_key is None else by_key.key_for(connection)
    account = signer.address if chosen is None else chosen.account
    side = "consumer" if what == "MeteringReceipt" else "provider"
    if account != party:
        chose = "the account is" if chosen is None else "the key was chosen by"
        raise DocumentError(f"a {what} takes the {side}, {party}, and {chose} {account}")
    if chosen is not None and chosen.key != signer.address:
        raise DocumentError(
            f"the {side} has chosen the key {chosen.key}, and the account is {signer.address}"
        )
    return chosen


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
