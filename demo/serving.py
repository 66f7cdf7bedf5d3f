"""A sponsor that serves in a thread, as long as a story goes on."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ape_v2v.errors import V2VError
from ape_v2v.listening import LOOPBACK, listen
from ape_v2v.sponsor import create_app
from ape_v2v.sponsor.service import SponsorServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ape_v2v.sponsor import Sponsor

_PATIENCE = 30.0  # seconds


@contextmanager
def sponsor_served(sponsor: Sponsor) -> Iterator[str]:
    """The sponsor's URL.

    Raises:
        V2VError: It does not come up.
    """
    urls: list[str] = []
    there = threading.Event()

    def started(url: str) -> None:
        urls.append(url)
        there.set()

    server = SponsorServer(create_app(sponsor), started)
    with listen(LOOPBACK, 0) as listening:
        thread = threading.Thread(target=server.run, args=([listening],), name="sponsor")
        thread.start()
        try:
            if not there.wait(_PATIENCE):
                raise V2VError("the sponsor's service did not come up: is this machine very busy?")
            yield urls[0]
        finally:
            server.should_exit = True
            thread.join(_PATIENCE)
