"""Take the picture of the page that the README shows: three phones on the market of `make app`.

ape run app_picture

Needs an installed Chromium or Chrome on the PATH, or in V2V_BROWSER.
"""

import base64
import io
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import click
from PIL import Image
from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright

from toolchain.browser import MISSING, installed_browser

ROOT = Path(__file__).resolve().parent.parent
PICTURE = "docs/_static/app.png"
SIZE = ViewportSize(width=390, height=760)
PATIENCE = 60_000  # milliseconds
SECONDS = 60
"""For the app to end."""
BIDS = 4
WIDTH = 270
"""Of a phone in the picture, CSS pixels."""
SHARPNESS = 1.5
"""Pixels of the picture for each of them."""
COLOURS = 96
FRAME = """
<body style="margin:0;display:inline-flex;gap:24px;padding:16px;background:#e8eceb">
{phones}
</body>
"""
PHONE = '<img src="data:image/png;base64,{data}" style="width:{width}px;border-radius:14px">'


@contextmanager
def app(folder: Path = ROOT) -> Iterator[str]:
    """The market of `make app`, run in a project's folder; the address of its page."""
    command = [str(Path(sys.executable).with_name("ape")), "run", "app", "--port", "0"]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield next(
                match[1] for line in process.stdout if (match := re.search(r"Open (\S+)", line))
            )
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=SECONDS)
            if process.returncode:
                raise click.ClickException(f"the app has ended with {process.returncode}")
        finally:
            process.kill()


def phone(browser: Browser, url: str, wallet: str, scheme: Literal["dark", "light"]) -> Page:
    """A phone that is connected with a wallet of play money."""
    context = browser.new_context(
        viewport=SIZE, color_scheme=scheme, locale="en-GB", device_scale_factor=2
    )
    page = context.new_page()
    page.goto(url)
    page.get_by_role("button", name="Connect").click()
    page.get_by_role("button", name=wallet).click()
    return page


def taken(browser: Browser, url: str) -> list[bytes]:
    """Who asks sees what she signs, then who bids; somebody else sees where to bid."""
    alice = phone(browser, url, "Alice's phone", "light")
    alice.get_by_role("button", name="Ask").click()
    sheet = alice.get_by_role("dialog")
    lock = sheet.get_by_role("button", name="Lock 12 EURT and ask")
    expect(lock).to_be_enabled()
    shots = [alice.screenshot()]
    lock.click()
    expect(sheet.get_by_text("Your request is open.")).to_be_visible()
    sheet.get_by_role("button", name="Close").last.click()
    expect(alice.get_by_text(re.compile("'s car leads"))).to_be_visible()
    expect(alice.get_by_role("listitem").nth(BIDS - 1)).to_be_visible()
    shots.append(alice.screenshot())
    erin = phone(browser, url, "Erin's phone", "dark")
    erin.get_by_role("link", name="Earn").click()
    expect(erin.get_by_role("button", name=re.compile("^Bid"))).to_be_visible()
    return [*shots, erin.screenshot()]


def side_by_side(browser: Browser, shots: list[bytes]) -> bytes:
    page = browser.new_page(device_scale_factor=SHARPNESS)
    phones = (PHONE.format(data=base64.b64encode(one).decode(), width=WIDTH) for one in shots)
    page.set_content(FRAME.format(phones="".join(phones)))
    return page.locator("body").screenshot()


@click.command(short_help="Take the picture of the page for the README")
@click.option(
    "--out", default=PICTURE, show_default=True, type=click.Path(dir_okay=False, path_type=Path),
    help="The file to write.",
)  # fmt: skip
def cli(out: Path) -> None:
    found = installed_browser()
    if found is None:
        raise click.UsageError(f"{MISSING}: install or name one")
    expect.set_options(timeout=PATIENCE)
    with app() as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        picture = side_by_side(browser, taken(browser, url))
        browser.close()
    # Few colours: a third of the size.
    Image.open(io.BytesIO(picture)).quantize(COLOURS).save(ROOT / out, optimize=True)
    click.echo(f"{out}: {(ROOT / out).stat().st_size / 1000:,.0f} kB")
