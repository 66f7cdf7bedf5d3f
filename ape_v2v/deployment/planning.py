"""What a deployment will do and cost, found out before anything is sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ape import chain
from web3.utils import get_create_address

from ape_v2v.chain.fees import (
    Price,
    configured_fees,
    confirmations,
    price,
)
from ape_v2v.chain.networks import network_name
from ape_v2v.errors import DeploymentError
from ape_v2v.market import contract as artifact
from ape_v2v.market.transactions import simulate_deployment
from ape_v2v.units import Money

if TYPE_CHECKING:
    from ape.api import AccountAPI, TransactionAPI

    from ape_v2v.deployment.records import Records
    from ape_v2v.deployment.settings import Settings
    from ape_v2v.market.parameters import Parameters

_GAS_RESERVE_PERCENT = 20
"""What is allowed beyond the estimate; what is not used is not paid."""


@dataclass(frozen=True)
class Plan:
    """A deployment that nothing speaks against."""

    network: str
    chain_id: int
    deployer: str
    balance: Money
    nonce: int
    address: str
    """Where the market will be."""
    organization: str
    organization_is_contract: bool
    """A multisig, if the address is right: no account has code on the chain."""
    parameters: Parameters
    gas: int
    """The node's estimate."""
    price: Price
    confirmations: int
    cost: Money
    """What is expected, by the estimate and the fees of now."""
    records: str
    """The file that will hold the record."""

    @property
    def gas_limit(self) -> int:
        return self.gas * (100 + _GAS_RESERVE_PERCENT) // 100

    @property
    def most(self) -> Money:
        """What it can cost at most; the balance has to cover that."""
        return Money(self.gas_limit * self.price.max_fee)

    @property
    def arguments(self) -> tuple[Any, ...]:
        """What the constructor gets."""
        return self.organization, self.parameters.as_tuple()

    def transaction(self) -> TransactionAPI:
        """The transaction, not signed yet."""
        return artifact.container().constructor.serialize_transaction(
            *self.arguments,
            sender=self.deployer,
            nonce=self.nonce,
            gas=self.gas_limit,
            required_confirmations=self.confirmations,
            **self.price.options,
        )

    def described(self) -> dict[str, str]:
        """All of it, as people read it."""
        kind = "a contract" if self.organization_is_contract else "an account"
        owner = "the deployer" if self.organization == self.deployer else kind
        return {
            "network": f"{self.network}, chain {self.chain_id}",
            "deployer": f"{self.deployer}, which has {self.balance}",
            "market": f"{self.address}, by nonce {self.nonce}",
            "organization": f"{self.organization}, {owner}",
            **self.parameters.described(),
            "gas": f"{self.gas:,}, at most {self.gas_limit:,}",
            "price": (
                f"at most {Money(self.price.max_fee).format('gwei')} per gas, of it "
                f"{Money(self.price.priority_fee).format('gwei')} to the block's maker"
            ),
            "costs": f"about {self.cost}, at most {self.most}",
            "waits for": f"{self.confirmations} blocks on top",
            "record": self.records,
        }


def plan(sender: AccountAPI, settings: Settings, records: Records, *, again: bool = False) -> Plan:
    """Look at everything that could speak against a deployment.

    Args:
        sender: Who pays, and owns the market unless the settings name an organization.
        settings: What to deploy.
        records: Where this network's deployments are kept.
        again: Deploy although the records hold a market that stands.

    Raises:
        DeploymentError: Wrong chain, another deployment on its way, a second one without `again`,
            transactions that wait, too small a balance, or no place for the record.
        Refused: The constructor would refuse.
    """
    provider = chain.provider
    chain_id = provider.chain_id
    if settings.chain_id not in (None, chain_id):
        raise DeploymentError(
            f"the settings are for chain {settings.chain_id}, and {network_name()} is connected "
            f"to chain {chain_id}: choose the network that the settings are for"
        )
    if pending := records.pending():
        raise DeploymentError(
            f"a deployment by {pending.transactions[-1]} is on its way "
            f"({records.pending_path.name}): deploy without a dry run takes it up"
        )
    if (standing := records.standing()) and not again:
        latest = standing[-1]
        raise DeploymentError(
            f"a market stands at {latest.address} since {latest.timestamp} ({records.path.name}): "
            "use that one, or say that another one is wanted with --again"
        )
    waiting = provider.web3.eth.get_transaction_count(sender.address, "pending") - sender.nonce
    if waiting > 0:
        raise DeploymentError(
            f"{sender.address} has {waiting} transactions that are not in a block, and a "
            "deployment would wait behind them: wait, or replace them first"
        )
    records.require_writable()
    organization = settings.organization or sender.address
    container = artifact.container()
    arguments = (organization, settings.parameters.as_tuple())
    simulate_deployment(container, *arguments, sender=sender)  # else the estimate fails, unread
    gas = provider.estimate_gas_cost(
        container.constructor.serialize_transaction(*arguments, sender=sender)
    )
    fees = settings.fees.over(configured_fees())
    offer = price(fees)
    paid = min(offer.max_fee, provider.base_fee + offer.priority_fee)
    found = Plan(
        network=network_name(),
        chain_id=chain_id,
        deployer=sender.address,
        balance=Money(int(sender.balance)),
        nonce=sender.nonce,
        address=str(get_create_address(sender.address, sender.nonce)),
        organization=organization,
        organization_is_contract=bool(provider.get_code(organization)),
        parameters=settings.parameters,
        gas=gas,
        price=offer,
        confirmations=confirmations(fees),
        cost=Money(gas * paid),
        records=str(records.path),
    )
    if found.balance < found.most:
        raise DeploymentError(
            f"{found.deployer} has {found.balance}, and deploying costs about {found.cost}, at "
            f"most {found.most}: fund it first"
        )
    return found
