"""The evaluation's page says what its files say, and the deployments follow it."""

import csv
import json
import re
import shutil

import pytest
import yaml

from ape_v2v.simulation.study.load import STEP
from benchmarks.evaluation import grid, page
from benchmarks.evaluation.material import Laboratory
from tests.helpers.documentation import ROOT

DEPLOYMENTS = sorted((ROOT / "deployments").glob("*.yaml"))
TYPED_BY_NOBODY = (page._FIGURE, page._TABLE, r"`[^`]*`", r"\]\([^)]*\)", r"\*[^*\n]+\*")
"""What may have digits: figures of the study, code, links, formulas."""


def test_the_page_is_what_its_files_say():
    assert page.PAGE.read_text("utf-8") == page.written()


def test_no_figure_is_typed_into_the_text():
    text = page.TEMPLATE.read_text("utf-8")
    for allowed in TYPED_BY_NOBODY:
        text = re.sub(allowed, "", text)
    assert [line for line in text.splitlines() if re.search(r"\d", line)] == []


def test_another_figure_makes_another_page(tmp_path):
    folder = tmp_path / "evaluation"
    shutil.copytree(page.FOLDER, folder)
    known = json.loads((folder / "works.json").read_text())
    (folder / "works.json").write_text(json.dumps(known | {"jump_many": 0.123}))
    assert page.written(folder) != page.written()
    (folder / "works.json").write_text("{}")
    with pytest.raises(KeyError):
        page.written(folder)


def test_nobody_gains_more_than_the_best_there_could_be():
    with (page.FOLDER / "works-strategies.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) > 20
    assert all(0 < float(row["efficiency"]) <= 1 for row in rows)
    assert json.loads((page.FOLDER / "works.json").read_text())["largest_efficiency"] <= 1


@pytest.mark.parametrize("path", DEPLOYMENTS, ids=lambda path: path.stem)
def test_deployments_have_the_parameters_that_the_evaluation_recommends(path):
    cost, robust = (
        json.loads((page.FOLDER / f"{name}.json").read_text()) for name in ("cost", "robust")
    )
    said = yaml.safe_load(path.read_text())["parameters"]
    if path.stem != "ethereum-local":  # where gas costs nothing
        price = "layerone" if path.stem.startswith("ethereum") else "rollup"
        assert said["minDecrementBps"] == cost[f"best_{price}"]
    assert said["penaltyBps"] == robust["usual_penalty"] >= robust["least_penalty"]
    assert said["bondBps"] == robust["bond"]
    assert said["extensionWindow"] == f"{robust['extension']} s"


def test_a_question_is_answered_with_the_figures_that_the_page_names(tmp_path):
    answer = grid.ask(Laboratory(1))
    answer.write(tmp_path)
    made, kept = (
        json.loads((folder / "grid.json").read_text()) for folder in (tmp_path, page.FOLDER)
    )
    assert made.keys() == kept.keys()
    assert made["lost_share"] == kept["lost_share"]
    assert made["most_evening_change"] > made["most_night_change"]
    assert STEP == 900
