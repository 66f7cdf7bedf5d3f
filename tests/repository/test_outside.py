"""The wheel, as another project gets it.

It is built, installed with the locked versions of its dependencies into a new environment, and
used in folders that know nothing of this repository: no compiler, only `anvil` on the PATH. Every
command runs behind a proxy of ours that must not hear anything: nobody asks the network for more.
"""

import json
import re
import shutil
import socketserver
import subprocess
import sys
import threading
import zipfile
from dataclasses import dataclass
from pathlib import Path

import click
import pytest

from ape_v2v._cli import cli
from tests.helpers.documentation import examples

ROOT = Path(__file__).resolve().parents[2]
LOCK = ROOT / "requirements.lock"
BIN = Path(sys.executable).parent
NETWORK = ("--network", "ethereum:local:foundry")
TOPICS = cli.list_commands(click.Context(cli))

TYPED = """\
from typing import assert_type

from ape.api import AccountAPI

from ape_v2v import Auction, Connection, Market, Money, Rate


def trade(market: Market, alice: AccountAPI, bob: AccountAPI) -> Connection | None:
    auction = market.start_auction("7.2 kWh", "0.0003 ether/kWh", sender=alice)
    assert_type(auction, Auction)
    assert_type(auction.best_bid, Rate | None)
    assert_type(Rate(5) * auction.info.energy, Money)
    auction.place_bid("0.0002 ether/kWh", sender=bob)
    return auction.end(sender=alice)
"""
MISTYPED = """\
from ape_v2v import Money, Rate

Money(1) + Rate(1)
"""


# What Ape would run twice, with a warning, had it to suppose that our fixtures change the chain.
OWN_TESTS = """\
import pytest

payments = []


@pytest.fixture(scope="session")
def name():
    return "theirs"


@pytest.fixture(scope="module")
def paid(accounts):
    payments.append(accounts[5].transfer(accounts[6], "1 ether"))


@pytest.fixture
def connected(name):
    return name


def test_state_of_their_own(name, paid):
    assert len(payments) == 1


def test_a_market_leaves_it_alone(paid, v2v_market):
    assert v2v_market().number_of_evs == 3
    assert len(payments) == 1


def test_a_fixture_of_theirs_takes_the_place_of_ours(v2v_market, accounts, connected):
    assert v2v_market().ev(accounts[7].address).registered
    assert connected == "theirs"
"""

OWN_FIXTURES = """\
import pytest


@pytest.fixture(scope="session")
def v2v_provider(accounts):
    return accounts[7]
"""


def uv(command: str, *arguments: str | Path) -> str:
    """Run uv: from its cache, which `make setup` has filled, and else from the network."""
    words: list[str | Path] = [BIN / "uv", "--quiet", "--no-config", *command.split()]
    offline = subprocess.run([*words, "--offline", *arguments], check=False, capture_output=True)
    if offline.returncode == 0:
        return offline.stdout.decode()
    return subprocess.run([*words, *arguments], check=True, stdout=subprocess.PIPE).stdout.decode()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    # From a copy: building leaves files behind, and those of an older build get into the wheel.
    source = tmp_path_factory.mktemp("source")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "ape_v2v", source / "ape_v2v", ignore=ignored)
    uv("build --wheel", "--build-constraints", LOCK, "--out-dir", source / "dist", source)
    (wheel,) = (source / "dist").glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def proxy():
    """Where the commands are told to go for anything but this machine: address, and what came."""
    heard = []

    class Listener(socketserver.StreamRequestHandler):
        def handle(self):
            heard.append(self.rfile.readline())

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Listener) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}", heard
        server.shutdown()


@dataclass(frozen=True)
class Outside:
    """An environment with the wheel in it, and a home of its own."""

    root: Path
    proxy: str
    heard: list[bytes]

    @property
    def bin(self) -> Path:
        return self.root / "venv" / "bin"

    def run(self, folder: Path, *command: str, expect: int = 0, **variables: str):
        """Run a command of the environment in a folder, and find nothing else around."""
        surroundings = {
            "HOME": str(self.root / "home"),
            "PATH": f"{self.bin}:{self.root / 'tools'}",
            "HTTP_PROXY": self.proxy,
            "HTTPS_PROXY": self.proxy,
            "NO_PROXY": "127.0.0.1,localhost",
        }
        answer = subprocess.run(
            [self.bin / command[0], *command[1:]],
            cwd=folder,
            env=surroundings | variables,
            check=False,
            capture_output=True,
            text=True,
        )
        assert answer.returncode == expect, answer.stdout + answer.stderr
        assert self.heard == []
        return answer


@pytest.fixture(scope="module")
def outside(wheel, proxy, tmp_path_factory):
    root = tmp_path_factory.mktemp("outside")
    for folder in ("home", "tools"):
        (root / folder).mkdir()
    anvil = shutil.which("anvil")
    assert anvil is not None
    (root / "tools" / "anvil").symlink_to(Path(anvil).resolve())
    uv("venv", "--python", sys.executable, root / "venv")
    target = ["--python", root / "venv", "--constraints", LOCK, "--build-constraints", LOCK]
    if sys.version_info >= (3, 13):
        # As CONTRIBUTING.md says: pip alone would build the numpy that Ape asks for.
        target += ["--overrides", ROOT / "toolchain" / "overrides.in"]
    uv("pip install", *target, f"ape-v2v[light,modbus,ocpp,serve,testing] @ {wheel.as_uri()}")
    return Outside(root, *proxy)


@pytest.fixture
def node(outside):
    """The address of an Anvil that somebody else has started."""
    anvil = outside.root / "tools" / "anvil"
    with subprocess.Popen(
        [anvil, "--port", "0"],
        env={"HOME": str(outside.root / "home")},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if match := re.search(r"Listening on (\S+)", line):
                yield f"http://{match[1]}"
                break
        process.terminate()
        process.stdout.read()


@pytest.fixture
def folder(tmp_path):
    """Another project: nothing, not even a configuration."""
    return tmp_path


def test_the_wheel_holds_what_it_takes(wheel):
    source = wheel.parent.parent
    expected = {
        path.relative_to(source).as_posix()
        for path in (source / "ape_v2v").rglob("*")
        if path.is_file()
    }
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        (top_level,) = (name for name in names if name.endswith(".dist-info/top_level.txt"))
        assert archive.read(top_level).split() == [b"ape_v2v"]

    assert {name for name in names if name.startswith("ape_v2v/")} == expected
    assert expected >= {
        "ape_v2v/py.typed",
        "ape_v2v/market/interface/artifacts/V2VMarket.json",
        "ape_v2v/_cli/__init__.py",
        "ape_v2v/testing/assertions.py",
    }
    # What measures and shows this project stays in the clone.
    assert not [name for name in names if re.match("(ape_v2v/)?(gas|demo|benchmarks)[/._]", name)]


def test_it_comes_with_the_locked_versions_and_nothing_else(outside):
    listing = json.loads(uv("pip list --format json", "--python", outside.root / "venv"))
    installed = {(package["name"], package["version"]) for package in listing}
    locked = re.findall(r"^([\w.-]+)==([^\s;]+)", LOCK.read_text("utf-8"), re.MULTILINE)

    assert "eth-ape" in dict(installed)
    assert {name for name, _ in installed - set(locked)} == {"ape-v2v"}


def test_ape_lists_the_plugin(outside, folder):
    listing = outside.run(folder, "ape", "plugins", "list").stdout

    assert re.search(r"^  v2v +\d", listing, re.MULTILINE)


def test_the_commands_are_there(outside, folder):
    page = outside.run(folder, "ape", "v2v", "--help").stdout

    for topic in TOPICS:
        assert re.search(rf"^  {topic} +[A-Z]", page, re.MULTILINE)


def test_every_module_can_be_imported(outside, folder):
    program = """
import importlib, pkgutil, ape_v2v
for module in pkgutil.walk_packages(ape_v2v.__path__, "ape_v2v."):
    print(importlib.import_module(module.name).__name__)
"""

    modules = outside.run(folder, "python", "-c", program).stdout.split()

    assert {f"ape_v2v._cli.{topic}" for topic in TOPICS} <= set(modules)
    assert {"ape_v2v.testing.fixtures", "ape_v2v.testing.strategies"} <= set(modules)


def test_a_command_that_cannot_be_imported_says_so(outside, folder):
    (folder / "sitecustomize.py").write_text('import sys; sys.modules["rich.console"] = None')

    answer = outside.run(folder, "ape", "v2v", "market", "show", expect=1, PYTHONPATH=str(folder))

    assert answer.stderr.startswith("Error: `ape v2v market` cannot be loaded (")
    assert "rich.console" in answer.stderr
    assert answer.stderr.count("\n") == 1


def test_a_market_is_deployed_and_found_again_without_a_compiler(outside, folder, node):
    def ape(*command):
        answer = outside.run(folder, "ape", *command, *NETWORK, "--json", APE_FOUNDRY_HOST=node)
        return json.loads(answer.stdout)

    record = ape("v2v", "market", "deploy", "--account", "TEST::0", "--yes")
    market = ape("v2v", "market", "show")

    assert market["address"] == record["address"]
    assert market["organization"] == record["deployer"]
    (kept,) = (path for path in folder.rglob("*") if path.is_file())
    assert kept == folder / "deployments" / "records" / "ethereum-local.json"
    assert not (outside.root / "home" / ".solcx").exists()


def test_the_documented_tests_pass_beside_the_projects_own(outside, folder):
    tests = [OWN_TESTS, *examples("docs/testing.md", "python")]
    (folder / "tests").mkdir()
    (folder / "tests" / "conftest.py").write_text(OWN_FIXTURES, encoding="utf-8")
    for number, test in enumerate(tests):
        (folder / "tests" / f"test_{number}.py").write_text(test, encoding="utf-8")
    (settings,) = examples("docs/testing.md", "yaml")
    (folder / "ape-config.yaml").write_text(settings, encoding="utf-8")

    answer = outside.run(folder, "ape", "test")

    count = sum(test.count("def test_") for test in tests)
    assert f" {count} passed in " in answer.stdout, "or there were warnings"


def test_types_are_seen(outside, folder):
    (folder / "typed.py").write_text(TYPED, encoding="utf-8")
    (folder / "mistyped.py").write_text(MISTYPED, encoding="utf-8")
    options = ["--strict", "--no-error-summary", "--python-executable", outside.bin / "python"]
    cache = ROOT / ".cache" / "mypy-outside"

    answer = subprocess.run(
        [BIN / "mypy", *options, "--cache-dir", cache, "typed.py", "mistyped.py"],
        cwd=folder,
        check=False,
        capture_output=True,
        text=True,
    )

    (error,) = answer.stdout.splitlines()
    assert error.startswith("mistyped.py:3: error: Unsupported operand types for + ")
