"""What several have signed, brought to the market in one transaction, at the sender's gas.

    batch = Batch(market, [signed_bid("first", market, bid), signed_bid("second", market, other)])
    for result in batch.send(sender=carol):
        print(result.what, result.refusal or "done")

Each is tried before: what the market would refuse is left out, and does not stop the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from eth_utils.crypto import keccak

from ape_v2v.chain import fees, signing
from ape_v2v.chain.line.faults import NodeError, Reverted
from ape_v2v.chain.writing import sending
from ape_v2v.chain.writing.forecast import Request
from ape_v2v.market.interface import batcher
from ape_v2v.market.interface.access import require_signer
from ape_v2v.market.interface.refusals import Refused, refusal
from ape_v2v.market.interface.transactions import deliver, foresee
from ape_v2v.market.shapes import CONNECTION_END

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ape.api import AccountAPI

    from ape_v2v.chain.signing import Signed
    from ape_v2v.chain.writing.forecast import Forecast
    from ape_v2v.chain.writing.receipts import Mined
    from ape_v2v.market.connection import Connection
    from ape_v2v.market.desk import Desk
    from ape_v2v.market.interface.events import Fact
    from ape_v2v.market.interface.records import SignedBid
    from ape_v2v.market.statements import EnergyStatement
    from ape_v2v.market.till import SignedWithdrawal

_ATTEMPTS = 3


@dataclass(frozen=True)
class SignedCall:
    """A call of the market that counts by the signatures in it, whoever sends it."""

    what: str
    """What it is called in the results: a file, say."""
    data: bytes
    event: str
    """What the market reports when it has gone through,"""
    values: tuple[tuple[str, Any], ...]
    """with these values."""

    def shown_in(self, fact: Fact) -> bool:
        """Whether this event is what comes of it."""
        name, args = fact
        return name == self.event and all(args[key] == value for key, value in self.values)


@dataclass(frozen=True)
class Relayed:
    """What has become of one of several."""

    what: str
    refusal: str | None
    """Why the market has not taken it; None when it has."""
    transaction: str | None
    """By which it was brought; None when it was left out."""

    def as_json(self) -> dict[str, Any]:
        return {
            "document": self.what,
            "done": self.refusal is None,
            "refusal": self.refusal,
            "transaction": self.transaction,
        }


@dataclass(frozen=True)
class BatchTrial:
    """What the market would do with each of several now."""

    calls: tuple[SignedCall, ...]
    """Those that it would take, in their order."""
    refusals: dict[int, Refused]
    """Of the others, by their places: why not."""


class Batch:
    """Several signed calls of one market, in the order in which they are made."""

    def __init__(self, market: Desk, calls: Sequence[SignedCall]) -> None:
        self.market = market
        self.calls = tuple(calls)

    @cached_property
    def batcher(self) -> str:
        """The contract that makes the calls.

        Raises:
            V2VError: The network has none.
        """
        return batcher.batcher_on(self.market.node)

    def try_out(self) -> BatchTrial:
        """Ask the node what would become of each, the earlier ones before it: that costs nothing.

        Raises:
            NodeError: The node does not say.
        """
        if not self.calls:
            return BatchTrial((), {})
        data = batcher.batched(self._address, [one.data for one in self.calls], strict=False)
        call = signing.call(self.batcher, self.batcher, 0, data)
        output = self.market.node.request("eth_call", [call, self.market.node.pending])
        refusals = {
            place: refusal(answer, "the node does not say why", self.market.currency)
            for place, (taken, answer) in enumerate(batcher.outcomes(output))
            if not taken
        }
        good = tuple(one for place, one in enumerate(self.calls) if place not in refusals)
        return BatchTrial(good, refusals)

    def send(
        self,
        *,
        sender: AccountAPI,
        before_asking: Callable[[BatchTrial, Forecast], None] = lambda _trial, _forecast: None,
        before_sending: Callable[[Signed], None] = lambda _: None,
    ) -> list[Relayed]:
        """Bring all that the market would take, in one transaction, and tell what became of each.

        Args:
            sender: Who pays the gas.
            before_asking: Told what would become of each, and the cost; what it raises stops it.
            before_sending: Told the signed transaction.

        Raises:
            V2VError: The sender cannot sign, has too little ether, or the network has no batcher.
            SentAs: It was sent, and its outcome is not known: the next try of the same takes it up.
        """
        require_signer(sender)
        if not self.calls:
            return []
        confirmations = fees.confirmations(fees.configured_fees(self.market.node), self.market.node)
        mined = sending.take_up(self.market.node, self._request(self.calls, sender), confirmations)
        if mined is not None:
            return self._results(mined, {})
        trial, expected = self._foreseen(sender)
        if expected is None:
            return [
                Relayed(one.what, str(trial.refusals[place]), None)
                for place, one in enumerate(self.calls)
            ]
        before_asking(trial, expected)
        request = self._request(trial.calls, sender)
        mined = deliver(self.market.node, request, expected, before_sending=before_sending)
        return self._results(mined, trial.refusals)

    def _foreseen(self, sender: AccountAPI) -> tuple[BatchTrial, Forecast | None]:
        """What would be taken, and what that would cost; no forecast where nothing would be.

        The gas is asked for a batch in which nothing may fail: else a node could find that so
        little is enough that calls fail for want of it.
        """
        for attempt in range(1, _ATTEMPTS + 1):
            trial = self.try_out()
            if not trial.calls:
                return trial, None
            try:
                strict = self._request(trial.calls, sender, strict=True)
                return trial, foresee(self.market.node, strict)
            except Refused:  # something has come in between
                if attempt == _ATTEMPTS:
                    raise
        raise AssertionError("unreachable")

    def _request(
        self, calls: Sequence[SignedCall], sender: AccountAPI, *, strict: bool = False
    ) -> Request:
        data = batcher.batched(self._address, [one.data for one in calls], strict=strict)
        intent = keccak(b"".join(keccak(one.data) for one in self.calls))
        return Request(sender, self.batcher, data, intent=intent)

    def _results(self, mined: Mined, refusals: dict[int, Refused]) -> list[Relayed]:
        facts, results = self.market.facts(mined), []
        for place, one in enumerate(self.calls):
            if place in refusals:
                results.append(Relayed(one.what, str(refusals[place]), None))
                continue
            shown = next((at for at, fact in enumerate(facts) if one.shown_in(fact)), None)
            if shown is None:
                results.append(Relayed(one.what, self._reason(one, mined), mined.transaction))
            else:
                del facts[shown]
                results.append(Relayed(one.what, None, mined.transaction))
        return results

    def _reason(self, one: SignedCall, mined: Mined) -> str:
        """Why one was refused that would have been taken, as far as the state after it tells."""
        call = signing.call(self.batcher, self._address, 0, one.data)
        try:
            self.market.node.request("eth_call", [call, hex(mined.block)])
        except Reverted as error:
            return str(refusal(error.output, error.said, self.market.currency))
        except NodeError as error:
            return f"it was refused, and the node does not say why: {error}"
        return "it was refused in that block, and would be taken now: try again"

    @property
    def _address(self) -> str:
        return self.market.address


def signed_bid(what: str, market: Desk, bid: SignedBid) -> SignedCall:
    """A bid that its provider has signed."""
    rate = int(bid.rate)
    arguments = (bid.auction_id, bid.provider, rate, bid.deadline, bid.signature)
    data = market.contract.call_data("placeBidFor", *arguments)
    values = (("auctionId", bid.auction_id), ("provider", bid.provider), ("rate", rate))
    return SignedCall(what, data, "BidPlaced", values)


def signed_withdrawal(what: str, market: Desk, withdrawal: SignedWithdrawal) -> SignedCall:
    """Money that its account takes out, in a market that is paid in a token."""
    account, amount, to = withdrawal.account, int(withdrawal.amount), withdrawal.to
    arguments = (account, amount, to, withdrawal.deadline, withdrawal.signature)
    data = market.contract.call_data("withdrawFor", *arguments)
    return SignedCall(
        what, data, "Withdrawn", (("account", account), ("to", to), ("amount", amount))
    )


def signed_reading(
    what: str, connection: Connection, receipt: EnergyStatement, settlement: EnergyStatement
) -> SignedCall:
    """A reading that both sides have signed, which anybody may hand in.

    Raises:
        V2VError: They have signed two different ones.
    """
    reading, consumers, providers = connection.agreed(receipt, settlement)
    market = connection.market
    data = market.contract.call_data("settle", reading, consumers, providers)
    return SignedCall(what, data, CONNECTION_END, (("auctionId", connection.id),))
