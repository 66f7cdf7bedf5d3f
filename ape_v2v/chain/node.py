"""Asking the connected node by JSON-RPC, with its failures as errors of this package."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import requests
from ape import chain
from ape.exceptions import ApeException
from web3.exceptions import Web3Exception

from ape_v2v.errors import V2VError

if TYPE_CHECKING:
    from collections.abc import Sequence


class NodeError(V2VError):
    """The node does not give what it is asked for."""


def request(method: str, parameters: Sequence[Any]) -> Any:
    """Ask the node; Ape itself waits when there are too many requests.

    Raises:
        NodeError: There is no answer, or it is an error.
    """
    try:
        return chain.provider.make_request(method, list(parameters))
    except requests.ConnectionError as error:
        raise NodeError("the node does not answer: check that it runs, and its URI") from error
    except (
        ApeException,
        AttributeError,  # Ape's, on an HTTP error whose body is not JSON-RPC's
        requests.RequestException,
        ValueError,  # web3's, on what is no JSON
        Web3Exception,
    ) as error:
        raise NodeError(str(error)) from error
