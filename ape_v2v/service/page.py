"""`/`: the page that phones open, with which people trade.

It is built from `web/` by `make setup`, and comes in the wheel. Its files are read once.
"""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from mimetypes import guess_type
from pathlib import Path
from typing import Annotated, Self

from eth_utils.crypto import keccak
from fastapi import APIRouter, Header, Response

from ape_v2v.service.reads import NotFound

BUILT = Path(__file__).with_name("page")
START = "index.html"

# Their names change with what is in them; the others are asked for anew each time.
_HASHED = "assets/"
_FOR_EVER = "public, max-age=31536000, immutable"
_EACH_TIME = "no-cache"
_TYPES = {".js": "text/javascript", ".webmanifest": "application/manifest+json"}
_COMPRESSED = ("text/", "application/", "image/svg+xml")

Encodings = Annotated[str, Header(alias="Accept-Encoding", max_length=200)]
KnownTags = Annotated[str, Header(alias="If-None-Match", max_length=200)]


@dataclass(frozen=True)
class PageFile:
    """One file as it goes over the line."""

    body: bytes
    packed: bytes | None
    """The same by gzip, where that is worth it."""
    headers: dict[str, str]

    @classmethod
    def read(cls, path: Path, name: str) -> Self:
        body = path.read_bytes()
        kind = _TYPES.get(path.suffix) or guess_type(name)[0] or "application/octet-stream"
        headers = {
            "Content-Type": f"{kind}; charset=utf-8" if kind.startswith("text/") else kind,
            "Cache-Control": _FOR_EVER if name.startswith(_HASHED) else _EACH_TIME,
            "ETag": f'"{keccak(body)[:8].hex()}"',
            "Vary": "Accept-Encoding",
        }
        packed = gzip.compress(body, mtime=0) if kind.startswith(_COMPRESSED) else None
        return cls(body, packed, headers)

    def answer(self, encodings: str, known: str) -> Response:
        """The file, as small as the asker takes it; or that the one which it has is still right."""
        if self.headers["ETag"] in {tag.strip() for tag in known.split(",")}:
            return Response(status_code=304, headers=self.headers)
        if self.packed is not None and "gzip" in encodings:
            return Response(self.packed, headers=self.headers | {"Content-Encoding": "gzip"})
        return Response(self.body, headers=self.headers)


class Files:
    """The page's files by their paths; none where it has not been built."""

    def __init__(self, folder: Path) -> None:
        self._files = {
            name: PageFile.read(path, name)
            for path in sorted(folder.rglob("*"))
            if path.is_file() and (name := path.relative_to(folder).as_posix())
        }

    @classmethod
    def built(cls) -> Self:
        """Those that come with the package."""
        return cls(BUILT)

    def find(self, name: str) -> PageFile:
        """The file of a path.

        Raises:
            NotFound: There is none.
        """
        if not self._files:
            raise NotFound(
                "the page is not in this installation: in a clone, `make setup` builds it; the "
                "API is at /api/v1 all the same"
            )
        try:
            return self._files[name or START]
        except KeyError:
            raise NotFound(f"there is nothing at /{name[:80]}") from None


def router(files: Files) -> APIRouter:
    """The requests; no part of the API that OpenAPI describes."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/{name:path}")
    def get_file(name: str, encodings: Encodings = "", known: KnownTags = "") -> Response:
        """A file of the page."""
        return files.find(name).answer(encodings, known)

    return routes
