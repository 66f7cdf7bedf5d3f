"""The rules of a market in Python: the same bounds as in the contract, which has the last word."""

import pytest

from ape_v2v import ConfigurationError, Market, Parameters
from ape_v2v.chain.networks import connected_node
from ape_v2v.market.interface.transactions import creation, foresee
from ape_v2v.testing.assertions import reverts_with
from tests.helpers.scenario import PARAMETERS

BOUNDS = {
    "penaltyBps": (1, 5_000),
    "minDecrementBps": (0, 5_000),
    "extensionWindow": (0, 3_600),
    "awardWindow": (600, 604_800),
    "settlementWindow": (600, 604_800),
    "minPenalty": (1, 10**18),
}
AT_A_BOUND = [(name, bound) for name, bounds in BOUNDS.items() for bound in bounds]
BEYOND = [
    (name, bound + step)
    for name, bounds in BOUNDS.items()
    for bound, step in zip(bounds, (-1, 1), strict=True)
    if bound + step >= 0
]


@pytest.fixture
def deploy_with(organization):
    """Try to deploy with parameters that Python has not checked."""

    def deploy_with(**parameters):
        values = tuple((PARAMETERS | parameters).values())
        foresee(connected_node(), creation(organization, organization.address, values))

    return deploy_with


@pytest.mark.parametrize(("name", "value"), [*AT_A_BOUND, ("bondBps", 2_000), ("bondBps", 65_535)])
def test_a_market_has_the_parameters_that_it_is_deployed_with(organization, name, value):
    parameters = Parameters(**{name: value})

    market = Market.deploy(organization, parameters)

    assert market.parameters == parameters
    assert getattr(market.parameters, name) == value


@pytest.mark.parametrize(("name", "value"), BEYOND)
def test_the_contract_refuses_the_same_parameters(deploy_with, market, name, value):
    minimum, maximum = BOUNDS[name]
    sentence = f"^{name} is {value}: it takes a whole number from {minimum} to {maximum}$"
    with pytest.raises(ConfigurationError, match=sentence):
        Parameters(**{name: value})

    with reverts_with(
        market.ParameterOutOfRange, name=name, value=value, minimum=minimum, maximum=maximum
    ):
        deploy_with(**{name: value})


def test_a_penalty_above_half_the_bond_is_refused_here_and_by_the_contract(deploy_with, market):
    """A forfeit costs two."""
    with pytest.raises(ConfigurationError, match=r"penaltyBps is 501: .* from 1 to 500$"):
        Parameters(bondBps=1_001, penaltyBps=501)

    with reverts_with(
        market.ParameterOutOfRange, name="penaltyBps", value=501, minimum=1, maximum=500
    ):
        deploy_with(bondBps=1_001, penaltyBps=501)


def test_a_bond_that_the_contract_cannot_hold_is_refused():
    with pytest.raises(ConfigurationError, match=r"bondBps is 65536: .* from 2 to 65535$"):
        Parameters(bondBps=65_536)


def test_the_defaults_are_those_of_the_specification():
    assert Parameters().as_dict() == PARAMETERS


def test_windows_in_a_file_may_be_durations():
    parameters = Parameters.from_mapping(
        {
            "extensionWindow": "90 s",
            "awardWindow": "10 min",
            "settlementWindow": 86_400,
            "minPenalty": "1 gwei",
        }
    )
    assert parameters == Parameters(
        extensionWindow=90, awardWindow=600, settlementWindow=86_400, minPenalty=10**9
    )


@pytest.mark.parametrize(
    ("mapping", "reason"),
    [
        ({"bondBips": 1}, "unknown parameter 'bondBips': expected awardWindow, bondBps"),
        ({"awardWindow": "10 minutes"}, "awardWindow: '10 minutes' is not a duration"),
        ({"minPenalty": "a lot"}, "minPenalty: 'a lot' is not an amount"),
        ({"awardWindow": "1 min"}, "awardWindow is 60: .* from 600 to 604800"),
        ({"bondBps": "100 %"}, "bondBps is '100 %': it takes a whole number"),
        ({"bondBps": 100.0}, "bondBps is 100.0: it takes a whole number"),
        ({"minDecrementBps": True}, "minDecrementBps is True: it takes a whole number"),
        ({"extensionWindow": None}, "extensionWindow is None: it takes a whole number"),
    ],
)
def test_a_mistake_in_a_file_is_named(mapping, reason):
    with pytest.raises(ConfigurationError, match=reason):
        Parameters.from_mapping(mapping)


def test_people_read_shares_and_durations():
    assert Parameters(minDecrementBps=150, awardWindow=5_400).described() == {
        "bondBps": "100 %",
        "penaltyBps": "10 %",
        "minDecrementBps": "1.5 %",
        "extensionWindow": "1 min",
        "awardWindow": "1 h 30 min",
        "settlementWindow": "1 d",
        "minPenalty": "0.00001 ether",
    }


def test_the_order_is_that_of_the_contract(market):
    struct = market.parameters()
    assert Parameters().as_tuple() == tuple(struct)
    assert list(Parameters().as_dict()) == list(struct.__dataclass_fields__)
