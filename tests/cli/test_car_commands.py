"""`ape v2v car`: what the commands take, say and store; what a car decides is tested apart."""

import json

import pytest

from ape_v2v.car import car_template
from tests.session.pairs import free_port


@pytest.fixture
def car_file(tmp_path, market):
    """A factory of cars' files for the tests' market."""

    def write(role, account, **changes):
        text = car_template(role).replace('# market: "0x…"', f'market: "{market.address}"')
        text = text.replace("account: alice", f"account: {account}")
        text = text.replace("account: bob", f"account: {account}")
        for old, new in changes.items():
            assert old in text
            text = text.replace(old, new)
        file = tmp_path / f"{role}.yaml"
        file.write_text(text, "utf-8")
        return file

    return write


@pytest.fixture
def places(tmp_path):
    return "--store", tmp_path / "car.sqlite", "--journal", tmp_path / "journal.sqlite"


def test_init_writes_a_file_that_is_read(v2v, tmp_path):
    file = tmp_path / "car.yaml"
    assert "--dry-run" in v2v("car", "init", file, on=None).text
    assert v2v("car", "init", file, "--force", "--role", "provider", "--json", on=None).json == {
        "file": str(file),
        "role": "provider",
    }
    assert "is there already" in v2v("car", "init", file, expect=1, on=None).error


def test_a_dry_run_tells_what_a_buyer_would_do_and_does_nothing(
    v2v, market, car_file, places, consumer
):
    file = car_file("consumer", consumer.alias)
    before = market.currentAuctionId(consumer)
    found = v2v("car", "run", file, "--dry-run", "--json", *places).json
    assert found["next"]["act"] == "ask"
    assert found["next"]["energyWh"] == 24_000
    assert "80 % is wanted" in found["next"]["reason"]
    assert market.currentAuctionId(consumer) == before
    assert "ask: the battery is at 40.0 %" in v2v("car", "run", file, "--dry-run", *places).text


def test_a_dry_run_tells_what_a_seller_would_bid(v2v, car_file, places, auction_id, provider):
    file = car_file("provider", provider.alias)
    found = v2v("car", "run", file, "--dry-run", "--json", *places).json
    assert found["next"]["act"] == "offer"
    (bid,) = found["bids"]
    assert (bid["act"], bid["auctionId"]) == ("bid", str(auction_id))


def test_status_tells_how_a_car_stands(v2v, car_file, places, auction_id, consumer):
    file = car_file("consumer", consumer.alias)
    found = v2v("car", "status", file, "--json", *places).json
    assert found["battery"] == {"capacityWh": 60_000, "percent": 40.0}
    assert (found["next"]["act"], found["next"]["auctionId"]) == ("wait", str(auction_id))
    assert found["role"] == "consumer"
    assert "nobody has bid yet" in v2v("car", "status", file, *places).text


def test_a_car_that_has_nothing_to_do_ends_and_keeps_why(v2v, car_file, places, consumer):
    file = car_file("consumer", consumer.alias, **{"charged: 40": "charged: 80"})
    (end,) = v2v("car", "run", file, "--json", *places).json_lines
    assert end["act"] == "end"
    kept = v2v("car", "status", file, "--json", *places).json["decisions"]
    assert [(entry["act"], entry["reason"]) for entry in kept] == [("end", end["reason"])]


def test_a_mistake_in_the_file_is_told_with_its_place(v2v, car_file, consumer):
    file = car_file("consumer", consumer.alias, **{"  target: 80": "  taget: 80"})
    told = v2v("car", "run", file, expect=1).error
    assert f"{file}:" in told
    assert "consumer.taget: is no setting here" in told


def test_an_account_that_is_not_there_is_told(v2v, car_file):
    told = v2v("car", "run", car_file("consumer", "nobody"), expect=1).error
    assert "no account 'nobody'" in told


CAR = """
account: {account}
battery: {{capacity: 1 kWh, charged: 40}}
equipment: {{cable: cable, speed: 2000}}
"""
BUYER = """
link: {{url: "http://127.0.0.1:{port}"}}
balance: {{withdraw_above: 0.001 ether, keep: 0.001 ether}}
consumer:
  target: 70
  by: 2100-01-01T00:00:00+00:00
  max_rate: 0.003 ether/kWh
  bidding_time: 4 s
  attempts: 1000
"""
SELLER = """
link: {{port: {port}}}
provider: {{floor: 0.0001 ether/kWh, reserve: 0, ignore_gas: true}}
"""


def test_two_cars_trade_from_the_command_line(
    v2v, start_side, market, consumer, provider, tmp_path
):
    port = free_port()
    files = {}
    for account, text in ((consumer, BUYER), (provider, SELLER)):
        files[account] = tmp_path / f"{account.alias.replace('::', '')}.yaml"
        said = (CAR + text).format(account=account.alias, port=port)
        files[account].write_text(said, "utf-8")
    places = ("--store", tmp_path / "seller.sqlite", "--journal", tmp_path / "seller-journal")
    seller = start_side("run", files[provider], *places, topic="car")
    assert json.loads(seller.stdout.readline())["act"] == "offer"

    places = ("--store", tmp_path / "buyer.sqlite", "--journal", tmp_path / "buyer-journal")
    told = v2v("car", "run", files[consumer], *places, "--json").json_lines
    acts = [line["act"] for line in told if "act" in line]
    assert {"ask", "award", "charge", "withdraw"} <= set(acts)
    assert acts[-1] == "end"
    assert any(line.get("event") == "progress" for line in told)
    assert market.evs(consumer).completed == market.evs(provider).completed == 1
    assert market.evs(consumer).balance <= 10**15

    seller.terminate()
    *_, end = [json.loads(line) for line in seller.stdout]
    assert end["reason"].startswith("told to stop")
    assert seller.wait(60) == 0
