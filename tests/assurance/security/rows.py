"""The rows of Table III, each with a word that says no more than was found."""

from dataclasses import dataclass

from ..places import ROOT
from .evidence import SHIFTS, Found, Measured, Results
from .ordering import compared, share

NOT_RUN = "not run"
LATE_DEBIT = "ether is sent before the balance is reduced"
_COVERAGE = "[how](analysis.md)"
_SLOTS = (
    "Halmos's checks: [packing](../../tests/symbolic/Slots.t.sol), "
    "[shares](../../tests/symbolic/Shares.t.sol)"
)
_LEDGER = "[withdrawals](../../tests/contracts/test_ledger.py)"
# As published, found by Oyente in 2020.
PAPER = {
    "EVM code coverage": "86",
    "Integer underflow": "False",
    "Parity multisig bug 2": "False",
    "Call-stack depth attack": "False",
    "Transaction-ordering dependence": "False",
    "Timestamp dependency": "False",
    "Re-entrancy": "False",
}


@dataclass
class Row:
    """One parameter of Table III."""

    parameter: str
    paper: str
    here: str
    """In a word, or two."""
    why: str
    evidence: str


def rows(found: Found, measured: Measured) -> list[Row]:
    """In the paper's order."""
    table = TableIII(found, measured)
    makers = (
        table.coverage,
        table.underflow,
        table.parity,
        table.call_stack,
        table.ordering,
        table.timestamp,
        table.reentrancy,
    )
    return [
        Row(name, paper, *make()) for (name, paper), make in zip(PAPER.items(), makers, strict=True)
    ]


@dataclass
class TableIII:
    found: Found
    measured: Measured

    def coverage(self) -> tuple[str, str, str]:
        coverage = self.found.stages["coverage"]
        if coverage is None:
            return NOT_RUN, "The coverage of the contract tests has not been measured.", _COVERAGE
        shares = []
        for what in ("lines", "statements", "branches"):
            files = coverage["files"].values()
            done = sum(file.get(f"{what}_executed", 0) for file in files)
            all_ = sum(file.get(what, 0) for file in files)
            shares.append((what, done, all_))
        word = " / ".join(f"{100 * done / all_:.4g} %" for _, done, all_ in shares)
        counted = ", ".join(f"{done} of {all_} {what}" for what, done, all_ in shares)
        why = (
            f"{counted}, executed by {coverage['tests']} tests. Oyente counts the instructions "
            "that it explored; this counts what tests executed: two scales."
            + (f" Faults of the run: {len(coverage['faults'])}." if coverage["faults"] else "")
        )
        return word, why, _COVERAGE

    def underflow(self) -> tuple[str, str, str]:
        blocks = sum(self.measured.unchecked.values())
        halmos, nightly = self.found.stages["halmos"], self.found.nightly
        mutants = self.found.mutants
        parts = [
            f"The compiler checks all arithmetic but {blocks} `unchecked` blocks, whose bounds are "
            "in comments."
        ]
        clean = []
        if halmos:
            proven = sum(halmos["checks"].values())
            parts.append(
                f"Halmos proves {proven} of {len(halmos['checks'])} checks, of packing, reserve, "
                "cost, bond, penalty and undercut among others."
            )
            clean.append(not halmos["faults"])
        else:
            parts.append(f"Halmos: {NOT_RUN}.")
        if nightly:
            panics = _refusals(nightly, "Panic")
            parts.append(f"Of {nightly['calls']:,} random calls, {panics} ended in a panic.")
            clean.append(panics == 0)
        else:
            parts.append(f"Random calls: {NOT_RUN}.")
        if mutants:
            operators = mutants["operators"].get("binary_operator", {})
            parts.append(
                f"Of {sum(operators.values())} changed operators, {operators.get('killed', 0)} "
                "were noticed."
            )
            clean.append(not mutants["faults"])
        else:
            parts.append(f"Mutants: {NOT_RUN}.")
        word = _word(clean, "none found")
        return word, " ".join(parts), f"{_SLOTS}; {_test('on_money', 'overflow_of_a_withdrawal')}"

    def parity(self) -> tuple[str, str, str]:
        count = self.measured.instructions
        initializers = self.measured.initializers
        dangerous = {name: count[name] for name in ("DELEGATECALL", "CALLCODE", "SELFDESTRUCT")}
        word = "possible" if any(dangerous.values()) or initializers else "impossible"
        counted = ", ".join(f"{number} {name}" for name, number in dangerous.items())
        why = (
            "That bug needs a library that anybody can initialize and destroy. The deployed code "
            f"has {counted}, and {len(initializers)} functions to initialize it."
        )
        return word, why, "counted in the deployed code"

    def call_stack(self) -> tuple[str, str, str]:
        calls = self.measured.instructions["CALL"]
        why = (
            "Since EIP-150 (2016) nobody can fill the call stack. The deployed code has "
            f"{calls} CALL, which sends ether in `withdraw`, and reverts if it fails."
        )
        word = "impossible" if calls <= 1 else "impossible since EIP-150"
        return word, why, f"counted in the deployed code; {_LEDGER}"

    def ordering(self) -> tuple[str, str, str]:
        losses = [
            compared(row, self.measured.orders) for row in self.measured.orders if row["against"]
        ]
        worst = max(-one["honest"] for one in losses)
        consumer = max(one["paid"] for one in losses)
        depends = worst > 0 or consumer > 0
        why = (
            "Who orders transactions decides which bid counts first. In the auctions below it "
            f"costs an honest provider at most {share(worst)}, its whole margin, and the "
            f"consumer at most {share(consumer)} of the reserve. Nobody can be made to pay, "
            "or to deliver, for other than its own rate."
        )
        evidence = (
            f"[measured](#order-of-transactions); {_test('on_bidding', 'last_second_sniping')}"
        )
        return ("yes, by design" if depends else "none found"), why, evidence

    def timestamp(self) -> tuple[str, str, str]:
        boundaries, shifts = self.measured.boundaries, self.measured.shifts
        depends = any(row["before"] != row["from then on"] for row in boundaries)
        amounts = {(row["paid"], row["profit"]) for row in shifts}
        shifted = "no amount changes" if len(amounts) == 1 else "amounts change"
        dearest = max(row["costs"] for row in boundaries)
        why = (
            "Bidding, award and settlement have windows, so the clock decides what comes in time. "
            f"With blocks up to {max(SHIFTS)} s late within them {shifted}; across a boundary it "
            f"costs who is late at most {share(dearest)} of the reserve."
        )
        return ("yes, by design" if depends else "none found"), why, "[measured](#the-clock)"

    def reentrancy(self) -> tuple[str, str, str]:
        slither, steps = self.found.stages["slither"], self.found.planted.get(LATE_DEBIT)
        calls = self.measured.instructions["CALL"]
        parts = [f"The deployed code has {calls} CALL, in `withdraw`, after the debit."]
        clean = []
        if slither:
            parts.append(
                f"Slither ({slither['detectors']} detectors, {slither['contracts']} contracts) "
                f"has {len(slither['faults'])} findings that are not explained beside the code."
            )
            clean.append(not slither["faults"])
        else:
            parts.append(f"Slither: {NOT_RUN}.")
        parts.append(
            f"With the debit after the call, the property tests fail after {steps:,} steps."
            if steps is not None
            else f"The planted bug: {NOT_RUN}."
        )
        evidence = "; ".join(
            _test("on_money", name)
            for name in ("reentrancy_through_withdraw", "reentrancy_while_leading")
        )
        return _word(clean, "none found"), " ".join(parts), evidence


def _refusals(nightly: Results, name: str) -> int:
    functions = nightly["tally"]["functions"].values()
    return sum(one["refused"].get(name, 0) for one in functions)


def _word(clean: list[bool], word: str) -> str:
    """Not more than was looked for."""
    if not clean:
        return NOT_RUN
    return word if all(clean) else "FOUND"


def _test(file: str, name: str) -> str:
    """A link to a test among the known attacks, which must be there."""
    path = f"tests/attacks/test_{file}.py"
    if f"def test_{name}(" not in (ROOT / path).read_text(encoding="utf-8"):
        raise ValueError(f"{path} has no test_{name}")
    return f"[{name.replace('_', ' ')}](../../{path})"
