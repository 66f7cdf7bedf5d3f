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
    from ape_v2v.market.interface.records import AuctionInfo


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
