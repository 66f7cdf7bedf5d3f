"""Where a rollup charges for data beside the gas, one is told so before anything is sent."""

import ape
import pytest

from ape_v2v import Market
from ape_v2v.chain import rollups
from ape_v2v.chain.node import Network, Node
from ape_v2v.chain.writing.forecast import Underfunded
from ape_v2v.market.interface.transactions import Write, simulate
from tests.helpers import faults
from tests.helpers.fault_proxy import some

PER_BYTE = 1_000
# Returns a thousand wei for each byte that is asked about.
ORACLE_CODE = "0x6004356103e80260005260206000f3"


@pytest.fixture
def with_oracle(deployed):
    """The chain has the contract of the OP stack that knows the fee."""
    request = deployed.node.request
    request("anvil_setCode", [rollups.ORACLE, ORACLE_CODE])
    yield
    request("anvil_setCode", [rollups.ORACLE, "0x"])


@pytest.fixture
def foreseen(line, deployed):
    """What a deposit would cost on the network of this name."""

    def foreseen(name, *, amount=1):
        market = Market.at(deployed.address, Node(line.url, network=Network(name)))
        sender = ape.accounts.test_accounts[1]
        return simulate(Write(market.contract, "deposit", (), sender, value=amount))

    return foreseen


@pytest.mark.usefixtures("with_oracle")
@pytest.mark.parametrize("name", ["base-sepolia", "optimism-mainnet", "base-mainnet-fork"])
def test_the_data_of_a_transaction_on_the_op_stack_are_in_what_it_costs(foreseen, name):
    here, elsewhere = foreseen(name), foreseen("ethereum-sepolia")

    assert here.data_fee == PER_BYTE * (120 + 4)
    assert elsewhere.data_fee == 0
    assert int(here.cost) - here.data_fee == pytest.approx(int(elsewhere.cost), rel=0.5)
    assert int(here.most) == here.gas_limit * here.price.max_fee + here.data_fee


@pytest.mark.usefixtures("with_oracle")
@pytest.mark.parametrize("name", ["ethereum-mainnet", "arbitrum-sepolia"])
def test_elsewhere_nobody_is_asked_for_it(foreseen, line, name):
    foreseen(name)
    asked = [given[0] for method, given in line.asked if method == "eth_call"]
    assert asked
    assert rollups.ORACLE not in {call["to"] for call in asked}


def test_a_fork_without_the_oracle_costs_its_gas(foreseen):
    assert foreseen("base-sepolia-fork").data_fee == 0


@pytest.mark.usefixtures("with_oracle")
@pytest.mark.parametrize("kind", ["an internal error", "null", "an answer of the wrong kind"])
def test_an_oracle_that_does_not_answer_stops_nothing(foreseen, line, kind):
    def of_oracle(request, forward):
        asked = request["params"] and request["params"][0]
        if isinstance(asked, dict) and asked.get("to") == rollups.ORACLE:
            return faults.ANYWHERE[kind](request, forward)
        return None

    line.fault = some(of_oracle)
    assert foreseen("base-sepolia").data_fee == 0


@pytest.mark.usefixtures("with_oracle")
def test_who_cannot_pay_for_the_data_is_told(foreseen):
    found = foreseen("base-sepolia")
    wallet = int(found.wallet)
    too_much = wallet - found.gas_limit * found.price.max_fee - found.data_fee // 2

    with pytest.raises(Underfunded, match="costs gas of about"):
        foreseen("base-sepolia", amount=too_much)
