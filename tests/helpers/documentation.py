"""The pages of the documentation: their examples, links, and what they say in code."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]

FENCE = re.compile(
    r"^(?P<fence>```+|:::+)(?P<language>.*?)\n(?P<text>.*?)^(?P=fence)$", re.S | re.M
)
SPAN = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|^\[[^\]]+\]: (\S+)$", re.M)
HEADING = re.compile(r"^#+ (.*)$", re.M)


def examples(page: str, language: str) -> list[str]:
    """The fenced blocks of one language on a page, by its path from the top, in order."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE)


class Found(NamedTuple):
    """Something on a page, and where."""

    page: str
    text: str


def tracked(*patterns: str) -> list[Path]:
    """The repository's files, also those that are new, by git's patterns."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", *patterns]
    listing = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    paths = [ROOT / name for name in listing.split("\0") if name]
    return [path for path in paths if path.is_file() and not path.is_symlink()]


def pages() -> list[Path]:
    return tracked("*.md")


def said(path: Path) -> str:
    """A file's path from the top; of one that lies elsewhere, its name."""
    return path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else path.name


def prose(text: str) -> str:
    """A page without its fenced blocks."""
    return FENCE.sub("", text)


def spans(path: Path) -> Iterator[Found]:
    """What a page says in code, between single backticks."""
    for span in SPAN.findall(prose(path.read_text("utf-8"))):
        yield Found(said(path), span)


def links(path: Path) -> Iterator[Found]:
    """Where a page's links lead, those to other sites left out."""
    for pair in LINK.findall(prose(path.read_text("utf-8"))):
        target = "".join(pair)
        if "://" not in target and not target.startswith("mailto:"):
            yield Found(said(path), target)


def anchors(path: Path) -> set[str]:
    """The anchors that a page's headings have."""
    headings = HEADING.findall(prose(path.read_text("utf-8")))
    return {slug(heading) for heading in headings}


def slug(heading: str) -> str:
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower().strip()
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


def shell_lines(path: Path) -> Iterator[Found]:
    """The command lines of a page's shell blocks, those that go on joined."""
    for _, language, text in FENCE.findall(path.read_text("utf-8")):
        if language in ("sh", "bash"):
            for line in text.replace("\\\n", " ").splitlines():
                yield Found(said(path), line.strip())
