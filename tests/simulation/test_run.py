"""A run is a market: the contract's money, the bidders of the product, and the same every time."""

import subprocess
import sys
from importlib.metadata import requires, version

import pytest
from eth_abi.abi import encode
from eth_abi.exceptions import EncodingError
from packaging.requirements import Requirement

from ape_v2v.bidding.autobidder import Autobidder
from ape_v2v.bidding.policy import Policy
from ape_v2v.index.board import Listing
from ape_v2v.market.interface import contract as artifact
from ape_v2v.market.interface.access import MarketContract
from ape_v2v.simulation import ScenarioError, Simulation, SimulationError, changed, measure
from ape_v2v.simulation.books import Books
from ape_v2v.simulation.chain.accounts import SimulatedAccount
from ape_v2v.simulation.chain.node import SimulatedContract
from ape_v2v.simulation.study.output import digest, tables
from ape_v2v.simulation.vehicles.strategies import STRATEGIES
from ape_v2v.units import Energy, Rate
from tests.simulation.conftest import run

GOLDEN = "da4342ecc86194d00999370dcddc5a38c08be5dec7d0d71e99b2e3b6f24f9756"


def test_vehicles_trade_and_all_sides_gain(small):
    result = run(small)
    assert len(result.trades) == len(result.auctions) == 4
    assert {row.how for row in result.auctions} == {"agreed"}
    for row in result.trades:
        assert row.cost <= row.rate <= row.max_rate
        assert row.paid == row.rate * row.delivered
    assert sum(row.money for row in result.vehicles) == 0
    assert result.blocks > 4


def test_what_is_gained_is_never_more_than_the_best_there_could_be(small):
    for seed in range(5):
        metrics = measure(run(small, seed))
        assert 0 < metrics.welfare_eur <= metrics.optimum_eur * (1 + 1e-9)
        assert metrics.greedy_eur <= metrics.optimum_eur * (1 + 1e-9)
        assert metrics.random_eur <= metrics.greedy_eur * 1.5


def test_wei_that_nobody_owns_are_found(small):
    simulation = Simulation(small, 1)
    chain = simulation.node.chain
    contract = simulation.market.contract
    assert isinstance(contract, SimulatedContract)
    books = Books(simulation.market, contract, simulation._names)
    chain.set_balance(simulation.market.address, chain.balance(simulation.market.address) + 1)
    with pytest.raises(SimulationError, match="money was lost"):
        books.see([])


def test_the_same_seed_gives_the_same_bytes(small):
    assert digest(tables([run(small)])) == digest(tables([run(small)])) == GOLDEN
    assert digest(tables([run(small, 2)])) != GOLDEN


def test_neither_the_seed_of_hashes_nor_the_process_counts(tmp_path):
    program = (
        "from tests.simulation.conftest import SMALL, run; "
        "from ape_v2v.simulation import parse; "
        "from ape_v2v.simulation.study.output import digest, tables; "
        "print(digest(tables([run(parse(SMALL))])))"
    )
    for seed in ("0", "4711"):
        done = subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path), "HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.strip() == GOLDEN


@pytest.mark.parametrize("name", sorted(STRATEGIES))
def test_every_strategy_plays(small, name):
    result = run(changed(small, {"population.spares.strategy": {"name": name}}))
    assert len(result.auctions) == 4
    assert measure(result).welfare_eur <= measure(result).optimum_eur * (1 + 1e-9)
    if name in {"no-show", "griefer"}:
        assert {row.how for row in result.auctions} == {"expired"}
        assert result.burnt > 0
    elif name == "early-leaver":
        assert {row.how for row in result.auctions} == {"short"}
    elif name == "remover":
        assert any(row.penalty for row in result.auctions)
    else:
        assert any(row.rate for row in result.auctions)


def test_a_strategy_of_ones_own_is_named_by_its_class(small):
    own = {"name": "ape_v2v.simulation.vehicles.strategies:Sniper", "settings": {"seconds": 30}}
    result = run(changed(small, {"population.spares.strategy": own}))
    closes = {row.number: row.started + 120 for row in result.auctions}
    assert all(row.time >= closes[row.auction] - 32 for row in result.bids)


@pytest.mark.parametrize(
    "strategy",
    [
        {"name": "nobody"},
        {"name": "ape_v2v.simulation.vehicles.strategies:Nobody"},
        {"name": "json:JSONDecoder"},
        {"name": "sniper", "settings": {"minutes": 3}},
    ],
)
def test_a_strategy_that_is_none_is_refused(small, strategy):
    with pytest.raises(ScenarioError):
        run(changed(small, {"population.spares.strategy": strategy}))


def test_signed_bids_cost_providers_nothing(small):
    result = run(changed(small, {"population.spares.strategy": {"name": "signed"}}))
    assert len(result.trades) == 4
    assert {row.bids for row in result.auctions} == {1}
    assert all(row.transactions == row.trades for row in result.vehicles if row.role == "provider")


def test_nobody_sells_more_than_it_has(small):
    """Who has signed the best bid and has seen it placed is engaged, and promises nothing more."""
    few = changed(
        small,
        {
            "population.spares.count": 1,
            "population.spares.strategy": {"name": "signed"},
            "population.needs.arrival_hours": {"uniform": [8, 8.5]},
        },
    )
    for seed in range(3):
        result = run(few, seed)
        (supply,) = [visit.energy for visit in result.visits if visit.group.role == "provider"]
        assert 0 < sum(row.delivered for row in result.trades) <= supply


def test_a_gain_that_cannot_be_is_refused(small):
    result = run(small)
    for row in result.trades:
        row.cost = 0
    with pytest.raises(SimulationError, match="somebody has sold what it had not"):
        measure(result)


def test_a_price_spike_and_an_outage_are_felt(small):
    spike = {"faults.price_spikes": [{"from_hour": 0, "to_hour": 24, "factor": 10}]}
    assert run(changed(small, spike)).fees > 5 * run(small).fees
    outage = {"faults.outages": [{"from_hour": 8, "to_hour": 12}]}
    late = run(changed(small, outage))
    assert min(row.started for row in late.auctions) >= 12 * 3_600


def test_who_offers_more_is_served_first(small):
    eager = small.model_dump(mode="json")["population"]
    eager[1] = {**eager[1], "count": 1, "name": "eager", "tip_gwei": 5}
    others = {**small.model_dump(mode="json")["population"][1], "count": 3}
    result = run(changed(small, {"population": [eager[0], eager[1], others]}))
    together: dict[tuple[int, int], list[str]] = {}
    for row in result.bids:
        together.setdefault((row.auction, row.time), []).append(row.provider)
    shared = [names for names in together.values() if "eager-1" in names and len(names) > 1]
    assert shared
    assert all(names[0] == "eager-1" for names in shared)


def test_who_does_not_come_costs_both_the_penalty(small):
    result = run(changed(small, {"faults.provider_no_show_share": 1.0}))
    assert {row.how for row in result.auctions} == {"expired"}
    assert result.burnt == 2 * sum(row.penalty for row in result.auctions)
    assert sum(row.money for row in result.vehicles) == -result.burnt


# --- Changes that must not matter, or only in one way


def test_all_money_times_k_changes_nothing_but_money(small):
    dear = changed(small, {"chain.ether_eur": small.chain.ether_eur / 4, "chain.base_fee_gwei": 0})
    cheap = changed(small, {"chain.base_fee_gwei": 0})
    ones, others = run(cheap), run(dear)
    assert [row.provider for row in ones.auctions] == [row.provider for row in others.auctions]
    for one, other in zip(ones.auctions, others.auctions, strict=True):
        assert other.rate == pytest.approx(4 * one.rate, rel=1e-9)


def test_in_which_order_groups_stand_does_not_matter(small):
    said = small.model_dump(mode="json")
    turned = changed(small, {"population": said["population"][::-1]})
    assert run(small).auctions == run(turned).auctions


@pytest.mark.parametrize("seed", range(8))
def test_one_more_truthful_bidder_never_raises_a_price(small, seed):
    """Where any lower bid is accepted, and a euro is as many wei as steps are worth trying."""
    exact = {
        "market.minDecrementBps": 0,
        "market.minPenalty": 1,
        "market.bidding_seconds": 600,
        "chain.block_seconds": 0,
        "chain.base_fee_gwei": 0,
        "chain.tip_gwei": 0,
        "chain.ether_eur": 5e12,
        "population.needs.count": 1,
    }
    fewer, more = (
        run(changed(small, exact | {"population.spares.count": count}), seed) for count in (3, 4)
    )
    ((one,), (other,)) = fewer.auctions, more.auctions
    assert other.rate <= one.rate + 1  # which of the two last bidders is first to a step is chance
    assert one.bids > 5


def test_where_bids_have_a_step_one_more_bidder_raises_a_price_by_no_more_than_it(small):
    plain = {"market.minDecrementBps": 100, "chain.block_seconds": 0}
    fewer = run(changed(small, plain | {"population.needs.count": 1}))
    more = run(changed(small, plain | {"population.needs.count": 1, "population.spares.count": 5}))
    bound = 1 / (1 - 0.01)
    for one, other in zip(fewer.auctions, more.auctions, strict=True):
        assert other.rate <= one.rate * bound**2


# --- The bidder is the product's


def test_the_bidder_of_the_product_bids_on_a_simulated_node_as_on_any_other(small):
    scenario = changed(small, {"chain.block_seconds": 0, "population.needs.count": 1})
    simulation = Simulation(scenario, 1)
    market = simulation.market
    consumer = next(iter(simulation.consumers.values()))
    auction = market.start_auction(
        Energy(10_000), Rate(2 * 10**11), "10 min", "1 h", "here", sender=consumer.account
    )
    provider = next(iter(simulation.providers.values()))
    bidder = Autobidder(market, provider.account, Policy(floor=Rate(10**11)))
    bidder._parameters = market.parameters
    assert bidder.step([Listing(auction.info)])
    assert auction.info.provider == provider.address
    assert Rate(10**11) <= (auction.best_bid or Rate(0))


def test_a_simulated_contract_reads_as_the_package_does(small):
    simulation = Simulation(small, 1)
    contract = simulation.market.contract
    assert isinstance(contract, SimulatedContract)
    plain = MarketContract(contract.address, contract.node)
    consumer = next(iter(simulation.consumers))
    for name, arguments in [
        ("parameters", ()), ("evs", (consumer,)), ("isEV", (consumer,)), ("owner", ()),
        ("auctions", (int(consumer, 16) << 32 | 1,)), ("reserve", (1,)), ("active", ()),
        ("eip712Domain", ()),
    ]:  # fmt: skip
        assert contract.view(name, *arguments) == plain.view(name, *arguments)


def test_a_simulated_chain_is_none_that_has_keys():
    with pytest.raises(Exception, match="not signed"):
        SimulatedAccount("somebody").sign_transaction(None)


def test_numbers_and_addresses_are_encoded_as_by_the_library(small):
    contract = Simulation(small, 1).market.contract
    interface, auction = artifact.interface(), 2**250 + 1
    for method, arguments in [
        ("placeBid", (auction, 2**64 - 1, 2**96)),
        ("placeBid", (0, 0, 0)),
        ("evs", (contract.address,)),
    ]:
        kinds = interface._methods[method, len(arguments)].inputs
        assert interface.call_data(method, *arguments)[4:] == encode(kinds, arguments)
    for wrong in (-1, 2**64, "1"):
        with pytest.raises(EncodingError):
            interface.call_data("placeBid", auction, wrong, 7)


@pytest.mark.parametrize("package", ["scipy", "matplotlib", "pyarrow"])
def test_a_package_of_the_simulation_has_the_numpy_that_it_needs(package):
    """Ape holds numpy back on some Pythons, so that what is newest would not run there."""
    for said in requires(package) or []:
        needed = Requirement(said)
        if needed.name == "numpy" and (needed.marker is None or needed.marker.evaluate()):
            assert needed.specifier.contains(version("numpy"))
