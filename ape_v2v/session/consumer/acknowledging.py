"""What the consumer signs for: readings that its own meter bears out, within its limit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ape_v2v.metering.meter import wire_id
from ape_v2v.metering.signed.keys import read_public_key
from ape_v2v.session.boundaries import Boundary, crossing
from ape_v2v.session.consumer.comparing import Comparison
from ape_v2v.session.protocol import charging
from ape_v2v.session.protocol.codes import ErrorCode, SessionError
from ape_v2v.session.protocol.evidence import Evidence
from ape_v2v.session.register import Register

if TYPE_CHECKING:
    from collections.abc import Callable

    from ape_v2v.market.statements import EnergyStatement
    from ape_v2v.metering.meter import Meter
    from ape_v2v.session.protocol.agreement import Agreement
    from ape_v2v.session.protocol.charging import SignedReading
    from ape_v2v.session.protocol.signing import Signer
    from ape_v2v.session.protocol.wire import MeterStart, MeterValueRes
    from ape_v2v.session.store import Handshake, PeerMeter, Store, StoredConnection
    from ape_v2v.session.terms import SessionTerms


class Acknowledging:
    """The receipts of one connection, on the consumer's side."""

    def __init__(
        self,
        *,
        agreement: Agreement,
        signer: Signer,
        meter: Meter,
        store: Store,
        terms: SessionTerms,
        clock: Callable[[], float],
        sleep: Callable[[float], None],
    ) -> None:
        self._agreement = agreement
        self._signer = signer
        self._register = Register(
            meter, agreement.token, store, patience=terms.meter_interval, clock=clock
        )
        self._comparison = Comparison(
            self._register, lambda: self.connection.meter_start_wh, terms, clock, sleep
        )
        self._key = None if terms.meter_key is None else read_public_key(terms.meter_key)
        self._evidence: Evidence | None = None
        self._meter_id = wire_id(meter.id)
        self._store = store
        self._terms = terms

    @property
    def last(self) -> EnergyStatement | None:
        """The highest receipt."""
        return self._store.statements.highest_receipt(self._agreement.token)

    @property
    def energy_wh(self) -> int:
        """What is acknowledged, Wh."""
        last = self.last
        return 0 if last is None else last.energy_wh

    @property
    def connection(self) -> StoredConnection:
        connection = self._store.connections.get(self._agreement.token)
        assert connection is not None, "it is stored before the handshake"
        return connection

    def begin(self, url: str) -> None:
        """Note the connection and where the own meter stands, unless that is noted already."""
        known = self._store.connections.get(self._agreement.token)
        if known is None:
            start = self._register.read().energy_wh
        elif known.meter_id != self._meter_id:
            raise SessionError(
                ErrorCode.METER_REPLACED,
                f"this session began with the meter {known.meter_id.rstrip(bytes(1))!r}, and this "
                f"is {self._register.meter.id!r}: go on with that one",
            )
        else:
            start = known.meter_start_wh
        with crossing(Boundary.CONSUMER_CONNECTION_STORE):
            self._store.connections.open(self._agreement, "consumer", self._meter_id, start, url)

    def note_start(self, start: MeterStart, meter: PeerMeter | None) -> None:
        """Keep where the provider's meter stood before anything flowed.

        Args:
            start: What the provider says of it.
            meter: What it has signed of its meter.

        Raises:
            SessionError: It is not signed, or its record does not bear it out.
        """
        reading = charging.check_start(start, self._agreement)
        Evidence(meter, self._key).check(reading.record, 0, self._agreement.energy_wh)
        self._store.statements.keep(reading)

    def acknowledge(
        self, session: Handshake, value: MeterValueRes
    ) -> tuple[EnergyStatement | None, int]:
        """Sign for a reading that is right, unless that was done before.

        Returns:
            The receipt, if there is a new one, and what the own meter says, Wh.

        Raises:
            SessionError: The reading is not right: nothing is signed.
            MeterError: The own meter gives no reading.
        """
        acknowledged = self.last
        before = None if acknowledged is None else acknowledged.energy_wh
        reading = charging.check_meter_value(value, self._agreement, before)
        if value.energy_wh <= (before or 0):  # nothing is signed before energy has flowed
            return None, self._comparison.own()[0]
        limit = self._terms.limit_wh
        most = min(self._agreement.energy_wh, limit or self._agreement.energy_wh)
        evidence = self._evidence_of_the_provider()
        evidence.check(value.meter_record, value.energy_wh, most)
        own = self._comparison.require_agreement(
            value.energy_wh, evidence.resolution_wh, session.max_unacknowledged_wh or 0, most
        )
        if limit is not None and value.energy_wh > limit:
            raise SessionError(
                ErrorCode.LIMIT_REACHED,
                f"the provider's meter says {value.energy_wh} Wh, and the limit for this session "
                f"is {limit} Wh: nothing above it is signed for",
            )
        return self._sign(value.energy_wh, reading.statement.meter_data_hash, reading), own

    @property
    def end(self) -> EnergyStatement | None:
        """What it may agree to end with: the highest receipt or, where nothing has flowed, 0 Wh."""
        if (acknowledged := self.last) is not None:
            return acknowledged
        start = self._store.statements.reading(self._agreement.token, 0)
        return None if start is None else start.statement

    def sign_last(self, end: EnergyStatement) -> EnergyStatement:
        """Say of the energy that it ends with that it is the last."""
        return self._sign(end.energy_wh, end.meter_data_hash, last=True)

    def _sign(
        self,
        energy_wh: int,
        meter_data_hash: bytes,
        reading: SignedReading | None = None,
        *,
        last: bool = False,
    ) -> EnergyStatement:
        message = charging.receipt(self._agreement, energy_wh, meter_data_hash, last=last)
        receipt = charging.sign(self._agreement, message, self._signer)
        with crossing(Boundary.CONSUMER_RECEIPT_STORE):
            self._store.statements.add_receipt(receipt, reading)
        return receipt

    def _evidence_of_the_provider(self) -> Evidence:
        if self._evidence is None:
            first = self._store.handshakes.first_confirmed(self._agreement.token)
            assert first is not None, "there is a session"
            self._evidence = Evidence(first.meter, self._key)
        return self._evidence
