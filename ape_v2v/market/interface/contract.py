"""The compiled markets that come with the package, so that it works without the sources.

Each file in `artifacts/` is a contract type as Ape's compiler gives it; `ape run artifact` writes
them, and a test compares them with the sources.
"""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from ethpm_types import ContractType

from ape_v2v.evm.contracts import Interface

if TYPE_CHECKING:
    from ape_v2v.currency import Currency

NAME = "V2VMarket"
"""The market that is paid in ether."""
TOKEN_NAME = "V2VTokenMarket"
"""The market that is paid in a token."""
CURRENCY_NAME = "ICurrency"
"""What such a token may have."""
DELEGATE_NAME = "SponsoredAccount"
"""What accounts delegate to whose gas others pay."""
NAMES = (NAME, TOKEN_NAME, CURRENCY_NAME, DELEGATE_NAME)


def name_for(currency: Currency) -> str:
    """Which market is paid in a currency."""
    return NAME if currency.is_ether else TOKEN_NAME


# What a user of the market needs; syntax trees, opcodes and source maps are ten times as much.
_FIELDS = {
    "abi",
    "deployment_bytecode",
    "devdoc",
    "name",
    "runtime_bytecode",
    "source_id",
    "userdoc",
}


def distilled(contract_type: ContractType) -> str:
    """The part of a compiled contract that the package carries, as JSON."""
    return contract_type.model_dump_json(include=_FIELDS, by_alias=True, exclude_none=True) + "\n"


@cache
def contract_type(name: str = NAME) -> ContractType:
    """A market's contract type: ABI, bytecode and documentation."""
    file = resources.files("ape_v2v.market.interface").joinpath("artifacts", f"{name}.json")
    return ContractType.model_validate_json(file.read_text("utf-8"))


@cache
def interface(name: str = NAME) -> Interface:
    """How its calls, outputs and errors are encoded."""
    return Interface(contract_type(name))
