"""A car that buys."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from ape_v2v.car.buying import BuyerStanding, choose_as_consumer
from ape_v2v.car.choice import Act
from ape_v2v.car.side import CarSide, in_words
from ape_v2v.market.details import Details
from ape_v2v.market.interface.records import NO_MONEY, AuctionInfo
from ape_v2v.market.interface.refusals import Refused
from ape_v2v.market.interface.states import State
from ape_v2v.metering.named import key_of
from ape_v2v.session.protocol.tolerance import Tolerance
from ape_v2v.session.protocol.wire import CONSUMERS_WISH
from ape_v2v.session.running import run_consumer
from ape_v2v.session.settings import ChargeSettings
from ape_v2v.session.terms import SessionTerms

if TYPE_CHECKING:
    import threading

    from ape_v2v.car.choice import Choice
    from ape_v2v.car.settings import ConsumerSettings

_WHOLE = 100


class ConsumerCar(CarSide):
    """Asks for what is missing, awards, charges, pays, and drives on."""

    @property
    def wants(self) -> ConsumerSettings:
        assert self.settings.consumer is not None, "it is a consumer's file"
        return self.settings.consumer

    def choose(self) -> Choice:
        return choose_as_consumer(self.settings, self.rules, self._standing())

    def do(self, choice: Choice, stop: threading.Event) -> str | None:
        if choice.act is Act.ASK:
            return self._ask(choice)
        if choice.act is Act.CHARGE:
            assert choice.auction_id is not None, "it is one's own"
            return self._charge(choice.auction_id, stop)
        return super().do(choice, stop)

    def _standing(self) -> BuyerStanding:
        market, address = self.market, self.account.address
        waits_for = self.waits_for
        current = int(market.contract.view("currentAuctionId", address))
        info, expires_at, cancellation = None, None, NO_MONEY
        try:
            found = market.contract.view("auctions", current)
            info = AuctionInfo.read(current, found, market.currency)
        except Refused:  # it has none that runs
            session = None
        else:
            session = self.session_of(info.id)
            if info.state is State.OPEN:
                cancellation = market.auction(info.id).cancellation_penalty
            elif info.connected_at is not None:
                window = timedelta(seconds=self.rules.settlementWindow)
                expires_at = info.connected_at + info.validity + window
        return BuyerStanding(
            now=self.now,
            chain_now=market.now,
            auction=info,
            expires_at=expires_at,
            cancellation=cancellation,
            free=market.balance(address),
            missing=self.battery.missing(self.wants.target),
            percent=self.battery.percent(),
            fruitless=self.journal.fruitless(),
            waits_for=waits_for,
            has_receipts=self.is_acknowledged(session),
            has_stopped=session is not None
            and session.stop_reason is not None
            and session.stop_reason not in CONSUMERS_WISH,
            registered=info is not None or market.is_ev(address),
        )

    def _ask(self, choice: Choice) -> str:
        wants = self.wants
        assert choice.energy is not None, "it says how much"
        said = {
            "place": wants.place,
            "connector": wants.connector,
            "maxPowerKW": self.settings.equipment.power_kw,
            "until": wants.by,
        }
        brings = choice.amount or NO_MONEY
        if brings and not self.market.currency.is_ether:
            self.market.pay_in(brings, sender=self.account)
            brings = NO_MONEY
        auction = self.market.start_auction(
            choice.energy,
            wants.max_rate,
            wants.bidding_time,
            wants.validity,
            Details.compose(said).text(),
            sender=self.account,
            value=brings,
        )
        return f"started auction {auction.id}"

    def _charge(self, auction_id: int, stop: threading.Event) -> str:
        wants, link = self.wants, self.settings.link
        connection = self.market.connection(auction_id)
        provider = connection.info.provider
        url = None if provider is None else link.url_of(provider)
        assert url is not None, "that was looked at before"
        settings = ChargeSettings(
            equipment=self.settings.session_equipment(),
            url=url,
            authority=link.tls_authority,
            terms=SessionTerms(
                tolerance=Tolerance(Decimal(str(wants.tolerance_percent)) / _WHOLE),
                meter_interval=wants.meter_interval.total_seconds(),
                meter_key=None if wants.peer_meter_key is None else key_of(wants.peer_meter_key),
                link_timeout=link.timeout.total_seconds(),
            ),
        )
        watch = self.session_watch(lambda: stop.is_set() or self.now >= wants.by)
        return in_words(run_consumer(connection, self.account, self.store, settings, watch))
