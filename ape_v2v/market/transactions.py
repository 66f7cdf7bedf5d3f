"""How a call reaches the market: one gateway for every write.

The objects of this package hand each write to a gateway. The default one sends it. The command
line puts one in its place that shows the call and its cost first, and asks.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from ape import chain
from ape.exceptions import TransactionNotFoundError
from web3.exceptions import ContractCustomError, Web3RPCError
from web3.exceptions import ContractLogicError as Web3ContractLogicError

from ape_v2v.chain.fees import configured_fees, transaction_options
from ape_v2v.errors import NotMined, V2VError
from ape_v2v.market.refusals import decoded, refusals
from ape_v2v.units import Money

if TYPE_CHECKING:
    from collections.abc import Callable

    from ape.api import AccountAPI, ReceiptAPI
    from ape.contracts import ContractContainer, ContractInstance
    from ethpm_types import ContractType

_HASH = re.compile(r"0x[0-9a-f]{64}")


@dataclass(frozen=True)
class Write:
    """A call that is about to be made."""

    contract: ContractInstance
    method: str
    arguments: tuple[Any, ...]
    sender: AccountAPI
    value: Money
    """Ether sent along."""
    locks: Money
    """What the call will lock out of the sender's balance, at most."""
    pays: Money
    """What it will give away of what the sender has locked, at most: a price or a penalty."""

    @property
    def handler(self) -> Any:
        """Ape's handler of the method: call it, or ask it what the call would cost."""
        return getattr(self.contract, self.method)

    @property
    def options(self) -> dict[str, Any]:
        """What Ape takes beside the arguments."""
        fees = transaction_options(configured_fees())
        return {"sender": self.sender, "value": int(self.value), **fees}


Gateway: TypeAlias = "Callable[[Write], ReceiptAPI]"
"""Sends a write and waits for its receipt; raises `Refused` when the market refuses it."""


def simulate(write: Write) -> None:
    """Ask the node what a call would do in the next block: that costs nothing.

    Raises:
        Refused: The market would refuse it.
        V2VError: The sender has too little ether, or the node has a problem.
    """
    if (wallet := Money(int(write.sender.balance))) < write.value:
        raise V2VError(
            f"{write.sender.address} has {wallet} in its wallet, and this would send "
            f"{write.value}: fund it first, or send less"
        )
    _ask(
        {
            "from": write.sender.address,
            "to": write.contract.address,
            "value": int(write.value),
            "data": write.handler.encode_input(*write.arguments),
        },
        write.contract.contract_type,
    )


def simulate_deployment(container: ContractContainer, *arguments: Any, sender: AccountAPI) -> None:
    """Ask the node what a constructor would do: that costs nothing.

    Raises:
        Refused: It would refuse its arguments.
    """
    creation = container.constructor.serialize_transaction(*arguments)
    _ask({"from": sender.address, "data": creation.data}, container.contract_type)


def _ask(transaction: Any, contract_type: ContractType) -> None:
    # Ape's own `call` gives undecoded errors, and prints a trace of each. Of a contract that was
    # not created it asks a block explorer.
    try:
        chain.provider.web3.eth.call(transaction, "pending")
    except (ContractCustomError, Web3ContractLogicError) as error:
        raise decoded(contract_type, error) from error
    except Web3RPCError as error:
        raise V2VError(f"the node cannot execute the call: {error.message}") from error


def send(write: Write) -> ReceiptAPI:
    """Send a transaction and wait for its receipt, unless it would be refused.

    Raises:
        Refused: The market refuses it.
        NotMined: It was sent, and no block has it yet.
    """
    simulate(write)
    try:
        with refusals():  # what came between the simulation and the block
            return write.handler(*write.arguments, **write.options)
    except TransactionNotFoundError as error:
        # Ape keeps the hash in its message only.
        if not (sent := _HASH.search(str(error))):
            raise
        raise NotMined(sent[0], chain.provider.network.transaction_acceptance_timeout) from error
