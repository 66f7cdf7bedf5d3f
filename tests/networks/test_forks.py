"""A fork takes over a market in use: of a network whose node is a second Anvil."""

from contextlib import contextmanager

import ape
import pytest
from ape.api.address import Address
from web3.types import RPCEndpoint

from ape_v2v import (
    Energy,
    Market,
    Money,
    Parameters,
    Rate,
)
from ape_v2v.chain.networks import connected_node
from ape_v2v.config import Fees
from ape_v2v.deployment import (
    Records,
    Settings,
    default_market,
    deploy,
    plan,
    rehearse,
    settings,
)
from ape_v2v.evm.anvil import anvil
from ape_v2v.market.interface.states import State
from tests.helpers.live import SEPOLIA, confirm_at_once, connected
from tests.helpers.scenario import (
    BOND,
    ENERGY,
    FUNDS,
    METER_DATA,
    RATE,
)

SETTINGS = Settings(SEPOLIA, None, Parameters(), Fees(confirmations=0))


@pytest.fixture(scope="module")
def upstream():
    with anvil("--chain-id", str(SEPOLIA)) as web3:
        yield web3


@pytest.fixture
def base(tmp_path, upstream, organization, consumer, provider, rival, monkeypatch):
    """A folder whose records name a market on the upstream network, with an auction running.

    A trade is over there, and in another auction the provider leads.
    """
    confirm_at_once(monkeypatch)
    with connected(upstream):
        market, _ = deploy(
            organization,
            SETTINGS,
            Records(tmp_path / "deployments" / "records" / "ethereum-sepolia.json"),
        )
        evs = [(ev.address, "") for ev in (consumer, provider, rival)]
        market.add_evs(evs, sender=organization)
        first = market.start_auction("1 kWh", "0.0003 ether/kWh", sender=rival, value=Money(FUNDS))
        first.place_bid("0.0001 ether/kWh", sender=provider, value=Money(FUNDS))
        forward(upstream, 600)
        connection = first.end(sender=rival)
        assert connection is not None
        connection.end(sender=rival)
        running = market.start_auction(
            Energy(ENERGY), "0.0003 ether/kWh", sender=consumer, value=Money(FUNDS)
        )
        running.place_bid(Rate(RATE), sender=provider)
    return tmp_path


def forward(web3, seconds):
    web3.provider.make_request(RPCEndpoint("evm_increaseTime"), [seconds])
    web3.provider.make_request(RPCEndpoint("evm_mine"), [])


@contextmanager
def fork_of(web3):
    """Connected to `ethereum:sepolia-fork:foundry`, with this node as the upstream."""
    with connected(web3), ape.networks.fork(provider_name="foundry"):
        yield ape.chain


def test_a_running_auction_is_taken_over_and_finished_on_a_fork(
    base, upstream, consumer, provider, rival
):
    block = upstream.eth.block_number
    with fork_of(upstream) as chain:
        assert connected_node().network.name == "ethereum-sepolia-fork"
        market = Market.at(default_market(base))
        auction = market.auction_of(consumer.address)
        assert (auction.info.state, auction.info.provider) == (State.OPEN, provider.address)
        lower = auction.highest_rate
        assert lower is not None
        auction.place_bid(lower, sender=rival)
        chain.mine(timestamp=int(auction.info.closing_time.timestamp()))
        connection = auction.end(sender=consumer)
        assert connection is not None
        receipt = connection.sign_receipt(Energy(ENERGY), METER_DATA, signer=consumer)
        before = market.balance(rival.address)
        connection.settle(receipt, sender=rival)
        gained = int(market.balance(rival.address)) - int(before)
        assert gained == int(lower * Energy(ENERGY)) + BOND
        assert market.ev(rival.address).completed == 2

    assert upstream.eth.block_number == block, "the network has seen nothing of it"
    with connected(upstream):
        market = Market.at(default_market(base))
        assert market.auction_of(consumer.address).info.provider == provider.address


def test_a_fork_has_the_settings_of_its_network_and_records_of_its_own(
    tmp_path, upstream, organization
):
    folder = tmp_path / "deployments"
    folder.mkdir()
    text = f"chain_id: {SEPOLIA}\nparameters: {{bondBps: 2000}}\ngas: {{confirmations: 5}}"
    (folder / "ethereum-sepolia.yaml").write_text(text, encoding="utf-8")
    with fork_of(upstream):
        own = Records(folder / "records" / "ethereum-sepolia-fork.json")
        market, record = deploy(organization, settings(tmp_path), own)
        assert market.parameters.bondBps == 2_000
        assert record.network == "ethereum-sepolia-fork"
    assert not upstream.eth.get_code(record.address)


# --- A dry run


def test_a_dry_run_says_what_will_be_and_does_nothing(upstream, organization, tmp_path):
    own = Records(tmp_path / "records" / "ethereum-sepolia.json")
    with connected(upstream):
        nonce, balance, block = organization.nonce, organization.balance, ape.chain.blocks.height
        decided = plan(organization, SETTINGS, own)
        rehearsal = rehearse(decided)
        assert (organization.nonce, organization.balance) == (nonce, balance)
        assert ape.chain.blocks.height == block
        assert list(own.path.parent.iterdir()) == []

        _, record = deploy(organization, SETTINGS, own)
        assert record.address == decided.address == rehearsal.address
        assert record.gas_used == rehearsal.gas_used
        assert record.code_hash == rehearsal.code_hash
        assert record.cost == pytest.approx(int(rehearsal.cost), rel=0.2)
        assert rehearsal.organization == organization.address
        assert rehearsal.parameters == SETTINGS.parameters


def test_a_dry_run_takes_no_key(upstream, organization, tmp_path):
    with connected(upstream):
        decided = plan(
            Address(organization.address), SETTINGS, Records(tmp_path / "records" / "x.json")
        )
        assert rehearse(decided).address == decided.address
