"""The set-up finds the Python and the Node.js that it needs, or says what it lacks."""

import os
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from toolchain import node, pythons
from toolchain.environment import Environment

ROOT = Path(__file__).resolve().parents[2]


def make(*words, **variables):
    surroundings = {"PATH": os.environ["PATH"], **variables}
    return subprocess.run(
        ["make", *words], cwd=ROOT, env=surroundings, check=False, capture_output=True, text=True
    )


# --- Which Python it goes on with -----------------------------------------------------------------


@dataclass(frozen=True)
class Clone:
    """A copy of the set-up, of a project that runs on Pythons which do not exist."""

    root: Path

    def tool(self, name, script):
        """Put a program into the only folder of the PATH."""
        tool = self.root / "bin" / name
        tool.parent.mkdir(parents=True, exist_ok=True)
        tool.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        tool.chmod(0o755)
        return tool

    def python(self, name, version):
        """A Python that says this of itself, and repeats what it is told to run."""
        return self.tool(name, f'test "$1" = -c && echo cpython {version} || echo "runs $*"')

    def set_up(self, python=sys.executable, folder="bin"):
        return subprocess.run(
            [python, "-m", "toolchain.install", ".venv"],
            cwd=self.root,
            env={"PATH": str(self.root / folder), "HOME": str(self.root)},
            check=False,
            capture_output=True,
            text=True,
        )


@pytest.fixture
def clone(tmp_path):
    folder = tmp_path / "with a space"
    (folder / "toolchain").mkdir(parents=True)
    for module in (ROOT / "toolchain").glob("*.py"):
        shutil.copy(module, folder / "toolchain")
    (folder / "pyproject.toml").write_text('requires-python = ">=3.90,<3.93"\n', encoding="utf-8")
    clone = Clone(folder)
    clone.tool("uv", "exit 1")
    return clone


GOES_ON = "runs -m toolchain.install .venv\n"


@pytest.mark.parametrize("name", ["python3.91", "python3"])
def test_a_python_that_does_not_fit_hands_over_to_one_that_does(clone, name):
    other = clone.python(name, "3 91")

    answer = clone.set_up()

    assert (answer.returncode, answer.stderr) == (0, "")
    assert f"is not one of them (Python 3.90 to 3.92): using {other}\n" in answer.stdout
    assert answer.stdout.endswith(GOES_ON)


@pytest.mark.parametrize(
    "script",
    ["exit 127", "echo pypy 3 90", "echo cpython 3 89", "echo cpython 3 93"],
    ids=["a shim of nothing", "not CPython", "too old", "too new"],
)
def test_a_python_that_does_not_fit_either_is_passed_over(clone, script):
    clone.tool("python3.90", script)
    other = clone.python("python3.92", "3 92")

    answer = clone.set_up()

    assert answer.returncode == 0
    assert f"using {other}\n" in answer.stdout


def test_a_python_behind_the_shims_of_pyenv_is_found(clone):
    clone.tool("../shims/uv", "exit 1")
    clone.tool("../shims/python3.91", "exit 127")
    clone.python("../versions/3.91.4/bin/python3.91", "3 91")

    answer = clone.set_up(folder="shims")

    assert answer.returncode == 0
    assert f"using {clone.root}/versions/3.91.4/bin/python3.91\n" in answer.stdout


def test_a_python_that_uv_has_is_found(clone):
    other = clone.python("python-of-uv", "3 91")
    clone.tool("uv", f'case "$*" in *find*" 3.91") echo "{other}" ;; *) exit 1 ;; esac')

    answer = clone.set_up()

    assert answer.returncode == 0
    assert f"using {other}\n" in answer.stdout
    assert "install" not in answer.stdout.removesuffix(GOES_ON)


def test_a_python_is_installed_where_none_fits(clone):
    other = clone.python("python-of-uv", "3 90")
    # It finds one as soon as it was told to install it.
    clone.tool(
        "uv",
        f"""case "$*" in
            *"python install 3.90") : > installed ;;
            *"python find"*" 3.90") test -e installed && echo "{other}" ;;
            *) exit 1 ;;
        esac""",
    )

    answer = clone.set_up()

    assert answer.returncode == 0
    assert "no Python 3.90 to 3.92 is on this machine: trying to install one" in answer.stdout
    assert answer.stdout.endswith(GOES_ON)


def test_where_no_python_can_be_had_one_sentence_says_so(clone):
    answer = clone.set_up()

    assert answer.returncode == 1
    assert answer.stderr.strip() == (
        f"setup: Python 3.90 to 3.92 is needed, {sys.executable} is not one of them, and no other "
        "was found or could be downloaded: install one, or name it: "
        "make setup PYTHON=/path/to/python"
    )
    assert not (clone.root / ".venv").exists()


@pytest.mark.parametrize("version", ["3.9", "3.10"])
def test_a_python_too_old_for_the_project_is_enough_to_begin_with(clone, version):
    old = next(filter(starts, pythons.on_path(version)), None)
    if old is None:
        pytest.skip(f"Python {version} is not on this machine")
    clone.python("python3.91", "3 91")

    answer = clone.set_up(old)

    assert (answer.returncode, answer.stderr) == (0, "")
    assert answer.stdout.endswith(GOES_ON)


def starts(python):
    return pythons.version(python) is not None


def test_what_is_no_python_is_refused_before_anything_is_changed():
    # As if the lock file had changed: the set-up begins, and ends at once.
    answer = make("setup", "-W", "requirements.lock", "PYTHON=no-such-python")

    assert answer.returncode != 0
    assert (
        "setup: no-such-python is no Python from 3.9 on: install one, or name it" in answer.stderr
    )


# --- What it installs -----------------------------------------------------------------------------


def test_the_classifiers_name_the_pythons_that_are_supported():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = [line.rpartition(" ")[2] for line in project["classifiers"] if ":: 3." in line]

    assert pythons.supported() == named


def pinned(package, version, machine="x86_64"):
    """Return the versions that the lock file has of a package, for a Python on Linux."""
    lines = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    found = [
        Requirement(line.removesuffix("\\")) for line in lines if line.startswith(f"{package}==")
    ]
    there = {
        "python_version": version,
        "python_full_version": f"{version}.0",
        "sys_platform": "linux",
        "platform_machine": machine,
    }
    return [str(one.specifier) for one in found if one.marker is None or one.marker.evaluate(there)]


@pytest.mark.parametrize("version", pythons.supported())
def test_the_lock_has_for_each_python_what_has_a_wheel_for_it(version):
    newest = version == "3.13"

    (numpy,) = pinned("numpy", version)

    assert numpy.startswith("==2." if newest else "==1.26.")
    assert len(pinned("pyrevm", version)) == (0 if newest else 1)
    assert pinned("pyrevm", version, machine="aarch64") == []
    assert len(pinned("eth-ape", version)) == 1


def test_node_is_enough_if_it_fits_and_npm_is_there(node_on_path):
    assert node_on_path(node="echo v20.0.0", npm="echo 10.0.0") is None


@pytest.mark.parametrize(
    ("tools", "complaint"),
    [
        ({}, "node is not on the PATH"),
        ({"node": "echo v22.1.0"}, "npm is not on the PATH"),
        ({"node": "echo v18.20.0", "npm": "echo 10.0.0"}, "Node.js v18.20.0 is older than 20"),
        ({"node": "echo broken; exit 1", "npm": "echo 10.0.0"}, "node does not start: broken"),
        ({"node": "echo v22.1.0", "npm": "echo broken; exit 1"}, "npm does not start: broken"),
    ],
)
def test_what_node_lacks_is_said(node_on_path, tools, complaint):
    assert node_on_path(**tools) == complaint


@pytest.fixture
def node_on_path(tmp_path, monkeypatch):
    """Return a function that tells what the Node.js lacks that is on the PATH."""
    clone = Clone(tmp_path)
    environment = Environment(tmp_path / ".venv")

    def lacking(**tools):
        # What an earlier set-up has installed does not count: nobody would ever install it again.
        for tool in ("node", "npm"):
            clone.tool(f"../.venv/bin/{tool}", "echo v24.0.0")
        for tool, script in tools.items():
            clone.tool(tool, script)
        monkeypatch.setenv("PATH", f"{environment.bin}{os.pathsep}{tmp_path / 'bin'}")
        return node.lacking(environment)

    return lacking


def test_pip_uv_and_npm_trust_whom_the_system_trusts():
    bundle = Path("/etc/ssl/certs/ca-certificates.crt")
    if not bundle.exists():
        pytest.skip("this system keeps its certificates elsewhere")
    show = ("--eval=show: ; @env", "show")

    ours = make(*show).stdout.splitlines()
    theirs = make(*show, UV_SYSTEM_CERTS="false").stdout.splitlines()

    assert "UV_SYSTEM_CERTS=true" in ours
    assert f"NODE_EXTRA_CA_CERTS={bundle}" in ours
    assert f"REQUESTS_CA_BUNDLE={bundle}" in ours
    assert "UV_SYSTEM_CERTS=false" in theirs
