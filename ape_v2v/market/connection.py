"""A connection: from the award to the payment."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from ape_v2v.errors import V2VError
from ape_v2v.market.interface import messages
from ape_v2v.market.interface.access import require_signer
from ape_v2v.market.interface.records import NO_MONEY, AuctionInfo
from ape_v2v.market.interface.refusals import Refused
from ape_v2v.market.interface.states import State
from ape_v2v.market.standing import AuctionRecord
from ape_v2v.market.statements import EnergyStatement, SignedKey
from ape_v2v.units import Energy

if TYPE_CHECKING:
    from ape.api import AccountAPI

    from ape_v2v.chain.writing.receipts import Mined
    from ape_v2v.units import Money

    Reading = tuple[int, int, bytes, bool]


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
        self,
        energy: Energy | str,
        meter_data_hash: bytes,
        *,
        last: bool = False,
        signer: AccountAPI,
        chosen: SignedKey | None = None,
    ) -> EnergyStatement:
        """Acknowledge energy as the consumer: cumulative for the connection.

        Args:
            energy: What was delivered so far.
            meter_data_hash: Hash of the meter's record.
            last: Whether to end here. Else less than was contracted costs both sides.
            signer: The consumer's account, or the key that it has chosen.
            chosen: What the consumer has signed for that key.

        Raises:
            V2VError: The key was chosen for another auction, or is not the signer's.
        """
        return self._signed(Energy.of(energy), meter_data_hash, last, signer, chosen)

    def sign_settlement(
        self,
        energy: Energy | str,
        meter_data_hash: bytes,
        *,
        signer: AccountAPI,
        chosen: SignedKey | None = None,
    ) -> EnergyStatement:
        """State as the provider what is to be paid, once, at the end: the last reading.

        By a key that the provider has chosen, too: see `sign_receipt`.
        """
        return self._signed(Energy.of(energy), meter_data_hash, True, signer, chosen)

    def end(self, settlement: EnergyStatement | None = None, *, sender: AccountAPI) -> Mined:
        """Pay as the consumer: what the provider has signed for, or without it all the energy."""
        if settlement is not None:
            return self._settle(settlement, b"", settlement.signature, sender)

        def price() -> Money:
            info = self.market.contract.view("auctions", self.id)
            return self.market.rate(info.rate) * Energy(info.energyWh)

        return self.market.transact("endConnection", self.id, sender=sender, pays=price)

    def settle(self, receipt: EnergyStatement, *, sender: AccountAPI) -> Mined:
        """Collect as the provider what the consumer has acknowledged."""
        info = self.market.contract.view("auctions", self.id)
        if int(info.provider, 16) and sender.address != info.provider:
            # The market would say that the provider's signature is missing.
            raise Refused("NotProvider", {"account": sender.address, "provider": info.provider})
        return self._settle(receipt, receipt.signature, b"", sender)

    def settle_with(
        self, receipt: EnergyStatement, settlement: EnergyStatement, *, sender: AccountAPI
    ) -> Mined:
        """Hand in, as anybody, a reading that both sides have signed.

        Raises:
            V2VError: They have signed two different ones.
        """
        _require_same(receipt, settlement)
        return self._settle(receipt, receipt.signature, settlement.signature, sender)

    def agreed(
        self, receipt: EnergyStatement, settlement: EnergyStatement
    ) -> tuple[Reading, bytes, bytes]:
        """What `settle` takes of a reading that both sides have signed.

        Raises:
            V2VError: They have signed two different ones.
        """
        _require_same(receipt, settlement)
        return self._reading(receipt), receipt.signature, settlement.signature

    def loss(self, receipt: EnergyStatement) -> Money:
        """What each side loses when this reading is handed in."""
        return self._loss(receipt, int(self.market.contract.view("auctions", self.id).energyWh))

    def _loss(self, receipt: EnergyStatement, contracted: int) -> Money:
        missing = contracted - int(receipt.energy)
        if receipt.last or missing <= 0:
            return self.market.money(0)
        return self.market.money(-(-int(self.penalty) * missing // contracted))

    def _settle(
        self, receipt: EnergyStatement, consumers: bytes, providers: bytes, sender: AccountAPI
    ) -> Mined:
        def pays() -> Money:
            info = self.market.contract.view("auctions", self.id)
            loss = self._loss(receipt, int(info.energyWh))
            cost = self.market.rate(info.rate) * receipt.energy
            if sender.address == info.consumer:
                return loss + cost
            return loss if sender.address == info.provider else NO_MONEY

        reading = self._reading(receipt)
        return self.market.transact(
            "settle", reading, consumers, providers, sender=sender, pays=pays
        )

    def _reading(self, statement: EnergyStatement) -> Reading:
        return self.id, int(statement.energy), statement.meter_data_hash, statement.last

    def forfeit(self, *, sender: AccountAPI) -> Mined:
        """Admit as the provider that the energy cannot be delivered: two penalties are lost."""

        def penalties() -> Money:
            return self.market.money(2 * int(self.penalty))

        return self.market.transact("forfeit", self.id, sender=sender, pays=penalties)

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
        energy: Energy,
        meter_data_hash: bytes,
        last: bool,
        signer: AccountAPI,
        chosen: SignedKey | None,
    ) -> EnergyStatement:
        info = self._connected
        if chosen is not None:
            _require_key(chosen, self.id, signer.address)
        signature = self.market.sign(
            messages.Reading,
            signer=signer,
            auctionId=self.id,
            consumer=info.consumer,
            provider=info.provider,
            energyWh=int(energy),
            meterDataHash=meter_data_hash,
            last=last,
        )
        if chosen is not None:
            signature += chosen.signature
        return EnergyStatement(self.access_token, energy, meter_data_hash, signature, last)


def _require_same(receipt: EnergyStatement, settlement: EnergyStatement) -> None:
    """The market would only say that a signature does not fit."""
    both = (receipt, settlement)
    first, second = ((one.energy_wh, one.last, one.meter_data_hash) for one in both)
    if first != second:
        said, stated = (
            f"{one.energy_wh} Wh, {'the last' if one.last else 'on the way'}, record "
            f"0x{one.meter_data_hash.hex()[:8]}…"
            for one in both
        )
        raise V2VError(
            f"the consumer has signed another reading ({said}) than the provider ({stated}): both "
            "have to sign the same one"
        )


def _require_key(chosen: SignedKey, auction_id: int, signer: str) -> None:
    if chosen.auction_id != auction_id:
        raise V2VError(
            f"the key was chosen for auction {chosen.auction_id}, and the market refuses it in "
            f"{auction_id}: have the account sign it for this one"
        )
    if chosen.key != signer:
        raise V2VError(f"the key that was chosen is {chosen.key}, and the signer is {signer}")
