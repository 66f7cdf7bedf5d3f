"""Deploying a market: settings from a file per network, and a record of what was deployed.

`deployments/<ecosystem>-<network>.yaml` says what to deploy:

    chain_id: 11155111
    organization: "0x…"     # owner; left out: the deployer
    parameters:             # left out: the defaults of ape_v2v.parameters
      awardWindow: 1 h

`deployments/records/<ecosystem>-<network>.json` is the list of what was deployed, the latest last.
Whichever command deploys a market, it is `deploy` below that does it.
"""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from ape import chain
from ape.logging import logger
from eth_utils.address import is_checksum_address
from eth_utils.conversions import to_hex
from eth_utils.crypto import keccak

from ape_v2v import contract as artifact
from ape_v2v.config import V2VConfig
from ape_v2v.errors import ConfigurationError, DeploymentError
from ape_v2v.market import Market
from ape_v2v.parameters import Parameters
from ape_v2v.transactions import simulate_deployment
from ape_v2v.units import Money

if TYPE_CHECKING:
    from collections.abc import Callable

    from ape.api import AccountAPI

FOLDER = "deployments"
_FORK = "-fork"


@dataclass(frozen=True)
class Settings:
    """What to deploy on one network."""

    chain_id: int | None
    """Deploying is refused on another chain. None: any, which only the local network may say."""
    organization: str | None
    """Who will own the market; None is the deployer."""
    parameters: Parameters

    @classmethod
    def load(cls, path: Path) -> Settings:
        """Read a network's file.

        Raises:
            ConfigurationError: There is no such file, or something in it is wrong.
        """
        try:
            content = yaml.safe_load(path.read_text("utf-8"))
        except FileNotFoundError as error:
            raise ConfigurationError(
                f"{path} is missing: it says what to deploy on this network; copy another "
                "network's file and fill it in"
            ) from error
        except (UnicodeDecodeError, yaml.YAMLError) as error:
            raise ConfigurationError(f"{path} is not YAML: {error}") from error
        if not isinstance(content, dict):
            raise ConfigurationError(f"{path}: expected chain_id, organization and parameters")
        known = {"chain_id", "organization", "parameters"}
        if unknown := sorted(str(name) for name in set(content) - known):
            raise ConfigurationError(
                f"{path}: unknown setting {unknown[0]!r}; expected chain_id, organization and "
                "parameters"
            )
        chain_id = content.get("chain_id")
        if chain_id is None or isinstance(chain_id, bool) or not isinstance(chain_id, int | str):
            raise ConfigurationError(f"{path}: chain_id is missing; it takes a number, or 'any'")
        if isinstance(chain_id, str) and chain_id != "any":
            raise ConfigurationError(f"{path}: chain_id is {chain_id!r}, not a number nor 'any'")
        organization = content.get("organization")
        if organization is not None and not is_checksum_address(organization):
            raise ConfigurationError(
                f"{path}: organization is {organization!r}, not an address with a checksum"
            )
        values = content.get("parameters") or {}
        if not isinstance(values, dict):
            raise ConfigurationError(f"{path}: parameters is {values!r}, not names with values")
        try:
            parameters = Parameters.from_mapping(values)
        except ConfigurationError as error:
            raise ConfigurationError(f"{path}: {error}") from error
        return cls(None if isinstance(chain_id, str) else chain_id, organization, parameters)


@dataclass(frozen=True)
class Record:
    """What was deployed: the paper's Table I, and what it takes to verify it."""

    contract: str
    address: str
    network: str
    chain_id: int
    transaction: str
    block: int
    timestamp: str
    """ISO 8601, UTC."""
    deployer: str
    organization: str
    parameters: dict[str, int]
    gas_used: int
    gas_price: int
    """Wei per gas."""
    cost: int
    """Wei."""
    compiler: str
    code_hash: str
    """Keccak-256 of the code at the address, immutables included."""


class Records:
    """The deployments of one network, in a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def all(self) -> list[Record]:
        """Every deployment, the latest last.

        Raises:
            ConfigurationError: The file is not one of ours.
        """
        try:
            return [Record(**entry) for entry in json.loads(self.path.read_text("utf-8"))]
        except (FileNotFoundError, NotADirectoryError):
            return []
        except (TypeError, ValueError) as error:
            raise ConfigurationError(f"{self.path} is not a list of deployments") from error

    def standing(self) -> list[Record]:
        """The deployments that exist on the connected chain: a local chain forgets."""
        return [
            record
            for record in self.all()
            if record.chain_id == chain.provider.chain_id
            and chain.provider.get_code(record.address)
        ]

    def require_writable(self) -> None:
        """Find out before money is spent.

        Raises:
            DeploymentError: A record could not be written.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.path.parent):
                pass
        except OSError as error:
            raise DeploymentError(f"cannot write to {self.path.parent}: {error}") from error

    def add(self, record: Record) -> None:
        """Append a record: the file is the old one or the new one, never half of it."""
        entries = [asdict(entry) for entry in [*self.all(), record]]
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", dir=self.path.parent, suffix=".tmp", delete=False
        ) as file:
            json.dump(entries, file, indent=2)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        Path(file.name).replace(self.path)


def network_name() -> str:
    """The connected network as file names have it: `ethereum-sepolia`."""
    network = chain.provider.network
    return f"{network.ecosystem.name}-{network.name}"


def settings(base: Path, path: Path | None = None) -> Settings:
    """What to deploy on the connected network.

    Args:
        base: The project's folder.
        path: A file with it. By default that of the network in `deployments/`, where a fork has
            the one of the network that it forks; on a local chain there need not be one.
    """
    default = base / FOLDER / f"{network_name().removesuffix(_FORK)}.yaml"
    if path is None and not default.exists() and chain.provider.network.is_local:
        return Settings(chain_id=None, organization=None, parameters=Parameters())
    return Settings.load(path or default)


def records(base: Path) -> Records:
    """The records of the connected network; a fork has its own."""
    return Records(base / FOLDER / "records" / f"{network_name()}.json")


def default_market(base: Path) -> str:
    """The address of the market to use: the configured one, else the last one deployed from here.

    Raises:
        ConfigurationError: There is neither on the connected network.
    """
    network = network_name()
    if settings := V2VConfig.current().markets.get(network):
        return settings.address
    if standing := records(base).standing():
        return standing[-1].address
    raise ConfigurationError(
        f"no market is known on {network}: give --market ADDRESS, set v2v: markets: {network}: "
        "in ape-config.yaml, or deploy one with `ape v2v market deploy`"
    )


def deploy(
    sender: AccountAPI,
    settings: Settings,
    records: Records,
    *,
    again: bool = False,
    confirm: Callable[[Money], None] = lambda _: None,
) -> tuple[Market, Record]:
    """Deploy a market and keep a record of it.

    Args:
        sender: Who pays, and owns the market unless the settings name an organization.
        settings: What to deploy.
        records: Where this network's deployments are kept.
        again: Deploy although the records hold a market that stands.
        confirm: Told the estimated cost, before anything is sent; raises to stop it.

    Raises:
        DeploymentError: Wrong chain, a second deployment without `again`, too small a balance, or
            no place for the record. Nothing was sent.
        Refused: The constructor refused. Nothing was deployed.
    """
    chain_id = chain.provider.chain_id
    if settings.chain_id not in (None, chain_id):
        raise DeploymentError(
            f"the settings are for chain {settings.chain_id}, and {network_name()} is connected "
            f"to chain {chain_id}: choose the network that the settings are for"
        )
    if (standing := records.standing()) and not again:
        latest = standing[-1]
        raise DeploymentError(
            f"a market stands at {latest.address} since {latest.timestamp} ({records.path.name}): "
            "use that one, or say that another one is wanted with --again"
        )
    records.require_writable()
    organization = settings.organization or sender.address
    cost = _estimated_cost(sender, organization, settings.parameters)
    if sender.balance < int(cost):
        raise DeploymentError(
            f"{sender.address} has {Money(int(sender.balance))}, and deploying costs about {cost}: "
            "fund it first"
        )
    confirm(cost)
    market = Market.deploy(sender, settings.parameters, organization)
    record = _record(market)
    try:
        records.add(record)
    except OSError as error:
        # The market is there and must not be lost: who deployed it gets to see the record.
        logger.error(f"the record could not be written ({error}); keep this: {asdict(record)}")
        raise DeploymentError(
            f"the market stands at {market.address}, but {records.path} could not be written: "
            f"{error}"
        ) from error
    return market, record


def _estimated_cost(sender: AccountAPI, organization: str, parameters: Parameters) -> Money:
    container, arguments = artifact.container(), (organization, parameters.as_tuple())
    simulate_deployment(container, *arguments, sender=sender)  # else the estimate fails, unread
    transaction = container.constructor.serialize_transaction(*arguments, sender=sender)
    provider = chain.provider
    gas = provider.estimate_gas_cost(transaction)
    return Money(gas * max(provider.gas_price, provider.base_fee + provider.priority_fee))


def _record(market: Market) -> Record:
    creation = market.contract.creation_metadata
    if creation is None or creation.receipt is None:
        raise DeploymentError(f"the market at {market.address} has no creation receipt")
    receipt = creation.receipt
    block = chain.blocks[receipt.block_number]
    code = bytes(chain.provider.get_code(market.address))
    return Record(
        contract=artifact.NAME,
        address=market.address,
        network=network_name(),
        chain_id=chain.provider.chain_id,
        transaction=receipt.txn_hash,
        block=receipt.block_number,
        timestamp=datetime.fromtimestamp(block.timestamp, UTC).isoformat(),
        deployer=receipt.sender,
        organization=market.organization,
        parameters=market.parameters.as_dict(),
        gas_used=receipt.gas_used,
        gas_price=receipt.gas_price,
        cost=receipt.total_fees_paid,
        compiler=_compiler(code),
        code_hash=to_hex(keccak(code)),
    )


def _compiler(code: bytes) -> str:
    """The compiler's version out of the metadata that it leaves at the end of the code."""
    marker = b"\x64solc\x43"
    at = code.rfind(marker)
    if at < 0:
        raise DeploymentError("the deployed code names no compiler")
    version: list[Any] = list(code[at + len(marker) :][:3])
    return "solc " + ".".join(map(str, version))
