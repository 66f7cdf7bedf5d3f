"""A market and its token as Ape has contracts, for tests that call them past this package."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from ape import chain
from ape.contracts import ContractContainer
from ethpm_types import ContractType

from ape_v2v.chain.connected import or_connected
from ape_v2v.errors import V2VError
from ape_v2v.market.interface.access import TokenContract

if TYPE_CHECKING:
    from ape.api import AccountAPI
    from ape.contracts import ContractInstance

    from ape_v2v.market.market import Market

TOKEN_NAME = "Stablecoin"
"""The token of the tests: contracts/test/tokens/Stablecoin.sol."""


def ape_contract(market: Market) -> ContractInstance:
    """The market as Ape's contract, by the package's ABI alone: `ape_contract(market).RateTooHigh`.

    Otherwise Ape adds what it remembers of that address: an explorer's ABI, or another contract
    that was there before the chain was taken back.
    """
    return _instance(market.address, market.contract.contract_type)


def ape_token(market: Market) -> ContractInstance:
    """The test token that a market is paid in, as Ape's contract: for what its issuer does.

    Raises:
        V2VError: The market is paid in ether.
    """
    if market.currency.address is None:
        raise V2VError("this market is paid in ether: it has no token")
    return _instance(market.currency.address, token_type())


def deploy_test_token(sender: AccountAPI) -> TokenContract:
    """A new stablecoin, of which nobody has any."""
    deployed = sender.deploy(ContractContainer(token_type()))
    return TokenContract.at(deployed.address, or_connected(None))


@cache
def token_type() -> ContractType:
    """The test token, as it is compiled."""
    file = resources.files("ape_v2v.testing").joinpath("artifacts", f"{TOKEN_NAME}.json")
    return ContractType.model_validate_json(file.read_text("utf-8"))


def _instance(address: str, contract_type: ContractType) -> ContractInstance:
    return chain.contracts.instance_at(
        address,
        contract_type,
        fetch_from_explorer=False,
        detect_proxy=False,
        replace=True,
    )
