"""The browser that shows the page to tests, and for its picture: one that the machine has."""

from __future__ import annotations

import os
import shutil

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MISSING = "there is no Chromium or Chrome on the PATH, and none in V2V_BROWSER"


def installed_browser() -> str | None:
    """The program named in V2V_BROWSER, else a Chromium or Chrome on the PATH; None without."""
    return os.environ.get("V2V_BROWSER") or next(filter(None, map(shutil.which, NAMES)), None)
