"""The compiler answers like a native one, and the local chain is there."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCE = "// SPDX-License-Identifier: MIT\npragma solidity ^0.8.24;\n"


@pytest.fixture(scope="module")
def version():
    package = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))
    return package["devDependencies"]["solc"]


@pytest.fixture
def solc(version):
    """Return a function that runs the compiler that py-solc-x finds."""
    executable = Path(os.environ["SOLCX_BINARY_PATH"]) / f"solc-v{version}"

    def run(*options, source=None):
        settings = {"outputSelection": {"*": {"*": ["evm.bytecode.object"]}}}
        task = {"language": "Solidity", "sources": source, "settings": settings}
        return subprocess.run(
            [executable, *options],
            input=None if source is None else json.dumps(task),
            check=False,
            capture_output=True,
            text=True,
        )

    return run


def errors(answer):
    assert answer.returncode == 0
    assert answer.stderr == ""
    found = json.loads(answer.stdout).get("errors", [])
    return [error["message"] for error in found if error["severity"] == "error"]


def test_solc_is_the_pinned_version(solc, version):
    assert f"\nVersion: {version}+commit." in solc("--version").stdout


def test_solc_compiles(solc):
    answer = solc("--standard-json", source={"A.sol": {"content": SOURCE + "contract A {}"}})

    assert errors(answer) == []
    assert json.loads(answer.stdout)["contracts"]["A.sol"]["A"]["evm"]["bytecode"]["object"]


def test_solc_reports_an_error_in_a_source(solc):
    answer = solc("--standard-json", source={"A.sol": {"content": SOURCE + "contract A { B b; }"}})

    assert errors(answer) == ["Identifier not found or not unique."]


@pytest.mark.parametrize("option", ["--base-path", "--include-path"])
def test_solc_reads_imports_below_a_folder_it_is_given(solc, option, tmp_path):
    folder = tmp_path / "with a space"
    folder.mkdir()
    (folder / "B.sol").write_text(SOURCE + "contract B {}", encoding="utf-8")
    importing = {"A.sol": {"content": SOURCE + 'import {B} from "B.sol";\ncontract A is B {}'}}

    assert errors(solc("--standard-json", option, folder, source=importing)) == []
    assert errors(solc("--standard-json", f"{option}={folder}", source=importing)) == []


def test_solc_reports_an_import_that_is_not_there(solc, tmp_path):
    importing = {"A.sol": {"content": SOURCE + 'import {B} from "B.sol";'}}

    (message,) = errors(solc("--standard-json", "--base-path", tmp_path, source=importing))

    assert message.startswith('Source "B.sol" not found: File not found')


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ([], "expected --version or --standard-json"),
        (["--standard-json", "--via-ir"], "unknown option --via-ir"),
        (["--standard-json", "--base-path"], "--base-path needs a value"),
        (["A.sol"], "unknown option A.sol"),
    ],
)
def test_solc_refuses_what_it_does_not_know(solc, options, complaint):
    answer = solc(*options)

    assert (answer.returncode, answer.stdout) == (1, "")
    assert answer.stderr == f"solc: {complaint}\n"


def test_solc_fails_when_its_package_is_missing(tmp_path):
    stray = shutil.copy(ROOT / "toolchain" / "solc.js", tmp_path / "solc.js")

    answer = subprocess.run([stray, "--version"], check=False, capture_output=True, text=True)

    assert (answer.returncode, answer.stdout) == (1, "")
    assert answer.stderr.startswith("solc: Cannot find module 'solc'")
    assert "make setup" in answer.stderr


def test_anvil_is_found():
    assert shutil.which("anvil")


def test_no_contract_is_left_out(project):
    sources = {path.stem for path in (ROOT / "contracts").glob("[!.]*/*.sol")}
    contracts = {contract.name for contract in project.contracts.values()}

    assert {"PaperMarket", "HostileEV"} <= sources & contracts
