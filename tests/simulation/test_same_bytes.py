"""Same seed, same bytes: however many run it, a cluster too, and on another Python."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ape_v2v.simulation.study.output import digest, tables
from ape_v2v.simulation.study.runner import run_all
from tests.helpers.documentation import ROOT
from tests.simulation.test_run import GOLDEN

SEED, JOBS = 1, 8
PYTHONS = ("3.11", "3.12", "3.13")
HERE = f"{sys.version_info.major}.{sys.version_info.minor}"
PROGRAM = (
    "from tests.simulation.conftest import SMALL, run; "
    "from ape_v2v.simulation import parse; "
    "from ape_v2v.simulation.study.output import digest, tables; "
    "print(digest(tables([run(parse(SMALL))])))"
)


def digests(scenario, **by):
    (results,) = run_all([scenario], SEED, JOBS, **by)
    return [digest(tables([result])) for result in results]


def test_eight_processes_give_the_bytes_of_one(small):
    alone = digests(small)
    assert alone[0] == GOLDEN
    assert len(set(alone)) == JOBS
    assert digests(small, jobs=JOBS) == alone


def test_a_cluster_gives_the_bytes_of_one_process(small):
    distributed = pytest.importorskip("distributed", reason="Dask is not installed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None
    ) as cluster:
        by_cluster = digests(small, cluster=cluster.scheduler_address)
    assert by_cluster[0] == GOLDEN
    assert by_cluster == digests(small)


@pytest.mark.parametrize("version", [version for version in PYTHONS if version != HERE])
def test_another_python_gives_the_same_bytes(version, tmp_path):
    done = subprocess.run(
        [environment(version, tmp_path), "-c", PROGRAM],
        env={"PYTHONPATH": str(ROOT), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    if "No module named 'pyrevm'" in done.stderr or "needs pyrevm" in done.stderr:
        pytest.skip(f"pyrevm has no wheel for Python {version} here")
    assert done.stdout.strip() == GOLDEN, done.stderr


def environment(version: str, folder: Path) -> Path:
    """The environment that `make demo-pythons` keeps, or one of the lock, without a network."""
    kept = ROOT / ".cache" / "pythons" / version / "bin" / "python"
    if kept.exists():
        return kept
    uv, python = Path(sys.executable).parent / "uv", shutil.which(f"python{version}")
    if python is None:
        pytest.skip(f"there is no python{version} on the PATH")
    made = folder / "environment"
    steps: list[list[str | Path]] = [
        ["venv", "--python", python, made],
        ["pip", "sync", "--require-hashes", ROOT / "requirements.lock"],
    ]
    for step in steps:
        done = subprocess.run(
            [uv, "--quiet", "--no-config", "--offline", *step],
            env={**os.environ, "VIRTUAL_ENV": str(made)},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            reason = done.stderr.strip().partition("\n")[0]
            pytest.skip(
                f"no environment of Python {version} can be made without a network ({reason}): "
                "make it with `make demo-pythons`"
            )
    return made / "bin" / "python"
