"""The market that a session sees, by a node."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ape_v2v.chain import blocks, transactions
from ape_v2v.chain.line.faults import NodeError
from ape_v2v.chain.logs import LogReader
from ape_v2v.config import Configuration
from ape_v2v.lightnode import prove_connection
from ape_v2v.market.interface import events, messages
from ape_v2v.market.interface.states import Ending, State
from ape_v2v.session.protocol.agreement import Agreement, ConnectionEnd
from ape_v2v.session.protocol.codes import ErrorCode, SessionError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ape.api import AccountAPI

    from ape_v2v.chain.node import Node
    from ape_v2v.market.connection import Connection
    from ape_v2v.market.interface.events import Event
    from ape_v2v.market.statements import EnergyStatement

# How often, and after how many seconds, a node is asked again before an award is given up.
_LOOKS = 10
_BETWEEN_LOOKS = 0.1
# Seconds of a node's trouble: who waits for the other side asks again anyway.
_PATIENCE = 5.0
_ENDS = ("ConnectionEnded",)


class MarketChain:
    """A market on its node."""

    def __init__(
        self,
        connection: Connection,
        sender: AccountAPI,
        confirmations: int | None = None,
        trusted_block: str | None = None,
        *,
        own_clock: bool = False,
    ) -> None:
        """Take a connection.

        Args:
            connection: Whichever state its auction is in.
            sender: Who sends the transaction at the end.
            confirmations: Blocks that must lie on top of what is believed. Configured; 0 on a
                development chain.
            trusted_block: The hash of a block that somebody trusted has given: then the node is
                not believed, and has to prove what it says of the connection.
            own_clock: Whether it is at least as late as this machine's clock says: the latest
                block that is proven may be a quarter of an hour old.
        """
        self.co_sign: Callable[[EnergyStatement], EnergyStatement] | None = None
        """How to sign what the other side has signed, where the sender is neither side."""
        self._own_clock = own_clock
        self.connection = connection
        self._node = connection.market.node
        self._trusted_block = trusted_block
        self._sender = sender
        if confirmations is None:
            is_dev = connection.market.node.network.is_dev
            confirmations = 0 if is_dev else Configuration.current().confirmations
        self._confirmations = confirmations
        self._settlement_window: int | None = None
        self._head = (0, 0, 0.0)

    def agreement(self) -> Agreement:
        market = self.connection.market
        with _node():
            block = self._confirmed_block()
            info = market.contract.view("auctions", self.connection.id, block=block)
            if State(info.state) is not State.CONNECTED:
                raise SessionError(
                    ErrorCode.NOT_CONNECTED,
                    f"auction {self.connection.id} is not connected at block {block}, "
                    f"{self._confirmations} below the latest: a session takes one that was awarded "
                    "and is not over",
                )
            if self._settlement_window is None:
                self._settlement_window = market.parameters.settlementWindow
            valid_until = info.connectedAt + info.validity
            agreement = Agreement(
                chain_id=self._node.chain_id,
                market=market.address,
                auction_id=self.connection.id,
                consumer=info.consumer,
                provider=info.provider,
                token=_token(info),
                energy_wh=int(info.energyWh),
                rate=int(info.rate),
                valid_until=int(valid_until),
                expires_at=int(valid_until) + self._settlement_window,
                block=block,
                currency=None if market.currency.is_ether else market.currency,
            )
        self._require_proof(agreement)
        return agreement

    def now(self) -> int:
        """The latest block's time, and what has passed since it was first seen here."""
        with _node():
            head = blocks.block(self._node)
        if (head.number, head.timestamp) != self._head[:2]:
            self._head = (head.number, head.timestamp, time.monotonic())
        chains = head.timestamp + int(time.monotonic() - self._head[2])
        return max(chains, int(time.time())) if self._own_clock else chains

    def end_of(self, agreement: Agreement) -> ConnectionEnd | None:
        contract = self.connection.market.contract
        with _node():
            block = self._confirmed_block()
            state = contract.view("auctions", agreement.auction_id, block=block).state
            if State(state) is State.CONNECTED:
                return None
            return self._find_end(agreement, block)

    def require_award(self, agreement: Agreement) -> None:
        # A node may show the state of a block before the block, or ask another one in between.
        for _ in range(_LOOKS):
            with _node():
                if self._has_award(agreement):
                    return
            time.sleep(_BETWEEN_LOOKS)
        raise SessionError(
            ErrorCode.AWARD_TAKEN_BACK,
            f"the award of auction {agreement.auction_id} is not on the chain any more: a "
            "reorganisation has replaced it. What was signed for its token is kept, and worth "
            "nothing unless that award comes back: look at the auction, and begin anew if it is "
            "connected",
        )

    def _has_award(self, agreement: Agreement) -> bool:
        contract = self.connection.market.contract
        block = self._confirmed_block()
        if block < agreement.block:
            return True  # this node is behind, or the new chain is not long enough yet
        info = contract.view("auctions", agreement.auction_id, block=block)
        if State(info.state) is State.CONNECTED and agreement.token == _token(info):
            return True
        return self._find_end(agreement, block) is not None

    def settle(self, receipt: EnergyStatement) -> None:
        with _node():
            if self.co_sign is None:
                self.connection.settle(receipt, sender=self._sender)
            else:
                own = self.co_sign(receipt)
                self.connection.settle_with(receipt, own, sender=self._sender)

    def end(self, settlement: EnergyStatement) -> None:
        with _node():
            if self.co_sign is None:
                self.connection.end(settlement, sender=self._sender)
            else:
                own = self.co_sign(settlement)
                self.connection.settle_with(own, settlement, sender=self._sender)

    def _require_proof(self, agreement: Agreement) -> None:
        """Have the node prove what it says, by the trusted block if there is one."""
        if self._trusted_block is None:
            return
        with _node():
            proven = prove_connection(
                self._node.request, agreement.market, agreement.auction_id, self._trusted_block
            )
        proven.require(
            token=agreement.token,
            consumer=agreement.consumer,
            provider=agreement.provider,
            energy_wh=agreement.energy_wh,
            rate=agreement.rate,
        )

    def _confirmed_block(self) -> int:
        return max(0, blocks.height(self._node) - self._confirmations)

    def _find_end(self, agreement: Agreement, block: int) -> ConnectionEnd | None:
        found = _end_before(self._node, agreement, block, block + self._confirmations)
        return None if found is None else found[1]


def find_end(node: Node, agreement: Agreement) -> tuple[tuple[str, str], ConnectionEnd] | None:
    """How a connection ended on the chain, and between whom; None where it has not, or never was.

    Raises:
        NodeError: The node does not answer.
    """
    height = blocks.height(node)
    return _end_before(node, agreement, height, height)


def _end_before(
    node: Node, agreement: Agreement, block: int, head: int
) -> tuple[tuple[str, str], ConnectionEnd] | None:
    """Look for the event that ended the connection, from this block backwards."""
    step = Configuration.current().block_range
    reader = LogReader(
        node,
        agreement.market,
        [events.topics(_ENDS), [agreement.auction_id.to_bytes(32)]],
        max_range=step,
        patience=_PATIENCE,
    )
    for last in range(block, agreement.block - 1, -step):
        first = max(agreement.block, last - step + 1)
        for chunk in reader.chunks(first, last, head=head):
            for log in chunk.logs:
                event = events.decoded(log)
                sides = event.args["consumer"], event.args["provider"]
                return sides, _end_by(node, event)
    return None


def _end_by(node: Node, event: Event) -> ConnectionEnd:
    sent = transactions.find(node, event.transaction)
    if sent is None:
        raise NodeError(f"the node does not know {event.transaction}")
    return ConnectionEnd(
        how=Ending(event.args["how"]).shown,
        energy_wh=int(event.args["energyWh"]),
        cost=int(event.args["cost"]),
        penalty=int(event.args["penalty"]),
        meter_data_hash=bytes(event.args["meterDataHash"]),
        transaction=event.transaction,
        sender=sent.sender,
    )


def _token(info: Any) -> bytes:
    return messages.access_token(info.consumer, info.provider, info.connectedAt, info.validity)


@contextmanager
def _node() -> Iterator[None]:
    """Tell a node's trouble from a refusal."""
    try:
        yield
    except (NodeError, OSError) as error:
        raise SessionError(
            ErrorCode.NODE_UNAVAILABLE, f"the node cannot be asked: {' '.join(str(error).split())}"
        ) from error
