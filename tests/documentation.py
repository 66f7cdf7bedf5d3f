"""The examples of the documentation, for tests to run them."""

import re
from pathlib import Path

DOCS = Path(__file__).resolve().parent.parent / "docs"


def examples(page: str, language: str) -> list[str]:
    """The fenced blocks of one language on a page of docs/, in order."""
    text = (DOCS / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE)
