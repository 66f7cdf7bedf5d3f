"""Public data are read as they are published, and drawn from as they are spread."""

import gzip
import json
import os
from pathlib import Path

import pytest
from scipy import stats

from ape_v2v.simulation import ScenarioError, parse
from ape_v2v.simulation.scenario.sessions import (
    QUANTILES,
    price_quantiles,
    read_sessions,
    session_quantiles,
)
from ape_v2v.simulation.streams import Stream
from tests.simulation.conftest import SMALL

PUBLISHED = {
    "plain": "arrives,leaves,energy_kwh\n2024-01-05T17:30:00,2024-01-05T19:00:00,7.5\n",
    "norway": (
        '"location";"user_id";"session_id";"plugin_time";"plugout_time";"connection_time";'
        '"energy_session"\n"X";"X1";"X_1";2024-01-05 17:30:00;2024-01-05 19:00:00;1,5;7,5\n'
    ),
    "perth": (
        "_id,CP ID,Connector,Start Date,Start Time,End Date,End Time,Total kWh,Site,Model\n"
        '1,5,2,2024-01-05T00:00:00,17:30,2024-01-05T00:00:00,19:00,7.5,"A, B",Rapid\n'
    ),
    "boulder": (
        "ObjectId,Start_Date___Time,Start_Time_Zone,End_Date___Time,End_Time_Zone,Energy__kWh_\n"
        "1,2024/01/06 00:30:00+00,MST,2024/01/06 02:00:00+00,MST,7.5\n"
    ),
    "acn": json.dumps(
        {
            "_items": [
                {
                    "connectionTime": "Sat, 06 Jan 2024 01:30:00 GMT",
                    "disconnectTime": "Sat, 06 Jan 2024 03:00:00 GMT",
                    "kWhDelivered": 7.5,
                    "timezone": "America/Los_Angeles",
                }
            ]
        }
    ),
}
LOCAL_DATA = Path(os.environ.get("V2V_SESSIONS_DATA", ""))
"""A folder with what the publishers give; these files are in no repository."""


@pytest.mark.parametrize("published_as", PUBLISHED)
def test_a_session_is_the_same_whoever_publishes_it(tmp_path, published_as):
    file = tmp_path / "sessions"
    file.write_text(PUBLISHED[published_as], encoding="utf-8")
    (session,) = read_sessions(file, published_as)
    assert session.arrival_hours == 17.5
    assert session.stay_hours == 1.5
    assert session.energy_kwh == 7.5


def test_a_time_that_is_missing_leaves_the_rest(tmp_path):
    file = tmp_path / "sessions.csv"
    file.write_text(PUBLISHED["norway"].replace("1,5;", "NA;"), encoding="utf-8")
    (session,) = read_sessions(file, "norway")
    assert session.stay_hours is None
    assert session_quantiles(file, "energy_kwh", "norway") == [7.5] * QUANTILES
    with pytest.raises(ValueError, match="tells nothing of it"):
        session_quantiles(file, "stay_hours", "norway")


def test_prices_are_euro_per_kwh_with_what_comes_on_top(tmp_path):
    file = tmp_path / "prices.csv"
    file.write_text("hour_utc,DK1,DE\n2024-01-01T00:00Z,100,\n2024-01-01T01:00Z,50,70\n")
    found = price_quantiles(file, "DK1", plus=0.2)
    assert (found[0], found[-1]) == pytest.approx((0.25, 0.3))
    assert price_quantiles(file, "DE") == [0.07] * QUANTILES
    with pytest.raises(ValueError, match="has no zone 'SE3': it has DK1, DE"):
        price_quantiles(file, "SE3")


def test_a_scenario_draws_from_a_file(tmp_path):
    file = tmp_path / "sessions.csv"
    rows = "\n".join(f"2024-01-05T17:30:00,,{energy}" for energy in range(1, 102))
    file.write_text(f"arrives,leaves,energy_kwh\n{rows}\n")
    said = f"{{sessions: {file}, column: energy_kwh, most: 50}}"
    scenario = parse(SMALL.replace("{uniform: [5, 10]}", said))
    energy = scenario.population[0].energy_kwh
    assert energy.quantiles is not None
    assert energy.quantiles[100] == 51
    assert max(energy.draw(Stream(seed)) for seed in range(100)) == 50
    file.unlink()
    assert parse(scenario.model_dump_json()).digest == scenario.digest


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("{sessions: nowhere.csv, column: energy_kwh}", "nowhere.csv: No such file"),
        ("{sessions: FILE, column: colour}", "sessions have no 'colour'"),
        ("{sessions: FILE, column: energy_kwh, published_as: me}", "nobody publishes sessions as"),
        ("{sessions: FILE, column: energy_kwh, published_as: perth}", "is it published as perth"),
        ("{sessions: FILE, column: energy_kwh, unit: kWh}", "'unit' is no setting beside sessions"),
        ("{day_ahead: FILE, zone: DK1}", "has no zone 'DK1'"),
    ],
)
def test_a_file_that_is_none_is_one_sentence(tmp_path, said, why):
    file = tmp_path / "sessions.csv"
    file.write_text(PUBLISHED["plain"])
    with pytest.raises(
        ScenarioError, match=r"the scenario:\d+:\d+: population.0.energy_kwh: "
    ) as error:
        parse(SMALL.strip("\n").replace("{uniform: [5, 10]}", said.replace("FILE", str(file))))
    assert why in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.skipif(not LOCAL_DATA.name, reason="V2V_SESSIONS_DATA names no folder with data")
@pytest.mark.parametrize(
    ("name", "published_as"),
    [
        ("no_home_sessions_2018-2021.csv.gz", "norway"),
        ("uk_perth_sessions_2016-2017.csv.gz", "perth"),
    ],
)
@pytest.mark.parametrize("column", ["energy_kwh", "stay_hours", "arrival_hours"])
def test_what_is_drawn_is_spread_as_what_was_published(tmp_path, name, published_as, column):
    file = tmp_path / "sessions.csv"
    file.write_bytes(gzip.decompress((LOCAL_DATA / name).read_bytes()))
    seen = [getattr(one, column) for one in read_sessions(file, published_as)]
    known = [value for value in seen if value is not None and value >= 0]
    stream, table = Stream("drawn", column), session_quantiles(file, column, published_as)
    values = [stream.quantile(table) for _ in range(50_000)]
    assert stats.ks_2samp(values, known).statistic < 0.02
