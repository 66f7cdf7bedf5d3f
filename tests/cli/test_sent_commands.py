"""Commands on a line that loses answers: what was sent is told, and nothing is sent twice."""

import re

import ape
import pytest
from web3 import HTTPProvider, Web3

from ape_v2v import Market, Money
from ape_v2v.chain.networks import connected_node
from ape_v2v.evm.anvil import anvil
from tests.helpers import faults
from tests.helpers.fault_proxy import Cut, FaultProxy, some
from tests.helpers.live import SEPOLIA, be_impatient, confirm_at_once, connected

GWEI = 10**9
KEY = "0123456789SECRET"
NEVER = some(faults.instead(Cut()), of=faults.SEND)


@pytest.fixture(scope="module")
def sepolia_node():
    with anvil("--chain-id", str(SEPOLIA)) as web3:
        yield web3


@pytest.fixture
def line(sepolia_node, monkeypatch, tmp_path):
    """Connected to Sepolia through a line on which faults happen."""
    confirm_at_once(monkeypatch)
    be_impatient(monkeypatch, 1)
    monkeypatch.setattr("ape_v2v.chain.networks.data_folder", lambda: tmp_path)
    url = sepolia_node.provider.endpoint_uri
    with FaultProxy(url, path=f"/v3/{KEY}") as proxy, connected(Web3(HTTPProvider(proxy.url))):
        yield proxy


@pytest.fixture
def there(line, organization, provider):
    """A market on it, with an EV."""
    market = Market.deploy(organization)
    market.add_ev(provider.address, sender=organization)
    return market


def test_what_was_sent_is_told_and_taken_up(v2v, line, there, provider):
    line.fault = NEVER
    lost = v2v("wallet", "deposit", "1 gwei", account=provider, on=there, expect=3)
    line.fault = None
    (sent,) = re.findall(r"Error: sent as (0x\w{64}), and what became of it is not", lost.error)
    assert f"`ape v2v transaction show {sent}`" in lost.error
    assert KEY not in lost.error + lost.text

    again = v2v("wallet", "deposit", "1 gwei", "--json", account=provider, on=there)
    assert again.json["transaction"] == sent
    assert again.json["balance"] == str(GWEI)
    assert f"sent before as {sent}" in again.error

    third = v2v("wallet", "deposit", "1 gwei", "--json", account=provider, on=there).json
    assert (third["transaction"] != sent, third["balance"]) == (True, str(2 * GWEI))


def test_a_lost_answer_is_nothing_that_a_user_notices(v2v, line, there, provider):
    line.fault = some(faults.LOST, of=faults.SEND)
    told = v2v("wallet", "deposit", "1 gwei", "--json", account=provider, on=there)
    assert told.json["balance"] == str(GWEI)
    assert line.faulted == 1


def test_what_fails_after_the_sending_does_not_hide_it(v2v, line, there, provider):
    """The balance afterwards cannot be read."""
    line.fault = some(faults.instead(Cut()), of="eth_call", after=1)
    told = v2v("wallet", "deposit", "1 gwei", account=provider, on=there, expect=3)
    line.fault = None
    assert re.search(r"; 0x\w{64} was sent, and is in a block", told.error)
    assert there.balance(provider.address) == Money(GWEI)


def test_a_refused_sending_says_that_nothing_was_sent(v2v, line, there, provider):
    line.fault = some(faults.instead(faults.refused(-32_000, "pool is full")), of=faults.SEND)
    told = v2v("wallet", "deposit", "1 gwei", account=provider, on=there, expect=1)
    line.fault = None
    assert told.error.strip().endswith("nothing was sent")
    assert there.balance(provider.address) == Money(0)


def test_a_file_of_evs_counts_from_the_chain(v2v, line, there, organization, accounts, tmp_path):
    """The second of three batches gets no receipt: the chain has it all the same."""
    fleet = [accounts[at].address for at in range(5, 10)]
    file = tmp_path / "evs.csv"
    file.write_text("\n".join(["address,infos", *(f"{ev},lorry" for ev in fleet)]) + "\n", "utf-8")
    batches = ("ev", "add-many", file, "--batch-size", 2, "--json")
    late = faults.instead(lambda request: faults.result(request, None))
    line.fault = some(late, of=faults.RECEIPT, after=1)
    told = v2v(*batches, account=organization, on=there, expect=3)
    line.fault = None
    assert "Error: 4 of 5 EVs are registered now, then: 0x" in told.error
    assert v2v(*batches, account=organization, on=there).json["registered"] == fleet[4:]


def test_no_error_of_connecting_shows_the_key(v2v, line, there, monkeypatch):
    line.fault = some(faults.ANYWHERE["401"], of="eth_call")
    told = v2v("market", "show", on=there, expect=1)
    line.fault = faults.ANYWHERE["401"]  # Ape itself finds no node there
    unconnected = v2v("market", "show", on=there, expect=1)
    line.fault = None
    assert "denies access (HTTP 401): check the key" in told.error
    assert KEY not in told.error + unconnected.error
    assert KEY not in repr(connected_node())
    assert ape.chain.provider.network.name == "sepolia"
