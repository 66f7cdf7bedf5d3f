"""The tables that a history is kept in, in SQLite or in PostgreSQL.

`logs` is what a node said and `checkpoints` how far it is known to be complete. Everything else
follows from the logs and is kept current with them, so that nothing has to be decoded to be read:
`involved` finds the logs of an account; `auctions`, `connections` and `registrations` are what has
become of each.

Whole numbers that do not fit into 64 bits are decimal digits. Texts are bytes, because anybody may
put any into an event.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    insert,
    inspect,
    select,
    text,
    update,
)

if TYPE_CHECKING:
    from collections.abc import Callable

METADATA = MetaData()
WIDE = String(39)
"""Up to 2**128, as decimal digits."""


def _market() -> Column[Any]:
    return Column("market", ForeignKey("markets.id"), primary_key=True)


def _table(name: str, *columns: Any) -> Table:
    return Table(name, METADATA, *columns, sqlite_with_rowid=False)


VERSION = Table("history_version", METADATA, Column("version", Integer, nullable=False))

MARKETS = Table(
    "markets",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("chain_id", BigInteger, nullable=False),
    # A local chain has the same id and the same addresses every time, but not the same genesis.
    Column("genesis", LargeBinary, nullable=False),
    Column("address", String(42), nullable=False),
    Column("start", BigInteger),
    Column("head", BigInteger, nullable=False, default=0),
    UniqueConstraint("chain_id", "genesis", "address"),
)

CHECKPOINTS = _table(
    "checkpoints",
    _market(),
    Column("block", BigInteger, primary_key=True),
    Column("hash", LargeBinary, nullable=False),
)

LOGS = _table(
    "logs",
    _market(),
    Column("block", BigInteger, primary_key=True),
    Column("log_index", Integer, primary_key=True),
    Column("block_hash", LargeBinary, nullable=False),
    Column("transaction", LargeBinary, nullable=False),
    Column("timestamp", BigInteger, nullable=False),
    Column("event", String(40), nullable=False),
    Column("auction", LargeBinary),
    Column("topics", LargeBinary, nullable=False),
    Column("data", LargeBinary, nullable=False),
    Index("logs_by_auction", "market", "auction", "block", "log_index"),
    Index("logs_by_event", "market", "event", "block", "log_index"),
    Index("logs_by_time", "market", "timestamp"),
)

INVOLVED = _table(
    "involved",
    _market(),
    Column("account", LargeBinary, primary_key=True),
    Column("block", BigInteger, primary_key=True),
    Column("log_index", Integer, primary_key=True),
    Index("involved_by_block", "market", "block"),
)

AUCTIONS = _table(
    "auctions",
    _market(),
    Column("id", LargeBinary, primary_key=True),
    Column("block", BigInteger, nullable=False),
    Column("log_index", Integer, nullable=False),
    Column("consumer", LargeBinary, nullable=False),
    Column("energy", BigInteger, nullable=False),
    Column("max_rate", WIDE, nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("closing_time", BigInteger, nullable=False),
    Column("validity", BigInteger, nullable=False),
    Column("details", LargeBinary, nullable=False),
    Column("bids", Integer, nullable=False),
    Column("removals", Integer, nullable=False),
    Column("provider", LargeBinary),
    Column("rate", WIDE),
    Column("outcome", String(20), nullable=False),
    Index("auctions_by_start", "market", "block", "log_index"),
    Index("auctions_by_consumer", "market", "consumer"),
    Index("auctions_by_provider", "market", "provider"),
    Index("auctions_by_outcome", "market", "outcome"),
)

CONNECTIONS = _table(
    "connections",
    _market(),
    Column("id", LargeBinary, primary_key=True),
    Column("consumer", LargeBinary, nullable=False),
    Column("provider", LargeBinary, nullable=False),
    Column("token", LargeBinary, nullable=False),
    Column("connected_at", BigInteger, nullable=False),
    Column("contracted", BigInteger, nullable=False),
    Column("rate", WIDE, nullable=False),
    Column("outcome", String(20), nullable=False),
    # Absent until it has ended:
    Column("block", BigInteger),
    Column("log_index", Integer),
    Column("ended_at", BigInteger),
    Column("transaction", LargeBinary),
    Column("energy", BigInteger),
    Column("cost", WIDE),
    Column("penalty", WIDE),
    Column("meter_data_hash", LargeBinary),
    Index("connections_by_end", "market", "block", "log_index"),
    Index("connections_by_consumer", "market", "consumer"),
    Index("connections_by_provider", "market", "provider"),
)

REGISTRATIONS = _table(
    "registrations",
    _market(),
    Column("account", LargeBinary, primary_key=True),
    Column("block", BigInteger, nullable=False),
    Column("log_index", Integer, nullable=False),
    Column("infos", LargeBinary, nullable=False),
    Column("added_at", BigInteger, nullable=False),
    Column("removed_at", BigInteger),
    Index("registrations_by_start", "market", "block", "log_index"),
)

OF_A_MARKET = (CHECKPOINTS, LOGS, INVOLVED, AUCTIONS, CONNECTIONS, REGISTRATIONS)
"""What belongs to one market, and goes when it is read anew."""

# Tables of before there were versions. Logs may be missing there: nodes were believed too much.
_BEFORE = ("start", "checkpoints", "logs")


def _begin(connection: Connection) -> None:
    existing = set(inspect(connection).get_table_names())
    if "markets" not in existing:
        for name in _BEFORE:
            connection.execute(text(f"DROP TABLE IF EXISTS {name}"))
    METADATA.create_all(connection)


STEPS: tuple[Callable[[Connection], None], ...] = (_begin,)
"""What makes each version out of the one before. A step is never changed, only followed by another:
databases are at any of them."""


def migrate(connection: Connection) -> None:
    """Bring a database to the latest version.

    Raises:
        NewerDatabase: A newer version of this package has written it.
    """
    VERSION.create(connection, checkfirst=True)
    version = connection.execute(select(VERSION.c.version)).scalar()
    if version is None:
        connection.execute(insert(VERSION).values(version=0))
    if (version or 0) > len(STEPS):
        raise NewerDatabase(f"it is of version {version}, and this program knows {len(STEPS)}")
    for step in STEPS[version or 0 :]:
        step(connection)
    connection.execute(update(VERSION).values(version=len(STEPS)))


class NewerDatabase(Exception):
    """A database was written by a newer version of this package."""
