"""The trade by hand runs as it stands in docs/tutorial.md, and docs/cli.md names what there is."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest
from eth_account import Account
from web3 import HTTPProvider, Web3
from web3.types import RPCEndpoint

from tests.helpers.commands import commands
from tests.helpers.documentation import examples
from tests.helpers.processes import APE, forked_command, project_folder, tool

MNEMONIC = "test test test test test test test test test test test junk"  # anvil's own
PEOPLE = ("organization", "alice", "bob", "carol", "dave")
PAID = 18_400 * 200 * 10**9  # 18.4 kWh at 0.0002 ether/kWh, wei


@pytest.fixture
def people():
    """The addresses of the people of the trade: those of Anvil's first accounts."""
    Account.enable_unaudited_hdwallet_features()
    keys = [
        Account.from_mnemonic(MNEMONIC, account_path=f"m/44'/60'/0'/0/{index}")
        for index in range(len(PEOPLE))
    ]
    return dict(zip(PEOPLE, (key.address for key in keys), strict=True))


@pytest.fixture
def anvil():
    """A fresh chain on a free port."""
    command = [str(Path(sys.executable).with_name("anvil")), "--port=0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            lines = (re.match(r"Listening on (\S+)$", line) for line in process.stdout)
            listening = next(filter(None, lines))
            web3 = Web3(HTTPProvider(f"http://{listening[1]}"))
            # Else it goes on writing into a pipe that nobody reads.
            web3.provider.make_request(RPCEndpoint("anvil_setLoggingEnabled"), [False])
            yield web3
        finally:
            process.terminate()


def fees(web3):
    """What each account has paid for gas since the chain began, wei."""
    paid: dict[str, int] = {}
    for number in range(1, web3.eth.block_number + 1):
        for receipt in web3.eth.get_block_receipts(number):
            fee = receipt.gasUsed * receipt.effectiveGasPrice
            paid[receipt["from"]] = paid.get(receipt["from"], 0) + fee
    return paid


def test_the_trade_by_hand_ends_with_the_right_balances(anvil, people, tmp_path):
    (script,) = examples("docs/tutorial.md", "bash")
    tools = tmp_path / "tools"
    tools.mkdir()
    tool(tools / "ape", forked_command())
    before = {name: anvil.eth.get_balance(address) for name, address in people.items()}
    environment = {
        **os.environ,
        "APE_FOUNDRY_HOST": anvil.provider.endpoint_uri,
        "PATH": os.pathsep.join([str(tools), str(APE.parent), os.environ["PATH"]]),
        "TMPDIR": str(tmp_path),
    }

    trade = subprocess.run(
        ["bash"],
        input=script,
        cwd=project_folder(tmp_path),
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert trade.returncode == 0, trade.stdout + trade.stderr
    paid = fees(anvil)
    gained = {
        name: anvil.eth.get_balance(address) - before[name] + paid[address]
        for name, address in people.items()
    }
    assert gained == {"organization": 0, "alice": -PAID, "bob": PAID, "carol": 0, "dave": 0}
    (market,) = re.findall(r"^market\s+(0x\w{40})", trade.stdout, flags=re.MULTILINE)[-1:]
    assert anvil.eth.get_balance(market) == 0


# --- The reference


def documented():
    """Every command line of the page, without the shell's own words."""
    text = "".join(examples("docs/cli.md", "sh") + examples("docs/tutorial.md", "bash"))
    for line in text.replace("\\\n", " ").splitlines():
        if line.strip().startswith("ape v2v "):
            words = shlex.split(line, comments=True)
            yield words[2 : words.index(">") if ">" in words else None]


def called(words):
    """Which command a line calls: its words."""
    names = dict(commands())
    return tuple(words[:2]) if tuple(words[:2]) in names else tuple(words[:1])


def test_the_reference_names_every_command():
    assert {called(words) for words in documented()} == set(dict(commands()))


@pytest.mark.parametrize("words", documented(), ids=shlex.join)
def test_every_command_line_of_the_reference_is_one(words):
    names = called(words)
    rest = words[len(names) :]
    params = dict(commands())[names].params
    # Ape adds this one when a command is called for the first time.
    params = [param for param in params if param.name != "network"] + [click.Option(["--network"])]
    command = click.Command(names[-1], params=params)

    _, left, _ = command.make_parser(click.Context(command)).parse_args(rest)

    assert left == []
