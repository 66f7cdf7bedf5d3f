"""The market under random use: whatever people do, contract and model agree, and I1 to I11 hold.

The size of the run is chosen by V2V_FUZZ_PROFILE:

    dev      108 runs of 50 steps: the default
    ci       504 runs of 50 steps
    nightly  10,008 runs of 100 steps

V2V_FUZZ_SEED repeats a run; the seed is printed. V2V_FUZZ_ARTIFACT names a file with another
contract type (JSON, as Ape and the package have it) to be tested in the market's place.
"""

from typing import Any

import pytest
from ethpm_types import ContractType
from hypothesis import Phase, given, settings
from model.market import ZERO_ADDRESS, Market, Parameters
from model.refusal import Refused

from ape_v2v.testing.chains import AnvilChain, Chain, PyrevmChain, Reverted
from ape_v2v.testing.contracts import Contract, Failure, Interface

from . import strategies as some
from .actors import DEPLOYER
from .campaign import PROFILES, Profile, chosen_market, chosen_profile, chosen_seed, fuzz
from .recording import RecordingChain


@pytest.fixture(scope="module")
def market_type(project: Any) -> ContractType:
    return chosen_market(lambda: project.V2VMarket.contract_type)


@pytest.fixture(scope="module")
def hostile_type(project: Any) -> ContractType:
    return project.HostileEV.contract_type


def test_contract_and_model_agree_and_the_invariants_hold_whatever_people_do(
    market_type: ContractType, hostile_type: ContractType, capsys: pytest.CaptureFixture[str]
) -> None:
    profile, first_seed = chosen_profile(), chosen_seed()

    tally = fuzz(market_type, hostile_type, PROFILES[profile], first_seed)

    with capsys.disabled():
        print(f"\nprofile {profile}, V2V_FUZZ_SEED={first_seed}: {tally.summary()}")
    assert tally.missing() == [], f"never reached with V2V_FUZZ_SEED={first_seed}"


def test_the_same_programs_come_out_alike_in_process_and_on_a_node(
    market_type: ContractType, hostile_type: ContractType
) -> None:
    recordings: list[RecordingChain] = []

    def record() -> Chain:
        recordings.append(RecordingChain(PyrevmChain()))
        return recordings[-1]

    profile = Profile(seeds=1, steps=30)
    first_seed = chosen_seed()
    fuzz(market_type, hostile_type, profile, first_seed, new_chain=record, phases=[Phase.generate])
    longest = sorted(recordings, key=lambda recording: len(recording.program))[-5:]

    with AnvilChain() as node:
        for recording in longest:
            start = node.snapshot()
            repeated = recording.repeated_on(node)
            node.revert(start)

            assert repeated == recording.program, f"V2V_FUZZ_SEED={first_seed}"


@settings(deadline=None, max_examples=200, database=None, print_blob=True)
@given(parameters=some.any_parameters, organization=some.organizations)
def test_a_market_is_deployed_exactly_when_its_parameters_are_in_range(
    market_type: ContractType, parameters: Parameters, organization: str
) -> None:
    chain, interface = PyrevmChain(), Interface(market_type)
    expected: Failure | None = None
    try:
        Market(chain.chain_id, ZERO_ADDRESS, organization, parameters)
    except Refused as refusal:
        expected = Failure(refusal.name, refusal.values)

    actual: Failure | None = None
    try:
        address = chain.deploy(DEPLOYER.address, interface.creation_code(organization, parameters))
    except Reverted as error:
        actual = interface.failure(error.output)
    else:
        market = Contract(chain, address, interface)
        assert market.view("parameters") == parameters
        assert market.view("owner") == organization
        assert market.view("active") is True

    assert actual == expected
