"""Two cars that trade by themselves while they are killed, and node and meters have their faults.

Short unless V2V_CAR_ROUNDS says how many rounds; V2V_CAR_SEED chooses the kills and faults, and
V2V_CAR_REPORT names the file to write. `ape run trade_cars` sets them.
"""

import os
import time

import pytest

from tests.car.campaign_report import write_report
from tests.car.yard import Yard

ROUNDS = int(os.environ.get("V2V_CAR_ROUNDS", "0"))
SEED = int(os.environ.get("V2V_CAR_SEED", "1"))
REPORT = os.environ.get("V2V_CAR_REPORT")
SHORT_ROUNDS = 2
SECONDS_A_ROUND = 60
BETWEEN_KILLS = 30.0
NODE_FAULTS = 0.01
HICCUPS = 0.003


@pytest.mark.skipif(ROUNDS > 0, reason="the campaign does it for longer")
def test_two_cars_trade_by_themselves_though_they_are_killed(fork_server, tmp_path):
    with Yard(tmp_path, SHORT_ROUNDS, seed=SEED, node_faults=0.005, hiccups=HICCUPS) as yard:
        yard.trade(between_kills=2.0, limit=300, most_kills=3)
        found = yard.check()
    assert found["rounds"] >= SHORT_ROUNDS
    assert found["decisions"]["ask"] >= SHORT_ROUNDS


@pytest.mark.timeout(ROUNDS * SECONDS_A_ROUND + 600)
@pytest.mark.skipif(not ROUNDS, reason="takes long: ape run trade_cars")
def test_two_cars_trade_for_as_long_as_they_are_told(fork_server, tmp_path):
    began = time.monotonic()
    with Yard(tmp_path, ROUNDS, seed=SEED, node_faults=NODE_FAULTS, hiccups=HICCUPS) as yard:
        yard.trade(between_kills=BETWEEN_KILLS, limit=ROUNDS * SECONDS_A_ROUND)
        found = yard.check()
    if REPORT is not None:
        write_report(REPORT, found, seed=SEED, seconds=time.monotonic() - began)
