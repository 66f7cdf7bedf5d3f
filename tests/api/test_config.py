"""The `v2v:` section of ape-config.yaml: what is understood, and which mistake is named how."""

import ape
import pytest
from pydantic import ValidationError

from ape_v2v.plugin import V2VConfig
from ape_v2v.units import Price

ADDRESS = "0x5FbDB2315678afecb367f032d93F642f64180aa3"


def test_everything_has_a_default():
    config = V2VConfig.model_validate({})
    assert (config.confirmations, config.block_range) == (2, 2_000)
    assert (config.units.energy, config.units.rate, config.units.money) == (
        "kWh",
        "ether/kWh",
        "ether",
    )
    assert config.markets == {}


def test_a_market_is_known_by_its_network():
    markets = {"ethereum-sepolia": {"address": ADDRESS, "start_block": 7_000_000}}
    config = V2VConfig.model_validate({"markets": markets})
    assert config.markets["ethereum-sepolia"].address == ADDRESS
    assert config.markets["ethereum-sepolia"].start_block == 7_000_000


def test_prices_may_be_given():
    texts = ["EUR=3100", "EUR=0.92/USDC"]
    assert V2VConfig.model_validate({"fiat": texts}).fiat == tuple(map(Price.parse, texts))
    assert V2VConfig.model_validate({"fiat": texts[0]}).fiat == (Price.parse(texts[0]),)
    assert V2VConfig().fiat == ()


def test_the_environment_goes_first(monkeypatch):
    monkeypatch.setenv("APE_V2V_CONFIRMATIONS", "5")
    assert V2VConfig().confirmations == 5


@pytest.mark.parametrize(
    ("section", "reason"),
    [
        ({"confirmation": 1}, "confirmation\n.*not permitted"),
        ({"confirmations": -1}, "greater than or equal to 0"),
        ({"block_range": 0}, "greater than or equal to 1"),
        ({"units": {"energy": "kW"}}, "'kW' is no unit of it: expected Wh, kWh, MWh"),
        ({"units": {"rate": "ether"}}, "'ether' is no unit of it: expected wei/Wh, gwei/Wh"),
        ({"markets": {"x": {"address": ADDRESS.lower()}}}, "not an address with a checksum"),
        ({"markets": {"x": {"address": int(ADDRESS, 16)}}}, r"\d+ is not an address .* in quotes"),
        ({"markets": {"x": {"address": ADDRESS, "start_block": -1}}}, "greater than or equal to 0"),
        ({"fiat": "many"}, "'many' is not a price: expected a currency"),
        ({"fiat": ["EUR=3100", "many"]}, "'many' is not a price: expected a currency"),
        ({"fiat": 3100}, "valid tuple"),
        ({"markets": {"x": {}}}, "address\n.*[Ff]ield required"),
    ],
)
def test_a_mistake_is_named(section, reason):
    with pytest.raises(ValidationError, match=reason):
        V2VConfig.model_validate(section)


def test_ape_takes_the_section_for_that_of_this_plugin():
    assert isinstance(ape.config.get_config("v2v"), V2VConfig)
