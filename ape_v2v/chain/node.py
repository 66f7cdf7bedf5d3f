"""A node that is asked by JSON-RPC: a port that is passed in, so that two may stand side by side.

    node = Node("http://127.0.0.1:8545")
    head = int(node.request("eth_blockNumber"), 16)

Every request ends, after `timeout` seconds at the latest, and what goes wrong is a `NodeError` of
one sentence. A node's URL often holds a key: no error, note or log shows more of it than the host.
"""

from __future__ import annotations

import itertools
import json
import random
import threading
import time
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ape_v2v.chain import notes
from ape_v2v.chain.batches import BatchSize
from ape_v2v.chain.line.faults import (
    AccessDenied,
    NodeError,
    NodeSilent,
    RateLimited,
    Rejected,
    error_in,
    http_error,
)
from ape_v2v.chain.line.transport import HttpAnswer, Transport, TransportError
from ape_v2v.chain.line.urls import Secrets
from ape_v2v.chain.notes import Notebook

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ape_v2v.chain.line.faults import Scrub

    Call = tuple[str, Sequence[Any]]

__all__ = ["Network", "Node", "NodeError", "NodeSilent", "RateLimited"]

TIMEOUT = 20.0
"""Seconds after which a request has ended, with an answer or without."""

_DEV_CHAINS = {1_337, 31_337}
_ATTEMPTS = 3
_FIRST_PAUSE = 0.1
_FORK = "-fork"
# Who reads logs halves its range when that fails, and a transaction that may have been taken is
# looked up instead: see ape_v2v.chain.writing.sending.
_NEVER_REPEATED = ("eth_getLogs", "eth_send")


@dataclass(frozen=True)
class Network:
    """What a node's network is called, and the habits of its blocks."""

    name: str
    """As file names and the configuration have it: `ethereum-sepolia`."""
    is_dev: bool = False
    """Blocks only come when they are asked for, and everything is forgotten in the end."""
    is_local: bool = False
    """A development chain that is no fork of another one."""
    confirmations: int = 0
    """Blocks that have to lie on top of a transaction, unless a gas policy says otherwise."""
    patience: float = 120.0
    """Seconds without a new block after which a transaction is waited for no longer."""
    base_fee_multiplier: float = 1.4
    """How far the base fee may rise until the transaction is in a block."""
    project: Path | None = None
    """The folder of the project that Ape works in: it may have records of this network."""
    folder: Path | None = None
    """Where is kept what outlives this process; None keeps it in memory."""

    @property
    def upstream(self) -> str:
        """The network, or the one that it forks."""
        return self.name.removesuffix(_FORK)


class Node:
    """A node reached by HTTP. Any number of threads may ask it."""

    def __init__(
        self,
        url: str,
        *,
        timeout: float = TIMEOUT,
        network: Network | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        """Name a node; nothing is asked yet.

        Args:
            url: Its address; never shown whole.
            timeout: Seconds after which every request has ended.
            network: What is known of its network.
            headers: Sent with each request.
        """
        self.url = url
        self.timeout = timeout
        self._secrets = Secrets(url)
        self._transport = Transport(url, headers or {})
        self._network = network
        self._ids = itertools.count(1)
        self._size = BatchSize()
        self._lock = threading.Lock()
        self._notes: Notebook | None = None
        self.pending = "pending"
        """The state that a write is tried on: `latest` once the node shows that it has no other."""

    def __repr__(self) -> str:
        return f"<Node {self.shown}>"

    @property
    def shown(self) -> str:
        """Its address without user, path and query, where keys are."""
        return self._secrets.shown

    @cached_property
    def chain_id(self) -> int:
        """Which chain it follows; asked once.

        Raises:
            NodeError: It does not say.
        """
        answer = self.request("eth_chainId")
        try:
            return int(answer, 16) if isinstance(answer, str) else int(answer)
        except (TypeError, ValueError):
            raise NodeError(
                f"the node at {self.shown} does not say which chain it follows"
            ) from None

    @cached_property
    def client(self) -> str:
        """The program that answers, in lower case; empty where it does not say. Asked once."""
        try:
            return str(self.request("web3_clientVersion") or "").lower()
        except Rejected:
            return ""

    @cached_property
    def network(self) -> Network:
        """What is known of its network."""
        if self._network is not None:
            return self._network
        is_dev = self.chain_id in _DEV_CHAINS
        return Network(f"chain-{self.chain_id}", is_dev=is_dev, is_local=is_dev)

    @property
    def notes(self) -> Notebook:
        """The transactions that were sent from here, and whose outcome has not been told.

        Raises:
            ConfigurationError: They cannot be kept.
            NodeError: The node does not say which chain it follows.
        """
        folder = self.network.folder
        with self._lock:
            if self._notes is None:
                path = None if folder is None else folder / f"{self._chain}-{notes.FILE}"
                self._notes = Notebook(path)
            return self._notes

    @property
    def _chain(self) -> str:
        """A name for the chain: local ones have the same id, and not the same first block."""
        first = self.request("eth_getBlockByNumber", ["0x0", False])
        genesis = str(first.get("hash") or "0x")[2:18] if isinstance(first, dict) else ""
        return f"{self.chain_id}-{genesis}" if genesis else f"{self.chain_id}"

    def request(self, method: str, parameters: Sequence[Any] = ()) -> Any:
        """Ask, patiently where the node limits how often it may be asked.

        Args:
            method: Of JSON-RPC, such as `eth_call`.
            parameters: Its parameters, as JSON has them.

        Returns:
            The result, as JSON has it; None too.

        Raises:
            NodeError: There is no answer in time, or it is an error.
        """
        return self._patiently(method, parameters, time.monotonic() + self.timeout)

    def batch(self, calls: Sequence[Call], *, errors: bool = False) -> list[Any]:
        """Ask several things at once; one after the other where the node takes no batches.

        Args:
            calls: Methods with their parameters.
            errors: Give a `NodeError` in the place of a result, instead of raising it.

        Returns:
            The results, in the order of the calls.

        Raises:
            NodeError: One of them, unless `errors`, is an error or has no answer in time.
        """
        end = time.monotonic() + self.timeout
        results: list[Any] = []
        while len(results) < len(calls):
            part = calls[len(results) : len(results) + self._size.most]
            answers = self._batch(part, end) if len(part) > 1 else self._one_by_one(part, end)
            # Who says nothing until the time is over has perhaps been asked for far too much.
            self._size.learn(len(part), taken=bool(answers) and not _is_late(answers[0]))
            results += answers
        return _checked(results, errors=errors)

    def one_by_one(self, calls: Sequence[Call], *, errors: bool = False) -> list[Any]:
        """As `batch`, by one `request` after the other."""
        results: list[Any] = []
        for method, parameters in calls:
            try:
                results.append(self.request(method, parameters))
            except NodeError as error:
                results.append(error)
        return _checked(results, errors=errors)

    def scrubbed(self, text: object) -> str:
        """A text of others on one line, without what this node's URL keeps secret."""
        return self._secrets.scrubbed(text)

    def _patiently(self, method: str, parameters: Sequence[Any], end: float) -> Any:
        """Ask until there is an answer, or the time is up."""
        for attempt in itertools.count(1):
            try:
                return self._ask(method, parameters, end)
            except RateLimited as error:
                pause = error.pause(attempt)
                if time.monotonic() + pause >= end:
                    raise
            except NodeSilent as error:
                pause = _FIRST_PAUSE * 2**attempt * random.random()
                if (
                    not error.passing
                    or attempt >= _ATTEMPTS
                    or method.startswith(_NEVER_REPEATED)
                    or time.monotonic() + pause >= end
                ):
                    raise
            time.sleep(pause)
        raise AssertionError("unreachable")

    def _batch(self, calls: Sequence[Call], end: float) -> list[Any]:
        """Results or errors; nothing where the node does not take the batch."""
        bodies = [self._body(method, parameters) for method, parameters in calls]
        answers: Any = None
        try:
            answers = self._post(bodies, end)
        except NodeError as error:  # of others, whatever it says is about the batch
            silent = error if isinstance(error, NodeSilent) else None
            if isinstance(error, AccessDenied) or (silent and (silent.unreached or silent.late)):
                return [error] * len(calls)
            if isinstance(error, RateLimited) or (silent and silent.passing):
                return self._one_by_one(calls, end)
        if not isinstance(answers, list):
            if isinstance(error_in(answers, self.scrubbed), RateLimited):
                return self._one_by_one(calls, end)
            return []
        by_id = {answer.get("id"): answer for answer in answers if isinstance(answer, dict)}
        results = [_result(by_id.get(body["id"]), self.scrubbed) for body in bodies]
        again = [at for at, result in enumerate(results) if isinstance(result, RateLimited)]
        for at, result in zip(
            again, self._one_by_one([calls[at] for at in again], end), strict=True
        ):
            results[at] = result
        return results

    def _one_by_one(self, calls: Sequence[Call], end: float) -> list[Any]:
        """Results or errors; once the node does not answer at all, it is not asked the rest."""
        results: list[Any] = []
        for method, parameters in calls:
            try:
                results.append(self._patiently(method, parameters, end))
            except (AccessDenied, NodeSilent, RateLimited) as error:
                return results + [error] * (len(calls) - len(results))
            except NodeError as error:
                results.append(error)
        return results

    def _ask(self, method: str, parameters: Sequence[Any], end: float) -> Any:
        answer = self._post(self._body(method, parameters), end)
        if isinstance(answer, dict) and "result" in answer and answer.get("error") is None:
            return answer["result"]
        error = error_in(answer, self.scrubbed)
        raise error or NodeSilent(
            f"the node at {self.shown} answers with what is no JSON-RPC: check its URI"
        )

    def _body(self, method: str, parameters: Sequence[Any]) -> dict[str, Any]:
        id_ = next(self._ids)
        return {"jsonrpc": "2.0", "id": id_, "method": method, "params": list(parameters)}

    def _post(self, body: Any, end: float) -> Any:
        """Post a body, and read the answer as JSON."""
        if (left := end - time.monotonic()) <= 0:
            raise NodeSilent.of(self.shown, "late", self.timeout, "")
        answer: HttpAnswer | None = None
        problem: TransportError | None = None
        try:
            answer = self._transport.post(json.dumps(body).encode(), left)
        except TransportError as error:
            problem = error
        # Raised out here: what the library says of the failure has the whole URL in it.
        if answer is None:
            assert problem is not None
            raise NodeSilent.of(self.shown, problem.kind, self.timeout, self.scrubbed(problem))
        content: Any = None
        try:
            content = json.loads(answer.body)
        except ValueError:  # RecursionError is one of those that nobody sends in earnest
            content = None
        if (refusal := http_error(answer, content, self.shown, self.scrubbed)) is not None:
            raise refusal
        if content is None:
            raise NodeSilent(
                f"the node at {self.shown} answers with what is no JSON: "
                f"{self.scrubbed(answer.body[:80].decode('utf-8', 'replace'))!r}",
                passing=True,
            )
        return content


def _is_late(answer: Any) -> bool:
    return isinstance(answer, NodeSilent) and answer.late


def _result(answer: Any, scrub: Scrub) -> Any:
    """One result of a batch, or its error; one that is missing counts as too much at a time."""
    if isinstance(answer, dict) and "result" in answer and answer.get("error") is None:
        return answer["result"]
    return error_in(answer, scrub) or RateLimited("the node leaves out an answer")


def _checked(results: list[Any], *, errors: bool) -> list[Any]:
    for result in results:
        if isinstance(result, NodeError) and not errors:
            raise result
    return results
