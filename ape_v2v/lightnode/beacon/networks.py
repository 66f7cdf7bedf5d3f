"""Beacon chains: when they began, how they count time, and their forks.

All of it is known beforehand, and never asked of anybody: it decides what a signature means.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml
from eth_utils.hexadecimal import decode_hex

from ape_v2v.errors import ConfigurationError
from ape_v2v.lightnode.beacon.reasons import UnknownFork

if TYPE_CHECKING:
    from pathlib import Path

KNOWN_FORKS = ("altair", "bellatrix", "capella", "deneb", "electra", "fulu")
"""Those whose light client data are known. Gloas drops the execution header from them."""

_NEVER = 2**64 - 1
_ROOT_BYTES, _VERSION_BYTES = 32, 4


@dataclass(frozen=True)
class Fork:
    """A set of rules, from an epoch on."""

    name: str
    version: bytes
    epoch: int


@dataclass(frozen=True)
class BeaconNetwork:
    """A beacon chain."""

    name: str
    chain_id: int
    """Of its execution layer, as transactions name it."""
    genesis_time: int
    """Seconds since 1970."""
    genesis_validators_root: bytes
    forks: tuple[Fork, ...]
    """In order; from Altair on."""
    seconds_per_slot: int = 12
    slots_per_epoch: int = 32
    epochs_per_period: int = 256
    committee_size: int = 512

    @property
    def slots_per_period(self) -> int:
        """How long a sync committee serves."""
        return self.slots_per_epoch * self.epochs_per_period

    def epoch(self, slot: int) -> int:
        return slot // self.slots_per_epoch

    def period(self, slot: int) -> int:
        """Which sync committee, by number, serves in a slot."""
        return slot // self.slots_per_period

    def slot(self, time: float) -> int:
        """The slot at a time, in seconds since 1970."""
        return max(0, int(time - self.genesis_time) // self.seconds_per_slot)

    def time(self, slot: int) -> int:
        """When a slot begins, in seconds since 1970."""
        return self.genesis_time + slot * self.seconds_per_slot

    def has(self, fork: str, slot: int) -> bool:
        """Whether a fork has begun by a slot."""
        return any(each.name == fork and each.epoch <= self.epoch(slot) for each in self.forks)

    def fork(self, slot: int) -> Fork:
        """The fork whose rules hold in a slot.

        Raises:
            UnknownFork: This version does not know it, or light clients did not exist in it.
        """
        begun = [fork for fork in self.forks if fork.epoch <= self.epoch(slot)]
        if not begun:
            raise UnknownFork(
                f"slot {slot} of {self.name} is before the fork altair: there was no sync "
                "committee then; begin with a later block"
            )
        return require_known(begun[-1])


def require_known(fork: Fork) -> Fork:
    """Refuse a fork by its name.

    Raises:
        UnknownFork: This version does not know it.
    """
    if fork.name not in KNOWN_FORKS:
        raise UnknownFork(
            f"this version does not know the fork {fork.name}, it knows {', '.join(KNOWN_FORKS)}: "
            "install a newer one"
        )
    return fork


def _forks(first_version: int, step: int, *epochs: int) -> tuple[Fork, ...]:
    return tuple(
        Fork(name, (first_version + number * step).to_bytes(_VERSION_BYTES, "big"), epoch)
        for number, (name, epoch) in enumerate(zip(KNOWN_FORKS, epochs, strict=True))
    )


NETWORKS = {
    network.chain_id: network
    for network in (
        BeaconNetwork(
            "mainnet",
            1,
            1_606_824_023,
            decode_hex("0x4b363db94e286120d76eb905340fdd4e54bfe9f06bf33ff6cf5ad27f511bfe95"),
            _forks(0x0100_0000, 0x0100_0000, 74_240, 144_896, 194_048, 269_568, 364_032, 411_392),
        ),
        BeaconNetwork(
            "sepolia",
            11_155_111,
            1_655_733_600,
            decode_hex("0xd8ea171f3c94aea21ebc42a1ed61052acf3f9209c00e4efbaaddac09ed9b8078"),
            _forks(0x9000_0070, 1, 50, 100, 56_832, 132_608, 222_464, 272_640),
        ),
        BeaconNetwork(
            "hoodi",
            560_048,
            1_742_213_400,
            decode_hex("0x212f13fc4df078b6cb7db228f1c8307566dcecf900867401a92023d7ba99cb5f"),
            _forks(0x2000_0910, 0x1000_0000, 0, 0, 0, 0, 2_048, 50_688),
        ),
    )
}
"""Those that come with this package, by the chain id of their execution layer."""

_PRESETS: dict[str, dict[str, int]] = {
    "mainnet": {},
    "minimal": {"slots_per_epoch": 8, "epochs_per_period": 8, "committee_size": 32},
}
# What a file may say instead of its preset.
_SIZES = {
    "slots_per_epoch": "SLOTS_PER_EPOCH",
    "epochs_per_period": "EPOCHS_PER_SYNC_COMMITTEE_PERIOD",
    "committee_size": "SYNC_COMMITTEE_SIZE",
}


def read_network(path: Path) -> BeaconNetwork:
    """A network of one's own, from a file in the form that beacon nodes have their settings in.

    Beside CONFIG_NAME, PRESET_BASE, SECONDS_PER_SLOT, DEPOSIT_CHAIN_ID and the forks it must have
    GENESIS_TIME and GENESIS_VALIDATORS_ROOT.

    Raises:
        ConfigurationError: It cannot be read, or something is missing in it or wrong.
    """
    try:
        # Plain texts: YAML would take the hexadecimal ones for numbers.
        content: dict[str, Any] = yaml.load(path.read_text("utf-8"), Loader=yaml.BaseLoader)
        names = [key.removesuffix("_FORK_EPOCH") for key in content if key.endswith("_FORK_EPOCH")]
        sizes = {name: int(content[key]) for name, key in _SIZES.items() if key in content}
        forks = [
            Fork(
                name.lower(),
                _bytes(content[f"{name}_FORK_VERSION"], _VERSION_BYTES),
                int(content[f"{name}_FORK_EPOCH"]),
            )
            for name in names
        ]
        return BeaconNetwork(
            name=content.get("CONFIG_NAME", path.stem),
            chain_id=int(content["DEPOSIT_CHAIN_ID"]),
            genesis_time=int(content["GENESIS_TIME"]),
            genesis_validators_root=_bytes(content["GENESIS_VALIDATORS_ROOT"], _ROOT_BYTES),
            # Sorting keeps the file's order where several begin together.
            forks=tuple(sorted((f for f in forks if f.epoch != _NEVER), key=lambda f: f.epoch)),
            seconds_per_slot=int(content["SECONDS_PER_SLOT"]),
            **_PRESETS[content["PRESET_BASE"]] | sizes,
        )
    except KeyError as error:
        raise ConfigurationError(
            f"the network file {path} has no {error.args[0]}, or a value for it that is not known: "
            "expected the settings of a beacon node with GENESIS_TIME and GENESIS_VALIDATORS_ROOT"
        ) from error
    except (AttributeError, OSError, TypeError, ValueError, yaml.YAMLError) as error:
        raise ConfigurationError(f"the network file {path} cannot be read: {error}") from error


def _bytes(text: str, length: int) -> bytes:
    value = decode_hex(text)
    if len(value) != length:
        raise ValueError(f"{text!r} has {len(value)} bytes, expected {length}")
    return value
