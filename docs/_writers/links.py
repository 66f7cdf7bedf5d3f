"""Links that lead out of this folder: pages hold them as a reader of the repository needs them.

The site has the project's own pages (CONTRIBUTING.md and its like) as pages of its own. Other
files are copied into it where a page links to one. A folder can't be, so its name alone stays.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sphinx.application import Sphinx

DOCS = Path(__file__).resolve().parents[1]
ROOT = DOCS.parent
PROJECT_PAGES = ("CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")
"""What belongs to the project and not to a reader's subject; on the site, below `reference/`."""

LINK = re.compile(r"\[(?P<text>[^\]]*)\]\((?P<target>[^)\s#]*)(?P<anchor>#[^)\s]*)?\)")


def project_pages() -> dict[str, str]:
    """The pages of the project as the site has them, by their names below `reference/`."""
    return {f"project/{name.lower()}": moved(ROOT / name, placed(name)) for name in PROJECT_PAGES}


def placed(name: str) -> Path:
    return DOCS / "reference" / "project" / name.lower()


def moved(page: Path, to: Path) -> str:
    """A page's text as it has to be elsewhere."""
    return relinked(page.read_text("utf-8"), page.parent, to.parent)


def relinked(text: str, folder: Path, to: Path) -> str:
    """A page's text with its links as the site needs them: from `folder`, seen from `to`."""

    def link(match: re.Match[str]) -> str:
        target, anchor = match["target"], match["anchor"] or ""
        if not target or "://" in target:
            return match[0]
        path = Path(os.path.normpath(folder / target))
        if path.is_dir():
            return match["text"]
        if path.parent == ROOT and path.name in PROJECT_PAGES:
            path = placed(path.name)
        if path == ROOT / "README.md":
            path = DOCS / "index.md"
        return f"[{match['text']}]({os.path.relpath(path, to)}{anchor})"

    return LINK.sub(link, text)


def read(app: Sphinx, docname: str, source: list[str]) -> None:
    if not docname.startswith("reference/"):
        folder = (DOCS / docname).parent
        source[0] = relinked(source[0], folder, folder)


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("source-read", read)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
