"""A service in a thread, as long as a story goes on."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ape_v2v.errors import V2VError
from ape_v2v.listening import LOOPBACK, listen
from ape_v2v.sponsor.service import SponsorServer, create_app

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ape_v2v.serving import AnnouncedServer
    from ape_v2v.sponsor import Sponsor

_PATIENCE = 30.0  # seconds


@contextmanager
def served(
    server_of: Callable[[Callable[[str], None]], AnnouncedServer],
    address: tuple[str, int] = (LOOPBACK, 0),
) -> Iterator[str]:
    """A service's URL.

    Args:
        server_of: Makes the server, which tells its URL to what it is given.
        address: Where it listens.

    Raises:
        ConfigurationError: It cannot listen there.
        V2VError: It does not come up.
    """
    urls: list[str] = []
    there = threading.Event()

    def started(url: str) -> None:
        urls.append(url)
        there.set()

    server = server_of(started)
    with listen(*address) as listening:
        thread = threading.Thread(target=server.run, args=([listening],), name="service")
        thread.start()
        try:
            if not there.wait(_PATIENCE):
                raise V2VError("the service did not come up: is this machine very busy?")
            yield urls[0]
        finally:
            server.should_exit = True
            thread.join(_PATIENCE)


@contextmanager
def sponsor_served(sponsor: Sponsor) -> Iterator[str]:
    """The sponsor's URL.

    Raises:
        V2VError: It does not come up.
    """
    with served(lambda started: SponsorServer(create_app(sponsor), started)) as url:
        yield url
