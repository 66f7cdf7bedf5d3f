"""Write the test vectors of the charging session: `python tests/vectors/generate.py`.

The same files come out every time: keys are those of a well-known test mnemonic, and signatures
are deterministic (RFC 6979). README.md describes the format.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rlp
from eip712 import hash_message
from eth_account import Account
from eth_keys.constants import SECPK1_N
from eth_utils.address import to_checksum_address
from eth_utils.conversions import to_hex
from eth_utils.crypto import keccak
from eth_utils.hexadecimal import decode_hex

from ape_v2v.market.interface import messages
from ape_v2v.metering.meter import MAX_RECORD_BYTES
from ape_v2v.session.protocol.wire import (
    AuthorizationReq,
    ChargingState,
    Message,
    MeteringReceiptReq,
    MeterValueRes,
    SessionSetupReq,
    SessionSetupRes,
    SettlementRes,
    StopReason,
)

if TYPE_CHECKING:
    from eip712 import EIP712Message

FOLDER = Path(__file__).parent
MNEMONIC = "test test test test test test test test test test test junk"
HD_PATH = "m/44'/60'/0'/0/{}"

CHAIN_ID = 31_337
ENERGY_WH = 20_000
MAX_RATE = 300 * 10**9
RATE = 200 * 10**9
CONNECTED_AT = 4_000_000_000
VALIDITY = 7_200
VALID_UNTIL = CONNECTED_AT + VALIDITY

Json = dict[str, Any]


def account(index: int) -> Any:
    """One of the mnemonic's accounts."""
    Account.enable_unaudited_hdwallet_features()
    return Account.from_mnemonic(MNEMONIC, account_path=HD_PATH.format(index))


CONSUMER, PROVIDER, STRANGER, DEPLOYER = (account(index) for index in (1, 2, 4, 9))
# The deployer's first contract.
MARKET = to_checksum_address(keccak(rlp.encode([decode_hex(DEPLOYER.address), 0]))[12:])
OTHER_MARKET = to_checksum_address(keccak(rlp.encode([decode_hex(DEPLOYER.address), 1]))[12:])
AUCTION_ID = int(CONSUMER.address, 16) << 32 | 1
PARTIES = (CONSUMER.address, PROVIDER.address)
TOKEN = messages.access_token(*PARTIES, CONNECTED_AT, VALIDITY)
EARLIER_TOKEN = messages.access_token(*PARTIES, CONNECTED_AT - 86_400, VALIDITY)
SWAPPED_TOKEN = messages.access_token(PARTIES[1], PARTIES[0], CONNECTED_AT, VALIDITY)
EVC, EVP, OLD_EVC, OLD_EVP = (
    keccak(text=f"challenge {name}") for name in ("EVC", "EVP", "old EVC", "old EVP")
)
SESSION_ID = keccak(text="session")[:16]
METER_ID = b"meter-of-the-provider".ljust(32, b"\0")
METER_START_WH = 1_234
RECORD = b'{"energyWh":6234,"meter":"meter-of-the-provider"}'
RECORD_HASH = keccak(RECORD)
READ_WH, LOWER_WH = 5_000, 4_950
CONTEXT = {
    "chainId": str(CHAIN_ID),
    "market": MARKET,
    "auctionId": str(AUCTION_ID),
    "consumer": CONSUMER.address,
    "provider": PROVIDER.address,
    "token": to_hex(TOKEN),
    "energyWh": str(ENERGY_WH),
    "rate": str(RATE),
    "connectedAt": str(CONNECTED_AT),
    "validUntil": str(VALID_UNTIL),
    "meterId": to_hex(METER_ID),
    "meterStartWh": str(METER_START_WH),
}
ACCOUNTS = {
    "consumer": HD_PATH.format(1),
    "provider": HD_PATH.format(2),
    "stranger": HD_PATH.format(4),
    "deployer": HD_PATH.format(9),
}
# Whose signature it is, what it is over, and what it should be: for every signed message alike.
ELSEWHERE: dict[str, Json] = {
    "signed for another chain": {"chain_id": 1},
    "signed for another market": {"market": OTHER_MARKET},
    "signed for an earlier connection of the two": {"token": EARLIER_TOKEN},
    "signed for a connection with swapped roles": {"token": SWAPPED_TOKEN},
}


def typed(kind: Any, *, chain_id: int = CHAIN_ID, market: str = MARKET, **fields: Any) -> Any:
    return kind(**fields, eip712_domain=messages.domain(market, chain_id))


def sign(signer: Any, message: EIP712Message) -> bytes:
    return bytes(signer.sign_message(message.signable_message).signature)


def other_s(signature: bytes) -> bytes:
    """The other signature that is right too: with n - s, and the other v."""
    s = SECPK1_N - int.from_bytes(signature[32:64])
    return signature[:32] + s.to_bytes(32) + bytes([55 - signature[64]])


def forged(signature: bytes) -> dict[str, tuple[bytes, str, str]]:
    """Signatures that are none: by name, with the session's error and the contract's."""
    r, s, v = signature[:32], signature[32:64], signature[64:]
    order = SECPK1_N.to_bytes(32)
    invalid = ("InvalidSignature", "ECDSAInvalidSignature")
    return {
        "high s": (other_s(signature), "MalleableSignature", "ECDSAInvalidSignatureS"),
        "v of 2": (r + s + b"\2", *invalid),
        "v of 29": (r + s + b"\x1d", *invalid),
        "r of 0": (bytes(32) + s + v, *invalid),
        "s of 0": (r + bytes(32) + v, *invalid),
        "r of the curve's order": (order + s + v, *invalid),
        "all zero": (bytes(65), *invalid),
        "a byte too short": (signature[:-1], "MalformedMessage", "ECDSAInvalidSignatureLength"),
        "a byte too long": (signature + v, "MalformedMessage", "ECDSAInvalidSignatureLength"),
        "none": (b"", "MalformedMessage", "ECDSAInvalidSignatureLength"),
    }


@dataclass
class File:
    """The vectors for one message."""

    name: str
    message: str
    signs: str | None
    base: Json

    def __post_init__(self) -> None:
        self.vectors: list[Json] = []

    def add(
        self,
        name: str,
        error: str | None = None,
        *,
        given: Json | None = None,
        contract: str | None = None,
        **changes: Any,
    ) -> None:
        """A message: the base with changes; None takes a field away."""
        body = {key: value for key, value in (self.base | changes).items() if value is not None}
        self.vectors.append(_vector(name, error, given, contract) | {"message": body})

    def add_text(self, name: str, text: str) -> None:
        """What is no such message at all."""
        self.vectors.append(_vector(name, "MalformedMessage", None, None) | {"text": text})

    def add_forged(self, signature: bytes, given: Json | None = None, chain: bool = False) -> None:
        for name, (bytes_, error, contract) in forged(signature).items():
            self.add(
                f"signature: {name}",
                error,
                given=given,
                contract=contract if chain else None,
                signature=to_hex(bytes_),
            )

    def content(self) -> Json:
        return {
            "message": self.message,
            "signs": self.signs,
            "context": CONTEXT,
            "accounts": ACCOUNTS,
            "vectors": self.vectors,
        }


def _vector(name: str, error: str | None, given: Json | None, contract: str | None) -> Json:
    vector: Json = {"name": name, "valid": error is None, "error": error}
    if given:
        vector["given"] = given
    if contract:
        vector["contract"] = contract
    return vector


def digest(message: EIP712Message) -> str:
    return to_hex(hash_message(message))


def data(message: Message) -> Json:
    return message.data()


def setup() -> File:
    base = data(
        SessionSetupReq(
            chain_id=CHAIN_ID,
            market=MARKET,
            auction_id=AUCTION_ID,
            token=TOKEN,
            challenge_evc=EVC,
        )
    )
    file = File("session-setup", "SessionSetupReq", None, base)
    file.add("valid")
    file.add("valid in the last second of the token", given={"now": str(VALID_UNTIL - 1)})
    file.add("expired token", "TokenExpired", given={"now": str(VALID_UNTIL)})
    file.add("long expired token", "TokenExpired", given={"now": str(VALID_UNTIL + 3_600)})
    file.add("another chain", "WrongChain", chainId="1")
    file.add("another market", "WrongMarket", market=OTHER_MARKET)
    file.add("another auction", "WrongAuction", auctionId=str(AUCTION_ID + 1))
    file.add("the provider's auction", "WrongAuction", auctionId=str(int(PROVIDER.address, 16)))
    file.add("token of an earlier connection", "WrongToken", token=to_hex(EARLIER_TOKEN))
    file.add("token with swapped roles", "WrongToken", token=to_hex(SWAPPED_TOKEN))
    file.add("no token", "WrongToken", token=to_hex(bytes(32)))
    malformed: dict[str, Json] = {
        "a number that is no text": {"chainId": CHAIN_ID},
        "a negative number": {"auctionId": "-1"},
        "leading zeros": {"chainId": "031337"},
        "a number in hexadecimal": {"chainId": "0x7a69"},
        "a number with an exponent": {"chainId": "3e4"},
        "a number with a plus": {"chainId": "+31337"},
        "digits of another script": {"chainId": "\uff13\uff11\uff13\uff13\uff17"},
        "a number of 2**256": {"auctionId": str(2**256)},
        "a number of 79 digits": {"auctionId": "9" * 79},
        "no number": {"chainId": ""},
        "an address without its checksum": {"market": MARKET.lower()},
        "an address of 19 bytes": {"market": MARKET[:-2]},
        "a token of 31 bytes": {"token": to_hex(TOKEN[1:])},
        "a token of 33 bytes": {"token": to_hex(TOKEN + b"\0")},
        "bytes without 0x": {"token": TOKEN.hex()},
        "bytes that are not hexadecimal": {"token": "0x" + "g" * 64},
        "no challenge": {"challengeEVC": None},
        "a field too many": {"rate": str(RATE)},
        "a field by another name": {"challenge_evc": to_hex(EVC), "challengeEVC": None},
    }
    for name, changes in malformed.items():
        file.add(name, "MalformedMessage", **changes)
    file.add_text("no JSON", "chainId=31337")
    file.add_text("nothing", "")
    file.add_text("an array", "[]")
    file.add_text("not a number", '{"chainId": NaN}')
    return file


def setup_answer() -> File:
    fields: Json = {
        "token": TOKEN,
        "challengeEVC": EVC,
        "challengeEVP": EVP,
        "meterId": METER_ID,
        "meterStartWh": METER_START_WH,
    }

    def signed(
        signer: Any = PROVIDER, kind: Any = messages.SessionChallenge, **changes: Any
    ) -> str:
        return to_hex(sign(signer, typed(kind, **fields | changes)))

    base = data(
        SessionSetupRes(
            challenge_evp=EVP,
            meter_id=METER_ID,
            meter_start_wh=METER_START_WH,
            signature=decode_hex(signed()),
        )
    )
    file = File("session-setup-answer", "SessionSetupRes", "SessionChallenge", base)
    file.add("valid")
    file.vectors[0]["digest"] = digest(typed(messages.SessionChallenge, **fields))
    file.add("signed by a stranger", "WrongSigner", signature=signed(STRANGER))
    file.add("signed by the consumer: swapped role", "WrongSigner", signature=signed(CONSUMER))
    for name, where in ELSEWHERE.items():
        file.add(name, "WrongSigner", signature=signed(**where))
    file.add("an old challenge", "WrongSigner", signature=signed(challengeEVC=OLD_EVC))
    access: Json = {"token": TOKEN, "challengeEVC": EVC, "challengeEVP": EVP}
    file.add(
        "a signature over an AccessToken",
        "WrongSigner",
        signature=to_hex(sign(PROVIDER, typed(messages.AccessToken, **access))),
    )
    file.add("tampered challenge", "WrongSigner", challengeEVP=to_hex(OLD_EVP))
    file.add("tampered meter", "WrongSigner", meterId=to_hex(METER_ID[::-1]))
    file.add("tampered start of the meter", "WrongSigner", meterStartWh="1233")
    file.add("the start of the meter out of range", "MalformedMessage", meterStartWh=str(2**63))
    file.add_forged(decode_hex(base["signature"]))
    return file


def authorization() -> File:
    fields: Json = {"token": TOKEN, "challengeEVC": EVC, "challengeEVP": EVP}

    def signed(signer: Any = CONSUMER, **changes: Any) -> str:
        return to_hex(sign(signer, typed(messages.AccessToken, **fields | changes)))

    def key_of(signer: Any) -> bytes:
        return signer._key_obj.public_key.to_bytes()

    base = data(
        AuthorizationReq(
            token=TOKEN,
            challenge_evc=EVC,
            challenge_evp=EVP,
            public_key=key_of(CONSUMER),
            signature=decode_hex(signed()),
        )
    )
    given = {"setUp": True}
    file = File("authorization", "AuthorizationReq", "AccessToken", base)
    file.add("valid", given=given)
    file.vectors[0]["digest"] = digest(typed(messages.AccessToken, **fields))
    file.add("valid again: the same answer", given={"setUp": True, "authorized": True})

    def refuse(name: str, error: str, given: Json = given, **changes: Any) -> None:
        file.add(name, error, given=given, **changes)

    def key(signer: Any) -> str:
        return to_hex(key_of(signer))

    refuse(
        "a stranger's key and signature",
        "WrongPublicKey",
        publicKey=key(STRANGER),
        signature=signed(STRANGER),
    )
    refuse("a stranger's signature", "WrongSigner", signature=signed(STRANGER))
    refuse("a stranger's public key", "WrongPublicKey", publicKey=key(STRANGER))
    refuse(
        "the provider's key and signature: swapped role",
        "WrongPublicKey",
        publicKey=key(PROVIDER),
        signature=signed(PROVIDER),
    )
    refuse("a public key that is no point", "WrongPublicKey", publicKey=to_hex(bytes(64)))
    refuse("a public key of 63 bytes", "MalformedMessage", publicKey=to_hex(key_of(CONSUMER)[1:]))
    refuse(
        "a public key with its prefix",
        "MalformedMessage",
        publicKey=to_hex(b"\x04" + key_of(CONSUMER)),
    )
    for name, where in ELSEWHERE.items():
        refuse(name, "WrongSigner", signature=signed(**where))
    refuse("another token", "WrongToken", token=to_hex(EARLIER_TOKEN))
    refuse(
        "the two challenges swapped under the signature",
        "WrongSigner",
        signature=signed(challengeEVC=EVP, challengeEVP=EVC),
    )
    refuse(
        "a signature over an old challenge", "WrongSigner", signature=signed(challengeEVP=OLD_EVP)
    )
    refuse(
        "an old challenge of the provider",
        "UnknownSetup",
        challengeEVP=to_hex(OLD_EVP),
        signature=signed(challengeEVP=OLD_EVP),
    )
    refuse(
        "a challenge of the consumer without a set-up",
        "UnknownSetup",
        challengeEVC=to_hex(OLD_EVC),
        signature=signed(challengeEVC=OLD_EVC),
    )
    refuse("no set-up at all", "UnknownSetup", given={})
    refuse(
        "a used challenge with another one",
        "ChallengeUsed",
        given={"setUp": True, "authorized": True},
        challengeEVP=to_hex(OLD_EVP),
        signature=signed(challengeEVP=OLD_EVP),
    )
    refuse("a token that has expired since", "TokenExpired", given | {"nowThen": str(VALID_UNTIL)})
    refuse("a token that was closed", "TokenClosed", {"setUp": True, "closed": True})
    file.add_forged(decode_hex(base["signature"]), given)
    return file


READINGS_ELSEWHERE: dict[str, Json] = {
    "signed for another chain": {"chain_id": 1},
    "signed for another market": {"market": OTHER_MARKET},
    "signed for another auction": {"auctionId": AUCTION_ID + 1},
    "signed for a connection with swapped roles": {
        "consumer": PROVIDER.address,
        "provider": CONSUMER.address,
    },
}


def reading(energy: int = READ_WH, *, last: bool = False, **changes: Any) -> Any:
    fields: Json = {
        "auctionId": AUCTION_ID,
        "consumer": CONSUMER.address,
        "provider": PROVIDER.address,
        "energyWh": energy,
        "meterDataHash": RECORD_HASH,
        "last": last,
    }
    return typed(messages.Reading, **fields | changes)


def by_key(owner: Any, message: Any, auction_id: int = AUCTION_ID) -> str:
    """The signature of the stranger's key, which a party has chosen for an auction: 130 bytes."""
    chosen = typed(messages.SessionKey, auctionId=auction_id, key=STRANGER.address)
    return to_hex(sign(STRANGER, message) + sign(owner, chosen))


def metering(kind: Any, energy: int = READ_WH, **changes: Any) -> Any:
    fields: Json = {"token": TOKEN, "energyWh": energy, "meterDataHash": RECORD_HASH}
    return typed(kind, **fields | changes)


def meter_value() -> File:
    def signed(
        energy: int = READ_WH, signer: Any = PROVIDER, kind: Any = messages.MeterValue, **how: Any
    ) -> str:
        return to_hex(sign(signer, metering(kind, energy, **how)))

    base = data(
        MeterValueRes(
            energy_wh=READ_WH,
            meter_record=RECORD,
            signature=decode_hex(signed()),
            power_w=11_000,
            state=ChargingState.CHARGING,
        )
    )
    del base["reason"]
    given = {"acknowledgedWh": str(LOWER_WH), "ownWh": str(READ_WH), "maxUnacknowledgedWh": "100"}
    file = File("meter-value", "MeterValueRes", "MeterValue", base)
    file.add("valid", given=given)
    file.vectors[0]["digest"] = digest(metering(messages.MeterValue))
    file.add("valid: the same energy again", given=given | {"acknowledgedWh": str(READ_WH)})
    file.add("valid: the own meter is 2 % behind", given=given | {"ownWh": "4902"})
    file.add("valid: the own meter has gone on", given=given | {"ownWh": "5202"})
    full: Json = {"energyWh": str(ENERGY_WH), "signature": signed(ENERGY_WH)}
    file.add("valid: all that was contracted", given=given | {"ownWh": "20000"}, **full)

    def refuse(name: str, error: str, given: Json = given, **changes: Any) -> None:
        file.add(name, error, given=given, **changes)

    refuse("signed by a stranger", "WrongSigner", signature=signed(signer=STRANGER))
    refuse("signed by the consumer: swapped role", "WrongSigner", signature=signed(signer=CONSUMER))
    for name, where in ELSEWHERE.items():
        refuse(name, "WrongSigner", signature=signed(**where))
    refuse("a signature over a Reading", "WrongSigner", signature=to_hex(sign(PROVIDER, reading())))
    message = metering(messages.MeterValue)
    file.add("valid: by a session key", given=given, signature=by_key(PROVIDER, message))
    refuse(
        "by a key for another auction",
        "WrongSigner",
        signature=by_key(PROVIDER, message, AUCTION_ID + 1),
    )
    refuse("by a key of the consumer", "WrongSigner", signature=by_key(CONSUMER, message))
    refuse("tampered energy", "WrongSigner", energyWh=str(READ_WH + 1))
    refuse("a tampered record", "WrongSigner", meterRecord=to_hex(RECORD.replace(b"6", b"7")))
    refuse("no record", "WrongSigner", meterRecord="0x")
    above: Json = {"energyWh": str(ENERGY_WH + 1), "signature": signed(ENERGY_WH + 1)}
    refuse("more than was contracted", "EnergyAboveContract", given | {"ownWh": "20001"}, **above)
    highest = 2**63 - 1
    refuse(
        "the highest number",
        "EnergyAboveContract",
        energyWh=str(highest),
        signature=signed(highest),
    )
    refuse("falling energy", "EnergyDecreased", given | {"acknowledgedWh": str(READ_WH + 1)})
    refuse("over-reported by more than 2 %", "MetersDisagree", given | {"ownWh": "4900"})
    refuse(
        "under-reported by more than may have flowed", "MetersDisagree", given | {"ownWh": "5206"}
    )
    refuse("nothing has arrived", "MetersDisagree", given | {"ownWh": "0"})
    for bits in (63, 256):
        refuse(f"energy out of range: 2**{bits}", "MalformedMessage", energyWh=str(2**bits))
        refuse(f"power out of range: 2**{bits}", "MalformedMessage", powerW=str(2**bits))
    refuse("negative energy", "MalformedMessage", energyWh="-1")
    refuse("fractions of energy", "MalformedMessage", energyWh="5000.5")
    refuse("an unknown state", "MalformedMessage", state="Free")
    refuse("an unknown reason", "MalformedMessage", reason="Bored")
    refuse("half a byte", "MalformedMessage", meterRecord="0x123")
    refuse(
        "a record that is too long",
        "MalformedMessage",
        meterRecord="0x" + "00" * (MAX_RECORD_BYTES + 1),
    )
    file.add_forged(decode_hex(base["signature"]), given)
    return file


def receipt() -> File:
    def signed(energy: int = READ_WH, signer: Any = CONSUMER, **how: Any) -> str:
        return to_hex(sign(signer, reading(energy, **how)))

    base = data(
        MeteringReceiptReq(
            session_id=SESSION_ID,
            energy_wh=READ_WH,
            meter_data_hash=RECORD_HASH,
            last=False,
            signature=decode_hex(signed()),
        )
    )
    given = {"sessionId": to_hex(SESSION_ID), "readings": [str(LOWER_WH), str(READ_WH)]}
    file = File("metering-receipt", "MeteringReceiptReq", "Reading", base)
    file.add("valid", given=given, contract="accepts")
    file.vectors[0]["digest"] = digest(reading())
    lower: Json = {"energyWh": str(LOWER_WH), "signature": signed(LOWER_WH)}
    file.add("valid: for less", given=given, contract="accepts", **lower)
    full: Json = {"energyWh": str(ENERGY_WH), "signature": signed(ENERGY_WH)}
    last: Json = {"last": True, "signature": signed(last=True)}
    file.add("valid: the last one", given=given, contract="accepts", **last)
    key: Json = {"signature": by_key(CONSUMER, reading())}
    file.add("valid: by a session key", given=given, contract="accepts", **key)
    all_of_it = given | {"readings": [str(ENERGY_WH)]}
    file.add("valid: all that was contracted", given=all_of_it, contract="accepts", **full)

    def refuse(
        name: str,
        error: str,
        contract: str | None = "WrongSigner",
        given: Json = given,
        **changes: Any,
    ) -> None:
        file.add(name, error, given=given, contract=contract, **changes)

    refuse("signed by a stranger", "WrongSigner", signature=signed(signer=STRANGER))
    refuse("signed by the provider: swapped role", "WrongSigner", signature=signed(signer=PROVIDER))
    for name, where in READINGS_ELSEWHERE.items():
        refuse(name, "WrongSigner", signature=signed(**where))
    value = metering(messages.MeterValue)
    refuse("a signature over a MeterValue", "WrongSigner", signature=to_hex(sign(CONSUMER, value)))
    refuse("made the last one", "WrongSigner", last=True)
    refuse("neither the last one nor not", "MalformedMessage", None, last="false")
    refuse(
        "by a key for another auction",
        "WrongSigner",
        signature=by_key(CONSUMER, reading(), AUCTION_ID + 1),
    )
    refuse("by a key of the provider", "WrongSigner", signature=by_key(PROVIDER, reading()))
    refuse("tampered energy: a stale receipt", "WrongSigner", signature=signed(LOWER_WH))
    refuse("tampered record", "WrongSigner", signature=signed(meterDataHash=OLD_EVC))
    unread: Json = {"energyWh": str(READ_WH + 1), "signature": signed(READ_WH + 1)}
    refuse("for a reading that was not given out", "UnknownMeterValue", None, **unread)
    another: Json = {"meterDataHash": to_hex(OLD_EVC), "signature": signed(meterDataHash=OLD_EVC)}
    refuse("for another record", "UnknownMeterValue", None, **another)
    for name, energy in (("1 Wh", ENERGY_WH + 1), ("the whole of 32 bits", 2**32 - 1)):
        above: Json = {"energyWh": str(energy), "signature": signed(energy)}
        refuse(f"above the contract: {name}", "EnergyAboveContract", "EnergyAboveContract", **above)
    most: Json = {"energyWh": str(2**63 - 1), "signature": signed(2**63 - 1)}
    refuse("above the contract: the highest number", "EnergyAboveContract", None, **most)
    for bits in (63, 64, 256):
        above = {"energyWh": str(2**bits)}
        refuse(f"energy out of range: 2**{bits}", "MalformedMessage", None, **above)
    refuse("another session", "UnknownSession", None, sessionId=to_hex(bytes(16)))
    refuse("a session id of 15 bytes", "MalformedMessage", None, sessionId=to_hex(bytes(15)))
    file.add_forged(decode_hex(base["signature"]), given, chain=True)
    return file


def settlement() -> File:
    def signed(energy: int = READ_WH, signer: Any = PROVIDER, **how: Any) -> str:
        return to_hex(sign(signer, reading(energy, **{"last": True, **how})))

    base = data(
        SettlementRes(
            energy_wh=READ_WH,
            meter_data_hash=RECORD_HASH,
            signature=decode_hex(signed()),
            reason=StopReason.ENERGY_LIMIT,
        )
    )
    given = {"acknowledgedWh": str(READ_WH)}
    file = File("settlement", "SettlementRes", "Reading", base)
    file.add("valid", given=given, contract="accepts")
    file.vectors[0]["digest"] = digest(reading(last=True))
    lower: Json = {"energyWh": str(LOWER_WH), "signature": signed(LOWER_WH)}
    file.add("valid: for less", given=given, contract="accepts", **lower)
    nothing: Json = {"energyWh": "0", "signature": signed(0)}
    file.add("valid: for nothing", given=given, contract="accepts", **nothing)

    def refuse(name: str, error: str, contract: str | None = "WrongSigner", **changes: Any) -> None:
        file.add(name, error, given=given, contract=contract, **changes)

    refuse("signed by a stranger", "WrongSigner", signature=signed(signer=STRANGER))
    refuse("signed by the consumer: swapped role", "WrongSigner", signature=signed(signer=CONSUMER))
    key: Json = {"signature": by_key(PROVIDER, reading(last=True))}
    file.add("valid: by a session key", given=given, contract="accepts", **key)
    for name, where in READINGS_ELSEWHERE.items():
        refuse(name, "WrongSigner", signature=signed(**where))
    value = metering(messages.MeterValue)
    refuse("a signature over a MeterValue", "WrongSigner", signature=to_hex(sign(PROVIDER, value)))
    refuse("a signature over a reading on the way", "WrongSigner", signature=signed(last=False))
    refuse("tampered energy", "WrongSigner", energyWh=str(LOWER_WH))
    refuse("tampered record", "WrongSigner", meterDataHash=to_hex(OLD_EVC))
    # The contract takes the provider's word: only the consumer knows what it has acknowledged.
    more: Json = {"energyWh": str(READ_WH + 1), "signature": signed(READ_WH + 1)}
    refuse("above the receipt", "SettlementAboveReceipt", "accepts", **more)
    above: Json = {"energyWh": str(ENERGY_WH + 1), "signature": signed(ENERGY_WH + 1)}
    refuse("above the contract", "SettlementAboveReceipt", "EnergyAboveContract", **above)
    refuse("energy out of range", "MalformedMessage", None, energyWh=str(2**256))
    file.add_forged(decode_hex(base["signature"]), given, chain=True)
    return file


def bid() -> File:
    deadline = CONNECTED_AT - 1
    fields: Json = {
        "auctionId": AUCTION_ID,
        "energyWh": ENERGY_WH,
        "maxRate": MAX_RATE,
        "validity": VALIDITY,
        "rate": RATE,
        "nonce": 0,
        "deadline": deadline,
    }

    def signed(signer: Any = PROVIDER, **changes: Any) -> str:
        return to_hex(sign(signer, typed(messages.Bid, **fields | changes)))

    base = {
        "auctionId": str(AUCTION_ID),
        "provider": PROVIDER.address,
        "rate": str(RATE),
        "nonce": "0",
        "deadline": str(deadline),
        "signature": signed(),
    }
    file = File("bid", "Bid", "Bid", base)
    file.add("valid", contract="accepts")
    file.vectors[0]["digest"] = digest(typed(messages.Bid, **fields))

    def refuse(name: str, contract: str = "WrongSigner", **changes: Any) -> None:
        file.add(name, contract, contract=contract, **changes)

    refuse("signed by a stranger", signature=signed(STRANGER))
    refuse("signed by the consumer: swapped role", signature=signed(CONSUMER))
    refuse("signed for another chain", signature=signed(chain_id=1))
    refuse("signed for another market", signature=signed(market=OTHER_MARKET))
    refuse("signed for another auction", signature=signed(auctionId=AUCTION_ID + 1))
    refuse("signed for more energy", signature=signed(energyWh=ENERGY_WH + 1))
    refuse("signed for a lower maximum rate", signature=signed(maxRate=MAX_RATE - 1))
    refuse("signed for another validity", signature=signed(validity=VALIDITY + 1))
    refuse("signed after a removal, or a revocation", signature=signed(nonce=1))
    refuse("tampered rate", rate=str(RATE - 1))
    refuse("tampered deadline", deadline=str(deadline + 1))
    late = CONNECTED_AT - 10_000
    refuse("too late", "SignatureExpired", deadline=str(late), signature=signed(deadline=late))
    for name, (signature, error, contract) in forged(decode_hex(signed())).items():
        file.add(f"signature: {name}", error, contract=contract, signature=to_hex(signature))
    return file


def files() -> dict[str, str]:
    """The content of every file."""
    made = (setup(), setup_answer(), authorization(), meter_value(), receipt(), settlement(), bid())
    return {
        f"{file.name}.json": json.dumps(file.content(), indent=1, ensure_ascii=True) + "\n"
        for file in made
    }


def main() -> None:
    for name, text in files().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
        vectors = json.loads(text)["vectors"]
        invalid = sum(not vector["valid"] for vector in vectors)
        print(f"{name}: {len(vectors) - invalid} valid, {invalid} invalid")


if __name__ == "__main__":
    main()
