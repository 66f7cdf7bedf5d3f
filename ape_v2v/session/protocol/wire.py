"""The messages of a session: JSON with ISO 15118's and OCPP's names, read strictly.

Numbers are decimal texts and bytes are 0x and hexadecimal, as everywhere where JSON readers would
round or guess. What is not known is refused: nobody relies on something that the other side drops.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from eth_utils.conversions import to_hex
from eth_utils.hexadecimal import decode_hex
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, StrictBool
from pydantic.alias_generators import to_camel

from ape_v2v.market.interface.fields import (
    AS_HEX,
    Address,
    Hash,
    PartySignature,
    hexadecimal,
    schema,
)
from ape_v2v.metering.meter import MAX_RECORD_BYTES

if TYPE_CHECKING:
    from pydantic import ValidationInfo

PREFIX = "/v1"

_MAX_DIGITS = 78  # of 2**256
_PUBLIC_KEY_BYTES = 64
_SESSION_ID_BYTES = 16


def _decimal(value: object, info: ValidationInfo) -> object:
    if info.mode == "python" and isinstance(value, int):  # from this program, not received
        return value
    if not isinstance(value, str):
        raise ValueError("expected a whole number as a text")
    if not value.isascii() or not value.isdecimal() or len(value) > _MAX_DIGITS:
        raise ValueError("expected the digits of a whole number")
    if value != "0" and value.startswith("0"):
        raise ValueError("expected a number without leading zeros")
    return int(value)


def _record(value: object) -> object:
    if not isinstance(value, str):
        return value
    if not value.startswith("0x") or len(value) > 2 + 2 * MAX_RECORD_BYTES:
        raise ValueError(f"expected 0x and the digits of at most {MAX_RECORD_BYTES} bytes")
    return decode_hex(value)


_DECIMAL = (BeforeValidator(_decimal), PlainSerializer(str), schema("^(0|[1-9][0-9]{0,77})$"))
Number = Annotated[int, Field(ge=0, lt=2**256), *_DECIMAL]
Quantity = Annotated[int, Field(ge=0, lt=2**63), *_DECIMAL]
"""Energy or power: a number that a store can hold."""
Record = Annotated[
    bytes,
    BeforeValidator(_record),
    PlainSerializer(to_hex),
    schema(f"^0x([0-9a-fA-F]{{2}}){{0,{MAX_RECORD_BYTES}}}$"),
]
PublicKey = Annotated[bytes, hexadecimal(_PUBLIC_KEY_BYTES), AS_HEX, schema("^0x[0-9a-fA-F]{128}$")]
SessionId = Annotated[bytes, hexadecimal(_SESSION_ID_BYTES), AS_HEX, schema("^0x[0-9a-fA-F]{32}$")]


class StopReason(StrEnum):
    """Why a session stops, as OCPP 2.1 has it."""

    COST_LIMIT = "CostLimitReached"
    ENERGY_LIMIT = "EnergyLimitReached"
    EV_DISCONNECTED = "EVDisconnected"
    LOCAL = "Local"
    OTHER = "Other"
    """Among others: the two meters disagree."""
    POWER_LOSS = "PowerLoss"
    SOC_LIMIT = "SOCLimitReached"
    """The battery takes no more."""
    STOPPED_BY_EV = "StoppedByEV"
    TIME_LIMIT = "TimeLimitReached"
    TIMEOUT = "Timeout"
    """The link was gone for too long."""


CONSUMERS_WISH = frozenset({StopReason.STOPPED_BY_EV, StopReason.COST_LIMIT})
"""Where the consumer stops as it likes: then it agrees to end before all is delivered."""


class ChargingState(StrEnum):
    """Where a session stands."""

    CHARGING = "Charging"
    STOPPING = "Stopping"
    """No more energy flows; the last of it can still be acknowledged."""
    CLOSED = "Closed"
    """Nothing is ever delivered on this token again."""


def _alias(name: str) -> str:
    """A field's name on the wire: `challenge_evc` is `challengeEVC`."""
    return to_camel(name).replace("Evc", "EVC").replace("Evp", "EVP")


class Message(BaseModel):
    """One message."""

    model_config = ConfigDict(
        alias_generator=_alias, populate_by_name=True, extra="forbid", frozen=True
    )

    @classmethod
    def received(cls, text: str | bytes) -> Self:
        """Read what was sent.

        Raises:
            ValidationError: It is no such message.
        """
        return cls.model_validate_json(text, by_alias=True, by_name=False)

    def data(self) -> dict[str, Any]:
        """What is sent."""
        return self.model_dump(by_alias=True, mode="json")

    def text(self) -> str:
        """What is sent, and stored, as one line of JSON."""
        return self.model_dump_json(by_alias=True)


class SessionSetupReq(Message):
    """The consumer asks for a session, for one auction."""

    chain_id: Number
    market: Address
    auction_id: Number
    token: Hash
    challenge_evc: Hash


class SessionSetupRes(Message):
    """The provider shows who it is, and where its meter stands."""

    challenge_evp: Hash
    meter_id: Hash
    meter_start_wh: Quantity
    signature: PartySignature
    """Over `SessionChallenge`."""


class AuthorizationReq(Message):
    """The consumer shows who it is."""

    token: Hash
    challenge_evc: Hash
    challenge_evp: Hash
    public_key: PublicKey
    signature: PartySignature
    """Over `AccessToken`."""


class MeterStart(Message):
    """Where the provider's meter stood before anything flowed: its reading of 0 Wh, signed."""

    meter_record: Record
    signature: PartySignature
    """Over `MeterValue` with an energy of 0."""


class AuthorizationRes(Message):
    """The provider is ready to deliver."""

    session_id: SessionId
    max_unacknowledged_wh: Quantity
    """How far it delivers without a receipt."""
    start: MeterStart | None = None
    """None when the meter gave no reading at that moment."""
    accepted: Literal[True] = True


class MeterValueReq(Message):
    """The consumer asks for the next reading; the provider answers when there is one."""

    session_id: SessionId
    target_energy_wh: Quantity | None = None
    """Where the consumer wants to stop, if before all that was contracted is delivered."""


class MeterValueRes(Message):
    """A reading of the provider's meter, signed. The rest tells how the session stands."""

    energy_wh: Quantity
    """Since the session began, at most what was contracted."""
    meter_record: Record
    signature: PartySignature
    """Over `MeterValue`; its `meterDataHash` is the Keccak-256 hash of `meterRecord`."""
    power_w: Quantity
    state: ChargingState
    reason: StopReason | None = None


class MeteringReceiptReq(Message):
    """The consumer acknowledges all energy so far."""

    session_id: SessionId
    energy_wh: Quantity
    meter_data_hash: Hash
    last: StrictBool
    """Whether the consumer stops here by its own wish. Then nothing is lost by either side."""
    signature: PartySignature
    """Over `Reading`."""


class MeteringReceiptRes(Message):
    """The highest receipt that the provider has stored."""

    acknowledged_wh: Quantity


class SessionStopReq(Message):
    """The consumer wants no more."""

    session_id: SessionId
    reason: StopReason


class SessionStopRes(Message):
    """No more energy flows. The reason is that of who stopped first."""

    state: ChargingState
    reason: StopReason


class SettlementReq(Message):
    """The consumer asks for what it can end the connection with. This closes the token."""

    session_id: SessionId


class SettlementRes(Message):
    """The provider's word on what is to be paid."""

    energy_wh: Quantity
    meter_data_hash: Hash
    signature: PartySignature
    """Over `Reading`, as the last one."""
    reason: StopReason


class ErrorRes(Message):
    """A message was refused; nothing has changed."""

    error: str
    response_code: str
    message: str
