"""Deploying a market, so that it is not lost whatever fails on the way.

The transaction is signed and noted before it is sent. From there on there is one way, whether it
is walked at once or by the next run: look for the transaction, send it if no node knows it, wait
until it lies deep enough, write the record.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ape.logging import logger
from eth_utils.conversions import to_hex
from eth_utils.crypto import keccak

from ape_v2v.chain import blocks
from ape_v2v.chain.connected import or_connected
from ape_v2v.chain.line.faults import NodeError
from ape_v2v.chain.signing import Signed, sign
from ape_v2v.chain.writing import broadcasting
from ape_v2v.chain.writing.broadcasting import NonceTaken
from ape_v2v.deployment.planning import Plan, plan
from ape_v2v.deployment.records import DeploymentRecord, PendingDeployment, Records
from ape_v2v.errors import DeploymentError
from ape_v2v.market.interface import access
from ape_v2v.market.interface import contract as artifact
from ape_v2v.market.market import Market
from ape_v2v.units import Money

if TYPE_CHECKING:
    from collections.abc import Callable

    from ape.api import AccountAPI

    from ape_v2v.chain.node import Node
    from ape_v2v.chain.writing.receipts import Mined
    from ape_v2v.deployment.settings import Settings


def deploy(
    sender: AccountAPI,
    settings: Settings,
    records: Records,
    node: Node | None = None,
    *,
    again: bool = False,
    confirm: Callable[[Plan], None] = lambda _: None,
) -> tuple[Market, DeploymentRecord]:
    """Deploy a market and keep a record of it.

    Args:
        sender: Who pays, and owns the market unless the settings name an organization.
        settings: What to deploy.
        records: Where this network's deployments are kept.
        node: Where it is deployed. None: on the network that Ape is connected to now.
        again: Deploy although the records hold a market that stands.
        confirm: Told the plan before anything is signed; raises to stop it.

    Raises:
        DeploymentError: Something speaks against it, as `plan` says; nothing was sent.
        Refused: The constructor refused. Nothing was deployed.
        NotMined: It was sent, and no block has it yet: `take_up` goes on from there.
    """
    node = or_connected(node)
    decided = plan(sender, settings, records, node, again=again)
    confirm(decided)
    pending = _signed(decided, sender)
    try:
        records.start(pending)
    except OSError as error:
        raise DeploymentError(
            f"cannot write to {records.pending_path}, so nothing was sent: {error}"
        ) from error
    record = take_up(records, node)
    return Market.at(record.address, node), record


def take_up(records: Records, node: Node | None = None) -> DeploymentRecord:
    """Finish the deployment that is on its way.

    Args:
        records: Where this network's deployments are kept.
        node: Of the network. None: the node that Ape is connected to now.

    Raises:
        DeploymentError: None is, or it is void: it has reverted, or another transaction has taken
            its place. It is forgotten then, and a market can be deployed anew.
        NotMined: No block has it yet.
    """
    node = or_connected(node)
    pending, network = records.pending(), node.network.name
    if pending is None:
        raise DeploymentError(f"no deployment is on its way on {network}")
    if pending.chain_id != node.chain_id:
        raise DeploymentError(
            f"the deployment on its way is for chain {pending.chain_id}, and {network} is "
            f"connected to chain {node.chain_id}: if this is a new local chain, delete "
            f"{records.pending_path}"
        )
    if broadcasting.first_receipt(node, pending.transactions) is None:
        _send(node, pending, records)
    mined = broadcasting.wait(node, pending.transactions, pending.confirmations, pending.signed)
    if not mined.succeeded or mined.created is None:
        records.abandon()
        what = "has reverted" if not mined.succeeded else "was voided"
        raise DeploymentError(
            f"the deployment by {pending.transactions[0]} {what} by "
            f"{mined.transaction}, which cost {Money(mined.cost)}: "
            "nothing was deployed, deploy anew"
        )
    record = _record(node, pending, mined)
    try:
        records.complete(record)
    except OSError as error:
        # The market is there and must not be lost: who deployed it gets to see the record.
        logger.error(f"the record could not be written ({error}); keep this: {asdict(record)}")
        raise DeploymentError(
            f"the market stands at {record.address}, but {records.path} could not be written: "
            f"{error}"
        ) from error
    return record


def _signed(decided: Plan, sender: AccountAPI) -> PendingDeployment:
    signed = sign(sender, decided.transaction())
    if signed is None:
        raise DeploymentError(f"{sender.address} has no key here: a deployment has to be signed")
    return PendingDeployment(
        address=decided.address,
        network=decided.network,
        chain_id=decided.chain_id,
        deployer=decided.deployer,
        nonce=decided.nonce,
        organization=decided.organization,
        parameters=decided.parameters.as_dict(),
        confirmations=decided.confirmations,
        transactions=[signed.hash],
        signed=signed.raw,
        currency=None if decided.currency.is_ether else decided.currency.as_json(),
    )


def _send(node: Node, pending: PendingDeployment, records: Records) -> None:
    """Send it, unless the node knows it already."""
    latest = pending.transactions[-1]
    if any(broadcasting.is_known(node, transaction) for transaction in pending.transactions):
        return
    count = blocks.number(node.request("eth_getTransactionCount", [pending.deployer, "latest"]))
    if count is not None and count > pending.nonce:
        records.abandon()
        raise DeploymentError(
            f"another transaction of {pending.deployer} has taken nonce {pending.nonce}, so the "
            f"deployment by {latest} is void: deploy anew"
        )
    try:
        broadcasting.broadcast(node, Signed(latest, pending.signed))
    except (NodeError, NonceTaken) as error:
        raise DeploymentError(
            f"the node does not take the deployment by {latest}: {error}; "
            f"{records.pending_path} keeps it, for the next run to send it"
        ) from error


def _record(node: Node, pending: PendingDeployment, mined: Mined) -> DeploymentRecord:
    block = blocks.block(node, mined.block)
    code = access.code(node, pending.address)
    return DeploymentRecord(
        contract=artifact.name_for(pending.paid_in),
        address=pending.address,
        network=pending.network,
        chain_id=pending.chain_id,
        transaction=mined.transaction,
        block=mined.block,
        timestamp=datetime.fromtimestamp(block.timestamp, UTC).isoformat(),
        deployer=pending.deployer,
        organization=pending.organization,
        parameters=pending.parameters,
        gas_used=mined.gas_used,
        gas_price=mined.gas_price,
        cost=mined.cost,
        compiler=_compiler(code),
        code_hash=to_hex(keccak(code)),
        currency=pending.currency,
    )


def _compiler(code: bytes) -> str:
    """The compiler's version out of the metadata that it leaves at the end of the code."""
    marker = b"\x64solc\x43"
    at = code.rfind(marker)
    if at < 0:
        raise DeploymentError("the deployed code names no compiler")
    version: list[Any] = list(code[at + len(marker) :][:3])
    return "solc " + ".".join(map(str, version))
