"""`ape console` has the market and the types ready, in this project and in any other."""

import json

import pytest

from tests.helpers.processes import ROOT, project_folder, run_ape

EXTRAS = "from ape_v2v.console import ape_init_extras\n"
CODE = """
print([kind.__name__ for kind in (Market, Energy, Rate, Money, Parameters)])
print(market, Rate.parse('0.0003 ether/kWh') * Energy.parse('20 kWh'))
"""


@pytest.fixture
def console(chain):
    """Run code in the console of a project, on the session's chain."""

    def console(folder, code, **environment):
        # Ape takes the lines apart at the backslash and n that a shell would pass.
        answer = run_ape(
            folder,
            "console",
            "--code",
            code.strip().replace("\n", "\\n"),
            APE_FOUNDRY_HOST=chain.provider.uri,
            **environment,
        )
        assert "Traceback" not in answer.stdout + answer.stderr
        return answer

    return console


def configured(market):
    return {"APE_V2V_MARKETS": json.dumps({"ethereum-local": {"address": market.address}})}


def test_this_project_has_the_market_and_the_types(console, market):
    answer = console(ROOT, CODE, **configured(market))
    assert "['Market', 'Energy', 'Rate', 'Money', 'Parameters']" in answer.stdout
    assert f"<Market {market.address}> 0.006 ether" in answer.stdout


def test_another_project_has_them_with_one_line(console, market, tmp_path):
    folder = project_folder(tmp_path)
    (folder / "ape_console_extras.py").write_text(EXTRAS, encoding="utf-8")
    answer = console(folder, CODE, **configured(market))
    assert f"<Market {market.address}> 0.006 ether" in answer.stdout


def test_without_a_market_there_is_a_hint(console, tmp_path):
    folder = project_folder(tmp_path)
    (folder / "ape_console_extras.py").write_text(EXTRAS, encoding="utf-8")
    answer = console(folder, "print(market, Market)")
    assert "None <class 'ape_v2v.market.market.Market'>" in answer.stdout
    assert "market is None: no market is known on ethereum-local: " in answer.stderr
