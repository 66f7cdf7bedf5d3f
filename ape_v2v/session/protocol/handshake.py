"""The rules of the handshake: what each of its messages must be, given what the chain says.

Nothing here stores or sends anything. A message that breaks a rule is refused by a named error.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from eth_keys.datatypes import PublicKey
from eth_utils.conversions import to_hex

from ape_v2v.market.interface.fields import SIGNATURE_BYTES
from ape_v2v.market.interface.messages import AccessToken, SessionChallenge
from ape_v2v.session.protocol.codes import ErrorCode, SessionError
from ape_v2v.session.protocol.signing import public_key_of, require_signer
from ape_v2v.session.protocol.wire import SessionSetupReq

if TYPE_CHECKING:
    from collections.abc import Callable

    from eip712 import EIP712Message

    from ape_v2v.session.protocol.agreement import Agreement
    from ape_v2v.session.protocol.wire import AuthorizationReq, SessionSetupRes


def setup_request(agreement: Agreement, challenge_evc: bytes) -> SessionSetupReq:
    """What a consumer asks for."""
    return SessionSetupReq(
        chain_id=agreement.chain_id,
        market=agreement.market,
        auction_id=agreement.auction_id,
        token=agreement.token,
        challenge_evc=challenge_evc,
    )


def check_setup(request: SessionSetupReq, agreement: Agreement) -> None:
    """Refuse a request that is for anything else."""
    for code, what, named, ours in (
        (ErrorCode.WRONG_CHAIN, "chain", request.chain_id, agreement.chain_id),
        (ErrorCode.WRONG_MARKET, "market", request.market, agreement.market),
        (ErrorCode.WRONG_AUCTION, "auction", request.auction_id, agreement.auction_id),
    ):
        if named != ours:
            raise SessionError(code, f"the request is for {what} {named}, and this is {ours}")
    check_token(request.token, agreement)


def check_token(token: bytes, agreement: Agreement) -> None:
    """Refuse another connection's token."""
    if token != agreement.token:
        raise SessionError(
            ErrorCode.WRONG_TOKEN,
            f"the request has the access token {to_hex(token)}, and this connection has "
            f"{to_hex(agreement.token)}",
        )


def check_time(agreement: Agreement, now: int) -> None:
    """Refuse to begin with a token that has expired."""
    if now >= agreement.valid_until:
        raise SessionError(
            ErrorCode.TOKEN_EXPIRED,
            f"the access token was valid before {agreement.valid_until}, and it is {now} now: "
            "no session can begin with it",
        )


def challenge(
    agreement: Agreement, request: SessionSetupReq, evp: bytes, meter: tuple[bytes, int]
) -> EIP712Message:
    """What the provider signs in answer to a request."""
    meter_id, meter_start_wh = meter
    return agreement.typed(
        SessionChallenge,
        challengeEVC=request.challenge_evc,
        challengeEVP=evp,
        meterId=meter_id,
        meterStartWh=meter_start_wh,
    )


def check_setup_answer(
    answer: SessionSetupRes, request: SessionSetupReq, agreement: Agreement
) -> None:
    """Refuse a provider that is not the winner on the chain."""
    meter = answer.meter_id, answer.meter_start_wh
    message = challenge(agreement, request, answer.challenge_evp, meter)
    require_signer(message, answer.signature, agreement.provider, agreement.auction_id)


def access(agreement: Agreement, evc: bytes, evp: bytes) -> EIP712Message:
    """What the consumer signs to be admitted."""
    return agreement.typed(AccessToken, challengeEVC=evc, challengeEVP=evp)


def check_authorization(request: AuthorizationReq, agreement: Agreement) -> None:
    """Refuse whoever is not the consumer on the chain."""
    message = access(agreement, request.challenge_evc, request.challenge_evp)
    signing = public_key_of(message, request.signature[:SIGNATURE_BYTES])
    named = PublicKey(request.public_key).to_checksum_address()
    # By its own key, or by one that it has chosen: then the signature says so.
    expected = (
        agreement.consumer
        if len(request.signature) == SIGNATURE_BYTES
        else signing.to_checksum_address()
    )
    if named != expected:
        raise SessionError(
            ErrorCode.WRONG_PUBLIC_KEY,
            f"the public key belongs to {named}, and the consumer is {agreement.consumer}",
        )
    require_signer(message, request.signature, agreement.consumer, agreement.auction_id)


@dataclass(frozen=True)
class Setup:
    """A set-up that waits for its authorization."""

    request: SessionSetupReq
    answer: SessionSetupRes
    began: float


class PendingSetups:
    """The set-ups of one token that wait for an authorization: few, not for long, in memory only.

    Anyone on the network can ask for one. When there are too many, the oldest goes: who only asks
    cannot keep out the consumer, which needs some milliseconds to go on.
    """

    def __init__(self, most: int, lifetime: float, clock: Callable[[], float]) -> None:
        """Hold at most so many, each for so many seconds."""
        self._most = most
        self._lifetime = lifetime
        self._clock = clock
        self._setups: OrderedDict[bytes, Setup] = OrderedDict()

    def find(self, challenge_evc: bytes) -> Setup | None:
        self._expire()
        return self._setups.get(challenge_evc)

    def add(self, request: SessionSetupReq, answer: SessionSetupRes) -> None:
        self._expire()
        while len(self._setups) >= self._most:
            self._setups.popitem(last=False)
        self._setups[request.challenge_evc] = Setup(request, answer, self._clock())

    def take(self, challenge_evc: bytes) -> None:
        """Forget a set-up that has been authorized."""
        self._setups.pop(challenge_evc, None)

    def _expire(self) -> None:
        oldest = self._clock() - self._lifetime
        while self._setups and next(iter(self._setups.values())).began < oldest:
            self._setups.popitem(last=False)
