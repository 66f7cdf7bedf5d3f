"""A market in a token: the same trades for the same euro, gas in ether, and books that balance."""

import dataclasses

import pytest

from ape_v2v.evm.chains import ChainError
from ape_v2v.simulation import (
    ScenarioError,
    Simulation,
    SimulationError,
    changed,
    measure,
    parse,
)
from ape_v2v.simulation.chain import token as test_token
from ape_v2v.simulation.study.output import manifest, tables
from ape_v2v.simulation.study.runner import Task, load, save
from ape_v2v.simulation.vehicles.strategies import STRATEGIES
from tests.simulation.conftest import SMALL, run

EURC = {"symbol": "EURC", "decimals": 6, "price_eur": 1.0}
CENT = {"market.parameters.minPenalty": "0.01 EURC"}
SAME_CENT = {"market.parameters.minPenalty": 10**18 // 100 // 3_000}


def in_token(scenario, **said):
    return changed(scenario, {"market.currency": EURC | said})


def test_a_scenario_in_a_token_is_traded_and_all_is_in_euro_as_before(small):
    scenario = in_token(small)
    simulation = Simulation(scenario, 1)
    result = simulation.run()
    assert simulation.market.currency.symbol == "EURC"
    assert simulation.market.contract.artifact == "V2VTokenMarket"
    assert {row.how for row in result.auctions} == {"agreed"}
    for row in result.trades:
        assert row.rate is not None
        assert row.cost <= row.rate <= row.max_rate
        assert 350 <= row.rate <= 600  # units of a millionth, per Wh
        assert row.paid == row.rate * row.delivered
    metrics = measure(result)
    assert 0.35 <= metrics.price_eur_kwh <= 0.6
    assert 0 < metrics.welfare_eur <= metrics.optimum_eur * (1 + 1e-9)
    assert metrics.gas_eur == pytest.approx(result.fees / 10**18 * 3_000)
    assert metrics.gas_share == pytest.approx(
        metrics.gas_eur / (metrics.price_eur_kwh * metrics.energy_kwh)
    )


def test_units_and_wei_are_all_there_in_the_end_and_after_every_block(small):
    scenario = changed(in_token(small), {"faults.provider_no_show_share": 0.5})
    simulation = Simulation(scenario, 1)
    before = simulation.market.holdings
    result = simulation.run()
    assert simulation._books.checks == result.blocks > 4
    assert simulation.market.holdings == before
    assert sum(row.money for row in result.vehicles) == -result.burnt < 0
    assert simulation.node.chain.balance(simulation.market.address) == 0
    assert sum(row.fees for row in result.vehicles) == pytest.approx(
        scenario.gas(result.fees), abs=len(result.vehicles)
    )


def test_tokens_that_nobody_owns_are_found_and_so_is_ether(small):
    simulation = Simulation(in_token(small), 1)
    chain, market = simulation.node.chain, simulation.market
    chain.set_balance(market.address, 1)
    with pytest.raises(SimulationError, match=r"holds 1 wei, and is paid in EURC"):
        simulation._books.see([])
    chain.set_balance(market.address, 0)
    simulation._books.see([])
    anybody = next(iter(simulation.consumers))
    assert market.currency.address is not None
    more = test_token._interface().call_data("mint", market.address, 1)
    assert chain.transact(anybody, market.currency.address, more).success
    with pytest.raises(SimulationError, match=r"units of 0.000001 EURC.*money was lost"):
        simulation._books.see([])


def test_what_a_holder_has_not_got_is_not_deposited(small):
    simulation = Simulation(in_token(small), 1)
    chain, market = simulation.node.chain, simulation.market
    holder = next(iter(simulation.consumers))
    assert market.currency.address is not None
    with pytest.raises(ChainError, match="refuses mint"):
        test_token.allow(chain, market.currency.address, holder, market.address, 2**256 - 1)


# --- The same in ether


@pytest.mark.parametrize("seed", range(3))
def test_a_token_as_dear_and_as_fine_as_ether_gives_the_same_to_the_unit(small, seed):
    scenario = changed(small, SAME_CENT)
    ether = run(scenario, seed)
    token = run(in_token(scenario, decimals=18, price_eur=3_000.0), seed)
    assert token.auctions == ether.auctions
    assert token.bids == ether.bids
    for one, other in zip(token.vehicles, ether.vehicles, strict=True):
        assert one.fees == pytest.approx(other.fees)
        assert dataclasses.replace(one, fees=0) == dataclasses.replace(other, fees=0)
    for name, value in measure(token).as_dict().items():
        assert value == pytest.approx(getattr(measure(ether), name), rel=1e-9), name


@pytest.mark.parametrize(
    ("strategy", "decimals", "price", "seed"),
    [
        ("truthful", 6, 1.0, 0),
        ("truthful", 8, 1.0, 1),
        ("truthful", 8, 0.5, 2),
        ("gas-aware", 8, 1.0, 1),
        ("jump", 8, 1.0, 2),
        ("signed", 8, 1.0, 2),
    ],
)
def test_a_token_at_the_same_euro_gives_the_same_trades_up_to_its_units(
    small, strategy, decimals, price, seed
):
    """Each bid is in whole units, a step of 5 % below the last: that adds up to 20 at the most."""
    named = changed(small, {"population.spares.strategy": {"name": strategy}})
    ether = run(changed(named, SAME_CENT), seed)
    token = in_token(named, decimals=decimals, price_eur=price)
    cent = round(0.01 / price * 10**decimals)
    token = run(changed(token, {"market.minPenalty": cent}), seed)
    eur, unit = token.scenario.eur_per_kwh, token.scenario.eur_per_kwh(1)
    for one, other in zip(token.auctions, ether.auctions, strict=True):
        assert (one.consumer, one.provider, one.how) == (other.consumer, other.provider, other.how)
        assert (one.delivered, one.bids) == (other.delivered, other.bids)
        assert abs(eur(one.rate) - ether.scenario.eur_per_kwh(other.rate)) <= 20 * unit
    assert token.fees == ether.fees
    ones, others = measure(token), measure(ether)
    assert ones.gas_eur == pytest.approx(others.gas_eur)
    for name in ("welfare_eur", "optimum_eur", "price_eur_kwh", "gas_share", "provider_gain_eur"):
        close = pytest.approx(getattr(others, name), rel=0.02, abs=20 * unit * ones.energy_kwh)
        assert getattr(ones, name) == close, name


def test_dearer_ether_makes_gas_dearer_in_a_token_and_nothing_else(small):
    cheap, dear = (run(changed(in_token(small), {"chain.ether_eur": eur})) for eur in (1e3, 4e3))
    assert dear.auctions == cheap.auctions
    assert dear.fees == cheap.fees
    assert measure(dear).gas_eur == pytest.approx(4 * measure(cheap).gas_eur)


@pytest.mark.parametrize("name", sorted(STRATEGIES))
def test_every_strategy_plays_for_tokens(small, name):
    result = run(changed(in_token(small), {"population.spares.strategy": {"name": name}}))
    assert len(result.auctions) == 4
    assert measure(result).welfare_eur <= measure(result).optimum_eur * (1 + 1e-9)
    assert any(row.accepted for row in result.bids)


# --- What a scenario may say


def said(currency, text=SMALL):
    return text.replace("market:\n", f"market:\n  currency: {currency}\n", 1).strip("\n")


def test_ether_may_be_named_and_is_the_same_scenario(small):
    named = parse(said("ether"))
    assert named == small
    assert named.digest == small.digest
    assert "currency" not in named.model_dump(mode="json")["market"]


def test_a_token_is_part_of_what_a_scenario_is(small, tmp_path):
    scenario = parse(said("{symbol: EURC}"))
    assert scenario.model_dump(mode="json")["market"]["currency"] == EURC
    assert scenario.market.rules.minPenalty == 10_000  # a cent of a euro
    assert scenario.digest != small.digest
    assert changed(scenario, CENT).market.rules.minPenalty == 10_000
    assert changed(scenario, {"market.currency": "ether"}) == small
    result = run(scenario)
    bytecode = manifest([result], tables([result]))["bytecodeSha256"]
    ether = run(small)
    assert bytecode != manifest([ether], tables([ether]))["bytecodeSha256"]
    save(result, tmp_path / "part.json")
    assert load(Task(scenario, 1, 0), tmp_path / "part.json").vehicles == result.vehicles


@pytest.mark.parametrize(
    ("currency", "place", "told"),
    [
        ("bitcoin", "5:3: market.currency", "is 'bitcoin': expected ether, or a token such as"),
        ("3", "5:3: market.currency", "is 3: expected ether, or a token such as"),
        ("{decimals: 6}", "5:3: market.currency.symbol", "field required"),
        ("{symbol: wei}", "5:14: market.currency.symbol", "is 'wei': expected the symbol of a"),
        ("{symbol: EURC, decimals: 2}", "5:28: market.currency.decimals", "is 2: "),
        ("{symbol: EURC, price_eur: 0}", "5:28: market.currency.price_eur", "is 0: "),
        ("{symbol: EURC, price: 1}", "5:28: market.currency.price", "is no setting here"),
    ],
)
def test_a_currency_that_is_none_is_refused_in_one_sentence(currency, place, told):
    text = "# A market\n\n" + said(currency)
    with pytest.raises(ScenarioError) as error:
        parse(text, "mine.yaml")
    assert str(error.value).startswith(f"mine.yaml:{place}: {told}")
    assert "\n" not in str(error.value)


def test_a_penalty_in_another_currency_is_refused():
    text = said("{symbol: EURC}").replace("500}", '500, minPenalty: "0.01 ether"}')
    with pytest.raises(ScenarioError, match=r"market.parameters: .*minPenalty: .*ether"):
        parse(text, "mine.yaml")
