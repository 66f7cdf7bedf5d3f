"""What a signal's handler may ask for.

A handler runs in the middle of whatever it interrupts, which may hold the very lock that the
handler would wait for: `threading.Event.set` in a handler stops the process for good if it
interrupts `Event.wait` in the wrong moment. A queue's `put` is made for handlers.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from queue import SimpleQueue
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def in_a_thread(action: Callable[[], None]) -> Iterator[Callable[[], None]]:
    """What a handler calls so that another thread does `action`, until the block's end."""
    asked: SimpleQueue[bool] = SimpleQueue()

    def listen() -> None:
        while asked.get():
            action()

    thread = threading.Thread(target=listen, name="asked by handlers", daemon=True)
    thread.start()
    try:
        yield lambda: asked.put(True)
    finally:
        asked.put(False)
        thread.join()
