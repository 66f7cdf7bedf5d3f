"""A client in another language, on viem: all that it knows is docs/protocol.md.

It reads declarations, typed structs and the tables of who gets what from the page as it stands,
makes the page's examples again, and plays a trade through every ending; every event, every wei and
every count has to be what the page says. The contract it takes compiled, from the package.
"""

import json
import re
import shutil
import subprocess

import pytest
from web3 import HTTPProvider

from ape_v2v.evm.anvil import anvil
from tests.helpers.documentation import ROOT

FOLDER = ROOT / "tests" / "viem"
PAGE = ROOT / "docs" / "protocol.md"
ARTIFACT = ROOT / "ape_v2v" / "market" / "interface" / "artifacts" / "V2VMarket.json"
ENDINGS = 14
SECONDS = 240


@pytest.fixture
def play():
    """Return a function that runs the client on a chain of its own, with some page."""
    node = shutil.which("node")
    assert node, "Node.js is on the PATH after `make setup`"
    with anvil() as web3:
        assert isinstance(web3.provider, HTTPProvider)
        url = str(web3.provider.endpoint_uri)

        def play(page=PAGE):
            return subprocess.run(
                [node, FOLDER / "play.mjs", page, ARTIFACT, url],
                cwd=ROOT,
                capture_output=True,
                text=True,
                check=False,
                timeout=SECONDS,
            )

        yield play


@pytest.mark.timeout(SECONDS)
def test_a_client_in_another_language_plays_every_ending_from_the_page_alone(play):
    answer = play()

    assert answer.returncode == 0, answer.stderr[-2_000:]
    said = json.loads(answer.stdout)
    assert said["missing"] == []
    assert len(said["played"]) >= ENDINGS
    assert {"Bid", "Reading", "SessionKey"} <= set(said["signed"])


@pytest.mark.parametrize(
    ("right", "wrong", "complaint"),
    [
        # One wei of one side.
        (
            "| Cancelled, no bid stands | `cancelAuction` | `R` |",
            "| Cancelled, no bid stands | `cancelAuction` | `R \N{MINUS SIGN} P` |",
            r"the books of the consumer",
        ),
        ("uint256 closingTime, uint256 validity, bool openAward", "uint256 closingTime", "start"),
        ("digest          0x3cd128", "digest          0x3cd129", "digest of Bid"),
    ],
)
def test_a_page_that_says_something_else_fails_it(play, tmp_path, right, wrong, complaint):
    text = PAGE.read_text(encoding="utf-8")
    assert right in text
    page = tmp_path / "protocol.md"
    page.write_text(text.replace(right, wrong), encoding="utf-8")

    answer = play(page)

    assert answer.returncode != 0
    assert re.search(complaint, answer.stderr)
