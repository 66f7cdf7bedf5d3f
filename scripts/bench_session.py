"""How many receipts a second one provider takes, and how long a handshake takes.

ape run bench_session

What the provider does for a receipt is timed in one process: check the signature, store the
receipt durably, sign the next reading and store it. Each step is timed by itself too, to
see what bounds the rate. The consumer signs beforehand. Then a consumer shakes hands with a
provider's service over HTTP on loopback, with the chain's answers at hand: how long a node takes is
not the session's doing.
"""

import json
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from ape.logging import logger
from eth_account import Account
from eth_utils.crypto import keccak

from ape_v2v.market.statements import EnergyStatement
from ape_v2v.metering.meter import MeterReading
from ape_v2v.session.consumer import Consumer
from ape_v2v.session.link.client import Link
from ape_v2v.session.link.server import Service, create_app
from ape_v2v.session.protocol import charging
from ape_v2v.session.protocol.agreement import Agreement
from ape_v2v.session.protocol.signing import require_signer
from ape_v2v.session.protocol.wire import MeteringReceiptReq, MeterValueReq
from ape_v2v.session.provider import Provider
from ape_v2v.session.store import Store
from ape_v2v.session.terms import Limits
from ape_v2v.units import Energy

TARGET_RATE = 200  # receipts/s
TARGET_HANDSHAKE = 0.150  # s
START_SECONDS = 30


class Signer:
    """A key of this benchmark."""

    def __init__(self) -> None:
        self._account = Account.create()
        self.address = str(self._account.address)

    def sign(self, message: Any) -> bytes:
        return bytes(self._account.sign_message(message.signable_message).signature)


class Answers:
    """A chain whose answers are at hand."""

    def __init__(self, agreement: Agreement) -> None:
        self._agreement = agreement

    def agreement(self) -> Agreement:
        return self._agreement

    def now(self) -> int:
        return 0

    def end_of(self, agreement: Agreement) -> None: ...
    def require_award(self, agreement: Agreement) -> None: ...
    def settle(self, receipt: EnergyStatement) -> None: ...
    def end(self, settlement: EnergyStatement) -> None: ...


class Counter:
    """A meter and a source in one: a Wh more at every look."""

    id = "bench"
    max_power_w = None

    def __init__(self) -> None:
        self._wh = 0

    @property
    def delivered_wh(self) -> int:
        return self._wh

    def read(self) -> MeterReading:
        return MeterReading(self._wh, 11_000, datetime.now(UTC), b'{"energyWh":%d}' % self._wh)

    def allow(self, up_to_wh: int) -> None:
        self._wh += up_to_wh > self._wh

    def stop(self) -> None: ...


def agreement_between(consumer: Signer, provider: Signer) -> Agreement:
    return Agreement(
        chain_id=1,
        market="0x5FbDB2315678afecb367f032d93F642f64180aa3",
        auction_id=1,
        consumer=consumer.address,
        provider=provider.address,
        token=keccak(b"bench"),
        energy_wh=10**6,
        rate=1,
        valid_until=1,
        expires_at=2,
        block=0,
    )


class Bench:
    """Both sides in a folder."""

    def __init__(self, folder: Path) -> None:
        self.signers = Signer(), Signer()
        self.agreement = agreement_between(*self.signers)
        self.folder = folder
        self.store = Store(folder / "provider.sqlite")
        counter = Counter()
        self.provider = Provider(
            chain=Answers(self.agreement),
            signer=self.signers[1],
            meter=counter,
            source=counter,
            store=self.store,
            limits=Limits(max_unacknowledged_wh=2, meter_interval=0, sessions_per_token=10**6),
        )

    def consumer(self, link: Link, name: str) -> Consumer:
        return Consumer(
            chain=Answers(self.agreement),
            signer=self.signers[0],
            meter=Counter(),
            peer=link,
            store=Store(self.folder / f"{name}.sqlite"),
        )

    def receipts(self, session_id: bytes, count: int) -> list[float]:
        """Seconds that the provider takes for each receipt, and the reading after it."""
        times = []
        ask = MeterValueReq(session_id=session_id)
        value = self.provider.meter_value(ask)
        for _ in range(count):
            hash_ = keccak(value.meter_record)
            message = charging.receipt(self.agreement, value.energy_wh, hash_)
            receipt = MeteringReceiptReq(
                session_id=session_id,
                energy_wh=value.energy_wh,
                meter_data_hash=hash_,
                last=False,
                signature=self.signers[0].sign(message),
            )
            began = time.perf_counter()
            self.provider.receipt(receipt)
            value = self.provider.meter_value(ask)
            times.append(time.perf_counter() - began)
        return times

    def steps(self, count: int) -> dict[str, float]:
        """Mean seconds of what a receipt is made of."""
        message = charging.receipt(self.agreement, 1, bytes(32))
        signature = self.signers[0].sign(message)
        scratch = Store(self.folder / "scratch.sqlite")
        numbers = iter(range(2 * count))

        def store() -> None:
            scratch.statements.add_receipt(
                EnergyStatement(self.agreement.token, Energy(next(numbers)), bytes(32), signature)
            )

        return {
            "check a signature": _mean(
                lambda: require_signer(
                    message, signature, self.agreement.consumer, self.agreement.auction_id
                ),
                count,
            ),
            "sign": _mean(lambda: self.signers[1].sign(message), count),
            "store durably": _mean(store, count),
        }

    @contextmanager
    def service(self) -> Iterator[str]:
        started, urls = threading.Event(), []

        def on_start(url: str) -> None:
            urls.append(url)
            started.set()

        service = Service(create_app(self.provider), on_start=on_start)
        thread = threading.Thread(target=service.run)
        thread.start()
        if not started.wait(START_SECONDS):
            raise click.ClickException("the service does not start")
        try:
            yield urls[0]
        finally:
            service.should_exit = True
            thread.join()

    def handshakes(self, count: int) -> list[float]:
        """Seconds that each handshake takes, the stores of both sides included."""
        times = []
        with self.service() as url:
            for number in range(count):
                with Link(url) as link:
                    consumer = self.consumer(link, f"consumer{number}")
                    began = time.perf_counter()
                    consumer.handshake()
                    times.append(time.perf_counter() - began)
        return times


def _mean(step: Any, count: int) -> float:
    began = time.perf_counter()
    for _ in range(count):
        step()
    return (time.perf_counter() - began) / count


@click.command(short_help="Receipts a second, and a handshake's time")
@click.option("--receipts", default=1_000, show_default=True)
@click.option("--handshakes", default=20, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Output for programs.")
def cli(receipts: int, handshakes: int, as_json: bool) -> None:
    logger.set_level("ERROR")
    with tempfile.TemporaryDirectory() as name:
        bench = Bench(Path(name))
        handshake = statistics.median(bench.handshakes(handshakes))
        session = bench.store.handshakes.last(bench.agreement.token)
        if session is None or session.session_id is None:
            raise click.ClickException("no handshake has come off")
        cpu = time.process_time()
        times = bench.receipts(session.session_id, receipts)
        cpu = (time.process_time() - cpu) / receipts  # the consumer's signing included
        steps = bench.steps(receipts)
    rate = len(times) / sum(times)
    spent = {"check a signature": 1, "sign": 1, "store durably": 1}
    shares = {step: count * steps[step] for step, count in spent.items()}
    rest = max(0.0, 1 / rate - sum(shares.values()))
    bound = max(shares | {"the rest": rest}, key=lambda step: (shares | {"the rest": rest})[step])
    figures = {
        "receiptsPerSecond": round(rate, 1),
        "handshakeMilliseconds": round(1e3 * handshake, 1),
        "millisecondsPerReceipt": {
            step: round(1e3 * seconds, 2) for step, seconds in (shares | {"rest": rest}).items()
        },
        "cpuMillisecondsPerReceipt": round(1e3 * cpu, 2),
        "boundBy": bound,
    }
    if as_json:
        click.echo(json.dumps(figures))
    else:
        click.echo(f"{rate:.0f} receipts/s (target: {TARGET_RATE}), bound by: {bound}")
        for step, seconds in (shares | {"the rest": rest}).items():
            click.echo(f"  {1e3 * seconds:6.2f} ms  {step} ({spent.get(step, 1)} times)")
        click.echo(
            f"  {1e3 * cpu:6.2f} ms  of the processor's time, the consumer's signing included"
        )
        click.echo(
            f"handshake: {1e3 * handshake:.0f} ms (target: below {1e3 * TARGET_HANDSHAKE:.0f} ms)"
        )
    if rate < TARGET_RATE or handshake > TARGET_HANDSHAKE:
        sys.exit(1)
