"""Addresses of nodes: what of one may be shown, and how the rest is kept out of every text."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, unquote, urlsplit

_HIDDEN = "…"
# Shorter parts of a path are versions and networks, and no keys: /v3, /rpc, /mainnet.
_SHORTEST_SECRET = 8
_ADDRESS = re.compile(r"\b(\w+)://(?:[^\s/@'\"]*@)?([^\s/?#'\",)]+)([/?#][^\s'\",)]*)?")
# As the library under web3 words it: "Max retries exceeded with url: /v3/key".
_PATH = re.compile(r"(with url: )/\S*")


def without_secrets(text: object) -> str:
    """A text on one line, without users, paths and queries of the addresses in it."""
    line = " ".join(str(text).split())
    line = _ADDRESS.sub(
        lambda found: f"{found[1]}://{found[2]}" + (f"/{_HIDDEN}" if found[3] else ""), line
    )
    return _PATH.sub(rf"\1/{_HIDDEN}", line)


class Secrets:
    """What one address keeps secret."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        host = parts.hostname or ""
        host = f"[{host}]" if ":" in host else host
        port = f":{parts.port}" if parts.port else ""
        self.shown = f"{parts.scheme}://{host}{port}"
        found = {parts.username, parts.password}
        found |= {value for _, value in parse_qsl(parts.query)} | {parts.query}
        found |= set(parts.path.split("/")) | {parts.path}
        whole = {item for item in found if item and len(item) >= _SHORTEST_SECRET}
        self._words = sorted(whole | {unquote(item) for item in whole}, key=len, reverse=True)

    def scrubbed(self, text: object) -> str:
        """A text on one line without any of it."""
        line = str(text)
        for word in self._words:
            line = line.replace(word, _HIDDEN)
        return without_secrets(line)
