"""Databases that a history can be kept in."""

import tempfile
from importlib import import_module
from pathlib import Path

import psycopg
import pytest
from psycopg.sql import SQL, Identifier


@pytest.fixture(scope="session")
def postgresql():
    """A PostgreSQL server of the tests' own, on a socket.

    It does not run as root: then the package takes, or makes, a user of its own, who has to reach
    the folder.
    """
    try:
        pgserver = import_module("pgserver")
    except ImportError as error:  # no wheel for this Python or this machine
        pytest.skip(f"PostgreSQL comes with the package pgserver, which is not here: {error}")
    with tempfile.TemporaryDirectory(prefix="v2v-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        server = pgserver.get_server(Path(folder) / "data", cleanup_mode="delete")
        yield server
        server.cleanup()


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def place(request, tmp_path):
    """Where a history is kept: empty at first."""
    if request.param == "memory":
        return None
    if request.param == "sqlite":
        return tmp_path / "history.sqlite"
    server = request.getfixturevalue("postgresql")
    name = f"history_{len(tmp_path.parts)}_{abs(hash(tmp_path))}"
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
    return server.get_uri(name)
