"""All that is measured in one run, before anything is compared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ape_v2v.evm.node import AnvilChain
from benchmarks.gas import batches, growth, scenarios, sponsoring, throughput, tokens
from benchmarks.gas.designs import PaperMarket
from benchmarks.gas.ganache import GanacheChain
from benchmarks.gas.sources import code_size
from benchmarks.gas.stage import Stage
from benchmarks.gas.trades import whole_trades

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.gas.growth import Growth
    from benchmarks.gas.scenarios import PaperCalls
    from benchmarks.gas.sources import Sources
    from benchmarks.gas.stage import Call
    from benchmarks.gas.throughput import Throughput
    from benchmarks.gas.trades import Trade


@dataclass(frozen=True)
class Reproduction:
    """The paper's design at the prices of 2020."""

    node: str
    """The node that has charged them."""
    plain: PaperCalls
    """Without the optimizer."""
    optimized: PaperCalls


@dataclass(frozen=True)
class TokenCosts:
    """What a market in a token costs, and trades that somebody else pays for, gas."""

    currencies: dict[str, dict[str, int]]
    """By currency, and by what is done."""
    batches: dict[str, dict[int | str, int]]
    """By kind of document, and by how many come at once."""
    sponsored: dict[str, dict[str, int]]
    """By delegate, and by what is done."""


@dataclass(frozen=True)
class Measurements:
    """What was measured; gas unless it says otherwise."""

    node: str
    creation: int
    size: int
    """Bytes of code."""
    steady: dict[str, Call]
    first: dict[str, Call]
    paper: PaperCalls
    paper_size: int
    trades: list[Trade]
    reproduction: Reproduction | None
    growth: list[Growth]
    throughput: Throughput | None
    tokens: TokenCosts | None

    def snapshot(self) -> dict[str, int]:
        """Label to gas, and the size of the bytecode: what the committed snapshot holds.

        Not the creation: the bytecode ends with a hash of all sources, so that a comment changes
        what its bytes cost. The size stands for it.
        """
        return {
            "bytecode size": self.size,
            **{label: call.gas for label, call in self.steady.items()},
            **{f"{label} (first use)": call.gas for label, call in self.first.items()},
        }


def measure(
    sources: Sources,
    say: Callable[[str], None] = lambda _: None,
    *,
    with_2020: bool = False,
    with_rest: bool = False,
) -> Measurements:
    """Run the functions and trades.

    Args:
        sources: The compiled contracts.
        say: Is told what is being measured.
        with_2020: Also on a node with the prices of 2020.
        with_rest: Also growth, tokens, sponsors and throughput. Ape must be connected to a local
            chain.

    Raises:
        V2VError: Something that the run needs is not installed.
    """
    say("this project, function by function")
    with AnvilChain() as chain:
        node = str(chain.request("web3_clientVersion"))
        own = scenarios.used_market(Stage(chain, sources.own))
        steady = scenarios.all_calls(own)
        say("whole trades")
        with AnvilChain() as other:
            trades = whole_trades(own, PaperMarket(Stage(other, sources.paper, trace=False)))
    with AnvilChain() as chain:
        first = scenarios.first_use(Stage(chain, sources.own))
    say("the paper's design, today")
    with AnvilChain() as chain:
        paper = scenarios.paper_calls(Stage(chain, sources.paper))
    reproduction, grown, speed, in_tokens = None, [], None, None
    if with_2020:
        say("the paper's design, at the prices of 2020")
        reproduction = reproduce(sources)
    if with_rest:
        say("growth")
        grown = growth.measure(sources)
        say("tokens, batches and sponsors")
        in_tokens = token_costs(sources)
        say("throughput")
        speed = throughput.measure(sources.own)
    return Measurements(
        node=node,
        creation=own.stage.creation,
        size=code_size(sources.own),
        steady=steady,
        first=first,
        paper=paper,
        paper_size=code_size(sources.paper),
        trades=trades,
        reproduction=reproduction,
        growth=grown,
        throughput=speed,
        tokens=in_tokens,
    )


def token_costs(sources: Sources) -> TokenCosts:
    """Measure a market in a token, several documents at once, and sponsored trades."""
    return TokenCosts(
        currencies=tokens.measured(sources.manager),
        batches=batches.measured(sources.manager),
        sponsored=sponsoring.measured(sources.manager),
    )


def reproduce(sources: Sources) -> Reproduction:
    """Measure the paper's design on a node that charges the prices of 2020.

    Raises:
        V2VError: The node is not installed.
    """
    with GanacheChain(sources.project) as chain:
        plain, optimized = (
            scenarios.paper_calls(Stage(chain, sources.paper_of_2020(optimize=optimize)))
            for optimize in (False, True)
        )
        name, number, *_ = chain.request("web3_clientVersion").split("/")
        return Reproduction(f"{name} {number}", plain, optimized)
