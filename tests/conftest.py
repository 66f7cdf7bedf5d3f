"""Roles and markets that the contract tests share.

The market that the tests get has three registered EVs with ether in it. Each test finds the
chain as the one before it did.
"""

import os
from dataclasses import dataclass
from typing import Any

import ape
import ape_ethereum.trace
import ape_foundry.provider
import hypothesis
import pytest
from eip712 import EIP712Message

from ape_v2v.market.interface import messages
from tests.helpers import second_evm
from tests.helpers.scenario import (
    BIDDING_TIME,
    ENERGY,
    FUNDS,
    MAX_RATE,
    METER_DATA,
    PARAMETERS,
    RATE,
    TERMS,
    VALIDITY,
)

# Ape starts an Anvil on one of the ports that Linux gives to outgoing connections. Where one has
# it already, Anvil ends at once and Ape waits 20 s for nothing: below them none is in the way.
ape_foundry.provider.EPHEMERAL_PORTS_START = 20_000
ape_foundry.provider.EPHEMERAL_PORTS_END = 32_000


# The nodes are on this machine: no proxy lies between, and nobody looks for one with each request.
os.environ.setdefault("NO_PROXY", "127.0.0.1,localhost")


@pytest.fixture(scope="session", autouse=True)
def _only_running_nodes():
    """Ape remembers nodes whose process was killed for ever, and compares with each of them."""
    known = ape.networks.running_nodes
    known.remove_processes(*(pid for pid in known.nodes if not is_running(pid)))


def is_running(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


@pytest.fixture(scope="session", autouse=True)
def _no_traces():
    """Ape draws the trace of each call that is refused, and most of ours are meant to be."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(ape_ethereum.trace.Trace, "show", lambda *_, **__: None)
        yield


@pytest.fixture(scope="session", autouse=True)
def _second_evm():
    """On Ape's py-evm provider, what the tests ask of a chain besides."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        if ape.chain.provider.name == "test":
            second_evm.complete(monkeypatch)
        yield


# The names are Ape's, which sees by them that there is nothing left for it to take back: its own
# way asks the node a dozen times before each test.
@pytest.fixture(scope="module", autouse=True)
def _module_isolation(_test_chain):
    """What the fixtures of a module do to the chain is gone with the module."""
    yield from put_back(_test_chain)


@pytest.fixture(autouse=True)
def _function_isolation(_test_chain):
    """What a test and its fixtures do to the chain is gone with the test."""
    yield from put_back(_test_chain)


@pytest.fixture(scope="session")
def _test_chain():
    """Ape's connection to the chain of the tests, whatever a test connects to besides."""
    return ape.chain.provider


def put_back(provider):
    """Let something happen to the local chain, and take it back.

    Ape does so too, but nothing any more, without a word, once it has missed a snapshot.
    """
    if provider.network.name != "local":
        yield
        return
    before = latest_block(provider)
    snapshot = provider.snapshot()
    yield
    latest_block(provider)  # on a line that was cut as it idled, it is this that asks twice
    provider.restore(snapshot)
    assert latest_block(provider) == before, "the chain could not be put back"
    number, _ = before
    ape.chain.history.revert_to_block(number)


def latest_block(provider):
    """Number and hash of it. Without Ape's type of a block, which takes long to make."""
    block = provider.web3.eth.get_block("latest")
    return block["number"], block["hash"]


@pytest.fixture(autouse=True)
def _beyond_the_second_evm(request):
    name = request.function.__name__
    if name in second_evm.BEYOND and ape.chain.provider.name == "test":
        pytest.skip(second_evm.BEYOND[name])


@pytest.fixture(scope="session")
def organization(accounts):
    return accounts[0]


@pytest.fixture(scope="session")
def consumer(accounts):
    return accounts[1]


@pytest.fixture(scope="session")
def provider(accounts):
    return accounts[2]


@pytest.fixture(scope="session")
def rival(accounts):
    return accounts[3]


@pytest.fixture(scope="session")
def stranger(accounts):
    """Somebody who is not registered."""
    return accounts[4]


@pytest.fixture(scope="session")
def deploy_market(project, organization, _second_evm):
    """A factory of markets: defaults, less what the test says."""

    def deploy(owner=organization, **parameters):
        values = tuple({**PARAMETERS, **parameters}.values())
        return organization.deploy(project.V2VMarket, owner, values)

    return deploy


@pytest.fixture(scope="session")
def deploy_token_market(project, organization, _second_evm):
    """A factory of markets paid in a token: defaults, less what the test says."""

    def deploy(currency, owner=organization, **parameters):
        values = tuple({**PARAMETERS, **parameters}.values())
        return organization.deploy(project.V2VTokenMarket, owner, values, currency)

    return deploy


@pytest.fixture(scope="session")
def empty_market(deploy_market):
    """Nobody is registered."""
    return deploy_market()


@pytest.fixture(scope="session")
def market(deploy_market, organization, consumer, provider, rival):
    market = deploy_market()
    market.addEVs([consumer, provider, rival], ["", "", ""], sender=organization)
    for ev in (consumer, provider, rival):
        market.deposit(sender=ev, value=FUNDS)
    return market


@pytest.fixture(scope="session", autouse=True)
def _made_first(market, empty_market):
    """What outlives a module has to be there before one: with its end, the chain is put back."""


hypothesis.settings.register_profile("patient", deadline=None)
hypothesis.settings.load_profile("patient")  # a busy machine is no failure


@dataclass(frozen=True)
class Clock:
    """The chain's time: what the latest block says, and where the next one shall be."""

    chain: Any

    @property
    def now(self) -> int:
        return self.chain.blocks.head.timestamp

    def next_block_at(self, timestamp: int) -> None:
        """Give the next transaction exactly this second."""
        self.chain.pending_timestamp = timestamp

    def move_to(self, timestamp: int) -> None:
        """Mine a block at exactly this second: what views see."""
        self.chain.mine(timestamp=timestamp)


@pytest.fixture
def clock(chain):
    return Clock(chain)


@pytest.fixture
def start_auction(market, consumer):
    """A factory of auctions of the consumer: defaults, less what the test says. Returns the id."""

    def start(
        energy=ENERGY,
        max_rate=MAX_RATE,
        bidding_time=BIDDING_TIME,
        validity=VALIDITY,
        details="",
        sender=consumer,
        on=market,
        *,
        open_award=False,
    ):
        terms = (energy, max_rate, bidding_time, validity, open_award, details)
        on.startAuction(*terms, sender=sender)
        return on.currentAuctionId(sender)

    return start


@pytest.fixture
def auction_id(start_auction):
    """An open auction without a bid."""
    return start_auction()


@pytest.fixture
def bid_id(market, auction_id, provider):
    """An open auction in which the provider leads."""
    market.placeBid(auction_id, RATE, TERMS, sender=provider)
    return auction_id


@pytest.fixture
def connection_id(market, bid_id, consumer, clock):
    """An auction that the consumer has ended: it is connected with the provider."""
    clock.next_block_at(market.auctions(bid_id).closingTime)
    market.endAuction(bid_id, sender=consumer)
    return bid_id


@pytest.fixture
def token(market, connection_id):
    return market.accessToken(connection_id)


@pytest.fixture
def sign(market, chain):
    """Sign a message of `ape_v2v.market.interface.messages`; 65 bytes: r, s, v."""

    def sign(signer, message: type[EIP712Message], *, on=market, chain_id=None, **fields) -> bytes:
        domain = messages.domain(on.address, chain_id or chain.chain_id)
        typed: Any = message  # its domain is a keyword that the class does not declare
        signature = signer.sign_message(typed(**fields, eip712_domain=domain))
        return signature.encode_rsv()

    return sign


@pytest.fixture
def signed_bid(sign, market):
    """A factory of the signatures of bids, on the terms that an auction has."""

    def signed_bid(signer, auction_id, rate, deadline, *, on=market, **other):
        info = on.auctions(auction_id)
        terms = {"energyWh": info.energyWh, "maxRate": info.maxRate, "validity": info.validity}
        nonce = info.removals + on.evs(signer).revocations
        fields = {"rate": rate, "nonce": nonce, "deadline": deadline}
        domain = {name: other.pop(name) for name in ("chain_id",) if name in other}
        values = {"auctionId": auction_id, **terms, **fields, **other}
        return sign(signer, messages.Bid, on=on, **values, **domain)

    return signed_bid


@pytest.fixture
def sign_reading(sign, market, consumer, provider):
    """Sign a reading as an account, of the connection between consumer and provider."""

    def sign_reading(signer, reading, *, on=market, **other):
        auction_id, energy, meter_data, last = reading
        domain = {name: other.pop(name) for name in ("chain_id",) if name in other}
        values = {
            "auctionId": auction_id,
            "consumer": consumer.address,
            "provider": provider.address,
            "energyWh": energy,
            "meterDataHash": meter_data,
            "last": last,
            **other,
        }
        return sign(signer, messages.Reading, on=on, **values, **domain)

    return sign_reading


@pytest.fixture
def receipt(sign_reading, consumer, connection_id):
    """A factory of the consumer's signatures over readings: the last ones, unless it is said."""

    def receipt(energy, signer=consumer, meter_data=METER_DATA, *, last=True, **other):
        auction_id = other.pop("auction_id", connection_id)
        return sign_reading(signer, (auction_id, energy, meter_data, last), **other)

    return receipt


@pytest.fixture
def settlement(receipt, provider):
    """A factory of the provider's signatures over readings."""

    def settlement(energy, signer=provider, **other):
        return receipt(energy, signer=signer, **other)

    return settlement


@pytest.fixture
def balance(market):
    """The free balance of an account in the market, wei."""
    return lambda account: market.evs(account).balance
