"""The examples in docs/ do what they say."""

import yaml
from ape.logging import LogLevel, logger

from ape_v2v.plugin import V2VConfig
from tests.helpers.documentation import examples


def test_the_examples_of_the_api_print_what_they_say(chain, capsys):
    names = {"__name__": "api"}
    with logger.at_level(LogLevel.WARNING):
        for number, example in enumerate(examples("docs/api.md", "python")):
            exec(compile(example, f"docs/api.md, example {number}", "exec"), names)

    assert capsys.readouterr().out == "".join(examples("docs/api.md", "text"))


def test_the_documented_configuration_names_every_setting_and_its_default():
    (example,) = examples("docs/api.md", "yaml")
    config = V2VConfig.model_validate(yaml.safe_load(example)["v2v"])
    documented = set(yaml.safe_load(example)["v2v"])

    assert documented == set(V2VConfig.model_fields)
    assert (
        config.model_copy(update={"markets": {}, "fees": {}, "fiat": (), "light": {}})
        == V2VConfig()
    )
    (market,), (fees,) = config.markets.values(), config.fees.values()
    for one in (market, fees):
        assert one.model_fields_set == set(type(one).model_fields)
    assert config.units.model_fields_set == set(type(config.units).model_fields)
