"""A provider that serves until its session is over: the service, and who looks after the rest."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from ape_v2v.errors import V2VError
from ape_v2v.listening import LOOPBACK, listen
from ape_v2v.session.link.server import Service, create_app
from ape_v2v.session.protocol.wire import ChargingState, StopReason
from ape_v2v.session.provider import Supervisor
from ape_v2v.signals import in_a_thread

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ape_v2v.session.link.guard import Bounds
    from ape_v2v.session.protocol.agreement import ConnectionEnd
    from ape_v2v.session.provider import Provider
    from ape_v2v.session.terms import SessionPatience

_LAST_ANSWER_SECONDS = 0.5


def serve(
    provider: Provider,
    *,
    host: str = LOOPBACK,
    port: int = 0,
    certificate: tuple[Path, Path] | None = None,
    bounds: Bounds | None = None,
    patience: SessionPatience | None = None,
    on_start: Callable[[str], None] = lambda _: None,
    report: Callable[[str], None] = lambda _: None,
    stop_requested: Callable[[], bool] = lambda: False,
) -> ConnectionEnd | None:
    """Serve one connection until it has ended on the chain.

    The first Ctrl-C, or SIGTERM, stops the charging and lets the session end in order; a second
    one ends the process.

    Args:
        provider: The connection.
        host: Where to listen.
        port: 0 for a free one.
        certificate: Files of a certificate and its key, for TLS.
        bounds: What the service bears.
        patience: How long the provider waits before it acts by itself.
        on_start: Told the service's address.
        report: Told in a sentence what could not be done yet.
        stop_requested: Asked whether to stop as at a Ctrl-C, where others get the signals.

    Returns:
        How the connection ended; None when nobody came, nothing was acknowledged, or the process
        was told to end before.

    Raises:
        SessionError: A reorganisation has taken the award back.
        ConfigurationError: The address cannot be listened on.
        Exception: Looking after it has failed, in a way that nobody has thought of.
    """
    supervisor = Supervisor(provider, patience, report, stop_requested=stop_requested)
    stopped = threading.Event()
    failures: list[Exception] = []

    def stop_charging() -> None:
        try:
            provider.stop_charging(StopReason.LOCAL)
        except V2VError as error:
            report(f"the charging could not be stopped: {error}")

    listening = listen(host, port)
    with in_a_thread(stop_charging) as ask_to_stop:
        asked = False

        def on_signal() -> bool:
            nonlocal asked
            if asked or provider.state in {None, ChargingState.CLOSED}:
                return False
            asked = True
            ask_to_stop()
            return True

        service = Service(
            create_app(provider, bounds),
            bounds=bounds,
            certificate=certificate,
            on_start=on_start,
            on_signal=on_signal,
        )

        def look_after() -> None:
            try:
                supervisor.run(stopped)
                stopped.wait(_LAST_ANSWER_SECONDS)
                if supervisor.end is None and provider.acknowledged is not None:
                    supervisor.run(stopped)  # the last receipt came once it had looked
            except Exception as error:  # or it would be told as a session that nobody came to
                failures.append(error)
            finally:
                service.should_exit = True

        thread = threading.Thread(target=look_after, name="supervisor", daemon=True)
        thread.start()
        try:
            service.run([listening])
        finally:
            stopped.set()
            thread.join()
            provider.rest()
            listening.close()
    for failure in failures:
        raise failure
    if supervisor.problem is not None:
        raise supervisor.problem
    return supervisor.end
