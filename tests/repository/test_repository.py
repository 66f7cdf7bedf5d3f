"""What holds for the files of this repository, whatever they are about.

They name no package registry and no path of somebody's machine, link to few sites, and pin what
they install. Every check is paired with a test that it catches what it is meant to catch.
"""

import ast
import json
import re
import subprocess
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]

# The sites that files may link to. Add one when a file has to, and only then.
ALLOWED_HOSTS = {
    "127.0.0.1",
    "docs.apeworx.io",
    "docs.soliditylang.org",
    "doi.org",
    "eips.ethereum.org",
    "github.com",
    "keepachangelog.com",
    "localhost",
    "semver.org",
    "sepolia.etherscan.io",
    "www.w3.org",
}

# In parts, so that this file does not hold what it looks for.
REGISTRIES = [
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("npmjs", "org"),
        ("npmjs", "com"),
        ("yarnpkg", "com"),
        ("unpkg", "com"),
        ("jsdelivr", "net"),
        ("crates", "io"),
        ("deb", "debian", "org"),
        ("binaries", "soliditylang", "org"),
    )
]

URL = re.compile(r"\b(?:https?|wss?|ftp|git|ssh)://(?:[^\s/@]+@)?(?P<host>\w[\w.-]*|\[[\d:a-f]+\])")
# Folders that are somebody's or one machine's; not the end of a longer path, as in "a/home/b".
MACHINE_PATH = re.compile(
    r"(?<![\w.~)}\]*-])(?:/(?:home|root|work|tmp|Users|mnt)/|[A-Z]:\\Users)\S*"
)


def repository_files(root: Path) -> list[Path]:
    """Return the files that are tracked, or would be: all that are not ignored."""
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=root,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    paths = [root / name for name in listing.split("\0") if name]
    return [path for path in paths if path.is_file() and not path.is_symlink()]


def findings(root: Path, check) -> list[str]:
    """Apply a check to every line of every file, and say where it found something."""
    found = []
    for path in repository_files(root):
        text = path.read_text(encoding="utf-8", errors="replace")
        for number, line in enumerate(text.splitlines(), start=1):
            found += [f"{path.relative_to(root)}:{number}: {hit}" for hit in check(line)]
    return found


def foreign_hosts(line: str) -> list[str]:
    hosts = [match["host"].lower().rstrip(".") for match in URL.finditer(line)]
    return [host for host in hosts if host not in ALLOWED_HOSTS]


def registries(line: str) -> list[str]:
    return [registry for registry in REGISTRIES if registry in line.lower()]


def machine_paths(line: str) -> list[str]:
    return [match[0] for match in MACHINE_PATH.finditer(line)]


def unpinned_node_packages(lock: dict[str, Any]) -> list[str]:
    packages = {name: entry for name, entry in lock["packages"].items() if name}
    return [
        name for name, entry in packages.items() if not entry.get("integrity", "").startswith("sha")
    ]


def unpinned_python_packages(lock: str) -> list[str]:
    """Return the requirements, of a requirements file, that have no hash or no exact version."""
    requirements = re.sub(r"\\\n\s*", "", lock).splitlines()
    requirements = [line for line in requirements if line and not line.lstrip().startswith("#")]
    pinned = re.compile(r"[\w.-]+==\S+( ; [^#]+?)? *(--hash=sha256:[0-9a-f]{64} *)+")
    return [line for line in requirements if not pinned.fullmatch(line)]


@pytest.fixture(scope="module", autouse=True)
def checkout():
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout, so there is no telling which files belong to it")


@pytest.fixture
def planted(tmp_path):
    """Return a function that puts a line into a file of a new repository."""
    subprocess.run(["git", "init", "--quiet", "."], cwd=tmp_path, check=True)

    def plant(line: str) -> Path:
        (tmp_path / "docs").mkdir(exist_ok=True)
        (tmp_path / "docs" / "notes.md").write_text(f"A first line.\n{line}\n", encoding="utf-8")
        return tmp_path

    return plant


# --- Addresses and paths --------------------------------------------------------------------------


def test_the_scan_sees_this_very_file():
    assert Path(__file__).resolve() in repository_files(ROOT)


def test_the_scan_passes_over_ignored_files(planted):
    root = planted("text")
    (root / ".gitignore").write_text("docs/\n", encoding="utf-8")

    assert repository_files(root) == [root / ".gitignore"]


def test_links_lead_to_few_sites():
    assert findings(ROOT, foreign_hosts) == []


@pytest.mark.parametrize("scheme", ["http", "https", "wss", "ssh"])
def test_a_link_to_another_site_is_found(planted, scheme):
    root = planted(f"See [there]({scheme}" + "://Example.com:8080/a), and https://github.com/a/b.")

    assert findings(root, foreign_hosts) == ["docs/notes.md:2: example.com"]


def test_a_link_that_hides_its_site_behind_an_allowed_name_is_found(planted):
    root = planted("https" + "://github.com@example.org/ and https" + "://github.com.example.org")

    assert findings(root, foreign_hosts) == [
        "docs/notes.md:2: example.org",
        "docs/notes.md:2: github.com.example.org",
    ]


def test_allowed_links_pass(planted):
    root = planted(
        "<http://127.0.0.1:8545> http://localhost/x https://eips.ethereum.org/EIPS/eip-712."
    )

    assert findings(root, foreign_hosts) == []


def test_no_file_names_a_package_registry():
    assert findings(ROOT, registries) == []


@pytest.mark.parametrize("registry", REGISTRIES)
def test_the_name_of_a_registry_is_found(planted, registry):
    root = planted(f"index = files.{registry.upper()}/simple")

    assert f"docs/notes.md:2: {registry}" in findings(root, registries)


def test_no_file_holds_a_path_of_a_machine():
    assert findings(ROOT, machine_paths) == []


@pytest.mark.parametrize("folder", ["home/me", "root", "work", "tmp", "Users/me", "mnt/disk"])
@pytest.mark.parametrize("before", ["", '"', "=", "file://", "see "])
def test_a_path_of_a_machine_is_found(planted, folder, before):
    root = planted(f"{before}/{folder}" + "/project/file")

    assert findings(root, machine_paths) == [f"docs/notes.md:2: /{folder}/project/file"]


def test_paths_of_other_kinds_pass(planted):
    root = planted("/usr/bin/env ~/.ape docs/home/a ../tmp/x https://github.com/work/x {x}/tmp/y")

    assert findings(root, machine_paths) == []


# --- Lock files -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("folder", "package"), [(".", "solc"), ("toolchain/ganache", "ganache")])
def test_every_node_package_is_pinned_by_hash(folder, package):
    lock = json.loads((ROOT / folder / "package-lock.json").read_text(encoding="utf-8"))

    assert lock["lockfileVersion"] == 3
    assert f"node_modules/{package}" in lock["packages"]
    assert unpinned_node_packages(lock) == []


def test_a_node_package_without_hash_is_found():
    lock = {
        "packages": {
            "": {"name": "this project"},
            "node_modules/a": {"version": "1.0.0", "integrity": "sha512-aaaa"},
            "node_modules/b": {"version": "1.0.0"},
        }
    }

    assert unpinned_node_packages(lock) == ["node_modules/b"]


@pytest.mark.parametrize(
    ("file", "package"),
    [
        ("requirements.lock", "eth-ape"),
        ("toolchain/analysis/halmos.lock", "halmos"),
        ("toolchain/analysis/slither.lock", "slither-analyzer"),
    ],
)
def test_every_python_package_is_pinned_by_hash(file, package):
    lock = (ROOT / file).read_text(encoding="utf-8")

    assert f"\n{package}==" in lock
    assert unpinned_python_packages(lock) == []


def test_every_list_of_packages_has_a_lock_file_that_meets_it():
    lists = sorted((ROOT / "toolchain" / "analysis").glob("*.in"))

    assert {one.stem for one in lists} == {"consensus", "halmos", "slither"}
    for wanted in lists:
        lock = wanted.with_suffix(".lock").read_text(encoding="utf-8")
        lines = wanted.read_text(encoding="utf-8").splitlines()
        for requirement in (line for line in lines if not line.startswith("#")):
            assert f"\n{requirement} " in lock


@pytest.mark.parametrize(
    "line", ["b==1.0", "b>=1.0 \\\n    --hash=sha256:" + "0" * 64, "-e .", "b==1.0 --hash=md5:00"]
)
def test_a_python_package_without_hash_is_found(line):
    pinned = (
        "a==1.0 ; python_version < '3.12' \\\n    --hash=sha256:" + "0" * 64 + "\n    # via b\n"
    )

    assert len(unpinned_python_packages(f"# Comment\n{pinned}{line}\n{pinned}")) == 1


@pytest.mark.parametrize(
    "lock",
    [
        "package-lock.json",
        "requirements.lock",
        "toolchain/analysis/consensus.lock",
        "toolchain/analysis/halmos.lock",
        "toolchain/analysis/slither.lock",
        "toolchain/ganache/package-lock.json",
    ],
)
def test_lock_files_hold_no_address_at_all(lock):
    assert "://" not in (ROOT / lock).read_text(encoding="utf-8")


# --- One version of everything --------------------------------------------------------------------


@pytest.fixture(scope="module")
def ape_config():
    return yaml.safe_load((ROOT / "ape-config.yaml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def node_versions():
    package = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))
    groups = ("dependencies", "devDependencies", "optionalDependencies")
    return {name: version for group in groups for name, version in package[group].items()}


@pytest.fixture(scope="module")
def foundry_profile():
    with (ROOT / "foundry.toml").open("rb") as file:
        return tomllib.load(file)["profile"]["default"]


def test_node_versions_are_exact(node_versions):
    assert [v for v in node_versions.values() if not re.fullmatch(r"\d+\.\d+\.\d+", v)] == []


def test_ape_and_forge_compile_alike(ape_config, foundry_profile, node_versions):
    solidity = ape_config["solidity"]

    assert solidity["version"] == node_versions["solc"]
    assert Path(foundry_profile["solc"]).name == f"solc-v{node_versions['solc']}"
    assert foundry_profile["evm_version"] == solidity["evm_version"]
    assert foundry_profile["optimizer"] is solidity["optimize"] is True
    assert foundry_profile["optimizer_runs"] == solidity["optimization_runs"]
    assert foundry_profile["via_ir"] is solidity.get("via_ir", False) is False


def test_ape_uses_the_installed_openzeppelin(ape_config, node_versions):
    (dependency,) = ape_config["dependencies"]
    version = node_versions["@openzeppelin/contracts"]

    assert dependency["version"] == version
    assert ape_config["solidity"]["import_remapping"] == [f"@openzeppelin=openzeppelin/{version}"]


def test_ape_names_the_plugins_that_are_locked(ape_config):
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    locked = dict(re.findall(r"^ape-(\w+)==(\S+)", lock, flags=re.MULTILINE))

    assert {plugin["name"]: plugin["version"] for plugin in ape_config["plugins"]} == locked


def test_pyproject_leaves_the_configuration_to_ape_config():
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")

    assert "[tool." + "ape" not in text, "Ape would then ignore ape-config.yaml"


# --- Make


def test_every_phony_target_is_a_rule():
    """Make does nothing for a phony target without one, and calls that a success."""
    makefile = (ROOT / "Makefile").read_text("utf-8")
    (phony,) = re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    rules = set(re.findall(r"^([a-z-]+):.* ## .+\n\t", makefile, re.MULTILINE))
    # Names of what a file's rule makes, and one that only forces others.
    assert set(phony.split()) - rules == {"setup", "compile", "ganache", "FORCE"}


def test_no_two_classes_of_the_package_have_one_name():
    paths = [path for path in repository_files(ROOT) if path.is_relative_to(ROOT / "ape_v2v")]
    names = Counter(
        node.name
        for path in paths
        if path.suffix == ".py"
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    )

    assert len(names) > 150
    assert [name for name, number in names.items() if number > 1] == []
