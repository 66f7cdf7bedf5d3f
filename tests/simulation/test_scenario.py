"""A scenario is checked whole before it runs, and a mistake is told by its place."""

import pytest

from ape_v2v.simulation import TEMPLATES, ScenarioError, changed, parse, read, template
from ape_v2v.simulation.vehicles.population import visits
from tests.simulation.conftest import SMALL


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_is_a_scenario_in_which_both_sides_come(name):
    scenario = parse(template(name))
    assert scenario.name == name
    assert {visit.group.role for visit in visits(scenario, 1)} == {"consumer", "provider"}


@pytest.mark.parametrize(
    ("wrong", "right", "said"),
    [
        ("count: 4", "count: -4", "12:5: population.0.count: is -4: "),
        ("count: 4", "number: 4", "11:5: population.0.count: "),
        ("    role: consumer", "    role: buyer", "11:5: population.0.role: is 'buyer': "),
        ("uniform: [5, 10]", "normal: [5, 10]", "15:18: population.0.energy_kwh.normal: is no"),
        ("name: small", "name: small\nname: twice", "3:1: name is there twice"),
        ("minDecrementBps: 500", "minDecrementBps: 9000", "6:3: market.parameters: "),
        ("minDecrementBps: 500", "minDecrement: 500", "unknown parameter 'minDecrement'"),
        ("name: spares", "name: needs", "two groups are called 'needs'"),
        ("name: small", "name: [small", "this is no YAML"),
    ],
)
def test_a_mistake_is_one_sentence_with_its_line_and_column(wrong, right, said):
    text = SMALL.strip("\n").replace(wrong, right, 1)
    with pytest.raises(ScenarioError) as error:
        parse(text, "mine.yaml")
    assert "\n" not in str(error.value)
    assert str(error.value).startswith("mine.yaml")
    place, _, _ = said.partition(": ")
    assert place.split(":")[-1] in str(error.value)


def test_the_place_of_a_mistake_is_its_key(small):
    text = SMALL.strip("\n").replace("    stay_hours: 12", "    colour: red")
    with pytest.raises(ScenarioError, match=r"^mine:18:5: population.1.colour: is no setting here"):
        parse(text, "mine")


def test_a_file_that_is_not_there_is_told_with_the_templates():
    with pytest.raises(ScenarioError, match=r"nowhere.yaml: No such file.*garage20"):
        read("nowhere.yaml")


def test_settings_are_changed_by_their_place(small):
    other = changed(small, {"market.minDecrementBps": 0, "population.needs.count": 9})
    assert other.market.rules.minDecrementBps == 0
    assert [group.count for group in other.population] == [9, 4]
    assert small.digest != other.digest


@pytest.mark.parametrize("place", ["market.nothing", "nowhere.at", "population.nobody.count"])
def test_a_setting_that_is_not_there_is_refused(small, place):
    with pytest.raises(ScenarioError):
        changed(small, {place: 1})


def test_other_rules_bring_the_same_comers(small):
    other = changed(small, {"market.minDecrementBps": 0})
    assert visits(small, 1) == visits(other, 1)
    assert visits(small, 1) != visits(small, 2)
