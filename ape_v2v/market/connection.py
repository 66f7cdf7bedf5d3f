"""A connection: from the award to the payment."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from ape_v2v.market import messages
from ape_v2v.market.access import require_signer
from ape_v2v.market.records import NO_MONEY, AuctionInfo
from ape_v2v.market.refusals import Refused
from ape_v2v.market.standing import AuctionRecord
from ape_v2v.market.statements import EnergyStatement
from ape_v2v.market.states import State
from ape_v2v.units import Energy, Money, Rate

if TYPE_CHECKING:
    from ape.api import AccountAPI
    from eip712 import EIP712Message

    from ape_v2v.chain.receipts import Mined


class Connection(AuctionRecord):
    """From the award to the payment."""

    @property
    def access_token(self) -> bytes:
        """The 32 bytes that identify this connection; not a secret.

        Raises:
            Refused: The auction is not connected.
        """
        return bytes(self.market.contract.view("accessToken", self.id))

    @property
    def valid_until(self) -> datetime:
        """Until when the token admits to a charging session."""
        info = self._connected
        assert info.connected_at is not None
        return info.connected_at + info.validity

    @property
    def expires_at(self) -> datetime:
        """From when on anyone may expire the connection, at a loss for both sides."""
        return self.valid_until + timedelta(seconds=self.market.parameters.settlementWindow)

    def sign_receipt(
        self, energy: Energy | str, meter_data_hash: bytes, *, signer: AccountAPI
    ) -> EnergyStatement:
        """Acknowledge energy as the consumer: cumulative for the connection."""
        return self._signed(messages.MeteringReceipt, Energy.of(energy), meter_data_hash, signer)

    def sign_settlement(
        self, energy: Energy | str, meter_data_hash: bytes, *, signer: AccountAPI
    ) -> EnergyStatement:
        """State as the provider what is to be paid, once, at the end."""
        return self._signed(messages.Settlement, Energy.of(energy), meter_data_hash, signer)

    def end(self, settlement: EnergyStatement | None = None, *, sender: AccountAPI) -> Mined:
        """Pay as the consumer: the provider's `Settlement`, or without one the whole energy."""
        arguments = () if settlement is None else settlement.arguments

        def price() -> Money:
            info = self.market.contract.view("auctions", self.id)
            energy = Energy(info.energyWh) if settlement is None else settlement.energy
            return Rate(info.rate) * energy

        return self.market.transact("endConnection", *arguments, sender=sender, pays=price)

    def settle(self, receipt: EnergyStatement, *, sender: AccountAPI) -> Mined:
        """Collect as the provider what the consumer has acknowledged."""
        return self.market.transact("settle", self.id, *receipt.arguments, sender=sender)

    def forfeit(self, *, sender: AccountAPI) -> Mined:
        """Admit as the provider that the energy cannot be delivered: the penalty is lost."""
        return self.market.transact("forfeit", self.id, sender=sender, pays=lambda: self.penalty)

    def expire(self, *, sender: AccountAPI) -> Mined:
        """End a connection that nobody settled in time: both sides lose the penalty."""
        require_signer(sender)

        def penalty() -> Money:
            info = self.market.contract.view("auctions", self.id)
            return self.penalty if sender.address in (info.consumer, info.provider) else NO_MONEY

        return self.market.transact("expireConnection", self.id, sender=sender, pays=penalty)

    @property
    def _connected(self) -> AuctionInfo:
        info = self.info
        if info.state is not State.CONNECTED:
            raise Refused(
                "UnexpectedState",
                {"auctionId": self.id, "actual": info.state, "expected": State.CONNECTED},
            )
        return info

    def _signed(
        self,
        message: type[EIP712Message],
        energy: Energy,
        meter_data_hash: bytes,
        signer: AccountAPI,
    ) -> EnergyStatement:
        token = self.access_token
        signature = self.market.sign(
            message,
            signer=signer,
            token=token,
            energyWh=int(energy),
            meterDataHash=meter_data_hash,
        )
        return EnergyStatement(token, energy, meter_data_hash, signature)
