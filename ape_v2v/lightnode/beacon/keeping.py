"""How far a light client has come, kept in a file: whole or not at all, and resumed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from ape_v2v.database import Database
from ape_v2v.errors import ConfigurationError
from ape_v2v.lightnode.beacon.protocol import SyncPosition
from ape_v2v.lightnode.beacon.types import LATEST, LightHeader, forms, slot_of

if TYPE_CHECKING:
    from pathlib import Path

    from ape_v2v.lightnode.beacon.networks import BeaconNetwork

_VERSION = 1
_SCHEMA = """
CREATE TABLE client (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    genesis BLOB NOT NULL,
    checkpoint BLOB NOT NULL,
    finalized_slot INTEGER NOT NULL,
    finalized BLOB NOT NULL,
    optimistic BLOB NOT NULL,
    current_committee BLOB NOT NULL,
    next_committee BLOB,
    best_update BLOB,
    previous_most INTEGER NOT NULL,
    current_most INTEGER NOT NULL,
    optimistic_signers INTEGER NOT NULL,
    is_forced INTEGER NOT NULL
)
"""
_COLUMNS = (
    "finalized, optimistic, current_committee, next_committee, best_update, previous_most, "
    "current_most, optimistic_signers, is_forced"
)


class Kept(NamedTuple):
    """What is in the file."""

    checkpoint: bytes
    """The block root that it all began with."""
    position: SyncPosition


class Keeper:
    """The file of one network. Several processes may use it: the one that is ahead stays."""

    def __init__(self, path: Path | None, network: BeaconNetwork) -> None:
        """Open the file, and make it if it is not there.

        Args:
            path: None keeps it in memory.
            network: Which one it is.

        Raises:
            ConfigurationError: It cannot be used, or is of another network or version.
        """
        self.path = path
        self._network = network
        self._advice = "delete it, and begin again with a new checkpoint"
        self._database = Database(
            path, f"the light client's file {path}", self._advice, synchronous="NORMAL"
        )
        if self._database.version == 0:
            self._database.create(_SCHEMA, _VERSION)
        if self._database.version != _VERSION:
            raise ConfigurationError(
                f"the light client's file {path} is of version {self._database.version}, expected "
                f"{_VERSION}: {self._advice}"
            )

    def close(self) -> None:
        self._database.close()

    def load(self) -> Kept | None:
        """What is kept; None at the very beginning.

        Raises:
            ConfigurationError: It is of another network, or damaged.
        """
        rows = self._database.rows(f"SELECT genesis, checkpoint, {_COLUMNS} FROM client")
        if not rows:
            return None
        ((genesis, checkpoint, *columns),) = rows
        if genesis != self._network.genesis_validators_root:
            raise ConfigurationError(
                f"the light client's file {self.path} is of another network than "
                f"{self._network.name}: {self._advice}"
            )
        try:
            return Kept(checkpoint, self._state(*columns))
        except Exception as error:  # over damaged bytes the library raises errors of many kinds
            raise ConfigurationError(
                f"the light client's file {self.path} is damaged ({error}): {self._advice}"
            ) from error

    def save(self, kept: Kept, *, anew: bool = False) -> None:
        """Keep a position, in one transaction.

        Args:
            kept: The position, and what it began with.
            anew: Also when another process is further: for another checkpoint.
        """
        position = kept.position
        slot = slot_of(position.finalized)
        with self._database.transaction():
            ahead = self._database.rows(
                "SELECT 1 FROM client WHERE checkpoint = ? AND finalized_slot > ?",
                kept.checkpoint,
                slot,
            )
            if ahead and not anew:
                return
            self._database.write(
                "INSERT OR REPLACE INTO client (id, genesis, checkpoint, finalized_slot, "
                f"{_COLUMNS}) VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                self._network.genesis_validators_root,
                kept.checkpoint,
                slot,
                *(
                    None if value is None else value.encode_bytes()
                    for value in (
                        position.finalized,
                        position.optimistic,
                        position.current,
                        position.next,
                        position.best,
                    )
                ),
                position.previous_most,
                position.current_most,
                position.optimistic_signers,
                int(position.is_forced),
            )

    def _state(
        self,
        finalized: bytes,
        optimistic: bytes,
        current: bytes,
        next_: bytes | None,
        best: bytes | None,
        *numbers: int,
    ) -> SyncPosition:
        latest = forms(LATEST, self._network.committee_size)

        def decoded(kind: Any, value: bytes | None) -> Any:
            return None if value is None else kind.decode_bytes(value)

        previous_most, current_most, optimistic_signers, is_forced = numbers
        return SyncPosition(
            finalized=decoded(LightHeader, finalized),
            optimistic=decoded(LightHeader, optimistic),
            current=decoded(latest.committee, current),
            next=decoded(latest.committee, next_),
            best=decoded(latest.update, best),
            previous_most=previous_most,
            current_most=current_most,
            optimistic_signers=optimistic_signers,
            is_forced=bool(is_forced),
        )
