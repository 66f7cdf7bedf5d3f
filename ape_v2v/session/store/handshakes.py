"""Handshakes in the store: no challenge is used twice, and a session is found again."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ape_v2v.session.store.records import Handshake, PeerMeter

if TYPE_CHECKING:
    from ape_v2v.database import Database


class Handshakes:
    """The handshakes of one EV."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, handshake: Handshake) -> None:
        """Note a handshake; its challenges are used from now on."""
        self._database.write(
            "INSERT INTO sessions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            handshake.challenge_evc,
            handshake.challenge_evp,
            handshake.token,
            handshake.authorization,
            handshake.session_id,
            handshake.max_unacknowledged_wh,
            time.time(),
            None if handshake.meter is None else handshake.meter.meter_id,
            None if handshake.meter is None else handshake.meter.start_wh,
        )

    def confirm(self, challenge_evc: bytes, session_id: bytes, max_unacknowledged_wh: int) -> None:
        """Note the provider's answer to a handshake."""
        self._database.write(
            "UPDATE sessions SET session_id = ?, max_unacknowledged_wh = ? WHERE challenge_evc = ?",
            session_id,
            max_unacknowledged_wh,
            challenge_evc,
        )

    def last(self, token: bytes) -> Handshake | None:
        """The last handshake of a connection."""
        return self._handshake("token = ? ORDER BY at DESC, rowid DESC", token)

    def with_challenge(self, challenge_evc: bytes) -> Handshake | None:
        """The handshake that has used a challenge of the consumer."""
        return self._handshake("challenge_evc = ?", challenge_evc)

    def first_confirmed(self, token: bytes) -> Handshake | None:
        """The handshake that began the connection's first session."""
        return self._handshake("token = ? AND session_id IS NOT NULL ORDER BY at, rowid", token)

    def count(self, token: bytes) -> int:
        ((count,),) = self._database.rows("SELECT count(*) FROM sessions WHERE token = ?", token)
        return int(count)

    def _handshake(self, condition: str, *values: Any) -> Handshake | None:
        rows = self._database.rows(
            "SELECT challenge_evc, challenge_evp, token, authorization, session_id, "
            "max_unacknowledged_wh, meter_id, meter_start_wh FROM sessions "
            f"WHERE {condition} LIMIT 1",
            *values,
        )
        return next((_handshake(*row) for row in rows), None)


def _handshake(*row: Any) -> Handshake:
    *values, meter_id, start_wh = row
    handshake = Handshake(*values)
    return (
        handshake if meter_id is None else replace(handshake, meter=PeerMeter(meter_id, start_wh))
    )
