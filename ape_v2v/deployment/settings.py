"""What to deploy: a file per network.

`deployments/<ecosystem>-<network>.yaml`:

    chain_id: 11155111
    organization: "0x…"     # owner, an account or a multisig; left out: the deployer
    currency: "0x…"         # the token that the market is paid in; left out: ether
    parameters:             # left out: the defaults of ape_v2v.market.interface.parameters
      awardWindow: 1 h
    gas:                    # left out: `v2v: fees:` of ape-config.yaml
      max_fee: 30 gwei
      priority_fee: 1 gwei
      confirmations: 3
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import yaml
from eth_utils.address import is_checksum_address
from pydantic import ValidationError

from ape_v2v.chain.connected import or_connected
from ape_v2v.config import Fees
from ape_v2v.currency import ETHER, Currency
from ape_v2v.errors import ConfigurationError
from ape_v2v.market.interface.access import TokenContract
from ape_v2v.market.interface.parameters import Parameters
from ape_v2v.validation import first_problem

if TYPE_CHECKING:
    from pathlib import Path

    from ape_v2v.chain.node import Node

FOLDER = "deployments"
_KNOWN = ("chain_id", "organization", "currency", "parameters", "gas")
_EXPECTED = "expected chain_id, organization, currency, parameters and gas"


@dataclass(frozen=True)
class Settings:
    """What to deploy on one network."""

    chain_id: int | None
    """Deploying is refused on another chain. None: any, which only the local network may say."""
    organization: str | None
    """Who will own the market; None is the deployer."""
    parameters: Parameters
    fees: Fees = field(default_factory=Fees)
    currency: Currency = ETHER
    """What the market is paid in."""

    @classmethod
    def load(cls, path: Path, node: Node | None = None, *, token: str | None = None) -> Self:
        """Read a network's file.

        Args:
            path: The file.
            node: Asked about a token. None: the node that Ape is connected to now.
            token: The token that the market is paid in, whatever the file says.

        Raises:
            ConfigurationError: There is no such file, or something in it is wrong.
            V2VError: There is no such token.
        """
        content = _content(path)
        try:
            currency = _currency(token or _address(content, "currency"), node)
            return cls(
                _chain_id(content),
                _address(content, "organization"),
                Parameters.from_mapping(_section(content, "parameters"), currency),
                _fees(_section(content, "gas")),
                currency,
            )
        except ConfigurationError as error:
            raise ConfigurationError(f"{path}: {error}") from error


def settings(
    base: Path, path: Path | None = None, node: Node | None = None, *, token: str | None = None
) -> Settings:
    """What to deploy on the connected network.

    Args:
        base: The project's folder.
        path: A file with it. By default that of the network in `deployments/`, where a fork has
            the one of the network that it forks; on a local chain there need not be one.
        node: Of the network. None: the node that Ape is connected to now.
        token: The token that the market is paid in, whatever the file says.
    """
    network = or_connected(node).network
    default = base / FOLDER / f"{network.upstream}.yaml"
    if path is None and not default.exists() and network.is_local:
        currency = _currency(token, node)
        return Settings(None, None, Parameters.of(currency), currency=currency)
    return Settings.load(path or default, node, token=token)


def _content(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise ConfigurationError(
            f"{path} is missing: it says what to deploy on this network; copy another network's "
            "file and fill it in"
        ) from error
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigurationError(f"{path} is not YAML: {error}") from error
    if not isinstance(content, dict):
        raise ConfigurationError(f"{path}: {_EXPECTED}")
    if unknown := sorted(str(name) for name in set(content) - set(_KNOWN)):
        raise ConfigurationError(f"{path}: unknown setting {unknown[0]!r}; {_EXPECTED}")
    return content


def _section(content: dict[str, Any], name: str) -> dict[str, Any]:
    values = content.get(name) or {}
    if not isinstance(values, dict):
        raise ConfigurationError(f"{name} is {values!r}, not names with values")
    return values


def _chain_id(content: dict[str, Any]) -> int | None:
    chain_id = content.get("chain_id")
    if chain_id is None or isinstance(chain_id, bool) or not isinstance(chain_id, int | str):
        raise ConfigurationError("chain_id is missing; it takes a number, or 'any'")
    if isinstance(chain_id, int):
        return chain_id
    if chain_id != "any":
        raise ConfigurationError(f"chain_id is {chain_id!r}, not a number nor 'any'")
    return None


def _address(content: dict[str, Any], name: str) -> str | None:
    address = content.get(name)
    if address is not None and not is_checksum_address(address):
        raise ConfigurationError(f"{name} is {address!r}, not an address with a checksum")
    return address


def _currency(token: str | None, node: Node | None) -> Currency:
    return ETHER if token is None else TokenContract.at(token, or_connected(node)).currency


def _fees(values: dict[str, Any]) -> Fees:
    try:
        return Fees.model_validate(values)
    except ValidationError as error:
        name, reason = first_problem(error)
        raise ConfigurationError(f"{'.'.join(filter(None, ('gas', name)))}: {reason}") from error
