"""What a consumer says about an auction: written strictly, read tolerantly."""

import json
from datetime import UTC, datetime

import pytest

from ape_v2v.market.details import (
    Details,
    DetailsError,
    Place,
    printable,
)
from ape_v2v.market.interface.parameters import MAX_TEXT_BYTES

PARIS = Place(48.8566, 2.3522)
LYON = Place(45.7640, 4.8357)
EVERYTHING = {
    "place": "48.86,2.35",
    "connector": "IEC_62196_T2",
    "maxPowerKW": 11.0,
    "from": "2026-05-01T12:00:00Z",
    "until": "2026-05-01T14:00:00Z",
    "note": "level -1",
}

# --- Written


def test_details_are_written_as_they_were_read():
    assert json.loads(Details.parse(json.dumps(EVERYTHING)).text()) == EVERYTHING


def test_details_that_say_nothing_are_the_empty_text():
    assert Details().text() == ""
    assert Details.parse("").text() == ""


def test_a_text_that_is_no_json_object_is_a_note():
    for text in ("by the river", "[1]", "42", '{"place":'):
        assert Details.parse(text) == Details(note=text)


def test_keys_of_others_are_kept():
    text = '{"connector":"CHADEMO","tariff":{"green":true}}'

    assert Details.parse(text).text() == text


def test_letters_outside_ascii_are_written_as_they_are():
    assert Details(note="Zürich").text() == '{"note":"Zürich"}'


def test_a_time_without_an_offset_is_utc_and_one_with_an_offset_becomes_utc():
    details = Details.parse('{"from": "2026-05-01T12:00", "until": "2026-05-01T16:00+02:00"}')

    assert details.from_ == datetime(2026, 5, 1, 12, tzinfo=UTC)
    assert details.until == datetime(2026, 5, 1, 14, tzinfo=UTC)


def test_details_may_be_as_long_as_the_contract_allows_and_no_longer():
    frame = len('{"note":""}')
    longest = Details(note="é" * ((MAX_TEXT_BYTES - frame) // 2))

    assert len(longest.text().encode()) in (MAX_TEXT_BYTES, MAX_TEXT_BYTES - 1)
    with pytest.raises(DetailsError, match=r"have 513 bytes, at most 512"):
        Details(note="x" * (MAX_TEXT_BYTES - frame + 1)).text()


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("place", "Paris", "place in the details is 'Paris': 'Paris' is not a place"),
        ("place", "91,0", "expected latitude"),
        ("place", "0,181", "longitude"),
        ("place", [48.86, 2.35], "is not a place"),
        ("connector", "", "connector in the details is ''"),
        ("connector", 2, "connector"),
        ("maxPowerKW", 0, "maxPowerKW in the details is 0"),
        ("maxPowerKW", "plenty", "maxPowerKW"),
        ("from", "soon", "from in the details is 'soon'"),
        ("until", "2026-05-01T12:00:00Z", "not after 'from'"),
        ("until", "0001-01-01T00:00:00+14:00", "before the first or after the last year"),
    ],
)
def test_a_value_that_nobody_would_understand_is_not_published(key, value, message):
    data = {"from": "2026-05-01T12:00:00Z", key: value}

    with pytest.raises(DetailsError, match=message):
        Details.parse(json.dumps(data))


# --- Read


def test_details_of_others_are_read():
    details = Details.read(json.dumps(EVERYTHING))

    assert details.place == Place(48.86, 2.35)
    assert details.connector == "IEC_62196_T2"
    assert details.max_power_kw == 11
    assert details.note == "level -1"
    assert details.describe() == (
        "at 48.86,2.35, IEC_62196_T2, up to 11 kW, from 2026-05-01 12:00 UTC, "
        "until 2026-05-01 14:00 UTC, level -1"
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {"place": "Paris"},
        {"place": {"latitude": 1, "longitude": 2}},
        {"place": None},
        {"maxPowerKW": "a lot"},
        {"maxPowerKW": float("inf")},
        {"maxPowerKW": float("nan")},
        {"maxPowerKW": -1},
        {"max_power_kw": "not a key of ours"},
        {"from_": "not a key of ours"},
        {"from": "0001-01-01T00:00:00+14:00"},
        {"from": 10**30},
        {"until": "when it is full"},
        {"note": ["a", "list"]},
        {"model_config": 1, "text": 2, "read": 3, "__class__": 4},
    ],
)
def test_what_is_not_understood_is_left_out_and_the_rest_is_read(wrong):
    details = Details.read(json.dumps({"connector": "CHADEMO"} | wrong))

    assert details.connector == "CHADEMO"
    assert details.describe() == "CHADEMO"


def test_several_wrong_values_are_left_out_together():
    text = json.dumps({"place": 1, "from": 2e99, "until": [], "maxPowerKW": {}, "note": "n"})

    assert Details.read(text).describe() == "n"


def test_an_end_before_the_beginning_is_left_out():
    text = json.dumps(EVERYTHING | {"until": "2026-05-01T11:00:00Z"})

    details = Details.read(text)

    assert details.until is None
    assert details.from_ == datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "null", "[]", "\x00", "[" * 512, "NaN", "{}", "\ufffd"])
def test_any_text_is_read(text):
    assert Details.read(text).place is None


def test_what_a_terminal_would_obey_is_not_shown():
    details = Details.read(json.dumps({"note": "\x1b[2Jgone\r\u202edesrever \ud800"}))

    assert details.describe() == "\ufffd[2Jgone\ufffd\ufffddesrever \ufffd"
    assert printable("Zürich, 25 °C") == "Zürich, 25 °C"


# --- Places


@pytest.mark.parametrize("text", ["48.86,2.35", " 48.86 , 2.35 ", "+48.86,+2.35"])
def test_a_place_is_read(text):
    assert Place.parse(text) == Place(48.86, 2.35)
    assert Place.parse(str(Place.parse(text))) == Place(48.86, 2.35)


@pytest.mark.parametrize("text", ["", "48.86", "48.86;2.35", "1e1,2", "nan,0", "91,0", "0,-181"])
def test_what_is_no_place_is_refused(text):
    with pytest.raises(ValueError, match="is not a place: expected latitude"):
        Place.parse(text)


def test_a_coarse_place_is_within_a_kilometre():
    assert str(PARIS.coarse) == "48.86,2.35"
    assert 0 < PARIS.distance_km(PARIS.coarse) < 1


def test_distances_are_those_of_the_earth():
    assert PARIS.distance_km(LYON) == pytest.approx(391.5, rel=0.005)
    assert PARIS.distance_km(PARIS) == 0
    assert Place(0, 179.5).distance_km(Place(0, -179.5)) == pytest.approx(111.2, rel=0.005)
    assert Place(90, 0).distance_km(Place(-90, 77)) == pytest.approx(20_015, rel=0.005)
