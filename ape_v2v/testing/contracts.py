"""A market as Ape has contracts, for tests that call it past this package."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ape import chain

from ape_v2v.market.interface import contract as artifact

if TYPE_CHECKING:
    from ape.contracts import ContractInstance

    from ape_v2v.market.market import Market


def ape_contract(market: Market) -> ContractInstance:
    """The market as Ape's contract, by the package's ABI alone: `ape_contract(market).RateTooHigh`.

    Otherwise Ape adds what it remembers of that address: an explorer's ABI, or another contract
    that was there before the chain was taken back.
    """
    return chain.contracts.instance_at(
        market.address,
        artifact.contract_type(),
        fetch_from_explorer=False,
        detect_proxy=False,
        replace=True,
    )
