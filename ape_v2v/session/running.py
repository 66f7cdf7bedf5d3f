"""A side of a session, put together from its settings and run to its end.

Started again with the same store, it goes on where it was.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eth_utils.conversions import to_hex

from ape_v2v.market.documents.keys import KeyDocument
from ape_v2v.market.interface.records import in_currency
from ape_v2v.session.consumer import Consumer
from ape_v2v.session.link.client import Link
from ape_v2v.session.link.serving import serve
from ape_v2v.session.onchain import MarketChain
from ape_v2v.session.protocol import charging
from ape_v2v.session.protocol.signing import AccountSigner, ChosenSigner, KeySigner
from ape_v2v.session.provider import Provider, agreed

if TYPE_CHECKING:
    from collections.abc import Callable

    from ape.api import AccountAPI

    from ape_v2v.market.connection import Connection
    from ape_v2v.market.statements import EnergyStatement
    from ape_v2v.session.progress import SessionProgress
    from ape_v2v.session.protocol.agreement import Agreement, ConnectionEnd
    from ape_v2v.session.protocol.signing import Signer
    from ape_v2v.session.protocol.wire import StopReason
    from ape_v2v.session.settings import ChargeSettings, ServeSettings, SessionSettings
    from ape_v2v.session.store import Store


@dataclass(frozen=True)
class Watch:
    """Whoever watches a session."""

    begins: Callable[[Agreement], None] = lambda _: None
    """Told what was agreed."""
    serves: Callable[[str], None] = lambda _: None
    """Told the provider's address."""
    progress: Callable[[SessionProgress], None] = lambda _: None
    trouble: Callable[[str], None] = lambda _: None
    """Told in a sentence what cannot be done at the moment."""
    stop_requested: Callable[[], bool] = lambda: False
    """Asked whether this side shall stop, in order."""


@dataclass(frozen=True)
class SessionEnd:
    """How a session ended."""

    agreement: Agreement
    on_chain: ConnectionEnd | None
    """None when nothing was settled."""
    reason: StopReason | None
    problem: str | None = None
    """What was wrong, if this side stopped because of it."""

    def as_json(self) -> dict[str, Any] | None:
        """What the chain says in the end, for programs; None when nothing was settled."""
        end = self.on_chain
        if end is None:
            return None
        return {
            "event": "ended",
            "how": end.how,
            "auctionId": str(self.agreement.auction_id),
            "energyWh": end.energy_wh,
            "cost": str(end.cost),
            "penalty": str(end.penalty),
            "meterDataHash": to_hex(end.meter_data_hash),
            "transaction": end.transaction,
            "sender": end.sender,
            "reason": self.reason,
            **in_currency(self.agreement.cost(0)),
        }


def run_provider(
    connection: Connection,
    account: AccountAPI,
    store: Store,
    settings: ServeSettings,
    watch: Watch,
) -> SessionEnd:
    """Serve until the connection is settled.

    Raises:
        V2VError: The session cannot begin.
    """
    chain = _chain(connection, account, settings)
    agreement, past = agreed(chain, store, connection.id)
    if past is not None:
        return _past(store, agreement, past)
    signer = _signer(account, agreement, settings, chain)
    with store.exclusively(agreement.token):
        store.connections.remember(agreement, settings.model_dump_json())
        watch.begins(agreement)
        provider = Provider(
            chain=chain,
            signer=signer,
            meter=settings.equipment.meter(),
            source=settings.equipment.source(agreement.energy_wh),
            store=store,
            limits=settings.limits,
            on_progress=watch.progress,
        )
        end = serve(
            provider,
            host=settings.host,
            port=settings.port,
            certificate=settings.certificate,
            patience=settings.patience,
            on_start=watch.serves,
            report=watch.trouble,
            stop_requested=watch.stop_requested,
        )
        kept = provider.connection
        return SessionEnd(agreement, end, None if kept is None else kept.stop_reason)


def run_consumer(
    connection: Connection,
    account: AccountAPI,
    store: Store,
    settings: ChargeSettings,
    watch: Watch,
) -> SessionEnd:
    """Charge until the connection is settled.

    Raises:
        V2VError: The session cannot begin, or cannot end for the time being.
    """
    chain = _chain(connection, account, settings)
    agreement, past = agreed(chain, store, connection.id)
    if past is not None:
        return _past(store, agreement, past)
    signer = _signer(account, agreement, settings, chain)
    verify: ssl.SSLContext | bool = True
    if settings.authority is not None:
        verify = ssl.create_default_context(cafile=settings.authority)
    with store.exclusively(agreement.token), Link(settings.url, verify=verify) as link:
        store.connections.remember(agreement, settings.model_dump_json())
        watch.begins(agreement)
        result = Consumer(
            chain=chain,
            signer=signer,
            meter=settings.equipment.meter(),
            peer=link,
            store=store,
            terms=settings.terms,
            on_progress=watch.progress,
            stop_requested=watch.stop_requested,
        ).run()
        return SessionEnd(agreement, result.end, result.reason, result.problem)


def _chain(connection: Connection, account: AccountAPI, settings: SessionSettings) -> MarketChain:
    # A session is worth asking once more for.
    return MarketChain(
        type(connection)(connection.market.lasting(), connection.id),
        account,
        trusted_block=settings.trusted_block,
        own_clock=settings.light is not None,
    )


def _signer(
    account: AccountAPI, agreement: Agreement, settings: SessionSettings, chain: MarketChain
) -> Signer:
    if settings.chosen_key is not None:
        chosen = KeyDocument.load(settings.chosen_key).key_for(chain.connection)
        signer = ChosenSigner(account, chosen)

        def co_sign(statement: EnergyStatement) -> EnergyStatement:
            message = agreement.reading(
                statement.energy_wh, statement.meter_data_hash, last=statement.last
            )
            return charging.sign(agreement, message, signer)

        chain.co_sign = co_sign
        return signer
    return KeySigner(account, agreement) if settings.session_key else AccountSigner(account)


def _past(store: Store, agreement: Agreement, end: ConnectionEnd) -> SessionEnd:
    kept = store.connections.get(agreement.token)
    return SessionEnd(agreement, end, None if kept is None else kept.stop_reason)
