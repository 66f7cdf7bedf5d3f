"""A dry run: the planned deployment, carried out on a fork of the connected network."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from eth_utils.conversions import to_hex
from eth_utils.crypto import keccak
from web3.types import Nonce, RPCEndpoint, Wei

from ape_v2v.currency import ETHER
from ape_v2v.deployment.plain import plain
from ape_v2v.errors import DeploymentError
from ape_v2v.evm.anvil import anvil
from ape_v2v.market.interface import contract as artifact
from ape_v2v.market.interface.parameters import Parameters
from ape_v2v.units import Money

if TYPE_CHECKING:
    from web3 import Web3
    from web3.types import TxReceipt

    from ape_v2v.currency import Currency
    from ape_v2v.deployment.planning import Plan


@dataclass(frozen=True)
class Rehearsal:
    """What came of it."""

    address: str
    organization: str
    parameters: Parameters
    gas_used: int
    cost: Money
    """Of the gas; a rollup charges for the data on layer 1 as well, which a fork does not know."""
    code_hash: str
    code_size: int
    """Bytes."""
    currency: Currency = ETHER

    def as_json(self) -> dict[str, Any]:
        """All of it, for programs."""
        return plain(self)

    def described(self) -> dict[str, str]:
        return {
            "market": self.address,
            "organization": self.organization,
            **self.parameters.described(self.currency),
            "gas used": f"{self.gas_used:,}",
            "cost": str(self.cost),
            "code": f"{self.code_size:,} bytes, {self.code_hash}",
        }


def rehearse(decided: Plan) -> Rehearsal:
    """Carry out a plan on a fork. The network itself sees nothing of it, and no key is used.

    Raises:
        DeploymentError: The node has no address that can be forked, or what came out is not what
            was planned.
    """
    if not decided.node.url.startswith("http"):
        raise DeploymentError(
            f"a dry run forks the network's node, and {decided.network} has none that is reached "
            "by HTTP: use the provider `node`, or `foundry`"
        )
    with anvil("--fork-url", decided.node.url) as fork:
        receipt = _deploy(fork, decided)
        found = _inspect(fork, receipt, decided.currency)
    if (found.address, found.organization, found.parameters) != (
        decided.address,
        decided.organization,
        decided.parameters,
    ):
        raise DeploymentError(f"planned was {decided.described()}, and there is {asdict(found)}")
    return found


def _deploy(fork: Web3, decided: Plan) -> TxReceipt:
    transaction = decided.transaction()
    fork.provider.make_request(RPCEndpoint("anvil_impersonateAccount"), [decided.deployer])
    sent = fork.eth.send_transaction(
        {
            "from": fork.to_checksum_address(decided.deployer),
            "data": transaction.data,
            "nonce": Nonce(decided.nonce),
            "gas": decided.gas_limit,
            "maxFeePerGas": Wei(decided.price.max_fee),
            "maxPriorityFeePerGas": Wei(decided.price.priority_fee),
        }
    )
    receipt = fork.eth.wait_for_transaction_receipt(sent, timeout=60)
    if not receipt["status"]:
        raise DeploymentError(f"the deployment reverts on a fork of {decided.network}")
    return receipt


def _inspect(fork: Web3, receipt: TxReceipt, currency: Currency) -> Rehearsal:
    address = receipt["contractAddress"]
    assert address is not None, "a receipt of a creation names what was created"
    contract_type = artifact.contract_type(artifact.name_for(currency))
    abi = [item.model_dump(by_alias=True, mode="json") for item in contract_type.abi]
    market = fork.eth.contract(address=address, abi=abi)
    values = market.functions.parameters().call()
    code = bytes(fork.eth.get_code(address))
    return Rehearsal(
        address=str(address),
        organization=market.functions.owner().call(),
        parameters=Parameters(*map(int, values)),
        gas_used=receipt["gasUsed"],
        cost=Money(receipt["gasUsed"] * receipt["effectiveGasPrice"]),
        code_hash=to_hex(keccak(code)),
        code_size=len(code),
        currency=currency,
    )
