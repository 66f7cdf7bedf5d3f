"""The token that a simulated market is paid in: contracts/test/tokens/TestToken.sol.

Everybody mints it. It takes its decimals from the scenario, and moves what it is told to.
"""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from ethpm_types import ContractType

from ape_v2v.evm.chains import ChainError
from ape_v2v.evm.contracts import Interface

if TYPE_CHECKING:
    from ape_v2v.evm.chains import Chain

NAME = "TestToken"


def deploy(chain: Chain, sender: str, decimals: int) -> str:
    """Make a token of which nobody has any.

    Returns:
        Its address.
    """
    return chain.deploy(sender, _interface().creation_code(decimals))


def allow(chain: Chain, token: str, holder: str, market: str, amount: int) -> None:
    """Give somebody tokens, and let the market take them: all that is to be done before a deposit.

    Args:
        chain: Where all of them are.
        token: The address of the token.
        holder: Who gets them, and approves.
        market: Who may take them.
        amount: Smallest units.

    Raises:
        ChainError: The token refuses it.
    """
    for method, whose in (("mint", holder), ("approve", market)):
        done = chain.transact(holder, token, _interface().call_data(method, whose, amount))
        if not done.success:
            raise ChainError(f"{NAME} refuses {method} of {amount} units by {holder}")


@cache
def _interface() -> Interface:
    file = resources.files("ape_v2v.simulation.chain").joinpath("artifacts", f"{NAME}.json")
    return Interface(ContractType.model_validate_json(file.read_text("utf-8")))
