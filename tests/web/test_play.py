"""`make app`: somebody new trades with play money, on the page that it prints the address of."""

import re

from playwright.sync_api import expect

from scripts.app_picture import app
from tests.helpers.processes import project_folder
from tests.web.conftest import SIZE

APP = (
    "scripts/app.py",
    *(f"demo/{module}.py" for module in ("__init__", "app", "charging", "serving")),
)
"""What runs in a project that has nothing else of this one."""


def test_somebody_new_buys_energy_from_cars_that_bid_by_themselves(browser, tmp_path):
    with app(project_folder(tmp_path, *APP)) as url:
        context = browser.new_context(viewport=SIZE, color_scheme="dark", locale="en-GB")
        page = context.new_page()
        page.goto(url)
        page.get_by_role("button", name="Connect").click()
        page.get_by_role("button", name="Alice's phone").click()
        expect(page.get_by_text("Play money")).to_be_visible()
        page.get_by_role("button", name="Ask").click()
        sheet = page.get_by_role("dialog")
        sheet.get_by_role("button", name="Lock 12 EURT and ask").click()
        expect(sheet.get_by_text("Your request is open.")).to_be_visible()
        sheet.get_by_role("button", name="Close").last.click()
        expect(page.get_by_text(re.compile("'s car leads"))).to_be_visible()
        context.close()
