"""The rules of the charging loop and of its end: readings, receipts, settlement.

Nothing here stores or sends anything. A message that breaks a rule is refused by a named error.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eth_utils.crypto import keccak

from ape_v2v.market.interface.messages import MeterValue
from ape_v2v.market.statements import EnergyStatement
from ape_v2v.session.protocol.codes import ErrorCode, SessionError
from ape_v2v.session.protocol.signing import require_signer
from ape_v2v.units import Energy

if TYPE_CHECKING:
    from eip712 import EIP712Message

    from ape_v2v.session.protocol.agreement import Agreement
    from ape_v2v.session.protocol.signing import Signer
    from ape_v2v.session.protocol.wire import (
        MeteringReceiptReq,
        MeterStart,
        MeterValueRes,
        SettlementRes,
    )


@dataclass(frozen=True)
class SignedReading:
    """A reading of the provider's meter, as it was given out."""

    statement: EnergyStatement
    record: bytes
    """The meter's own; its hash is in the statement."""
    power_w: int


def session_energy(register_wh: int, start_wh: int, most_wh: int) -> int:
    """The energy of a connection, Wh: so much at most, for more is not paid."""
    return min(max(register_wh - start_wh, 0), most_wh)


def meter_value(agreement: Agreement, energy_wh: int, meter_data_hash: bytes) -> EIP712Message:
    """What the provider signs on the way."""
    return agreement.typed(MeterValue, energyWh=energy_wh, meterDataHash=meter_data_hash)


def receipt(
    agreement: Agreement, energy_wh: int, meter_data_hash: bytes, *, last: bool = False
) -> EIP712Message:
    """What the consumer signs, with `last` when it stops by its own wish."""
    return agreement.reading(energy_wh, meter_data_hash, last=last)


def settlement(agreement: Agreement, energy_wh: int, meter_data_hash: bytes) -> EIP712Message:
    """What the provider signs once, at the end."""
    return agreement.reading(energy_wh, meter_data_hash, last=True)


def sign(agreement: Agreement, message: EIP712Message, signer: Signer) -> EnergyStatement:
    """Make a statement: one of the three messages above, signed."""
    return _statement(agreement, message, signer.sign(message))


def _statement(agreement: Agreement, message: Any, signature: bytes) -> EnergyStatement:
    return EnergyStatement(
        agreement.token,
        Energy(message.energyWh),
        message.meterDataHash,
        signature,
        last=getattr(message, "last", False),
    )


def _signed_by(
    signer: str, agreement: Agreement, message: EIP712Message, signature: bytes
) -> EnergyStatement:
    require_signer(message, signature, signer, agreement.auction_id)
    return _statement(agreement, message, signature)


def check_meter_value(
    value: MeterValueRes, agreement: Agreement, acknowledged_wh: int | None
) -> SignedReading:
    """Refuse, as the consumer, what is not the provider's reading, or cannot be one.

    Returns:
        The reading, to be kept.
    """
    _require_contracted(value.energy_wh, agreement)
    message = meter_value(agreement, value.energy_wh, keccak(value.meter_record))
    statement = _signed_by(agreement.provider, agreement, message, value.signature)
    if acknowledged_wh is not None and value.energy_wh < acknowledged_wh:
        raise SessionError(
            ErrorCode.ENERGY_DECREASED,
            f"the provider's meter says {value.energy_wh} Wh, and {acknowledged_wh} Wh have been "
            "acknowledged: its register has fallen",
        )
    return SignedReading(statement, value.meter_record, value.power_w)


def check_start(start: MeterStart, agreement: Agreement) -> SignedReading:
    """Refuse, as the consumer, what the provider has not signed as its meter's start.

    Returns:
        The reading of 0 Wh, to be kept.
    """
    message = meter_value(agreement, 0, keccak(start.meter_record))
    statement = _signed_by(agreement.provider, agreement, message, start.signature)
    return SignedReading(statement, start.meter_record, 0)


def check_receipt(
    request: MeteringReceiptReq, agreement: Agreement, reading: SignedReading | None
) -> EnergyStatement:
    """Refuse, as the provider, what is not the consumer's receipt for one of the own readings.

    Returns:
        The receipt, to be kept.
    """
    _require_contracted(request.energy_wh, agreement)
    if reading is None or reading.statement.meter_data_hash != request.meter_data_hash:
        raise SessionError(
            ErrorCode.UNKNOWN_METER_VALUE,
            f"no reading of {request.energy_wh} Wh with this record was given out",
        )
    message = receipt(agreement, request.energy_wh, request.meter_data_hash, last=request.last)
    return _signed_by(agreement.consumer, agreement, message, request.signature)


def check_settlement(
    answer: SettlementRes, agreement: Agreement, acknowledged: EnergyStatement
) -> EnergyStatement:
    """Refuse, as the consumer, what it has not acknowledged.

    Returns:
        The settlement, to be kept.
    """
    if answer.energy_wh > acknowledged.energy_wh:
        raise SessionError(
            ErrorCode.SETTLEMENT_ABOVE_RECEIPT,
            f"the provider states {answer.energy_wh} Wh, and {acknowledged.energy_wh} Wh were "
            "acknowledged: leave it to the provider to collect with the last receipt",
        )
    message = settlement(agreement, answer.energy_wh, answer.meter_data_hash)
    return _signed_by(agreement.provider, agreement, message, answer.signature)


def _require_contracted(energy_wh: int, agreement: Agreement) -> None:
    if energy_wh > agreement.energy_wh:
        raise SessionError(
            ErrorCode.ENERGY_ABOVE_CONTRACT,
            f"{energy_wh} Wh is more than the {agreement.energy_wh} Wh that were contracted",
        )
