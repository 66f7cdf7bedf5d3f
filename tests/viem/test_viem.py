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
VECTORS = ROOT / "docs" / "vectors.json"
ARTIFACTS = ROOT / "ape_v2v" / "market" / "interface" / "artifacts"
STABLECOIN = ROOT / "ape_v2v" / "testing" / "artifacts" / "Stablecoin.json"
ENDINGS = 14
SECONDS = 240


@pytest.fixture
def run():
    """Return a function that runs one of the client's programs on a chain of its own."""
    node = shutil.which("node")
    assert node, "Node.js is on the PATH after `make setup`"
    with anvil() as web3:
        assert isinstance(web3.provider, HTTPProvider)
        url = str(web3.provider.endpoint_uri)

        def run(program, *files, market="V2VMarket"):
            return subprocess.run(
                [node, FOLDER / program, *files, ARTIFACTS / f"{market}.json", url],
                cwd=ROOT,
                capture_output=True,
                text=True,
                check=False,
                timeout=SECONDS,
            )

        yield run


@pytest.fixture
def play(run):
    """Return a function that plays every ending, from some page."""
    return lambda page=PAGE: run("play.mjs", page)


@pytest.fixture
def do_vectors(run):
    """Return a function that does what a file of vectors has."""
    return lambda vectors=VECTORS: run("vectors.mjs", PAGE, vectors)


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


def test_a_wallet_of_another_author_signs_for_a_market_in_a_token(run):
    """EIP-3009, bid, reading, withdrawal: a stranger sends them, and no unit is missing."""
    answer = run("token.mjs", PAGE, STABLECOIN, market="V2VTokenMarket")

    assert answer.returncode == 0, answer.stderr[-2_000:]
    said = json.loads(answer.stdout)
    assert said["sentByProvider"] == 0, "the provider holds no ether, and needs none"
    assert said["cost"] == str(400 * 18_400)


@pytest.mark.timeout(SECONDS)
def test_the_contract_does_what_the_vectors_have(do_vectors):
    answer = do_vectors()

    assert answer.returncode == 0, answer.stderr[-2_000:]
    content = json.loads(VECTORS.read_text(encoding="utf-8"))
    assert json.loads(answer.stdout) == {
        "documents": len(content["documents"]),
        "trades": len(content["trades"]),
        "steps": sum(len(trade["steps"]) for trade in content["trades"]),
    }


def _one_wei_more(content):
    balances = content["trades"][0]["steps"][1]["balances"]
    balances["consumer"] = str(int(balances["consumer"]) + 1)


def _another_moment(content):
    event = content["trades"][0]["steps"][1]["events"][-1]
    event["arguments"]["closingTime"] = str(int(event["arguments"]["closingTime"]) + 1)


def _another_digest(content):
    content["documents"][0]["digest"] = "0x" + "00" * 32


@pytest.mark.parametrize("change", [_one_wei_more, _another_moment, _another_digest])
def test_a_vector_that_is_wrong_fails(do_vectors, tmp_path, change):
    content = json.loads(VECTORS.read_text(encoding="utf-8"))
    change(content)
    file = tmp_path / "vectors.json"
    file.write_text(json.dumps(content), encoding="utf-8")

    assert do_vectors(file).returncode != 0
