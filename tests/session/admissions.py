"""A provider in this process, on the real chain, for whoever wants to be its consumer."""

from __future__ import annotations

import secrets
import sqlite3
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from eth_utils.crypto import keccak

from ape_v2v.session.protocol import charging, handshake
from ape_v2v.session.protocol.codes import ErrorCode, SessionError
from ape_v2v.session.protocol.signing import AccountSigner, public_key_of
from ape_v2v.session.protocol.wire import AuthorizationReq, MeteringReceiptReq, MeterValueReq

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ape_v2v.metering.cable import Cable
    from ape_v2v.session.protocol.agreement import Agreement
    from ape_v2v.session.protocol.wire import SessionSetupReq, SessionSetupRes
    from ape_v2v.session.provider import Provider


@dataclass
class Admission:
    """A provider in this process, on the real chain, and what a consumer needs to deal with it."""

    provider: Provider
    agreement: Agreement
    consumer: AccountSigner
    impostor: AccountSigner
    cable: Cable

    def setup_request(self, **changes: Any) -> SessionSetupReq:
        request = handshake.setup_request(self.agreement, secrets.token_bytes(32))
        return request.model_copy(update=changes)

    def authorization(
        self,
        setup: SessionSetupReq,
        answer: SessionSetupRes,
        signer: AccountSigner | None = None,
        **changes: Any,
    ) -> AuthorizationReq:
        evc, evp = setup.challenge_evc, answer.challenge_evp
        message = handshake.access(self.agreement, evc, evp)
        signature = (signer or self.consumer).sign(message)
        request = AuthorizationReq(
            token=self.agreement.token,
            challenge_evc=evc,
            challenge_evp=evp,
            public_key=public_key_of(message, signature).to_bytes(),
            signature=signature,
        )
        return request.model_copy(update=changes)

    def admitted(self) -> bytes:
        """Shake hands; the session's id."""
        setup = self.setup_request()
        answer = self.provider.setup(setup)
        return self.provider.authorize(self.authorization(setup, answer)).session_id

    def receipt_for(
        self,
        session_id: bytes,
        energy_wh: int,
        meter_data_hash: bytes,
        signer: AccountSigner | None = None,
        *,
        last: bool = False,
        **changes: Any,
    ) -> MeteringReceiptReq:
        message = charging.receipt(self.agreement, energy_wh, meter_data_hash, last=last)
        request = MeteringReceiptReq(
            session_id=session_id,
            energy_wh=energy_wh,
            meter_data_hash=meter_data_hash,
            last=last,
            signature=(signer or self.consumer).sign(message),
        )
        return request.model_copy(update=changes)

    def value(self, session_id: bytes) -> tuple[int, bytes]:
        """The next reading: energy and hash."""
        value = self.provider.meter_value(MeterValueReq(session_id=session_id))
        return value.energy_wh, keccak(value.meter_record)

    @contextmanager
    def refusing(self, code: ErrorCode) -> Iterator[None]:
        """Expect this error, and no change of anything that is stored."""
        before = self.stored
        with pytest.raises(SessionError) as caught:
            yield
        assert caught.value.code is code
        assert self.stored == before

    @property
    def stored(self) -> list[str]:
        """All that the provider has stored, but how far its meter has been seen."""
        with closing(sqlite3.connect(self.provider.store.path)) as database:
            return [line for line in database.iterdump() if '"registers"' not in line]
