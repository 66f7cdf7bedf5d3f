"""Whole trades for other implementations: docs/vectors.json."""

import json
import re

from tests.helpers.documentation import ROOT
from tests.vectors import trades

PAGE = ROOT / "docs" / "vectors.md"


def test_the_published_file_is_what_the_model_says():
    assert trades.FILE.read_text(encoding="utf-8") == trades.written()


def test_its_page_names_every_key():
    content = json.loads(trades.FILE.read_text(encoding="utf-8"))
    (step, *_) = content["trades"][0]["steps"]
    named = set(re.findall(r"`(\w+)`", PAGE.read_text(encoding="utf-8")))

    assert {*content, *step, *content["documents"][0], "refused"} - named <= {"struct"}


def test_every_trade_ends_with_nothing_left_but_what_was_burnt():
    for trade in json.loads(trades.FILE.read_text(encoding="utf-8"))["trades"]:
        last = trade["steps"][-1]
        free = [int(balance) for who, balance in last["balances"].items() if who != "burnt"]
        assert free == [0, 0, 0], trade["name"]
        assert last["ether"] == last["balances"]["burnt"], trade["name"]
