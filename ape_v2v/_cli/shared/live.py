"""Commands that go on until they are stopped."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from ape_v2v.signals import in_a_thread

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def stop_signals() -> Iterator[threading.Event]:
    """An event that Ctrl-C and SIGTERM set, so that what is under way can be finished.

    A second signal does what it always does.
    """
    stop = threading.Event()
    previous = {number: signal.getsignal(number) for number in _SIGNALS}

    def restore() -> None:
        for number, handler in previous.items():
            signal.signal(number, handler)

    with in_a_thread(stop.set) as set_stop:

        def on_signal(_number: int, _frame: FrameType | None) -> None:
            set_stop()
            restore()

        for number in _SIGNALS:
            signal.signal(number, on_signal)
        try:
            yield stop
        finally:
            restore()


def interval_option(default: float) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """How often a command looks for something new."""
    return click.option(
        "--interval",
        metavar="SECONDS",
        type=click.FloatRange(min=0.1, max=600),
        default=default,
        show_default=True,
        help="How often to look for a new block.",
    )
