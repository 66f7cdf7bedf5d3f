"""The market under random use: whatever people do, contract and model agree, and I1 to I12 hold.

The size of the run is chosen by V2V_FUZZ_PROFILE:

    node     9 runs of 50 steps: the default where pyrevm has no wheel
    dev      108 runs of 50 steps: the default elsewhere
    ci       540 runs of 50 steps
    nightly  10,350 runs of 100 steps

`ci` and `nightly` fail if anything was never reached; `node` and `dev`, which are small, only
print it.
V2V_FUZZ_SEED repeats a run; the seed is printed. V2V_FUZZ_WORKERS allows more processes than one.
V2V_FUZZ_ARTIFACT names a file with another contract type (JSON, as Ape and the package have it) to
be tested in the market's place. `ape run fuzz` does the same and writes a report.
"""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import Phase, given, settings

from ape_v2v.evm.chains import Chain, EvmReverted
from ape_v2v.evm.contracts import Contract, Failure, Interface
from ape_v2v.evm.inprocess import PyrevmChain
from ape_v2v.evm.node import AnvilChain
from tests.model.market import ZERO_ADDRESS, Market, Parameters
from tests.model.refusal import Refused

from . import strategies as some
from .actors import DEPLOYER
from .campaign import PROFILES, Build, fuzz, fuzz_many
from .chosen import chosen_market, chosen_profile, chosen_seed, chosen_workers
from .in_process import fast_chain, needs_pyrevm
from .recording import Recorder, repeated, transactions
from .report import summary
from .tally import Tally


@pytest.fixture(scope="module")
def build(project: Any) -> Build:
    return Build.of(project, chosen_market(lambda: project.V2VMarket.contract_type))


@pytest.fixture(scope="module")
def anywhere() -> Iterator[Chain]:
    with fast_chain() as chain:
        yield chain


@pytest.mark.timeout(0)  # as long as its profile takes
def test_contract_and_model_agree_and_the_invariants_hold_whatever_people_do(
    build: Build, capsys: pytest.CaptureFixture[str]
) -> None:
    name, first_seed = chosen_profile(), chosen_seed()
    profile, tally = PROFILES[name], Tally()
    began = time.monotonic()

    seeds = range(first_seed, first_seed + profile.seeds)
    for one in fuzz_many(build, seeds, profile.steps, workers=chosen_workers()):
        tally.update(one)

    with capsys.disabled():
        print(f"\nprofile {name}, V2V_FUZZ_SEED={first_seed}:")
        print(summary(tally, time.monotonic() - began))
        print(f"never reached: {', '.join(tally.missing()) or 'nothing'}")
    # Hypothesis may end a run early, once in some thousand steps.
    assert tally.runs_of(profile.steps) >= 0.9 * profile.runs
    assert not (profile.complete and tally.missing()), f"V2V_FUZZ_SEED={first_seed}"


def test_a_seed_gives_the_same_runs_in_whatever_process(build: Build) -> None:
    number = chosen_seed()

    (here,) = fuzz_many(build, [number], steps=10)
    (there,) = fuzz_many(build, [number], steps=10, workers=2)

    here.cpu_seconds = there.cpu_seconds = 0
    assert here.as_json() == there.as_json(), f"V2V_FUZZ_SEED={number}"


@needs_pyrevm
def test_the_same_programs_come_out_alike_in_process_and_on_a_node(build: Build) -> None:
    recorders: list[Recorder] = []

    def record() -> Chain:
        recorders.append(Recorder(PyrevmChain()))
        return recorders[-1]

    number = chosen_seed()
    fuzz(build.artifacts(), number, steps=30, new_chain=record, phases=[Phase.generate])
    programs = [transactions(recorder.program) for recorder in recorders]

    with AnvilChain() as node:
        for program in sorted(programs, key=len)[-5:]:
            start = node.snapshot()
            there = repeated(program, node)
            node.revert(start)

            assert there == program, f"V2V_FUZZ_SEED={number}"


@settings(max_examples=200, database=None, print_blob=True)
@given(parameters=some.any_parameters, organization=some.organizations)
def test_a_market_is_deployed_exactly_when_its_parameters_are_in_range(
    build: Build, anywhere: Chain, parameters: Parameters, organization: str
) -> None:
    chain, interface = anywhere, Interface(build.market)
    expected: Failure | None = None
    try:
        Market(chain.chain_id, ZERO_ADDRESS, organization, parameters)
    except Refused as refusal:
        expected = Failure(refusal.name, refusal.values)

    actual: Failure | None = None
    try:
        address = chain.deploy(DEPLOYER.address, interface.creation_code(organization, parameters))
    except EvmReverted as error:
        actual = interface.failure(error.output)
    else:
        market = Contract(chain, address, interface)
        assert market.view("parameters") == parameters
        assert market.view("owner") == organization
        assert market.view("active") is True

    assert actual == expected
