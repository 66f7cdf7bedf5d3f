"""Where a service of this package listens, with what goes wrong said in a sentence."""

from __future__ import annotations

import socket
import ssl
from ipaddress import ip_address
from typing import TYPE_CHECKING

from ape_v2v.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

LOOPBACK = "127.0.0.1"


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens.

    Args:
        host: A name or an address of this machine.
        port: 0 for a free one.

    Raises:
        ConfigurationError: It cannot.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise ConfigurationError(
            f"cannot listen on {host}, port {port} ({error.strerror or error}): name another one "
            "with --host and --port, or end what listens there"
        ) from error


def is_loopback(host: str) -> bool:
    """Whether only this machine can get there. Of a name that is not known, no."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def require_certificate(certificate: Path, key: Path) -> None:
    """See that these are a certificate and its key, before anybody relies on them.

    Raises:
        ConfigurationError: They are not.
    """
    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(certificate, key)
    except OSError as error:  # SSLError is one
        raise ConfigurationError(
            f"{certificate} and {key} are no certificate with its key ({error.strerror or error}): "
            "give both as PEM files"
        ) from error
