"""The store's tables, and how a file of an earlier version becomes one of this version."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ape_v2v.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

    from ape_v2v.database import Database

VERSION = 3
_SCHEMA = """
CREATE TABLE connections (
    token BLOB PRIMARY KEY,
    role TEXT NOT NULL,
    agreement TEXT NOT NULL,
    peer TEXT,
    meter_id BLOB NOT NULL,
    meter_start_wh INTEGER NOT NULL,
    opened_at REAL NOT NULL,
    stop_reason TEXT,
    closed_at REAL
);
CREATE TABLE settings (
    token BLOB PRIMARY KEY,
    auction_id TEXT NOT NULL,
    settings TEXT NOT NULL,
    at REAL NOT NULL
);
CREATE TABLE sessions (
    challenge_evc BLOB PRIMARY KEY,
    challenge_evp BLOB NOT NULL UNIQUE,
    token BLOB NOT NULL,
    authorization TEXT NOT NULL,
    session_id BLOB UNIQUE,
    max_unacknowledged_wh INTEGER,
    at REAL NOT NULL
);
CREATE TABLE meter_values (
    token BLOB NOT NULL,
    energy_wh INTEGER NOT NULL,
    meter_data_hash BLOB NOT NULL,
    record BLOB NOT NULL,
    signature BLOB NOT NULL,
    power_w INTEGER NOT NULL,
    at REAL NOT NULL,
    PRIMARY KEY (token, energy_wh)
) WITHOUT ROWID;
CREATE TABLE receipts (
    token BLOB NOT NULL,
    energy_wh INTEGER NOT NULL,
    meter_data_hash BLOB NOT NULL,
    signature BLOB NOT NULL,
    at REAL NOT NULL,
    PRIMARY KEY (token, energy_wh)
) WITHOUT ROWID;
CREATE TABLE settlements (
    token BLOB PRIMARY KEY,
    energy_wh INTEGER NOT NULL,
    meter_data_hash BLOB NOT NULL,
    signature BLOB NOT NULL,
    at REAL NOT NULL
);
CREATE TABLE outcomes (
    token BLOB PRIMARY KEY,
    event TEXT NOT NULL,
    energy_wh INTEGER NOT NULL,
    cost TEXT NOT NULL,
    meter_data_hash BLOB NOT NULL,
    tx_hash TEXT NOT NULL,
    sender TEXT NOT NULL,
    at REAL NOT NULL
);
"""

# What each version has added to the one before it.
_ADDED = {
    2: """
CREATE TABLE registers (
    token BLOB PRIMARY KEY,
    meter TEXT NOT NULL,
    register TEXT NOT NULL,
    highest_wh INTEGER NOT NULL,
    read_at REAL NOT NULL
);
ALTER TABLE sessions ADD COLUMN meter_id BLOB;
ALTER TABLE sessions ADD COLUMN meter_start_wh INTEGER""",
    # SQLite changes no key of a table: the receipts move. Until then no receipt said that it is
    # the last one, every settlement was, and an expiry cost a penalty that nobody noted.
    3: """
ALTER TABLE receipts RENAME TO earlier_receipts;
CREATE TABLE receipts (
    token BLOB NOT NULL,
    energy_wh INTEGER NOT NULL,
    meter_data_hash BLOB NOT NULL,
    signature BLOB NOT NULL,
    last INTEGER NOT NULL,
    at REAL NOT NULL,
    PRIMARY KEY (token, energy_wh, last)
) WITHOUT ROWID;
INSERT INTO receipts SELECT token, energy_wh, meter_data_hash, signature, 0, at
    FROM earlier_receipts;
DROP TABLE earlier_receipts;
ALTER TABLE settlements ADD COLUMN last INTEGER NOT NULL DEFAULT 1;
ALTER TABLE outcomes RENAME COLUMN event TO how;
ALTER TABLE outcomes ADD COLUMN penalty TEXT NOT NULL DEFAULT '0';
UPDATE outcomes SET how = CASE how
    WHEN 'ConnectionForfeited' THEN 'forfeited'
    WHEN 'ConnectionExpired' THEN 'expired'
    ELSE 'agreed'
END""",
}


def prepare(database: Database, path: Path) -> None:
    """Make the tables of a new file, and those that an older one does not have yet.

    Raises:
        ConfigurationError: The file is a later version's.
    """
    version = database.version
    if version == VERSION:
        return
    if version > VERSION:
        raise ConfigurationError(
            f"the store {path} is of version {version}, and this program writes version "
            f"{VERSION}: use the ape-v2v that made it, or name another file"
        )
    if not version:
        database.create(_SCHEMA, 1)
    for added in range(max(version, 1) + 1, VERSION + 1):
        database.create(_ADDED[added], added)
