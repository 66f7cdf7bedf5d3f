"""The EV's side: writes of a market that the EV signs, and a sponsor sends and pays.

    market = Market.at("0x…", gateway=SponsoredGateway("http://127.0.0.1:8700"))
    market.start_auction("20 kWh", "0.35 EURC/kWh", sender=alice)

The sponsor is not believed: what it says to have sent is looked up on the EV's own node.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import httpx

from ape_v2v.chain import blocks, fees, signing
from ape_v2v.chain.line.faults import Rejected, Reverted
from ape_v2v.chain.writing import broadcasting, sending
from ape_v2v.errors import V2VError
from ape_v2v.market.interface.access import MarketContract
from ape_v2v.market.interface.refusals import refusal
from ape_v2v.sponsor.delegation import authorize, delegate_address, delegate_of, next_nonce
from ape_v2v.sponsor.order import Order
from ape_v2v.sponsor.unfinished import UnfinishedOrders

if TYPE_CHECKING:
    from pathlib import Path

    from ape_v2v.chain.node import Node
    from ape_v2v.chain.writing.receipts import Mined
    from ape_v2v.market.interface.transactions import Write

VALID_SECONDS = 600
"""How long the sponsor may take."""

_PREFIX = "/v1"
_TIMEOUT = 150.0
_ATTEMPTS, _PAUSE = 3, 0.5
_OK = 200
_MOST_BYTES = 64 * 1024


class SponsorError(V2VError):
    """A sponsor does not send what it was asked to, or does not answer."""


class NotTaken(SponsorError):
    """A sponsor says that it has not sent an order, and will not."""


class SponsoredGateway:
    """Sends the writes of a market through a sponsor: a `Gateway`."""

    def __init__(self, url: str, timeout: float = _TIMEOUT, orders: Path | None = None) -> None:
        """Name a sponsor; nothing is asked yet.

        Args:
            url: Of its service, `http://…` or `https://…`.
            timeout: How long it may take to send an order and to see it in a block, seconds.
            orders: Where orders are kept whose outcome is not known. None: beside the histories,
                in memory on a development chain.

        Raises:
            SponsorError: It is no such address.
        """
        self.url = url
        self._path = orders
        self._orders: UnfinishedOrders | None = None
        try:
            parsed = httpx.URL(url)
            if parsed.scheme not in {"http", "https"} or not parsed.host:
                raise SponsorError(
                    f"{url!r} is no address of a sponsor: expected http:// or https:// and a host"
                )
            self._http = httpx.Client(base_url=url, timeout=timeout)
        except httpx.InvalidURL as error:
            raise SponsorError(f"{url!r} is no address of a sponsor: {error}") from error

    def __call__(self, write: Write) -> Mined:
        """Have the sender sign a write, the sponsor send it, and the sender's node confirm it.

        Raises:
            Refused: The market would refuse it; nothing was signed.
            SponsorError: The sponsor does not send it, or sent something else.
            SentAs: It was sent, and its outcome is not known.
            V2VError: The account cannot delegate, or does not sign.
        """
        if (mined := self.take_up(write)) is not None:
            return mined
        self.try_out(write)
        return self.order(write)

    def take_up(self, write: Write) -> Mined | None:
        """Finish what an earlier try of the same has signed without learning its outcome.

        Returns:
            Its transaction; None where there was none, or none that can be sent any more.

        Raises:
            SponsorError: The sponsor does not answer, or will not send it before its time is over.
            SentAs: It was sent, and its outcome is still not known.
        """
        purpose = sending.purpose(write.request)
        node = write.contract.node
        order = self._unfinished(node).find(purpose)
        if order is None:
            return None
        try:
            return self._finished(write, order)
        except NotTaken:
            self._unfinished(node).settle(purpose)
            if order.deadline >= blocks.next_timestamp(node):
                raise
            return None

    def try_out(self, write: Write) -> None:
        """Ask the EV's own node whether the market would take a write: that costs nothing.

        Raises:
            Refused: It would not.
            SponsorError: It is no call of a market.
        """
        contract, request = write.contract, write.request
        if not isinstance(contract, MarketContract):
            raise SponsorError(
                f"a sponsor pays for calls of the market only, and {write.method} is one of "
                f"{contract.address}: deposit by an authorization (EIP-3009) instead"
            )
        call = signing.call(request.sender.address, request.to, request.value, request.data)
        try:
            contract.node.request("eth_call", [call, contract.node.pending])
        except Reverted as error:
            raise refusal(error.output, error.said, contract.currency) from error
        except Rejected as error:
            raise V2VError(f"the node cannot execute the call: {error}") from error

    def order(self, write: Write) -> Mined:
        """Sign a write that was tried, and have it sent.

        Raises:
            SponsorError: The sponsor does not send it, or sent something else.
            SentAs: It was sent, and its outcome is not known.
            V2VError: The account cannot delegate, or does not sign.
        """
        node, account = write.contract.node, write.sender.address
        self._require_right(write)
        nonce = next_nonce(node, account)
        current = delegate_of(node, account)
        if current not in {None, delegate_address()}:
            raise SponsorError(
                f"{account} delegates to {current} already, and to one contract at a time: trade "
                "with another account"
            )
        delegation = authorize(node, write.sender) if current is None else None
        request = write.request
        order = Order.sign(
            write.sender,
            node.chain_id,
            [(write.contract.address, request.value, request.data)],
            nonce=nonce,
            deadline=blocks.next_timestamp(node) + VALID_SECONDS,
            delegation=delegation,
        )
        self._unfinished(node).note(sending.purpose(request), order)
        try:
            return self._finished(write, order)
        except NotTaken:
            self._unfinished(node).settle(sending.purpose(request))
            raise

    def _finished(self, write: Write, order: Order) -> Mined:
        """Bring an order, and see on the EV's own node that it was carried out."""
        node, account, nonce = write.contract.node, order.account, order.nonce
        transaction = self._brought(order)
        confirmations = fees.confirmations(fees.configured_fees(node), node)
        mined = broadcasting.wait(node, [transaction], confirmations)
        if not mined.succeeded or next_nonce(node, account) <= nonce:
            raise SponsorError(
                f"the sponsor at {self.url} says that {transaction} has done it, and it has not: "
                f"until {VALID_SECONDS} s have passed it may still be sent; then try again, with "
                "another sponsor"
            )
        self._unfinished(node).settle(sending.purpose(write.request))
        return mined

    def _unfinished(self, node: Node) -> UnfinishedOrders:
        if self._orders is None:
            folder = node.network.folder
            path = None if folder is None else folder / f"orders-{node.chain_id}.sqlite"
            self._orders = UnfinishedOrders(self._path or path)
        return self._orders

    def about(self) -> dict[str, Any]:
        """What the sponsor says of itself.

        Raises:
            SponsorError: It does not answer.
        """
        return self._ask("GET", "/sponsor")

    def _require_right(self, write: Write) -> None:
        """Refuse a sponsor of another market, before anything is signed."""
        found = self.about()
        expected = {
            "chainId": write.contract.node.chain_id,
            "market": write.contract.address,
            "delegate": delegate_address(),
        }
        for key, value in expected.items():
            if found.get(key) != value:
                raise SponsorError(
                    f"the sponsor at {self.url} has another {key} ({found.get(key)}, and this is "
                    f"{value}): name one of this market"
                )

    def _brought(self, order: Order) -> str:
        """The transaction by which the sponsor says to have brought an order."""
        answer = self._ask("POST", "/orders", order.text())
        transaction = answer.get("transaction")
        if not isinstance(transaction, str):
            raise SponsorError(f"the sponsor at {self.url} does not say what it has sent")
        return transaction

    def _ask(self, method: str, path: str, content: str | None = None) -> dict[str, Any]:
        """Ask, again where the line breaks: the same order is sent once."""
        problem: Exception | None = None
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return self._read(self._http.request(method, _PREFIX + path, content=content))
            except httpx.HTTPError as error:
                problem = error
            if attempt < _ATTEMPTS:
                time.sleep(_PAUSE * attempt)
        said = type(problem).__name__
        sent = (
            "nothing was sent"
            if content is None or isinstance(problem, httpx.ConnectError)
            else f"what was signed may still be sent, for {VALID_SECONDS} s"
        )
        raise SponsorError(
            f"the sponsor at {self.url} does not answer ({said}): {sent}; try again then, or name "
            "another sponsor"
        ) from problem

    def _read(self, response: httpx.Response) -> dict[str, Any]:
        try:
            found = response.json() if len(response.content) <= _MOST_BYTES else None
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise SponsorError(f"what answers at {self.url} is no sponsor")
        if response.status_code == _OK:
            return found
        if isinstance(found.get("transaction"), str):  # its outcome was not known then
            return found
        raise NotTaken(f"the sponsor does not send it: {found.get('error')}")
