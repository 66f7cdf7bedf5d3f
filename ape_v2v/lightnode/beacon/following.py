"""A head that moves on: the light client follows whenever it is worth it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ape_v2v.lightnode.beacon.client import Report
from ape_v2v.lightnode.beacon.reasons import LightClientError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ape_v2v.lightnode.beacon.client import LightClient
    from ape_v2v.lightnode.beacon.head import Head, HeadKind
    from ape_v2v.lightnode.beacon.networks import BeaconNetwork


class Following:
    """The newest head of a light client, at most a slot behind what its sources have."""

    def __init__(
        self, client: LightClient, kind: HeadKind, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Begin with what the client has.

        Args:
            client: Must have begun.
            kind: Which head.
            clock: Seconds, to tell when a slot has passed.
        """
        self.network: BeaconNetwork = client.network
        self.report = Report()
        """What was wrong the last time."""
        self._client, self._kind, self._clock = client, kind, clock
        self._followed_at: float | None = None
        self.head()

    def head(self) -> Head:
        """The newest head.

        Sources that do not answer do no harm while it is young enough.

        Raises:
            NoCheckpoint: The client has not begun.
            HeadTooOld: It is too old to be relied on.
            NotTrustworthy: It is not final, or signed by too few.
        """
        now = self._clock()
        since = None if self._followed_at is None else now - self._followed_at
        if self._client.has_sources and (since is None or since >= self.network.seconds_per_slot):
            self._followed_at = now
            try:
                self.report = self._client.follow()
            except LightClientError as error:
                self.report = Report(warnings=[str(error)])
        return self._client.head(self._kind)
