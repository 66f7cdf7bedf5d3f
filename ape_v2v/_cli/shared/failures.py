"""What a command says when it fails: one sentence, and whether anything was sent."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ape.exceptions import ApeException
from web3.exceptions import Web3Exception

from ape_v2v.chain.line.faults import NodeError, NodeSilent
from ape_v2v.chain.line.urls import Secrets, without_secrets
from ape_v2v.errors import SentAs, V2VError
from ape_v2v.units import UnitError

if TYPE_CHECKING:
    from ape.api import ProviderAPI

    from ape_v2v._cli.shared.context import Context

EXPECTED_ERRORS = (V2VError, UnitError, ApeException, Web3Exception, OSError)
"""What a user, a node or a disk can be the cause of: told in one line, without a traceback."""

_HOST_VARIABLE = "APE_FOUNDRY_HOST"
_DEFAULT_URL = "http://127.0.0.1:8545"
_PATIENCE_SECONDS = 5


_SAID = "nothing was sent"
NOTHING_SENT = f"; {_SAID}"
FAILED, SENT = 1, 3


def require_node(provider: ProviderAPI, *, writes: bool) -> None:
    """Refuse to go on without a node: a local chain would be started, and die with the command.

    A fork is another matter: it is started to show the network that it forks.

    Raises:
        V2VError: There is no node.
    """
    if provider.is_connected or (provider.network.is_dev and not provider.network.is_local):
        return
    url = _url(provider)
    if url is not None and (provider.name == "test" or not _answers(url)):
        local = provider.network.is_local
        choice = provider.network.choice
        raise V2VError(_no_node(url, None if local else choice) + NOTHING_SENT * writes)


def sentence(error: Exception, context: Context | None, *, writes: bool) -> str:
    """What to tell of an error: in one line, and whether anything was sent.

    Args:
        error: One of `EXPECTED_ERRORS`.
        context: What the command has; None when it has not got that far.
        writes: Whether it is there to send something.
    """
    if isinstance(error, NodeSilent) and error.unreached and context is not None:
        local = context.node.network.is_dev
        text = _no_node(context.node.shown, None if local else context.node.network.name)
    else:
        # What Ape and its libraries say of a connection holds the whole URL, and with it the key.
        ours = isinstance(error, V2VError)
        text = " ".join(str(error).split()) if ours else without_secrets(error)
    if context is not None and context.advice is not None and isinstance(error, NodeError):
        return f"{text}; {context.advice}"
    if context is not None and context.transaction is not None:
        return f"{text}; {context.transaction} was sent, and is in a block"
    if not isinstance(error, NodeError) or text.endswith(_SAID):
        return text
    return text + NOTHING_SENT * writes


def exit_code(error: Exception, context: Context | None) -> int:
    """What a command ends with: 3 where a transaction was sent and not all was told, else 1."""
    sent = context is not None and context.transaction is not None
    return SENT if sent or isinstance(error, SentAs) else FAILED


def _no_node(url: str, network: str | None) -> str:
    """What to do where no node is; on a local network when there is no name."""
    shown = Secrets(url).shown
    if network is None:
        return f"no node at {shown}: start `anvil`, and `export {_HOST_VARIABLE}={shown}`"
    return (
        f"no node at {shown}: check your connection to the network, and the node's address for "
        f"{network} in ape-config.yaml"
    )


def _url(provider: ProviderAPI) -> str | None:
    """Where Ape looks for a node; None when it does not say. `auto` stands for any local one."""
    if not provider.network.is_local:
        try:
            uri = str(getattr(provider, "uri", "") or "")
        except ApeException:  # it has none
            return None
        return uri if uri.startswith("http") else None
    host = os.environ.get(_HOST_VARIABLE) or str(getattr(provider.settings, "host", None) or "auto")
    if host == "auto":
        return _DEFAULT_URL
    return host if "://" in host else f"http://{host}"


def _answers(url: str) -> bool:
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        with socket.create_connection((parts.hostname, port), timeout=_PATIENCE_SECONDS):
            return True
    except (OSError, ValueError):
        return False
