"""`ape run demo`: a whole trade in a stablecoin, and a balance sheet that notices a wei."""

import io
import re
from typing import Any

import pytest
from ape.contracts import ContractInstance
from rich.console import Console
from rich.text import Text

from ape_v2v.testing.contracts import token_type
from demo import trade as demo
from demo.story import DoesNotAddUpError
from tests.helpers.processes import add_live_network, project_folder, run_ape

PEOPLE = ["Organization", "Alice", "Bob", "Carol", "Dave"]

MODULES = ("__init__", "charging", "serving", "story", "trade")
DEMO = ("scripts/demo.py", *(f"demo/{module}.py" for module in MODULES))
"""What runs in a project that has nothing else of this one."""


def difference(told, name, *, of="wei"):
    """What the balance sheet says that nothing accounts for, wei or units of the token."""
    sheet = told[told.index("Balance sheet, in ") :]
    (row,) = re.findall(rf"^{name} .*$", sheet, re.MULTILINE)
    return int(row.split()[{"wei": -1, "units": 3}[of]].replace(",", ""))


def test_the_demo_accounts_for_every_wei(tmp_path):
    folder = project_folder(tmp_path, *DEMO)
    told = run_ape(folder, "run", "demo").stdout
    for of in ("wei", "units"):
        assert [difference(told, name, of=of) for name in [*PEOPLE, "Sum"]] == [0] * 6
    assert "left in the market: 0 units of 0.000001 EURT, 0 wei" in told
    assert told.rstrip().endswith("Every unit of EURT and every wei is accounted for.")
    assert told.count(": refused, ") == 4
    assert "7.36 EURT for 18.4 kWh" in told
    for driver in PEOPLE[1:]:  # has no ether, and none is spent for it but by the organization
        assert re.search(rf"^{driver} .* 0 +0 +0$", told, re.MULTILINE)
    assert "wallet 0 ether, 107.36 EURT" in told


class Meddler(Console):
    """Listens to the story, and does something before the balance sheet is drawn up."""

    def __init__(self, meddle):
        self.story = io.StringIO()
        super().__init__(file=self.story, width=200)
        self.meddle = meddle

    def rule(self, title: str | Text = "", **options: Any) -> None:
        if "Balance sheet" in str(title):
            self.meddle(self.told)
        super().rule(title, **options)

    @property
    def told(self):
        return self.story.getvalue()


@pytest.fixture
def add_up(accounts, tmp_path):
    """Tell the story with something done that it does not tell; it has to notice."""

    def add_up(meddle):
        listener = Meddler(meddle)
        with pytest.raises(DoesNotAddUpError, match="the balance sheet does not add up"):
            demo.run(accounts, tmp_path, listener)
        assert "is accounted for." not in listener.told
        return listener.told

    return add_up


def test_a_fee_that_was_not_told_is_noticed(add_up, accounts):
    organization, fees = accounts[0], []
    told = add_up(lambda _: fees.append(organization.transfer(organization, 0).total_fees_paid))
    assert difference(told, "Organization") == -fees[0] < 0
    assert difference(told, "Alice") == 0


def test_a_wei_too_many_is_noticed(add_up, accounts):
    told = add_up(lambda _: accounts[5].transfer(accounts[1], 1))
    assert difference(told, "Alice") == difference(told, "Sum") == 1


def test_a_unit_of_the_token_too_many_is_noticed(add_up, accounts):
    def mint(told):
        (token,) = re.findall(r"EURT, the token at (0x[0-9a-fA-F]{40})", told)
        ContractInstance(token, token_type()).mint(accounts[2], 1, sender=accounts[5])

    told = add_up(mint)
    assert difference(told, "Bob", of="units") == difference(told, "Sum", of="units") == 1
    assert difference(told, "Bob") == 0


def test_a_wei_that_is_left_in_the_market_is_noticed(add_up, chain):
    def force_in(told):
        (market,) = re.findall("deploys the market at (0x[0-9a-fA-F]{40})", told)
        chain.provider.set_balance(market, 1)

    assert "left in the market: 0 units of 0.000001 EURT, 1 wei" in add_up(force_in)


def test_the_demo_stays_away_from_networks_that_others_use(tmp_path, chain):
    folder = project_folder(tmp_path, *DEMO)
    network = add_live_network(folder, chain.provider.uri)
    height = chain.blocks.height
    answer = run_ape(folder, "run", "demo", "--network", network, expect=2)
    assert "the demo moves time and spends test ether: not on ethereum:pilot:" in answer.stderr
    assert chain.blocks.height == height
