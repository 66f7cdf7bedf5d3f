"""What was deployed, and what is on its way.

`deployments/records/<ecosystem>-<network>.json` is the list of what was deployed, the latest last.
While a deployment is on its way, `<ecosystem>-<network>.pending.json` beside it says so: it is
written before anything is sent, so that no market is lost when the computer or the line fails.
"""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ape_v2v.chain.connected import or_connected
from ape_v2v.chain.writing import receipts
from ape_v2v.config import Configuration
from ape_v2v.currency import ETHER, Currency
from ape_v2v.deployment.settings import FOLDER
from ape_v2v.errors import ConfigurationError, DeploymentError
from ape_v2v.market.interface import access
from ape_v2v.market.interface.parameters import Parameters
from ape_v2v.units import Money

if TYPE_CHECKING:
    from ape_v2v.chain.node import Node


@dataclass(frozen=True)
class DeploymentRecord:
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
    """Wei; on a rollup with what the data costs on layer 1."""
    compiler: str
    code_hash: str
    """Keccak-256 of the code at the address, immutables included."""
    currency: dict[str, Any] | None = None
    """The token that it is paid in: symbol, decimals and address; None is ether."""

    @property
    def paid_in(self) -> Currency:
        """What it is paid in."""
        return _currency(self.currency)

    def described(self) -> dict[str, str]:
        """All of it, as people read it."""
        return {
            "market": self.address,
            "network": f"{self.network}, chain {self.chain_id}",
            "deployer": self.deployer,
            "organization": self.organization,
            "paid in": self.paid_in.described,
            **Parameters(**self.parameters).described(self.paid_in),
            "cost": (
                f"{Money(self.cost)}: {self.gas_used:,} gas at "
                f"{Money(self.gas_price).format('gwei')}"
            ),
            "block": f"{self.block}, {datetime.fromisoformat(self.timestamp):%F %T} UTC",
            "transaction": self.transaction,
            "compiler": self.compiler,
            "code hash": self.code_hash,
        }


@dataclass(frozen=True)
class PendingDeployment:
    """A deployment that has been signed, and may or may not have been sent and mined."""

    address: str
    """Where the market will be: it follows from the deployer and the nonce."""
    network: str
    chain_id: int
    deployer: str
    nonce: int
    organization: str
    parameters: dict[str, int]
    confirmations: int
    transactions: list[str]
    """Its hash, and those of what has replaced it, the latest last."""
    signed: str
    """The latest of them as nodes take it: anybody may send it, and it says nothing secret."""
    currency: dict[str, Any] | None = None
    """As in `DeploymentRecord`."""

    @property
    def paid_in(self) -> Currency:
        """What the market will be paid in."""
        return _currency(self.currency)


def _currency(shape: dict[str, Any] | None) -> Currency:
    return ETHER if shape is None else Currency.from_json(shape)


class Records:
    """The deployments of one network, in a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def pending_path(self) -> Path:
        return self.path.with_suffix(".pending.json")

    def all(self) -> list[DeploymentRecord]:
        """Every deployment, the latest last.

        Raises:
            ConfigurationError: The file is not one of ours.
        """
        try:
            return [DeploymentRecord(**entry) for entry in json.loads(self.path.read_text("utf-8"))]
        except (FileNotFoundError, NotADirectoryError):
            return []
        except (TypeError, ValueError) as error:
            raise ConfigurationError(f"{self.path} is not a list of deployments") from error

    def standing(self, node: Node | None = None) -> list[DeploymentRecord]:
        """The deployments that exist on a node's chain: a local chain forgets.

        Args:
            node: Who is asked. None: the node that Ape is connected to now.

        Raises:
            NodeError: The node does not answer.
        """
        node = or_connected(node)
        return [
            record
            for record in self.all()
            if record.chain_id == node.chain_id and access.code(node, record.address)
        ]

    def pending(self) -> PendingDeployment | None:
        """The deployment that is on its way, if one is.

        Raises:
            ConfigurationError: The file is not one of ours.
        """
        try:
            return PendingDeployment(**json.loads(self.pending_path.read_text("utf-8")))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (TypeError, ValueError) as error:
            raise ConfigurationError(f"{self.pending_path} is not a deployment") from error

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

    def start(self, pending: PendingDeployment) -> None:
        """Note a deployment before it is sent."""
        _write(self.pending_path, asdict(pending))

    def replaced(self, transaction: str, by: str, signed: str) -> None:
        """Note a replacement before it is sent, if it is the pending deployment's."""
        pending = self.pending()
        if pending is not None and transaction in pending.transactions:
            self.start(replace(pending, transactions=[*pending.transactions, by], signed=signed))

    def complete(self, record: DeploymentRecord) -> None:
        """Append a record, and forget what was pending."""
        _write(self.path, [asdict(entry) for entry in [*self.all(), record]])
        self.abandon()

    def abandon(self) -> None:
        """Forget a deployment that cannot come about any more."""
        self.pending_path.unlink(missing_ok=True)


def records(base: Path, node: Node | None = None) -> Records:
    """The records of a node's network; a fork has its own.

    Args:
        base: The project's folder.
        node: None: the node that Ape is connected to now.
    """
    return _records(base, or_connected(node).network.name)


def _records(base: Path, network: str) -> Records:
    return Records(base / FOLDER / "records" / f"{network}.json")


def recorded_block(address: str, node: Node) -> int | None:
    """The block that a market was made in, as the project's record of it has it.

    Raises:
        NodeError: The node does not answer.
    """
    if node.network.project is None:
        return None
    for record in records(node.network.project, node).all():
        if record.address == address:
            mined = receipts.receipt(node, record.transaction)
            # It may be the record of a local chain that is gone.
            if mined is not None and mined.block == record.block:
                return record.block
    return None


def default_market(base: Path, node: Node | None = None) -> str:
    """The address of the market to use: the configured one, else the last one deployed from here.

    A fork has the markets of the network that it forks, beside its own.

    Args:
        base: The project's folder.
        node: Of the network. None: the node that Ape is connected to now.

    Raises:
        ConfigurationError: There is neither on this network.
        NodeError: The node does not answer.
    """
    node = or_connected(node)
    network = node.network.name
    for name in dict.fromkeys((network, node.network.upstream)):
        if settings := Configuration.current().markets.get(name):
            return settings.address
        if standing := _records(base, name).standing(node):
            return standing[-1].address
    raise ConfigurationError(
        f"no market is known on {network}: give --market ADDRESS, set v2v: markets: {network}: "
        "in ape-config.yaml, or deploy one with `ape v2v market deploy`"
    )


def _write(path: Path, content: Any) -> None:
    """Write a file so that it is the old one or the new one, never half of it."""
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", dir=path.parent, suffix=".tmp", delete=False
    ) as file:
        json.dump(content, file, indent=2)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    Path(file.name).replace(path)
