"""The report: everything measured in one run, as tables."""

from __future__ import annotations

import json
import platform
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from ape_v2v.gas import published, scenarios, throughput
from ape_v2v.gas.designs import OwnMarket, PaperMarket
from ape_v2v.gas.floor import FLOORS
from ape_v2v.gas.ganache import HARDFORK as HARDFORK_2020
from ape_v2v.gas.ganache import GanacheChain
from ape_v2v.gas.prices import FUTURE, TODAY
from ape_v2v.gas.sources import Sources, code_size
from ape_v2v.gas.stage import Stage
from ape_v2v.gas.tables import Cell, Table, as_csv, ratio
from ape_v2v.testing.chains import HARDFORK, AnvilChain

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ape_v2v.gas.prices import Currency
    from ape_v2v.gas.scenarios import PaperCalls, Trade
    from ape_v2v.gas.stage import Call
    from ape_v2v.gas.throughput import Throughput

# The labels of a trade with two bids, and the paper's function that each is compared with.
_TRADE = {
    "startAuction": "StartAuction",
    "placeBid, first": "PlaceBid",
    "placeBid, overtaking": "PlaceBid",
    "endAuction": "EndAuction",
    "endConnection": "EndConnection",
}
_ADMIN = ("addEV", "removeEV", "changeStatus")
_BLOCK_SECONDS = 12
_BLOCK_LIMITS = (36_000_000, 60_000_000)

_GROWN = Decimal("1.12")
_BUYS = {
    "startAuction": "asks the second slot too: the state is derived, which saves a write later",
    "cancelAuction, with a bid": "leaves both slots as every other end does",
}
_SAME_PAIR = (
    "Where the very same EVs trade with one another again and again, the paper's design finds its "
    "records in place and pays for fewer new slots. It still pays out twice in each trade, and for "
    "the slots that it has cleared.\n\n"
)
_NEAREST = {
    "create": "Without the optimizer the size fits: Truffle's default. The paper has functions "
    "that it does not show.",
    "addEV": "Any EV but the first. The string in the event is paid by the byte.",
    "removeEV": "From the middle of the list; the last one costs less.",
    "StartAuction": "A consumer's first.",
    "PlaceBid": "A first bid of EVs that have never traded.",
    "EndAuction": "A later auction of the consumer: the first stores its token in a new slot.",
    "EndConnection": "Two payments of ether alone are 14,800 gas on top of 21,000. The published "
    "figure has room for one: below, nothing remains for the consumer.",
    "EndConnection, nothing remains": "The reading of the published figure: one payment, refunds "
    "up to the cap of one half. What is left over are slots that the paper may have packed: seven "
    "are read, at 800 gas.",
    "changeStatus": "",
    "a trade with two bids": "All of it for the first time, except `EndAuction`.",
}


@dataclass(frozen=True)
class Growth:
    """What a trade or a bid costs as something grows: ours and the paper's."""

    name: str
    title: str
    ours: list[tuple[int, int]]
    paper: list[tuple[int, int]]


@dataclass(frozen=True)
class Measurements:
    """All that was measured, before anything is compared."""

    creation: int
    size: int
    steady: dict[str, Call]
    first: dict[str, Call]
    paper: PaperCalls
    paper_size: int
    paper_2020: dict[bool, PaperCalls]
    """The paper's design at the prices of 2020: without the optimizer, and with it."""
    trades: list[Trade]
    growth: list[Growth]
    throughput: Throughput | None

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
        with_rest: Also growth and throughput. Ape must be connected to a local chain.

    Raises:
        V2VError: Something that the run needs is not installed.
    """
    say("this project, function by function")
    with AnvilChain() as chain:
        own = scenarios.used_market(Stage(chain, sources.own))
        steady = scenarios.steady(own)
        say("whole trades")
        with AnvilChain() as other:
            trades = scenarios.whole_trades(
                own, PaperMarket(Stage(other, sources.paper, trace=False))
            )
    with AnvilChain() as chain:
        first = scenarios.first_use(Stage(chain, sources.own))
    say("the paper's design, today")
    with AnvilChain() as chain:
        paper = scenarios.paper_calls(Stage(chain, sources.paper))
    paper_2020 = {}
    if with_2020:
        say("the paper's design, at the prices of 2020")
        for optimize in (False, True):
            with GanacheChain(sources.project) as node:
                interface = sources.paper_of_2020(optimize=optimize)
                paper_2020[optimize] = scenarios.paper_calls(Stage(node, interface))
    growth, speed = [], None
    if with_rest:
        say("growth")
        growth = _growth(sources)
        say("throughput")
        speed = throughput.measure(sources.own)
    return Measurements(
        creation=own.stage.creation,
        size=code_size(sources.own),
        steady=steady,
        first=first,
        paper=paper,
        paper_size=code_size(sources.paper),
        paper_2020=paper_2020,
        trades=trades,
        growth=growth,
        throughput=speed,
    )


def _growth(sources: Sources) -> list[Growth]:
    with AnvilChain() as one, AnvilChain() as two:
        own = scenarios.used_market(Stage(one, sources.own, trace=False))
        paper = PaperMarket(Stage(two, sources.paper, trace=False))
        paper.register([scenarios.CONSUMER, *scenarios.PROVIDERS])
        bids = scenarios.growth_with_bids
        auctions = scenarios.growth_with_auctions
        paper_bids, own_bids = bids(paper), bids(own)
        paper_auctions, own_auctions = auctions(paper), auctions(own)
    with AnvilChain() as one, AnvilChain() as two:
        evs = scenarios.growth_with_evs
        own_evs = evs(_funded(Stage(one, sources.own, trace=False)))
        paper_evs = evs(PaperMarket(Stage(two, sources.paper, trace=False)))
    return [
        Growth("EVs", "A trade with two bids, by the number of EVs", own_evs, paper_evs),
        Growth("bids", "The n-th bid of an auction", own_bids, paper_bids),
        Growth(
            "auctions",
            "A trade with two bids, by the number of the consumer's past auctions",
            own_auctions,
            paper_auctions,
        ),
    ]


def _funded(stage: Stage) -> OwnMarket:
    market = OwnMarket(stage)
    for ev in (scenarios.CONSUMER, scenarios.PROVIDER, scenarios.RIVAL):
        market.deposit(ev)
    return market


# --- Tables ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Report:
    """Tables, and what they were measured with."""

    date: datetime
    versions: dict[str, str]
    tables: list[Table]
    measurements: Measurements

    def as_dict(self) -> dict[str, Any]:
        return {
            "date": self.date.isoformat(timespec="seconds"),
            "versions": self.versions,
            "tables": {table.name: table.as_records() for table in self.tables},
        }

    def as_json(self) -> str:
        return json.dumps(self.as_dict(), indent=2, ensure_ascii=False) + "\n"

    def as_csv(self) -> str:
        return as_csv(self.tables)


def build(
    measurements: Measurements, sources: Sources, currencies: Mapping[str, Currency]
) -> Report:
    """Compare what was measured."""
    tables = [
        _targets(measurements),
        _functions(measurements),
        *([_reproduction(measurements)] if measurements.paper_2020 else []),
        _floors(measurements),
        _trades(measurements),
        *(_growth_table(growth) for growth in measurements.growth),
        _repriced(measurements),
        *(_money(measurements, name, currency) for name, currency in currencies.items()),
        _capacity(measurements),
        *([_speed(measurements.throughput)] if measurements.throughput else []),
    ]
    return Report(datetime.now(UTC), _versions(measurements, sources), tables, measurements)


def _versions(measurements: Measurements, sources: Sources) -> dict[str, str]:
    with AnvilChain() as chain:
        anvil = str(chain.request("web3_clientVersion"))
    settings = sources.settings
    runs = settings["optimization_runs"]
    return {
        "chain": f"{anvil}, hardfork {HARDFORK}",
        "compiler": f"solc {settings['version']}, {settings['evm_version']}, {runs} runs",
        "ape-v2v": version("ape-v2v"),
        "eth-ape": version("eth-ape"),
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        **(
            {"chain of 2020": f"Ganache 7.9.2, hardfork {HARDFORK_2020}"}
            if measurements.paper_2020
            else {}
        ),
    }


def _sum(calls: dict[str, Call]) -> int:
    return sum(calls[label].gas for label in _TRADE)


def _functions(m: Measurements) -> Table:
    paper: tuple[int, ...]
    rows = [_row("create", published.TABLE_II["create"], (m.paper.creation,), None, m.creation)]
    for name in _ADMIN:
        paper = (m.paper.admin[name].gas,)
        rows.append(_row(name, published.TABLE_II[name], paper, None, m.steady[name].gas))
    for label, name in _TRADE.items():
        paper = tuple(calls[label].gas for calls in (m.paper.first, m.paper.known, m.paper.again))
        first, steady = m.first[label].gas, m.steady[label].gas
        rows.append(_row(label, published.TABLE_II[name], paper, first, steady))
    paper = tuple(_sum(calls) for calls in (m.paper.first, m.paper.known, m.paper.again))
    trade = _sum(m.first), _sum(m.steady)
    rows.append(_row("a trade with two bids", published.trade(), paper, *trade))
    return Table(
        "functions",
        "Function by function, today",
        (
            "function",
            "paper, published",
            "rebuilt, first trade",
            "rebuilt, new pair",
            "rebuilt, same pair",
            "ours, first trade",
            "ours",
            "ours / published",
            "ours / rebuilt (new pair)",
            "ours / rebuilt (same pair)",
        ),
        tuple(rows),
        before="Gas of the whole transaction. *Rebuilt* is the paper's design, compiled and run "
        "like ours. *First trade*: nobody has traded before. *New pair*: all have traded, but not "
        "with one another, the usual case where there are many EVs. *Same pair*: the same EVs "
        "trade again, and all of the paper's records exist already. *Ours* is for users who have "
        "traded before, with anybody, and have money in the market; their first trade brings the "
        "money along.",
        after="The published column has the prices of 2020. The paper's contract stores a record "
        "for each pair of consumer and provider, ours one slot for each EV: so new pairs cost "
        "nothing extra here.",
    )


def _row(
    label: str, paper: int, rebuilt: tuple[int, ...], first: int | None, own: int
) -> tuple[Cell, ...]:
    """A row; `rebuilt` has one figure, or those of the first trade, a new and the same pair."""
    known, again = rebuilt[1:] or (None, None)
    ratios = ratio(own, paper), ratio(own, known or rebuilt[0]), ratio(own, again)
    return label, paper, rebuilt[0], known, again, first, own, *ratios


def _reproduction(m: Measurements) -> Table:
    plain, optimized = m.paper_2020[False], m.paper_2020[True]

    def figures(calls: PaperCalls) -> dict[str, int]:
        return {
            "create": calls.creation,
            "addEV": calls.admin["addEV"].gas,
            "removeEV": calls.admin["removeEV"].gas,
            "StartAuction": calls.first["startAuction"].gas,
            "PlaceBid": calls.first["placeBid, first"].gas,
            "EndAuction": calls.again["endAuction"].gas,
            "EndConnection": calls.first["endConnection"].gas,
            "EndConnection, nothing remains": calls.exact["endConnection"].gas,
            "changeStatus": calls.admin["changeStatus"].gas,
        }

    without, with_ = figures(plain), figures(optimized)
    rows: list[tuple[Cell, ...]] = []
    for name, gas in without.items():
        target = published.TABLE_II[name.partition(",")[0]]
        nearest = min((gas, with_[name]), key=lambda one: abs(one - target))
        rows.append((name, target, gas, with_[name], _percent(nearest, target), _NEAREST[name]))
    trade = [
        sum(one[name] for name in published.TRADE) for one in (published.TABLE_II, without, with_)
    ]
    nearest = min(trade[1:], key=lambda one: abs(one - trade[0]))
    label = "a trade with two bids"
    rows.append((label, *trade, _percent(nearest, trade[0]), _NEAREST[label]))
    return Table(
        "reproduction",
        "Is the rebuilt contract the paper's?",
        ("function", "published", "rebuilt", "rebuilt, optimized", "nearest, %", "remark"),
        tuple(rows),
        before="The rebuilt contract on Ganache with the price list of May 2020 (hardfork "
        "muirGlacier), beside Table II. The paper says neither which compiler nor which settings, "
        "and not in which situation a function was measured.",
        after="What the paper does not say is read in "
        "[PaperMarket.sol](../contracts/benchmarks/PaperMarket.sol) as its gas suggests; each such "
        "reading is marked there.",
    )


def _percent(gas: int, target: int) -> str:
    return f"{100 * (gas - target) / target:+.1f}"


def _floors(m: Measurements) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for label, call in m.steady.items():
        floor = FLOORS[label].floor(TODAY, call.data)
        over = ratio(call.gas, floor)
        rows.append((label, call.gas, floor, over, FLOORS[label].why, _BUYS.get(label, "")))
    return Table(
        "floor",
        "How near to the floor",
        ("function", "ours", "floor", "ours / floor", "the floor counts", "what more there is"),
        tuple(rows),
        before="The floor is the least that the EVM's price list allows for what "
        "[the specification](protocol.md) demands: the transaction, its calldata, the slots that "
        "must change or be asked, the events, the signature, the payment. It is a model "
        "([floor.py](../ape_v2v/gas/floor.py)) that knows nothing of our code and charges nothing "
        "for computing.",
    )


def _trades(m: Measurements) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for trade in m.trades:
        paid_out = trade.ours + trade.withdrawals
        everybody = paid_out + (trade.bids - 1) * trade.withdrawal
        rows.append(
            (
                str(trade.bids),
                trade.paper_known,
                trade.paper_again,
                trade.ours,
                paid_out,
                everybody,
                trade.ours_signed,
                ratio(trade.ours, trade.paper_known),
                ratio(paid_out, trade.paper_known),
                ratio(trade.ours_signed, trade.paper_known),
            )
        )
    return Table(
        "trades",
        "Whole trades",
        (
            "bids",
            "rebuilt, new pairs",
            "rebuilt, same pairs",
            "ours",
            "ours + both withdraw",
            "ours + all withdraw",
            "ours, signed bids",
            "ours / rebuilt",
            "+ both withdraw / rebuilt",
            "signed / rebuilt",
        ),
        tuple(rows),
        before="From the start of the auction to the payment, each bid by another EV and all of "
        "them accepted. The paper's design pays everybody out at once; ours credits balances, out "
        "of which the next trade is paid. For who wants all money outside after every trade, "
        "withdrawals come on top: of both parties, or of every overtaken provider as well. With "
        "*signed bids*, providers sign off the chain, and only the best bid is sent to it.",
    )


def _growth_table(growth: Growth) -> Table:
    rows = tuple(
        (str(count), ours, paper)
        for (count, ours), (_, paper) in zip(growth.ours, growth.paper, strict=True)
    )
    columns = (growth.name, "ours", "rebuilt, same pair")
    return Table(f"growth_{growth.name.lower()}", growth.title, columns, rows)


def _repriced(m: Measurements) -> Table:
    rows: list[tuple[Cell, ...]] = []

    def add(label: str, paper: Sequence[Call], own: Sequence[Call]) -> None:
        before, after = (sum(call.gas for call in calls) for calls in (paper, own))
        paper_then, own_then = (sum(_future(call) for call in calls) for calls in (paper, own))
        rows.append(
            (
                label,
                before,
                after,
                ratio(after, before),
                paper_then,
                own_then,
                ratio(own_then, paper_then),
            )
        )

    for label in _ADMIN:
        add(label, [m.paper.admin[label]], [m.steady[label]])
    for label in _TRADE:
        add(label, [m.paper.known[label]], [m.steady[label]])
    own = [m.steady[label] for label in _TRADE]
    add("a trade, new pair", [m.paper.known[label] for label in _TRADE], own)
    add("a trade, same pair", [m.paper.again[label] for label in _TRADE], own)
    return Table(
        "repriced",
        "When storage is repriced",
        (
            "function",
            "rebuilt today",
            "ours today",
            "ratio today",
            "rebuilt then",
            "ours then",
            "ratio then",
        ),
        tuple(rows),
        before="The drafts of [EIP-8037](https://eips.ethereum.org/EIPS/eip-8037) and "
        "[EIP-8038](https://eips.ethereum.org/EIPS/eip-8038) charge "
        f"{FUTURE.new_slot:,} gas for a new slot ({TODAY.new_slot:,} today) and "
        f"{FUTURE.changed_slot:,} for a changed one ({TODAY.changed_slot:,}). The figures of today "
        "are measured; those of then are computed from the slots that the measured transactions "
        "changed. Drafts change, and what they say of other things is left out.",
    )


def _future(call: Call) -> int:
    assert call.slots is not None
    return call.slots.repriced(call.gas, TODAY, FUTURE)


def _money(m: Measurements, name: str, currency: Currency) -> Table:
    figures = {
        "create": (published.TABLE_II["create"], m.creation),
        "addEV": (published.TABLE_II["addEV"], m.steady["addEV"].gas),
        **{
            label: (published.TABLE_II[function], m.steady[label].gas)
            for label, function in _TRADE.items()
        },
        "a trade with two bids": (published.trade(), _sum(m.steady)),
    }
    rows: list[tuple[Cell, ...]] = []
    for label, pair in figures.items():
        amounts = [(gas, currency.ether_for(gas), currency.cost(gas)) for gas in pair]
        cells = [(gas, ether.normalize(), _rounded(cost)) for gas, ether, cost in amounts]
        rows.append((label, *cells[0], *cells[1]))
    columns = ("gas", "ether", currency.unit)
    return Table(
        f"money_{name}",
        f"In ether and in {currency.unit}, at {currency.name} prices",
        (
            "function",
            *(f"{column}, published" for column in columns),
            *(f"{column}, ours" for column in columns),
        ),
        tuple(rows),
        before=f"{currency.gas_price:f} gwei for one gas, {currency.ether:,f} {currency.unit} for "
        f"one ether. {currency.remark}".rstrip(),
    )


def _rounded(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("0.00001"))


def _capacity(m: Measurements) -> Table:
    bid = m.steady["placeBid, overtaking"].gas
    signed = next(trade.ours_signed for trade in m.trades if trade.bids == 2)  # noqa: PLR2004
    figures = {
        "bids": (bid, m.paper.known["placeBid, overtaking"].gas),
        "trades with two bids": (_sum(m.steady), _sum(m.paper.known)),
        "trades with signed bids": (signed, None),
    }
    rows: list[tuple[Cell, ...]] = []
    for label, (ours, paper) in figures.items():
        cells: list[Cell] = [label]
        for limit in _BLOCK_LIMITS:
            cells += [_per_second(limit, ours), _per_second(limit, paper) if paper else None]
        rows.append(tuple(cells))
    columns = ["per second"]
    for limit in _BLOCK_LIMITS:
        columns += [f"ours, {limit // 10**6} M", f"rebuilt, {limit // 10**6} M"]
    return Table(
        "capacity",
        "How many a chain could take",
        tuple(columns),
        tuple(rows),
        before=f"Blocks of 36 and of 60 million gas every {_BLOCK_SECONDS} seconds, with nothing "
        "else in them.",
    )


def _per_second(limit: int, gas: int) -> Decimal:
    return (Decimal(limit // gas) / _BLOCK_SECONDS).quantize(Decimal("0.1"))


def _speed(speed: Throughput) -> Table:
    def rate(value: float) -> Decimal:
        return Decimal(value).quantize(Decimal("0.1"))

    return Table(
        "throughput",
        "How many one node takes from this client",
        ("way", "bids per second", "trades per second"),
        (
            ("signed before, in batches, a block each", rate(speed.batched_bids), None),
            ("signed and sent one by one", rate(speed.raw_bids), rate(speed.raw_trades)),
            ("through the Python API", rate(speed.api_bids), rate(speed.api_trades)),
        ),
        before="Anvil on the machine of this run, which had other work to do as well: orders of "
        "magnitude. Every transaction is waited for, except in batches; the API also simulates "
        "each one first, so that a refusal costs nothing.",
    )


# --- Targets --------------------------------------------------------------------------------------


def _targets(m: Measurements) -> Table:
    trade, steady = published.trade(), _sum(m.steady)
    one, many = m.trades[0], m.trades[-1]
    ratios = {
        label: Decimal(call.gas) / FLOORS[label].floor(TODAY, call.data)
        for label, call in m.steady.items()
    }
    above = [label for label, over in ratios.items() if over > _GROWN]
    explained = all(label in _BUYS for label in above)
    create = published.TABLE_II["create"]
    rows = [
        _target("A trade with two bids / published", "0.42", ratio(steady, trade)),
        _target(
            "A trade with two bids / rebuilt, new pair",
            "0.45",
            ratio(steady, _sum(m.paper.known)),
        ),
        _target(
            "A trade with two bids / rebuilt, same pair",
            "0.45",
            ratio(steady, _sum(m.paper.again)),
        ),
        _target(
            "Everybody's first trade / the same, rebuilt",
            "0.45",
            ratio(_sum(m.first), _sum(m.paper.first)),
        ),
        _target(
            f"An auction with {many.bids} signed bids / with one bid on the chain",
            "1.15",
            ratio(many.ours_signed, one.ours),
        ),
        _target("Creation / published", "1.3", ratio(m.creation, create)),
        (
            "Every function / its floor",
            f"{_GROWN}, or explained",
            max(ratios.values()).quantize(Decimal("0.001")),
            ("met; explained: " + ", ".join(above) if above else "met") if explained else "missed",
        ),
    ]
    return Table(
        "targets",
        "In short",
        ("what", "at most", "measured", "met?"),
        tuple(rows),
        after=(_SAME_PAIR if any(row[-1] == "missed" for row in rows) else "")
        + f"Creation takes {m.creation:,} gas for {m.size:,} bytes of code; the rebuilt "
        f"contract, which has eight functions, {m.paper.creation:,} for {m.paper_size:,} with the "
        "same compiler. The difference buys what the paper does not have: balances that no "
        "receiver can block, signed bids and receipts, settlement by the provider, partial "
        "payment, cancellation, forfeit and expiry, and errors that say what was wrong.",
    )


def _target(what: str, limit: str, measured: Decimal | None) -> tuple[Cell, ...]:
    assert measured is not None
    return what, limit, measured, "met" if measured <= Decimal(limit) else "missed"
