"""What goes wrong when a node is asked: a sentence each, a class where a caller acts on it."""

from __future__ import annotations

import json
import random
import re
from typing import TYPE_CHECKING, Any, Self

from ape_v2v.errors import V2VError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ape_v2v.chain.line.transport import Failure, HttpAnswer

    Scrub = Callable[[object], str]

_UNAUTHORIZED, _FORBIDDEN, _TOO_MANY, _SERVER_ERROR = 401, 403, 429, 500
_OK = 200
_LIMITED_CODES = {429, -32_016, -32_029, -32_097}
_LIMITED_WORDS = re.compile(
    r"rate.?limit|too many requests|requests? (?:per|a) (?:second|minute)|compute units|throttl"
    r"|(?:request|capacity|quota|credits?)[\w ]* exceeded|exceeded[\w' ]* (?:capacity|quota)",
    re.IGNORECASE,
)
_REVERTED_CODE = 3
_REVERTED_WORDS = re.compile(r"revert|invalid opcode|out of gas|stack (?:under|over)flow", re.I)
_LONGEST_PAUSE = 10.0
_FIRST_PAUSE = 0.25
_MAX_TEXT = 300


class NodeError(V2VError):
    """The node does not give what it is asked for."""


class NodeSilent(NodeError):
    """No answer, or none that can be read: what was asked may have been done or not.

    Attributes:
        passing: Whether asking again may well help.
        unreached: Whether the node cannot have got the question.
        late: Whether nothing has come in time.
    """

    def __init__(
        self, message: str, *, passing: bool = False, unreached: bool = False, late: bool = False
    ) -> None:
        super().__init__(message)
        self.passing = passing
        self.unreached = unreached
        self.late = late

    @classmethod
    def of(cls, shown: str, kind: Failure, timeout: float, detail: str) -> Self:
        """What became of a request that has no answer."""
        match kind:
            case "unreachable":
                return cls(
                    f"no node at {shown}: the node does not answer; check that it runs, and its "
                    "URI",
                    unreached=True,
                )
            case "late":
                return cls(f"the node at {shown} does not answer within {timeout:g} s", late=True)
            case "cut":
                return cls(f"the node at {shown} cut the answer off", passing=True)
            case _:
                return cls(f"the node at {shown} cannot be asked: {detail}", unreached=True)


class NodeBehind(NodeError):
    """The node has not got that far: it lags, or is asked for what it has never seen."""


class AccessDenied(NodeError):
    """The node wants another key, or none of us."""


class RateLimited(NodeError):
    """The node is asked too often.

    Attributes:
        retry_after: Seconds that it asks to wait; None where it does not say.
    """

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after

    def pause(self, attempt: int) -> float:
        """Seconds to wait before the next attempt: as it asks, or longer each time."""
        if self.retry_after is not None:
            return self.retry_after
        most = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2**attempt)
        return most * (0.5 + random.random() / 2)


class Rejected(NodeError):
    """The node answers with an error.

    Attributes:
        code: JSON-RPC's number; None where it gives none.
        said: What it says, on one line, without what its URL keeps secret.
        data: Whatever comes with it: a revert's bytes, mostly.
    """

    def __init__(self, said: str, code: int | None = None, data: Any = None) -> None:
        super().__init__(said)
        self.code = code
        self.said = said
        self.data = data


class Reverted(Rejected):
    """A call reverts."""

    @property
    def output(self) -> bytes:
        """What it reverts with; empty where the node does not say."""
        found = self.data
        if isinstance(found, dict):  # some nest it
            found = found.get("data") or found.get("result")
        if not isinstance(found, str):
            return b""
        # Parity's clients: "Reverted 0x…"
        text = found.rpartition("0x")[2]
        try:
            return bytes.fromhex(text)
        except ValueError:
            return b""


def error_in(answer: Any, scrub: Scrub) -> NodeError | None:
    """The error that an answer of JSON-RPC is; None when it is none."""
    error = answer.get("error") if isinstance(answer, dict) else None
    if error is None:
        return None
    if not isinstance(error, dict):
        error = {"message": error}
    code = error.get("code")
    code = code if isinstance(code, int) else None
    message = error.get("message")
    said = scrub(message if isinstance(message, str) else json.dumps(message))[:_MAX_TEXT]
    if code in _LIMITED_CODES or _LIMITED_WORDS.search(said):
        return RateLimited(f"the node is asked too often: {said}")
    data = error.get("data")
    if code == _REVERTED_CODE or _REVERTED_WORDS.search(said):
        return Reverted(said, code, data)
    return Rejected(said, code, data)


def http_error(answer: HttpAnswer, content: Any, shown: str, scrub: Scrub) -> NodeError | None:
    """The error that an HTTP status is; None when the body counts."""
    status = answer.status
    if status in (_UNAUTHORIZED, _FORBIDDEN):
        return AccessDenied(
            f"the node at {shown} denies access (HTTP {status}): check the key in its URI"
        )
    if status == _TOO_MANY:
        told = error_in(content, scrub)
        said = f"the node at {shown} is asked too often (HTTP 429)"
        return RateLimited(f"{said}: {told}" if told else said, answer.retry_after)
    if isinstance(content, dict) and ("result" in content or "error" in content):
        return None
    if isinstance(content, list) and status == _OK:
        return None
    if status == _OK:
        return None
    said = scrub(answer.body[:80].decode("utf-8", "replace"))
    return NodeSilent(
        f"the node at {shown} answers with HTTP {status}: {said!r}",
        passing=status >= _SERVER_ERROR,
    )
