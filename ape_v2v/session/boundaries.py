"""Where a process may die: before and after everything that it stores or sends.

A hook for tests, harmless unless the environment variable V2V_CRASH_AT is set. Then the process
kills itself with SIGKILL at that boundary: `consumer.receipt.store:before`, or with a number for
the n-th time that it gets there, `consumer.receipt.store:before:3`.
"""

from __future__ import annotations

import os
import signal
from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

VARIABLE = "V2V_CRASH_AT"


class Boundary(StrEnum):
    """Everything that is stored or sent."""

    PROVIDER_SETUP_SEND = "provider.setup.send"
    PROVIDER_AUTHORIZATION_STORE = "provider.authorization.store"
    PROVIDER_AUTHORIZATION_SEND = "provider.authorization.send"
    PROVIDER_VALUE_STORE = "provider.meter-value.store"
    PROVIDER_VALUE_SEND = "provider.meter-value.send"
    PROVIDER_RECEIPT_STORE = "provider.receipt.store"
    PROVIDER_RECEIPT_SEND = "provider.receipt.send"
    PROVIDER_STOP_STORE = "provider.stop.store"
    PROVIDER_STOP_SEND = "provider.stop.send"
    PROVIDER_CLOSE_STORE = "provider.close.store"
    PROVIDER_SETTLEMENT_STORE = "provider.settlement.store"
    PROVIDER_SETTLEMENT_SEND = "provider.settlement.send"
    PROVIDER_SETTLE_SEND = "provider.settle.send"
    PROVIDER_OUTCOME_STORE = "provider.outcome.store"

    CONSUMER_CONNECTION_STORE = "consumer.connection.store"
    CONSUMER_SETUP_SEND = "consumer.setup.send"
    CONSUMER_AUTHORIZATION_STORE = "consumer.authorization.store"
    CONSUMER_AUTHORIZATION_SEND = "consumer.authorization.send"
    CONSUMER_SESSION_STORE = "consumer.session.store"
    CONSUMER_VALUE_SEND = "consumer.meter-value.send"
    CONSUMER_RECEIPT_STORE = "consumer.receipt.store"
    CONSUMER_RECEIPT_SEND = "consumer.receipt.send"
    CONSUMER_STOP_STORE = "consumer.stop.store"
    CONSUMER_STOP_SEND = "consumer.stop.send"
    CONSUMER_SETTLEMENT_SEND = "consumer.settlement.send"
    CONSUMER_SETTLEMENT_STORE = "consumer.settlement.store"
    CONSUMER_END_SEND = "consumer.end.send"
    CONSUMER_OUTCOME_STORE = "consumer.outcome.store"


_passed: dict[str, int] = {}


@contextmanager
def crossing(boundary: Boundary) -> Iterator[None]:
    """Mark what stores or sends something."""
    _reached(f"{boundary}:before")
    yield
    _reached(f"{boundary}:after")


def _reached(point: str) -> None:
    wanted = os.environ.get(VARIABLE)
    if not wanted:
        return
    name, _, number = wanted.rpartition(":")
    if not number.isdecimal():
        name, number = wanted, "1"
    if point != name:
        return
    _passed[point] = _passed.get(point, 0) + 1
    if _passed[point] == int(number):
        os.kill(os.getpid(), signal.SIGKILL)
