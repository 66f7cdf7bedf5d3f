"""The networks that there is a file for are those that Ape connects to under that name."""

from pathlib import Path

import ape
import pytest

from ape_v2v.deployment import Settings

ROOT = Path(__file__).resolve().parents[2]
LIVE = sorted(path for path in (ROOT / "deployments").glob("*.yaml") if "local" not in path.stem)


@pytest.mark.parametrize("path", LIVE, ids=lambda path: path.stem)
def test_a_networks_file_is_for_the_chain_that_ape_knows_by_its_name(path):
    ecosystem, _, name = path.stem.partition("-")
    network = ape.networks.get_ecosystem(ecosystem).get_network(name)
    wanted = Settings.load(path)
    assert network.chain_id == wanted.chain_id
    assert wanted.fees.max_fee is not None
    assert wanted.fees.confirmations is not None
    assert network.required_confirmations > 0, "transactions of every day wait as well"


def test_there_are_files_for_two_test_networks_and_three_rollups():
    assert [path.stem for path in LIVE] == [
        "arbitrum-sepolia",
        "base-sepolia",
        "ethereum-hoodi",
        "ethereum-sepolia",
        "optimism-sepolia",
    ]
