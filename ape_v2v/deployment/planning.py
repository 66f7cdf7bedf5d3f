"""What a deployment will do and cost, found out before anything is sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from rlp import encode

from ape_v2v.chain import blocks, fees
from ape_v2v.chain.connected import or_connected
from ape_v2v.chain.signing import Unsigned
from ape_v2v.chain.writing.forecast import Underfunded
from ape_v2v.currency import ETHER
from ape_v2v.deployment.plain import plain
from ape_v2v.errors import DeploymentError
from ape_v2v.market.interface import access
from ape_v2v.market.interface.transactions import creation, creation_code, foresee
from ape_v2v.units import Money

if TYPE_CHECKING:
    from ape.api import AccountAPI

    from ape_v2v.chain.node import Node
    from ape_v2v.chain.price import GasPrice
    from ape_v2v.currency import Currency
    from ape_v2v.deployment.records import Records
    from ape_v2v.deployment.settings import Settings
    from ape_v2v.market.interface.parameters import Parameters


@dataclass(frozen=True)
class Plan:
    """A deployment that nothing speaks against."""

    node: Node
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
    gas_limit: int
    """What is allowed beyond the estimate; what is not used is not paid."""
    price: GasPrice
    confirmations: int
    cost: Money
    """What is expected, by the estimate and the fees of now."""
    records: str
    """The file that will hold the record."""
    currency: Currency = ETHER
    """What the market will be paid in."""

    @property
    def most(self) -> Money:
        """What it can cost at most; the balance has to cover that."""
        return Money(self.gas_limit * self.price.max_fee)

    def transaction(self) -> Unsigned:
        """The transaction, not signed yet."""
        rules = self.parameters.as_tuple()
        code = creation_code(self.organization, rules, self.currency)
        return Unsigned(
            chain_id=self.chain_id,
            sender=self.deployer,
            nonce=self.nonce,
            to=None,
            value=0,
            data=code,
            gas_limit=self.gas_limit,
            price=self.price,
        )

    def as_json(self) -> dict[str, Any]:
        """All of it, for programs."""
        shown = plain(self, without=("node",))
        return shown | {"gas_limit": self.gas_limit, "most": self.most.as_json()}

    def described(self) -> dict[str, str]:
        """All of it, as people read it."""
        kind = "a contract" if self.organization_is_contract else "an account"
        owner = "the deployer" if self.organization == self.deployer else kind
        return {
            "network": f"{self.network}, chain {self.chain_id}",
            "deployer": f"{self.deployer}, which has {self.balance}",
            "market": f"{self.address}, by nonce {self.nonce}",
            "organization": f"{self.organization}, {owner}",
            "paid in": self.currency.described,
            **self.parameters.described(self.currency),
            "gas": f"{self.gas:,}, at most {self.gas_limit:,}",
            "price": (
                f"at most {Money(self.price.max_fee).format('gwei')} per gas, of it "
                f"{Money(self.price.priority_fee).format('gwei')} to the block's maker"
            ),
            "costs": f"about {self.cost}, at most {self.most}",
            "waits for": f"{self.confirmations} blocks on top",
            "record": self.records,
        }


def plan(
    sender: AccountAPI,
    settings: Settings,
    records: Records,
    node: Node | None = None,
    *,
    again: bool = False,
) -> Plan:
    """Look at everything that could speak against a deployment.

    Args:
        sender: Who pays, and owns the market unless the settings name an organization.
        settings: What to deploy.
        records: Where this network's deployments are kept.
        node: Where it is deployed. None: on the network that Ape is connected to now.
        again: Deploy although the records hold a market that stands.

    Raises:
        DeploymentError: Wrong chain, another deployment on its way, a second one without `again`,
            transactions that wait, too small a balance, or no place for the record.
        Refused: The constructor would refuse.
    """
    node = or_connected(node)
    _require_nothing_else(node, settings, records, again=again)
    account = sender.address
    mined, sent = (
        blocks.number(answer)
        for answer in node.batch(
            [("eth_getTransactionCount", (account, tag)) for tag in ("latest", "pending")]
        )
    )
    if mined is not None and sent is not None and (waiting := sent - mined) > 0:
        raise DeploymentError(
            f"{account} has {waiting} transactions that are not in a block, and a "
            "deployment would wait behind them: wait, or replace them first"
        )
    records.require_writable()
    organization = settings.organization or account
    policy = settings.fees.over(fees.configured_fees(node))
    currency = settings.currency
    request = creation(sender, organization, settings.parameters.as_tuple(), currency)
    try:
        expected = foresee(node, request, policy, currency)
    except Underfunded as error:
        raise DeploymentError(str(error)) from error
    return Plan(
        node=node,
        network=node.network.name,
        chain_id=node.chain_id,
        deployer=account,
        balance=expected.wallet,
        nonce=expected.nonce,
        address=created_address(account, expected.nonce),
        organization=organization,
        organization_is_contract=bool(access.code(node, organization)),
        parameters=settings.parameters,
        gas=expected.gas,
        gas_limit=expected.gas_limit,
        price=expected.price,
        confirmations=fees.confirmations(policy, node),
        cost=expected.cost,
        records=str(records.path),
        currency=currency,
    )


def created_address(creator: str, nonce: int) -> str:
    """Where the contract will be that an account's transaction creates."""
    return str(to_checksum_address(keccak(encode([bytes.fromhex(creator[2:]), nonce]))[-20:]))


def _require_nothing_else(node: Node, settings: Settings, records: Records, *, again: bool) -> None:
    """Find out whether this is the chain for it, and no other deployment is in the way."""
    if settings.chain_id not in (None, node.chain_id):
        raise DeploymentError(
            f"the settings are for chain {settings.chain_id}, and {node.network.name} is connected "
            f"to chain {node.chain_id}: choose the network that the settings are for"
        )
    if pending := records.pending():
        raise DeploymentError(
            f"a deployment by {pending.transactions[-1]} is on its way "
            f"({records.pending_path.name}): deploy without a dry run takes it up"
        )
    if (standing := records.standing(node)) and not again:
        latest = standing[-1]
        raise DeploymentError(
            f"a market stands at {latest.address} since {latest.timestamp} ({records.path.name}): "
            "use that one, or say that another one is wanted with --again"
        )
