"""The operator's guide, as it stands there: deploy, verify, register, trade, hand over, leave.

On an Anvil with Sepolia's chain id, a second one that the dry run starts to fork it, and an
explorer that compiles what it is sent. The accounts are keyfiles, and no command asks anything.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from eth_account import Account

from ape_v2v.evm.anvil import anvil
from tests.helpers.documentation import examples
from tests.helpers.live import SEPOLIA
from tests.helpers.processes import forked_command, tool
from tests.networks.explorers import KEY, Etherscan

ROOT = Path(__file__).resolve().parents[2]
MNEMONIC = "test test test test test test test test test test test junk"  # anvil's own
# By their place among Anvil's accounts, which is that of the addresses in the guide.
PEOPLE = {"operator": 0, "alice": 1, "bob": 2, "treasury": 11}
PASSPHRASE = "correct horse battery staple"
BIN = Path(sys.executable).parent
PAID = 18_400 * 200 * 10**9  # 18.4 kWh at 0.0002 ether/kWh, wei


@pytest.fixture
def node():
    with anvil(
        *("--chain-id", str(SEPOLIA)),
        *("--accounts", "12"),
        *("--block-time", "1", "--mixed-mining"),
    ) as web3:
        yield web3


@pytest.fixture
def people():
    Account.enable_unaudited_hdwallet_features()
    return {
        name: Account.from_mnemonic(MNEMONIC, account_path=f"m/44'/60'/0'/0/{index}")
        for name, index in PEOPLE.items()
    }


@pytest.fixture
def home(tmp_path, people, node):
    """A home as the guide says: keyfiles, and where the node is."""
    data = tmp_path / "home" / ".ape"
    (data / "accounts").mkdir(parents=True)
    for name, account in people.items():
        # Few iterations: the passphrase protects nothing here.
        keyfile = Account.encrypt(account.key, PASSPHRASE, kdf="pbkdf2", iterations=10)
        (data / "accounts" / f"{name}.json").write_text(json.dumps(keyfile), encoding="utf-8")
    text, *_ = examples("docs/operator.md", "yaml")
    text = text.replace("http://localhost:8545", str(node.provider.endpoint_uri))
    (data / "ape-config.yaml").write_text(text, encoding="utf-8")
    return data.parent


@pytest.fixture
def clone(tmp_path):
    """The parts of a clone that an operator uses, compiled; blocks come faster here."""
    folder = tmp_path / "clone"
    for name in ("contracts", "deployments", "scripts", ".build"):
        shutil.copytree(
            ROOT / name, folder / name, ignore=shutil.ignore_patterns("records", "__pycache__")
        )
    (folder / "node_modules").symlink_to(ROOT / "node_modules")
    config = yaml.safe_load((ROOT / "ape-config.yaml").read_text("utf-8"))
    config["ethereum"]["sepolia"] = {"block_time": 1, "required_confirmations": 1}
    (folder / "ape-config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    return folder


@pytest.fixture
def tools(tmp_path, node):
    """What stands on the path before everything else: our `ape`, and a `sleep` on the chain."""
    folder = tmp_path / "tools"
    folder.mkdir()
    skip = f"""
import sys, web3
node = web3.HTTPProvider({node.provider.endpoint_uri!r})
node.make_request("evm_increaseTime", [int(sys.argv[1])])
node.make_request("evm_mine", [])
"""
    (folder / "sleep.py").write_text(skip, encoding="utf-8")
    tool(folder / "ape", forked_command(ROOT / "tests" / "networks" / "launcher.py"))
    tool(folder / "sleep", forked_command(folder / "sleep.py"))
    return folder


def test_the_guide_leads_from_an_empty_account_to_a_market_and_out_again(
    node, people, home, clone, tools
):
    before = {name: node.eth.get_balance(one.address) for name, one in people.items()}
    with Etherscan(node) as explorer:
        surroundings = {
            **os.environ,
            **{f"APE_ACCOUNTS_{name}_PASSPHRASE": PASSPHRASE for name in people},
            "HOME": str(home),
            "PATH": os.pathsep.join([str(tools), str(BIN), os.environ["PATH"]]),
            "ETHERSCAN_API_KEY": KEY,
            "EXPLORER_CHAINS": json.dumps([explorer.listed]),
        }
        walk = subprocess.run(
            ["bash"],
            input="".join(examples("docs/operator.md", "bash")),
            cwd=clone,
            env=surroundings,
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )
        assert walk.returncode == 0, walk.stdout + walk.stderr
        published = set(explorer.verified)

    (record,) = json.loads(
        (clone / "deployments" / "records" / "ethereum-sepolia.json").read_text("utf-8")
    )
    assert list((clone / "deployments" / "records").iterdir()) == [
        clone / "deployments" / "records" / "ethereum-sepolia.json"
    ]
    receipt = node.eth.get_transaction_receipt(record["transaction"])
    assert record["address"] == receipt["contractAddress"]
    assert record["deployer"] == record["organization"] == people["operator"].address
    assert record["cost"] == receipt["gasUsed"] * receipt["effectiveGasPrice"]
    assert published == {record["address"]}

    # What the dry run has said before came true.
    assert walk.stdout.index("nothing was sent, and nothing recorded") < walk.stdout.index(
        record["transaction"]
    )
    rehearsed = re.findall(r"^gas used +([\d,]+)", walk.stdout, flags=re.MULTILINE)
    assert rehearsed == [f"{record['gas_used']:,}"]

    # The market is the treasury's, closed and empty; the trade was paid.
    offered = rf"^offered to +{people['treasury'].address}"
    assert re.search(offered, walk.stdout, flags=re.MULTILINE)
    shown = walk.stdout[walk.stdout.rindex("market     ") :]
    assert re.search(rf"^organization +{people['treasury'].address}", shown, flags=re.MULTILINE)
    assert "offered to" not in shown
    assert re.search(r"^state +closed", shown, flags=re.MULTILINE)
    assert re.search(r"^EVs +10", shown, flags=re.MULTILINE)
    assert node.eth.get_balance(record["address"]) == 0
    paid = fees(node)
    gained = {
        name: node.eth.get_balance(one.address) - before[name] + paid.get(one.address, 0)
        for name, one in people.items()
    }
    assert gained == {"operator": 0, "alice": -PAID, "bob": PAID, "treasury": 0}


def fees(node):
    """What each account has paid for gas since the chain began, wei."""
    paid: dict[str, int] = {}
    for number in range(1, node.eth.block_number + 1):
        for receipt in node.eth.get_block_receipts(number):
            fee = receipt["gasUsed"] * receipt["effectiveGasPrice"]
            paid[receipt["from"]] = paid.get(receipt["from"], 0) + fee
    return paid
