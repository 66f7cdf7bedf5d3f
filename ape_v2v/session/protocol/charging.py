"""The rules of the charging loop and of its end: readings, receipts, settlement.

Nothing here stores or sends anything. A message that breaks a rule is refused by a named error.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from eth_utils.crypto import keccak

from ape_v2v.market.messages import MeteringReceipt, MeterValue, Settlement
from ape_v2v.session.protocol.codes import ErrorCode, SessionError
from ape_v2v.session.protocol.signing import require_signer

if TYPE_CHECKING:
    from decimal import Decimal

    from eip712 import EIP712Message

    from ape_v2v.session.protocol.agreement import Agreement
    from ape_v2v.session.protocol.wire import MeteringReceiptReq, MeterValueRes, SettlementRes
    from ape_v2v.session.store import Signed, StoredValue


def session_energy(register_wh: int, start_wh: int, most_wh: int) -> int:
    """The energy of a connection, Wh: so much at most, for more is not paid."""
    return min(max(register_wh - start_wh, 0), most_wh)


def meter_value(agreement: Agreement, energy_wh: int, meter_data_hash: bytes) -> EIP712Message:
    """What the provider signs on the way."""
    return agreement.typed(MeterValue, energyWh=energy_wh, meterDataHash=meter_data_hash)


def receipt(agreement: Agreement, energy_wh: int, meter_data_hash: bytes) -> EIP712Message:
    """What the consumer signs."""
    return agreement.typed(MeteringReceipt, energyWh=energy_wh, meterDataHash=meter_data_hash)


def settlement(agreement: Agreement, energy_wh: int, meter_data_hash: bytes) -> EIP712Message:
    """What the provider signs once, at the end."""
    return agreement.typed(Settlement, energyWh=energy_wh, meterDataHash=meter_data_hash)


def check_meter_value(
    value: MeterValueRes, agreement: Agreement, acknowledged_wh: int | None
) -> bytes:
    """Refuse, as the consumer, what is not the provider's reading, or cannot be one.

    Returns:
        The hash of the meter's record.
    """
    meter_data_hash = keccak(value.meter_record)
    _require_contracted(value.energy_wh, agreement)
    message = meter_value(agreement, value.energy_wh, meter_data_hash)
    require_signer(message, value.signature, agreement.provider)
    if acknowledged_wh is not None and value.energy_wh < acknowledged_wh:
        raise SessionError(
            ErrorCode.ENERGY_DECREASED,
            f"the provider's meter says {value.energy_wh} Wh, and {acknowledged_wh} Wh have been "
            "acknowledged: its register has fallen",
        )
    return meter_data_hash


@dataclass(frozen=True)
class Tolerance:
    """How far the two meters may be apart."""

    share: Decimal
    """A part of the consumer's own reading, for the losses in the cable."""
    wh: int = 1
    """Both registers are rounded down."""

    def check(self, claimed_wh: int, own_wh: int, unacknowledged_wh: int, contracted: int) -> None:
        """Refuse a reading that the consumer's own meter does not bear out.

        The own meter is read after the provider's, so what has flowed in between, at most what the
        provider delivers without a receipt, may be in it too.

        Args:
            claimed_wh: The provider's reading.
            own_wh: The consumer's.
            unacknowledged_wh: What may have flowed between the two.
            contracted: A reading never says more.
        """
        highest = own_wh + int(own_wh * self.share) + self.wh
        lowest = own_wh - int(own_wh * self.share) - self.wh - unacknowledged_wh
        if claimed_wh > highest or (claimed_wh < lowest and claimed_wh < contracted):
            raise SessionError(
                ErrorCode.METERS_DISAGREE,
                f"the provider's meter says {claimed_wh} Wh and the own one {own_wh} Wh: expected "
                f"from {max(lowest, 0)} to {highest} Wh. Stop, and see which of them is wrong",
            )


def check_receipt(
    request: MeteringReceiptReq, agreement: Agreement, value: StoredValue | None
) -> None:
    """Refuse, as the provider, what is not the consumer's receipt for one of the own readings."""
    _require_contracted(request.energy_wh, agreement)
    if value is None or value.meter_data_hash != request.meter_data_hash:
        raise SessionError(
            ErrorCode.UNKNOWN_METER_VALUE,
            f"no reading of {request.energy_wh} Wh with this record was given out",
        )
    message = receipt(agreement, request.energy_wh, request.meter_data_hash)
    require_signer(message, request.signature, agreement.consumer)


def check_settlement(answer: SettlementRes, agreement: Agreement, acknowledged: Signed) -> None:
    """Refuse, as the consumer, what it has not acknowledged."""
    if answer.energy_wh > acknowledged.energy_wh:
        raise SessionError(
            ErrorCode.SETTLEMENT_ABOVE_RECEIPT,
            f"the provider states {answer.energy_wh} Wh, and {acknowledged.energy_wh} Wh were "
            "acknowledged: leave it to the provider to collect with the last receipt",
        )
    message = settlement(agreement, answer.energy_wh, answer.meter_data_hash)
    require_signer(message, answer.signature, agreement.provider)


def _require_contracted(energy_wh: int, agreement: Agreement) -> None:
    if energy_wh > agreement.energy_wh:
        raise SessionError(
            ErrorCode.ENERGY_ABOVE_CONTRACT,
            f"{energy_wh} Wh is more than the {agreement.energy_wh} Wh that were contracted",
        )
