"""Two networks in one process: each market stays with its own node, whichever one Ape looks at."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import ape
import pytest

from ape_v2v import Market, Money
from ape_v2v.chain.networks import connected_node
from ape_v2v.evm.anvil import anvil
from ape_v2v.index.history import History
from tests.helpers.live import SEPOLIA, confirm_at_once, connected

OTHER = 1
CHOICES = ("ethereum:sepolia:node", "ethereum:mainnet:node")


@pytest.fixture(scope="module")
def nodes():
    with anvil("--chain-id", str(SEPOLIA)) as one, anvil("--chain-id", str(OTHER)) as two:
        yield one, two


@pytest.fixture
def markets(nodes, organization, monkeypatch):
    """A market on each; the second one with another EV."""
    confirm_at_once(monkeypatch)
    monkeypatch.setattr(ape.networks.ethereum.config.mainnet, "required_confirmations", 0)
    found = []
    for node, choice in zip(nodes, CHOICES, strict=True):
        with connected(node, choice):
            market = Market.deploy(organization)
            market.add_ev(organization.address, sender=organization)
            found.append(market)
    return found


def test_a_market_stays_with_its_node_when_ape_goes_elsewhere(markets, nodes, organization):
    one, two = markets
    with connected(nodes[1], CHOICES[1]):
        one.deposit("3 gwei", sender=organization)
        assert one.node.chain_id == SEPOLIA
        assert (one.balance(organization.address), two.balance(organization.address)) == (
            Money(3 * 10**9),
            Money(0),
        )
        assert connected_node().chain_id == OTHER


def test_without_a_connection_a_market_is_still_asked(markets, monkeypatch):
    with monkeypatch.context() as disconnected:
        disconnected.setattr(ape.networks, "active_provider", None)
        with pytest.raises(ape.exceptions.ProviderNotConnectedError):
            connected_node()
        assert markets[0].number_of_evs == 1


def test_two_threads_write_to_two_networks(markets, consumer, provider):
    def deposit(market, sender):
        for _ in range(5):
            market.deposit("1 gwei", sender=sender)
        return market.balance(sender.address)

    with ThreadPoolExecutor(2) as pool:
        balances = list(pool.map(deposit, markets, (consumer, provider)))
    assert balances == [Money(5 * 10**9)] * 2
    one, two = markets
    assert (one.balance(provider.address), two.balance(consumer.address)) == (Money(0), Money(0))


def test_a_history_keeps_to_its_network(markets, nodes, tmp_path, consumer):
    with connected(nodes[0]):
        history = History(markets[0], cache=tmp_path, confirmations=0)
    with history:
        history.refresh()
        before = [event.key for event in history.events()]
        assert before
        with connected(nodes[1], CHOICES[1]):
            markets[1].deposit("1 gwei", sender=consumer)
            history.refresh()
        assert [event.key for event in history.events()] == before


@pytest.mark.parametrize(
    "module", ["ape_v2v.index", "ape_v2v.lightnode", "ape_v2v.session.protocol", "ape_v2v.market"]
)
def test_rooms_that_do_not_need_ape_do_not_load_it(module):
    program = f"""
import importlib, pkgutil, sys
package = importlib.import_module({module!r})
for found in pkgutil.iter_modules(package.__path__, {module!r} + "."):
    importlib.import_module(found.name)
print([name for name in ("ape", "web3") if name in sys.modules])
"""
    answer = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    assert answer.stdout == "[]\n"
