"""`ape v2v simulate` runs, goes on, compares and refuses, with the same bytes whoever runs it."""

import json

import pytest
from click.testing import CliRunner

from ape_v2v._cli import cli
from tests.simulation.conftest import SMALL


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "small.yaml").write_text(SMALL)
    return tmp_path


def simulate(*arguments, code=0):
    done = CliRunner().invoke(cli, ["simulate", *arguments])
    assert done.exit_code == code, done.output
    return done.output


def test_a_scenario_is_run_and_its_files_are_written(here):
    said = simulate("small.yaml", "--replicates", "2", "--out", "study")
    assert "efficiency" in said
    assert "begin with study/report.md" in said
    files = {path.name for path in (here / "study").iterdir()}
    assert {"report.md", "report.html", "manifest.json", "trades.csv", "trades.parquet"} <= files
    manifest = json.loads((here / "study" / "manifest.json").read_text())
    assert manifest["replicates"] == 2
    assert len((here / "study" / "trades.csv").read_text().splitlines()) == 1 + 8
    assert "is not empty" in simulate("small.yaml", "--out", "study", code=1)


def test_how_many_run_it_and_whether_it_was_stopped_makes_no_difference(here):
    def digest(*arguments):
        said = json.loads(simulate("small.yaml", "--replicates", "3", "--json", *arguments))
        return said["variants"][0]["digest"]

    once = digest("--out", "one")
    assert digest("--out", "two", "--jobs", "2") == once
    parts = sorted((here / "two" / "parts").iterdir())
    parts[0].unlink()
    assert digest("--out", "two", "--resume") == once


def test_a_part_that_is_none_is_told(here):
    simulate("small.yaml", "--out", "study")
    (part,) = (here / "study" / "parts").iterdir()
    part.write_text("{}")
    assert "is no result of a run" in simulate("small.yaml", "--out", "study", "--resume", code=1)


def test_a_sweep_has_a_column_and_a_folder_for_each_value(here):
    said = simulate("sweep", "small.yaml", "--set", "market.minDecrementBps=0,500", "--out", "s")
    assert "minDecrementBps=0 " in said
    assert (here / "s" / "minDecrementBps=500" / "trades.csv").exists()
    assert (here / "s" / "welfare.svg").exists()
    assert "Differences from the first" in (here / "s" / "report.md").read_text()


def test_a_template_is_written_once(here):
    assert "garage20" in simulate("new")
    simulate("new", "garage20")
    assert "is there already" in simulate("new", "garage20", code=1)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere.yaml"], "give a file, or one of garage20"),
        (["sweep", "small.yaml", "--set", "market"], "is no change"),
        (["sweep", "small.yaml", "--set", "market.nothing=1"], "market.nothing"),
        (["new", "garage"], "there is no template 'garage'"),
        (["validate", "--case", "none"], "there is no case 'none'"),
    ],
)
def test_a_mistake_is_one_line(here, arguments, said):
    output = simulate(*arguments, code=1)
    assert said in output
    assert len(output.strip().splitlines()) == 1


def test_the_theory_is_checked_from_the_command_line(here):
    said = json.loads(simulate("validate", "--auctions", "20", "--case", "entry", "--json"))
    assert {row["bidders"] for row in said} >= {2, 5, 10}
