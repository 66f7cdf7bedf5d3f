"""What a trade costs in euro cents, network by network: the table of docs/gas.md."""

from decimal import Decimal
from typing import Any

from benchmarks.gas import networks
from tests.helpers.documentation import ROOT

PAGE = ROOT / "docs" / "gas.md"
BEGIN, END = "<!-- networks: tests/gas/test_networks_gas.py -->", "<!-- end of networks -->"
# An energy of 20 kWh at 0.40 euros.
TRADE_CENTS = 20 * 40


def test_the_page_has_these_figures_and_they_are_small_where_it_is_cheap(project: Any) -> None:
    found = networks.measured(project)
    shown = PAGE.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0].strip()

    assert shown == "\n".join(networks.table(found))
    dear, *cheap = networks.PLACES
    assert all(place.cents(found.trade) < Decimal("0.002") * TRADE_CENTS for place in cheap)
    assert dear.cents(found.trade) > Decimal("0.05") * TRADE_CENTS
