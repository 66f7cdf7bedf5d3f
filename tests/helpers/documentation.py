"""The examples of the documentation, for tests to run them."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def examples(page: str, language: str) -> list[str]:
    """The fenced blocks of one language on a page, by its path from the top, in order."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE)
