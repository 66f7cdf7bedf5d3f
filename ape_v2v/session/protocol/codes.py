"""Every way in which a message of a session can be refused, by name.

The answer to a refused message carries the name, the response code that ISO 15118 has for this
kind of failure, and a sentence for people.
"""

from __future__ import annotations

from enum import Enum
from http import HTTPStatus
from typing import NamedTuple

from ape_v2v.errors import V2VError


class _Kind(NamedTuple):
    name_on_the_wire: str
    response_code: str
    """ISO 15118's code for it."""
    status: HTTPStatus


class ErrorCode(Enum):
    """What was wrong with a message, or with what it was sent for."""

    # The message
    MALFORMED_MESSAGE = _Kind("MalformedMessage", "FAILED", HTTPStatus.UNPROCESSABLE_ENTITY)
    MESSAGE_TOO_LARGE = _Kind("MessageTooLarge", "FAILED", HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    REQUEST_TIMEOUT = _Kind("RequestTimeout", "FAILED_SequenceError", HTTPStatus.REQUEST_TIMEOUT)
    UNKNOWN_REQUEST = _Kind("UnknownRequest", "FAILED_SequenceError", HTTPStatus.NOT_FOUND)
    TOO_MANY_REQUESTS = _Kind("TooManyRequests", "FAILED", HTTPStatus.TOO_MANY_REQUESTS)
    # What it is for
    WRONG_CHAIN = _Kind("WrongChain", "FAILED_WrongContract", HTTPStatus.CONFLICT)
    WRONG_MARKET = _Kind("WrongMarket", "FAILED_WrongContract", HTTPStatus.CONFLICT)
    WRONG_AUCTION = _Kind("WrongAuction", "FAILED_WrongContract", HTTPStatus.CONFLICT)
    WRONG_TOKEN = _Kind("WrongToken", "FAILED_WrongContract", HTTPStatus.CONFLICT)
    NOT_CONNECTED = _Kind("NotConnected", "FAILED_ContractCanceled", HTTPStatus.CONFLICT)
    AWARD_TAKEN_BACK = _Kind("AwardTakenBack", "FAILED_ContractCanceled", HTTPStatus.CONFLICT)
    WRONG_ROLE = _Kind("WrongRole", "FAILED_WrongContract", HTTPStatus.FORBIDDEN)
    TOKEN_EXPIRED = _Kind("TokenExpired", "FAILED_CertificateExpired", HTTPStatus.FORBIDDEN)
    TOKEN_CLOSED = _Kind("TokenClosed", "FAILED_ContractCanceled", HTTPStatus.CONFLICT)
    # Who it comes from
    UNKNOWN_SETUP = _Kind("UnknownSetup", "FAILED_ChallengeInvalid", HTTPStatus.CONFLICT)
    CHALLENGE_USED = _Kind("ChallengeUsed", "FAILED_ChallengeInvalid", HTTPStatus.FORBIDDEN)
    TOO_MANY_SESSIONS = _Kind("TooManySessions", "FAILED", HTTPStatus.TOO_MANY_REQUESTS)
    INVALID_SIGNATURE = _Kind("InvalidSignature", "FAILED_SignatureError", HTTPStatus.FORBIDDEN)
    MALLEABLE_SIGNATURE = _Kind("MalleableSignature", "FAILED_SignatureError", HTTPStatus.FORBIDDEN)
    WRONG_SIGNER = _Kind("WrongSigner", "FAILED_SignatureError", HTTPStatus.FORBIDDEN)
    WRONG_PUBLIC_KEY = _Kind("WrongPublicKey", "FAILED_SignatureError", HTTPStatus.FORBIDDEN)
    UNKNOWN_SESSION = _Kind("UnknownSession", "FAILED_UnknownSession", HTTPStatus.NOT_FOUND)
    # Energy
    UNKNOWN_METER_VALUE = _Kind(
        "UnknownMeterValue", "FAILED_MeteringSignatureNotValid", HTTPStatus.CONFLICT
    )
    ENERGY_ABOVE_CONTRACT = _Kind(
        "EnergyAboveContract", "FAILED_ChargingProfileInvalid", HTTPStatus.CONFLICT
    )
    ENERGY_DECREASED = _Kind(
        "EnergyDecreased", "FAILED_MeteringSignatureNotValid", HTTPStatus.CONFLICT
    )
    ENERGY_IMPLAUSIBLE = _Kind(
        "EnergyImplausible", "FAILED_MeteringSignatureNotValid", HTTPStatus.CONFLICT
    )
    METER_REPLACED = _Kind("MeterReplaced", "FAILED_MeteringSignatureNotValid", HTTPStatus.CONFLICT)
    INVALID_METER_RECORD = _Kind(
        "InvalidMeterRecord", "FAILED_MeteringSignatureNotValid", HTTPStatus.CONFLICT
    )
    METERS_DISAGREE = _Kind(
        "MetersDisagree", "FAILED_MeteringSignatureNotValid", HTTPStatus.CONFLICT
    )
    LIMIT_REACHED = _Kind("LimitReached", "FAILED_ChargingProfileInvalid", HTTPStatus.CONFLICT)
    NOTHING_ACKNOWLEDGED = _Kind("NothingAcknowledged", "FAILED_SequenceError", HTTPStatus.CONFLICT)
    SETTLEMENT_ABOVE_RECEIPT = _Kind(
        "SettlementAboveReceipt", "FAILED_MeteringSignatureNotValid", HTTPStatus.CONFLICT
    )
    # The provider's own trouble
    METER_FAILED = _Kind("MeterFailed", "FAILED_PowerDeliveryNotApplied", HTTPStatus.CONFLICT)
    INTERNAL_ERROR = _Kind("InternalError", "FAILED", HTTPStatus.INTERNAL_SERVER_ERROR)
    NODE_UNAVAILABLE = _Kind("NodeUnavailable", "FAILED", HTTPStatus.SERVICE_UNAVAILABLE)

    @property
    def response_code(self) -> str:
        return self.value.response_code

    @property
    def status(self) -> HTTPStatus:
        return self.value.status

    def __str__(self) -> str:
        return self.value.name_on_the_wire

    @classmethod
    def named(cls, name: str) -> ErrorCode | None:
        """The code with this name on the wire."""
        return next((code for code in cls if str(code) == name), None)


class SessionError(V2VError):
    """A message was refused; nothing has changed.

    Attributes:
        code: What was wrong.
    """

    def __init__(self, code: ErrorCode, message: str) -> None:
        self.code = code
        super().__init__(message)


class LinkError(V2VError):
    """The other side cannot be reached, or answers nothing that can be read."""
