"""Deploying a market, so that it is not lost whatever fails on the way.

The transaction is signed and noted before it is sent. From there on there is one way, whether it
is walked at once or by the next run: look for the transaction, send it if no node knows it, wait
until it lies deep enough, write the record.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any

from ape import chain
from ape.logging import logger
from eth_utils.conversions import to_hex
from eth_utils.crypto import keccak
from web3.exceptions import TransactionNotFound, Web3RPCError

from ape_v2v.chain.fees import amount_paid
from ape_v2v.chain.networks import network_name
from ape_v2v.deployment.planning import Plan, plan
from ape_v2v.deployment.records import PendingDeployment, Record, Records
from ape_v2v.errors import DeploymentError, NotMined
from ape_v2v.market import contract as artifact
from ape_v2v.market.market import Market
from ape_v2v.units import Money

if TYPE_CHECKING:
    from collections.abc import Callable

    from ape.api import AccountAPI
    from web3.types import TxReceipt

    from ape_v2v.deployment.settings import Settings

_POLL_SECONDS = 0.2


def deploy(
    sender: AccountAPI,
    settings: Settings,
    records: Records,
    *,
    again: bool = False,
    confirm: Callable[[Plan], None] = lambda _: None,
) -> tuple[Market, Record]:
    """Deploy a market and keep a record of it.

    Args:
        sender: Who pays, and owns the market unless the settings name an organization.
        settings: What to deploy.
        records: Where this network's deployments are kept.
        again: Deploy although the records hold a market that stands.
        confirm: Told the plan before anything is signed; raises to stop it.

    Raises:
        DeploymentError: Something speaks against it, as `plan` says; nothing was sent.
        Refused: The constructor refused. Nothing was deployed.
        NotMined: It was sent, and no block has it yet: `take_up` goes on from there.
    """
    decided = plan(sender, settings, records, again=again)
    confirm(decided)
    pending = _signed(decided, sender)
    try:
        records.start(pending)
    except OSError as error:
        raise DeploymentError(
            f"cannot write to {records.pending_path}, so nothing was sent: {error}"
        ) from error
    record = take_up(records)
    return Market.at(record.address), record


def take_up(records: Records) -> Record:
    """Finish the deployment that is on its way.

    Raises:
        DeploymentError: None is, or it is void: it has reverted, or another transaction has taken
            its place. It is forgotten then, and a market can be deployed anew.
        NotMined: No block has it yet.
    """
    pending = records.pending()
    if pending is None:
        raise DeploymentError(f"no deployment is on its way on {network_name()}")
    if pending.chain_id != chain.provider.chain_id:
        raise DeploymentError(
            f"the deployment on its way is for chain {pending.chain_id}, and {network_name()} is "
            f"connected to chain {chain.provider.chain_id}: if this is a new local chain, delete "
            f"{records.pending_path}"
        )
    if _receipt(pending) is None:
        _send(pending, records)
    receipt = _wait(pending)
    if not receipt["status"] or receipt["contractAddress"] is None:
        records.abandon()
        what = "has reverted" if not receipt["status"] else "was voided"
        raise DeploymentError(
            f"the deployment by {pending.transactions[0]} {what} by "
            f"{to_hex(receipt['transactionHash'])}, which cost {Money(amount_paid(receipt))}: "
            "nothing was deployed, deploy anew"
        )
    record = _record(pending, receipt)
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
    transaction = sender.sign_transaction(sender.prepare_transaction(decided.transaction()))
    if transaction is None or transaction.signature is None:
        raise DeploymentError(f"{sender.address} did not sign the deployment: nothing was sent")
    return PendingDeployment(
        address=decided.address,
        network=decided.network,
        chain_id=decided.chain_id,
        deployer=decided.deployer,
        nonce=decided.nonce,
        organization=decided.organization,
        parameters=decided.parameters.as_dict(),
        confirmations=decided.confirmations,
        transactions=[to_hex(transaction.txn_hash)],
        signed=to_hex(transaction.serialize_transaction()),
    )


def _receipt(pending: PendingDeployment) -> TxReceipt | None:
    """The receipt of the one of its transactions that is in a block."""
    for transaction in pending.transactions:
        try:
            return chain.provider.web3.eth.get_transaction_receipt(transaction)
        except TransactionNotFound:
            continue
    return None


def _send(pending: PendingDeployment, records: Records) -> None:
    """Send it, unless the node knows it already."""
    latest = pending.transactions[-1]
    if any(_known(transaction) for transaction in pending.transactions):
        return
    web3 = chain.provider.web3
    if web3.eth.get_transaction_count(pending.deployer) > pending.nonce:
        records.abandon()
        raise DeploymentError(
            f"another transaction of {pending.deployer} has taken nonce {pending.nonce}, so the "
            f"deployment by {latest} is void: deploy anew"
        )
    try:
        web3.eth.send_raw_transaction(pending.signed)
    except Web3RPCError as error:
        raise DeploymentError(
            f"the node does not take the deployment by {latest}: {error.message}; "
            f"{records.pending_path} keeps it, for the next run to send it"
        ) from error


def _known(transaction: str) -> bool:
    try:
        chain.provider.web3.eth.get_transaction(transaction)
    except TransactionNotFound:
        return False
    return True


def _wait(pending: PendingDeployment) -> TxReceipt:
    """Wait until it lies as deep as it has to, and give up when no block comes any more."""
    web3 = chain.provider.web3
    patience = chain.provider.network.transaction_acceptance_timeout
    head, end = -1, monotonic()
    while True:
        receipt = _receipt(pending)
        if (height := web3.eth.block_number) > head and (head < 0 or receipt is not None):
            head, end = height, monotonic() + patience
        if receipt is not None and (
            not receipt["status"] or height - receipt["blockNumber"] >= pending.confirmations
        ):
            return receipt
        if monotonic() > end:
            block = None if receipt is None else receipt["blockNumber"]
            raise NotMined(pending.transactions[-1], patience, block)
        sleep(_POLL_SECONDS)


def _record(pending: PendingDeployment, receipt: TxReceipt) -> Record:
    block = chain.blocks[receipt["blockNumber"]]
    code = bytes(chain.provider.get_code(pending.address))
    return Record(
        contract=artifact.NAME,
        address=pending.address,
        network=pending.network,
        chain_id=pending.chain_id,
        transaction=to_hex(receipt["transactionHash"]),
        block=receipt["blockNumber"],
        timestamp=datetime.fromtimestamp(block.timestamp, UTC).isoformat(),
        deployer=pending.deployer,
        organization=pending.organization,
        parameters=pending.parameters,
        gas_used=receipt["gasUsed"],
        gas_price=receipt["effectiveGasPrice"],
        cost=amount_paid(receipt),
        compiler=_compiler(code),
        code_hash=to_hex(keccak(code)),
    )


def _compiler(code: bytes) -> str:
    """The compiler's version out of the metadata that it leaves at the end of the code."""
    marker = b"\x64solc\x43"
    at = code.rfind(marker)
    if at < 0:
        raise DeploymentError("the deployed code names no compiler")
    version: list[Any] = list(code[at + len(marker) :][:3])
    return "solc " + ".".join(map(str, version))
