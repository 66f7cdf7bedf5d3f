"""Processes that start fast."""

import pytest

from tests.session.runner import start_fork_server


@pytest.fixture(scope="session")
def fork_server():
    start_fork_server()
