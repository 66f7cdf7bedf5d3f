"""What a session needs of the chain: what was agreed, the time, and the transaction at the end."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from ape import chain
from ape.exceptions import ApeException
from web3.exceptions import Web3Exception

from ape_v2v.chain import node
from ape_v2v.config import V2VConfig
from ape_v2v.lightnode import prove_connection
from ape_v2v.market import events, messages
from ape_v2v.market.auction import State
from ape_v2v.market.connection import Receipt
from ape_v2v.market.events import Log
from ape_v2v.session.protocol.agreement import Agreement, Outcome
from ape_v2v.session.protocol.codes import ErrorCode, SessionError
from ape_v2v.units import Energy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ape.api import AccountAPI

    from ape_v2v.market.connection import Connection
    from ape_v2v.session.store import Signed

# How often, and after how many seconds, a node is asked again before an award is given up.
_LOOKS = 10
_BETWEEN_LOOKS = 0.1
_ENDS = ("ConnectionEnded", "ConnectionForfeited", "ConnectionExpired")


class Chain(Protocol):
    """What one side asks of its own node."""

    def agreement(self) -> Agreement:
        """The connection at a confirmed block.

        Raises:
            SessionError: There is none, or the node cannot be asked.
        """

    def now(self) -> int:
        """The chain's time, seconds since 1970."""

    def outcome(self, agreement: Agreement) -> Outcome | None:
        """How the connection ended, once that is confirmed; None while it has not."""

    def require_award(self, agreement: Agreement) -> None:
        """Look whether the connection is still there, or has ended.

        Raises:
            SessionError: A reorganisation has taken the award back, and with it the token, or the
                node cannot be asked.
        """

    def settle(self, receipt: Signed) -> None:
        """Collect as the provider what the consumer has acknowledged.

        Raises:
            Refused: The market would not accept it, because the connection is over, say.
        """

    def end(self, settlement: Signed) -> None:
        """Pay as the consumer what the provider has stated.

        Raises:
            Refused: The market would not accept it, because the connection is over, say.
        """


class MarketChain:
    """The market that Ape is connected to."""

    def __init__(
        self,
        connection: Connection,
        sender: AccountAPI,
        confirmations: int | None = None,
        trusted_block: str | None = None,
    ) -> None:
        """Take a connection.

        Args:
            connection: Whichever state its auction is in.
            sender: Who sends the transaction at the end.
            confirmations: Blocks that must lie on top of what is believed. Configured; 0 on a
                development chain.
            trusted_block: The hash of a block that somebody trusted has given: then the node is
                not believed, and has to prove what it says of the connection.
        """
        self._connection = connection
        self._trusted_block = trusted_block
        self._sender = sender
        if confirmations is None:
            is_dev = chain.provider.network.is_dev
            confirmations = 0 if is_dev else V2VConfig.current().confirmations
        self._confirmations = confirmations
        self._settlement_window: int | None = None
        self._head = (0, 0, 0.0)

    def agreement(self) -> Agreement:
        market = self._connection.market
        with _node():
            block = self._confirmed_block()
            info = market.contract.auctions(self._connection.id, block_identifier=block)
            if State(info.state) is not State.CONNECTED:
                raise SessionError(
                    ErrorCode.NOT_CONNECTED,
                    f"auction {self._connection.id} is not connected at block {block}, "
                    f"{self._confirmations} below the latest: a session takes one that was awarded "
                    "and is not over",
                )
            if self._settlement_window is None:
                self._settlement_window = market.parameters.settlementWindow
            valid_until = info.connectedAt + info.validity
            agreement = Agreement(
                chain_id=chain.provider.chain_id,
                market=market.address,
                auction_id=self._connection.id,
                consumer=info.consumer,
                provider=info.provider,
                token=_token(info),
                energy_wh=int(info.energyWh),
                rate=int(info.rate),
                valid_until=int(valid_until),
                expires_at=int(valid_until) + self._settlement_window,
                block=block,
            )
        self._require_proof(agreement)
        return agreement

    def now(self) -> int:
        """The latest block's time, and what has passed since it was first seen here."""
        with _node():
            head = chain.provider.web3.eth.get_block("latest")
        number, timestamp = int(head["number"]), int(head["timestamp"])
        if (number, timestamp) != self._head[:2]:
            self._head = (number, timestamp, time.monotonic())
        return timestamp + int(time.monotonic() - self._head[2])

    def outcome(self, agreement: Agreement) -> Outcome | None:
        contract = self._connection.market.contract
        with _node():
            block = self._confirmed_block()
            state = contract.auctions(agreement.auction_id, block_identifier=block).state
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
        contract = self._connection.market.contract
        block = self._confirmed_block()
        if block < agreement.block:
            return True  # this node is behind, or the new chain is not long enough yet
        info = contract.auctions(agreement.auction_id, block_identifier=block)
        if State(info.state) is State.CONNECTED and agreement.token == _token(info):
            return True
        return self._find_end(agreement, block) is not None

    def settle(self, receipt: Signed) -> None:
        with _node():
            self._connection.settle(_receipt(receipt), sender=self._sender)

    def end(self, settlement: Signed) -> None:
        with _node():
            self._connection.end(_receipt(settlement), sender=self._sender)

    def _require_proof(self, agreement: Agreement) -> None:
        """Have the node prove what it says, by the trusted block if there is one."""
        if self._trusted_block is None:
            return
        with _node():
            proven = prove_connection(
                node.request, agreement.market, agreement.auction_id, self._trusted_block
            )
        proven.require(
            token=agreement.token,
            consumer=agreement.consumer,
            provider=agreement.provider,
            energy_wh=agreement.energy_wh,
            rate=agreement.rate,
        )

    def _confirmed_block(self) -> int:
        return max(0, int(chain.provider.web3.eth.block_number) - self._confirmations)

    def _find_end(self, agreement: Agreement, block: int) -> Outcome | None:
        """Look for the event that ended the connection, from the latest blocks backwards."""
        web3 = chain.provider.web3
        step = V2VConfig.current().block_range
        topics = ["0x" + topic.hex() for topic in events.topics(_ENDS)]
        for last in range(block, agreement.block - 1, -step):
            logs = web3.eth.get_logs(
                {
                    "address": agreement.market,
                    "fromBlock": max(agreement.block, last - step + 1),
                    "toBlock": last,
                    "topics": [topics, f"0x{agreement.auction_id:064x}"],
                }
            )
            for log in logs:
                event = events.decoded(
                    Log(
                        block=int(log["blockNumber"]),
                        log_index=int(log["logIndex"]),
                        block_hash=bytes(log["blockHash"]),
                        transaction=bytes(log["transactionHash"]),
                        timestamp=0,
                        topics=b"".join(map(bytes, log["topics"])),
                        data=bytes(log["data"]),
                    )
                )
                sender = web3.eth.get_transaction(log["transactionHash"])["from"]
                return Outcome(
                    event=event.name,
                    energy_wh=int(event.args.get("energyWh", 0)),
                    cost=int(event.args.get("cost", 0)),
                    meter_data_hash=bytes(event.args.get("meterDataHash", bytes(32))),
                    transaction=event.transaction,
                    sender=str(sender),
                )
        return None


def _token(info: Any) -> bytes:
    return messages.access_token(info.consumer, info.provider, info.connectedAt, info.validity)


def _receipt(signed: Signed) -> Receipt:
    # The contract's functions take the connection, not its token.
    return Receipt(b"", Energy(signed.energy_wh), signed.meter_data_hash, signed.signature)


@contextmanager
def _node() -> Iterator[None]:
    """Tell a node's trouble from a refusal."""
    try:
        yield
    except (ApeException, Web3Exception, OSError) as error:
        raise SessionError(
            ErrorCode.NODE_UNAVAILABLE, f"the node cannot be asked: {' '.join(str(error).split())}"
        ) from error
