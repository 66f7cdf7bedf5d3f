"""The report's part on tokens: what was wanted, and whether it is said truly."""

import pytest

from benchmarks.gas import batches, published, sponsoring, tokens
from benchmarks.gas.measurements import TokenCosts
from benchmarks.gas.sections import tokens as section

PAPER = published.trade()
IN_ETHER = {"deposit": 28_604, tokens.TRADE: 200_000, tokens.CREATION: 3_200_000}
IN_A_TOKEN = {"deposit": 50_000, tokens.TRADE: 200_200, tokens.CREATION: 3_700_000}
SPONSORED = {
    sponsoring.SINGLE: 300_000,
    sponsoring.BATCHED: 210_000,
    sponsoring.SIGNED: 250_000,
    sponsoring.SIGNED_BATCHED: 175_000,
    sponsoring.FIRST_USE: 1,
    sponsoring.CREATION: 1,
}


def costs(token: dict[str, int], sponsored: dict[str, int]) -> TokenCosts:
    return TokenCosts(
        currencies={"ether": IN_ETHER, "plain": token, "stablecoin": IN_A_TOKEN},
        batches={batches.BIDS: {batches.ALONE: 1, 10: 2}},
        sponsored={sponsoring.CHOSEN: sponsored},
    )


def verdicts(found: TokenCosts) -> list[str]:
    return [row["met?"] for row in section.targets(found).as_records()]


def test_what_is_at_its_limit_is_met() -> None:
    assert verdicts(costs(IN_A_TOKEN, SPONSORED)) == ["met"] * 7


@pytest.mark.parametrize(
    ("place", "above"),
    [(0, {tokens.TRADE: 200_201}), (1, {"deposit": 50_001}), (2, {tokens.CREATION: 3_700_001})],
)
def test_a_token_above_its_limit_is_said_to_miss_it(place: int, above: dict[str, int]) -> None:
    found = verdicts(costs(IN_A_TOKEN | above, SPONSORED))

    assert found.pop(place) == "missed"
    assert found == ["met"] * 6


@pytest.mark.parametrize(
    ("place", "above"),
    [
        (3, {sponsoring.SINGLE: PAPER * 3 // 4 + 1}),
        (5, {sponsoring.BATCHED: 210_001}),
        (6, {sponsoring.SIGNED_BATCHED: 175_001}),
    ],
)
def test_a_sponsored_trade_above_its_limit_is_said_to_miss_it(
    place: int, above: dict[str, int]
) -> None:
    found = verdicts(costs(IN_A_TOKEN, SPONSORED | above))

    assert found.pop(place) == "missed"
    assert found == ["met"] * 6


def test_no_two_rows_of_a_table_have_the_same_name() -> None:
    found = costs(IN_A_TOKEN, SPONSORED)
    for table in (section.targets, section.ways, section.together, section.sponsored):
        names = [row[0] for row in table(found).rows]
        assert len(set(names)) == len(names)
