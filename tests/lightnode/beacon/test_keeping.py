"""What a light client keeps, and the networks that it knows."""

import pytest

from ape_v2v.database import Database
from ape_v2v.errors import ConfigurationError
from ape_v2v.lightnode.beacon.keeping import Keeper
from ape_v2v.lightnode.beacon.networks import NETWORKS, read_network
from ape_v2v.lightnode.beacon.reasons import UnknownFork
from tests.lightnode.beacon.chain import network

SETTINGS = """
PRESET_BASE: 'minimal'
CONFIG_NAME: 'garage'
DEPOSIT_CHAIN_ID: 31337
GENESIS_TIME: 1700000000
GENESIS_VALIDATORS_ROOT: 0x1111111111111111111111111111111111111111111111111111111111111111
SECONDS_PER_SLOT: 6
GENESIS_FORK_VERSION: 0x00000001
ALTAIR_FORK_VERSION: 0x01000001
ALTAIR_FORK_EPOCH: 0
BELLATRIX_FORK_VERSION: 0x02000001
BELLATRIX_FORK_EPOCH: 0
GLOAS_FORK_VERSION: 0x07000001
GLOAS_FORK_EPOCH: 9
HEZE_FORK_VERSION: 0x08000001
HEZE_FORK_EPOCH: 18446744073709551615
"""


def test_a_file_of_another_network_is_refused(beacon, follow, forked, tmp_path):
    path = tmp_path / "light.sqlite"
    follow(beacon, path=path).begin(forked.checkpoint.root)
    other = network(genesis_validators_root=b"\x11" * 32, name="other")
    with pytest.raises(ConfigurationError, match="is of another network than other: delete it"):
        Keeper(path, other).load()


def test_a_damaged_file_is_refused(beacon, follow, forked, tmp_path):
    path = tmp_path / "light.sqlite"
    follow(beacon, path=path).begin(forked.checkpoint.root)
    database = Database(path, "it", "", "NORMAL")
    database.write("UPDATE client SET current_committee = x'00'")
    with pytest.raises(ConfigurationError, match="is damaged"):
        Keeper(path, forked.chain.network).load()
    database.write("PRAGMA user_version = 9")
    with pytest.raises(ConfigurationError, match="is of version 9, expected 1"):
        Keeper(path, forked.chain.network)


def test_a_network_is_read_from_the_settings_of_a_beacon_node(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text(SETTINGS)
    garage = read_network(path)
    assert (garage.name, garage.chain_id, garage.committee_size) == ("garage", 31337, 32)
    assert [fork.name for fork in garage.forks] == ["altair", "bellatrix", "gloas"]
    assert garage.fork(8 * 9 - 1).name == "bellatrix"
    with pytest.raises(UnknownFork, match="gloas"):
        garage.fork(8 * 9)


@pytest.mark.parametrize(
    ("old", "new", "match"),
    [
        ("GENESIS_TIME: 1700000000", "", "has no GENESIS_TIME"),
        ("'minimal'", "'tiny'", "has no tiny, or a value"),
        ("0x1111", "0x", "has 30 bytes, expected 32"),
        ("SECONDS_PER_SLOT: 6", "SECONDS_PER_SLOT: six", "cannot be read"),
        ("PRESET_BASE", "- PRESET_BASE", "cannot be read"),
        ("ALTAIR_FORK_VERSION: 0x01000001", "", "has no ALTAIR_FORK_VERSION"),
    ],
)
def test_settings_that_are_wrong_are_named(tmp_path, old, new, match):
    path = tmp_path / "config.yaml"
    path.write_text(SETTINGS.replace(old, new, 1))
    with pytest.raises(ConfigurationError, match=match):
        read_network(path)


def test_a_network_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_network(tmp_path / "none.yaml")


@pytest.mark.parametrize(
    ("chain_id", "slot", "fork", "version"),
    [
        (1, 11_649_024, "electra", "05000000"),
        (1, 13_164_544, "fulu", "06000000"),
        (11_155_111, 1_600, "altair", "90000070"),
        (11_155_111, 8_724_480, "fulu", "90000075"),
        (560_048, 0, "deneb", "50000910"),
        (560_048, 1_622_016, "fulu", "70000910"),
    ],
)
def test_known_networks_have_their_forks(chain_id, slot, fork, version):
    found = NETWORKS[chain_id].fork(slot)
    assert (found.name, found.version.hex()) == (fork, version)


def test_before_altair_there_is_nothing_to_follow():
    with pytest.raises(UnknownFork, match="before the fork altair"):
        NETWORKS[1].fork(0)
