"""Signatures as people make them, right and wrong, with a record of what was really signed."""

from collections.abc import Mapping
from typing import NamedTuple

from eth_account import Account

from tests.model.signatures import ORDER, SIGNATURE_LENGTH, Message

from .actors import OTHER_MARKET, PEOPLE
from .strategies import Flaw


class Signed(NamedTuple):
    """What is handed in as a signature, and where it comes from."""

    signature: bytes
    message: Message
    signer: str
    delegation: "Signed | None" = None
    """Who has let a key sign, and for what."""

    def by_key(self, delegation: "Signed") -> "Signed":
        """The same, as the signature of a key."""
        joined = self.signature + delegation.signature
        return self._replace(signature=joined, delegation=delegation)


class Draft(NamedTuple):
    """What somebody is to sign, and what could be mistaken for it."""

    message: Message
    others: Mapping[Flaw, tuple[object, ...]]
    """The values of another auction, another rate or energy, other terms and so on."""
    disguised: Message
    """The same content in another struct."""
    key: bytes
    other_side: bytes
    """The key of the other party of the deal."""

    def sign(self, flaw: Flaw) -> Signed:
        message, key = self.message, self.key
        match flaw:
            case Flaw.OTHER_AUCTION | Flaw.OTHER_VALUE | Flaw.OTHER_NONCE | Flaw.OTHER_TERMS:
                message = message._replace(values=self.others.get(flaw, message.values))
            case Flaw.OTHER_PURPOSE:
                message = self.disguised
            case Flaw.OTHER_MARKET:
                message = message._replace(market=OTHER_MARKET)
            case Flaw.OTHER_CHAIN:
                message = message._replace(chain_id=message.chain_id + 1)
            case Flaw.OTHER_SIDE:
                key = self.other_side
            case Flaw.OTHER_SIGNER:
                parties = {self.key, self.other_side}
                key = next(one.key for one in PEOPLE.values() if one.key not in parties)
        signature = spoiled(message.signed_by(key), flaw)
        return Signed(signature, message, Account.from_key(key).address.lower())


def spoiled(signature: bytes, flaw: Flaw) -> bytes:
    """A signature in another form; flaws in what is signed leave it as it is."""
    r, s, v = signature[:32], signature[32:64], signature[64]
    match flaw:
        case Flaw.HIGH_S:
            mirrored = (ORDER - int.from_bytes(s)).to_bytes(32)
            return r + mirrored + bytes([27 + 28 - v])
        case Flaw.COMPACT:
            return r + (int.from_bytes(s) | (v - 27) << 255).to_bytes(32)
        case Flaw.TOO_LONG:
            return signature + b"\x00"
        case Flaw.V_OUT_OF_RANGE:
            return r + s + bytes([v - 27])
        case Flaw.ZEROS:
            return bytes(SIGNATURE_LENGTH)
        case _:
            return signature
