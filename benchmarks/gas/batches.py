"""What each of several signed documents costs that come in one transaction, by their number.

All are of different people, who have traded before; but for one row of different auctions too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ape_v2v.evm.contracts import Interface
from ape_v2v.evm.node import AnvilChain
from ape_v2v.market.interface import batcher
from benchmarks.gas.designs import BIDDING_TIME, ORGANIZATION, RELAYER, rate_of
from benchmarks.gas.stage import ETHER, ScenarioError, Stage, person
from benchmarks.gas.tokens import TokenMarket

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ape.managers import ProjectManager
    from eth_account.signers.local import LocalAccount

SIZES = (1, 10, 50)
BIDS = "a signed bid, overtaking"
RACE = "the same, all in one auction"
READINGS = "a reading that both have signed"
WITHDRAWALS = "a signed withdrawal"
ALONE = "without the batcher"
LIMITS = {
    BIDS: {1: 58_500, 10: 36_000, 50: 34_000},
    RACE: {1: 58_500, 10: 23_000, 50: 19_900},
    READINGS: {1: 65_700, 10: 43_200, 50: 41_200},
    WITHDRAWALS: {1: 63_000, 10: 33_900, 50: 31_300},
}
"""The most that each may cost in a batch of so many, gas."""

_MOST = max(SIZES)
_CONSUMERS = [person(f"consumer {number} of a batch") for number in range(_MOST)]
_PROVIDERS = [person(f"provider {number} of a batch") for number in range(_MOST)]
_RIVALS = [person(f"rival {number} of a batch") for number in range(_MOST)]


def _in_one(market: TokenMarket, calls: Sequence[tuple[object, ...]]) -> int:
    """What several calls cost in one transaction, gas; none may fail."""
    stage = market.stage
    data = batcher.batched(
        stage.address,
        [stage.interface.call_data(str(method), *values) for method, *values in calls],
        strict=True,
    )
    stage.chain.timestamp += 1
    receipt = stage.chain.transact(RELAYER.address.lower(), _batcher(stage), data)
    if not receipt.success:
        raise ScenarioError(f"a batch of {len(calls)} reverted")
    return receipt.gas_used


def _batcher(stage: Stage) -> str:
    address, code = batcher.deployed()
    assert isinstance(stage.chain, AnvilChain), "it alone takes code"
    stage.chain.request("anvil_setCode", address, f"0x{code.hex()}")
    return address


def _play(market: TokenMarket, size: int) -> dict[str, int]:
    """What each of so many costs, by its kind, gas."""
    consumers, providers, rivals = (people[:size] for people in (_CONSUMERS, _PROVIDERS, _RIVALS))
    for consumer, rival in zip(consumers, rivals, strict=True):
        market.start(consumer)
        market.bid(consumer, rival, rate_of(1))
    found = {}
    with market.stage.scene():
        race = enumerate(providers, start=2)
        found[RACE] = _in_one(
            market, [market.bid_of(consumers[0], one, rate_of(rank)) for rank, one in race]
        )
    trades = list(zip(consumers, providers, strict=True))
    bids = [market.bid_of(consumer, provider, rate_of(2)) for consumer, provider in trades]
    found[BIDS] = _in_one(market, bids)
    market.wait(BIDDING_TIME)
    for consumer, provider in trades:
        market.award(consumer, provider)
    readings = [market.reading_of(consumer, provider) for consumer, provider in trades]
    found[READINGS] = _in_one(market, readings)
    withdrawals = [market.withdrawal_of(provider, ETHER // 10) for provider in providers]
    found[WITHDRAWALS] = _in_one(market, withdrawals)
    return {kind: gas // size for kind, gas in found.items()}


def _alone(market: TokenMarket) -> dict[str, int]:
    """What each costs that is sent by itself, gas."""
    consumer, provider, rival = _CONSUMERS[0], _PROVIDERS[0], _RIVALS[0]
    market.start(consumer)
    market.bid(consumer, rival, rate_of(1))
    found = {BIDS: market.signed_bid(consumer, provider, rate_of(2)).gas}
    found[RACE] = found[BIDS]
    market.wait(BIDDING_TIME)
    market.award(consumer, provider)
    found[READINGS] = market.settle_by_others(consumer, provider).gas
    found[WITHDRAWALS] = market.withdraw_signed(provider, ETHER // 10).gas
    return found


def measured(project: ProjectManager) -> dict[str, dict[int | str, int]]:
    """What each costs, by its kind and the size of its batch, gas."""
    own = Interface(project.TestToken.contract_type)
    with AnvilChain() as chain:
        token = chain.deploy(ORGANIZATION.address.lower(), own.creation_code(18))
        stage = Stage(chain, Interface(project.V2VTokenMarket.contract_type), trace=False)
        market = TokenMarket(stage, token, own)
        _prepare(market)
        columns: dict[int | str, dict[str, int]] = {}
        with stage.scene():
            columns[ALONE] = _alone(market)
        for size in SIZES:
            with stage.scene():
                columns[size] = _play(market, size)
    return {kind: {size: column[kind] for size, column in columns.items()} for kind in LIMITS}


def _prepare(market: TokenMarket) -> None:
    """Everybody has money, and has traded and withdrawn before."""
    people: list[LocalAccount] = [*_CONSUMERS, *_PROVIDERS, *_RIVALS]
    market.register(people)
    for ev in people:
        market.fund(ev)
        market.deposit(ev)
    for consumer, provider, rival in zip(_CONSUMERS, _PROVIDERS, _RIVALS, strict=True):
        market.trade(consumer, [rival, provider])
        market.withdraw_signed(provider, ETHER // 10)


def head(size: int | str) -> str:
    """What stands above the column of so many."""
    return size if isinstance(size, str) else f"in a batch of {size}"


def table(found: dict[str, dict[int | str, int]]) -> list[str]:
    """The lines of a table in Markdown."""
    sizes = next(iter(found.values()))
    heads = [head(size) for size in sizes]
    lines = [f"| gas each | {' | '.join(heads)} |", f"| --- |{' ---: |' * len(heads)}"]
    lines += [
        f"| {kind} | {' | '.join(f'{gas:,}' for gas in costs.values())} |"
        for kind, costs in found.items()
    ]
    return lines
