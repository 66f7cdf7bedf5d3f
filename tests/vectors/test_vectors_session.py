"""Every vector against this implementation: the provider's service, and the consumer's checks."""

import secrets
import sqlite3
from contextlib import closing
from decimal import Decimal

import pytest
from eth_utils.crypto import keccak
from eth_utils.hexadecimal import decode_hex
from pydantic import ValidationError
from starlette.testclient import TestClient

from ape_v2v.market.market import Market
from ape_v2v.market.statements import EnergyStatement
from ape_v2v.metering.equipment import Equipment
from ape_v2v.session.link.server import create_app
from ape_v2v.session.onchain import MarketChain
from ape_v2v.session.protocol import charging, handshake
from ape_v2v.session.protocol.charging import SignedReading
from ape_v2v.session.protocol.codes import ErrorCode, SessionError
from ape_v2v.session.protocol.signing import AccountSigner
from ape_v2v.session.protocol.tolerance import Tolerance
from ape_v2v.session.protocol.wire import (
    MeterValueRes,
    SessionSetupReq,
    SessionSetupRes,
    SettlementRes,
    StopReason,
)
from ape_v2v.session.provider import Provider
from ape_v2v.session.store import Handshake, Store
from ape_v2v.session.terms import Limits
from ape_v2v.units import Energy
from tests.vectors import generate
from tests.vectors.vectors import (
    CONTEXT,
    NAMES,
    content,
    parameters,
    vectors,
)

TOLERANCE = Tolerance(Decimal("0.02"))

OWN_REGISTER = 'INSERT INTO "registers"'


def test_the_committed_files_are_what_the_script_writes():
    committed = {path.name: path.read_text("utf-8") for path in generate.FOLDER.glob("*.json")}
    assert committed == generate.files()


def test_at_least_forty_are_invalid_each_with_the_name_of_an_error():
    known = {str(code) for code in ErrorCode} | {"SignatureExpired"}  # that is the contract's
    errors = [v.error for name in NAMES for v in vectors(name) if v.error is not None]
    assert len(errors) >= 40
    assert set(errors) <= known


@pytest.fixture
def chain_of(vectors_market):
    """What a side asks of the connection's chain."""
    auction = Market.at(vectors_market.address).connection(int(CONTEXT["auctionId"]))
    return lambda account: MarketChain(auction, account)


@pytest.fixture
def agreement(chain_of, consumer):
    agreement = chain_of(consumer).agreement()
    said = {
        "chainId": agreement.chain_id,
        "market": agreement.market,
        "auctionId": agreement.auction_id,
        "consumer": agreement.consumer,
        "provider": agreement.provider,
        "token": "0x" + agreement.token.hex(),
        "energyWh": agreement.energy_wh,
        "rate": agreement.rate,
        "validUntil": agreement.valid_until,
    }
    assert {name: str(value) for name, value in said.items()}.items() <= CONTEXT.items()
    return agreement


# What the consumer sends, to the provider's service


@pytest.fixture
def serving(chain_of, provider, tmp_path, monkeypatch):
    """The provider of the vectors' connection, and a client of its service."""
    equipment = Equipment(
        cable=tmp_path / "cable",
        meter_id=decode_hex(CONTEXT["meterId"]).rstrip(b"\0").decode(),
        meter_start_wh=int(CONTEXT["meterStartWh"]),
    )
    chain = chain_of(provider)
    made = Provider(
        chain=chain,
        signer=AccountSigner(provider),
        meter=equipment.meter(),
        source=equipment.source(chain.agreement().energy_wh),
        store=Store(tmp_path / "provider.sqlite"),
        limits=Limits(agreement_age=float("inf")),
    )
    # What the provider draws at random is in the vectors.
    monkeypatch.setattr(
        secrets,
        "token_bytes",
        lambda size: generate.EVP if size == len(generate.EVP) else generate.SESSION_ID,
    )
    yield made, TestClient(create_app(made))
    made.store.close()


def first(name):
    return next(vectors(name))


def post(client, path, text):
    answer = client.post(f"/v1/{path}", content=text)
    return answer, answer.json().get("error")


def kept(store):
    """All that is in a store, beside what the side's own meter has shown."""
    with closing(sqlite3.connect(store.path)) as database:
        return [line for line in database.iterdump() if not line.startswith(OWN_REGISTER)]


def require(vector, answer, error):
    assert error == vector.error, answer.text
    assert answer.is_success == (vector.error is None)


@pytest.mark.parametrize("vector", **parameters("session-setup"))
def test_setup(vector, serving, agreement, clock):
    provider, client = serving
    if "now" in vector.given:
        clock.move_to(int(vector.given["now"]))
    before = kept(provider.store)
    answer, error = post(client, "session-setup", vector.text)
    require(vector, answer, error)
    assert kept(provider.store) == before  # a set-up alone leaves nothing behind
    if vector.error is None:
        assert answer.json() == first("session-setup-answer").message


@pytest.mark.parametrize("vector", **parameters("authorization"))
def test_authorization(vector, serving, agreement, clock):
    provider, client = serving
    if vector.given.get("setUp"):
        assert post(client, "session-setup", first("session-setup").text)[1] is None
    if vector.given.get("authorized"):
        assert post(client, "authorization", first("authorization").text)[1] is None
    if vector.given.get("closed"):
        provider.store.connections.open(agreement, "provider", provider.delivery.meter_id, 0)
        provider.close(StopReason.LOCAL)
    if "nowThen" in vector.given:
        clock.move_to(int(vector.given["nowThen"]))
    before = kept(provider.store)
    answer, error = post(client, "authorization", vector.text)
    require(vector, answer, error)
    if vector.error is None:
        assert answer.json()["sessionId"] == "0x" + generate.SESSION_ID.hex()
    else:
        assert kept(provider.store) == before


@pytest.mark.parametrize("vector", **parameters("metering-receipt"))
def test_receipt(vector, serving, agreement):
    provider, client = serving
    meter = decode_hex(CONTEXT["meterId"]), int(CONTEXT["meterStartWh"])
    session = Handshake(
        generate.EVC, generate.EVP, agreement.token, "", decode_hex(vector.given["sessionId"]), 100
    )
    provider.store.authorize(agreement, meter, session)
    for energy in map(int, vector.given["readings"]):
        statement = EnergyStatement(
            agreement.token, Energy(energy), generate.RECORD_HASH, bytes(65)
        )
        provider.store.statements.add_reading(SignedReading(statement, generate.RECORD, 0))
    before = kept(provider.store)
    answer, error = post(client, "metering-receipt", vector.text)
    require(vector, answer, error)
    if vector.error is None:
        assert answer.json()["acknowledgedWh"] == vector.message["energyWh"]
    else:
        assert kept(provider.store) == before


# What the provider sends, to the consumer's checks


def checked(check):
    """The name of the error that a check raises."""
    try:
        check()
    except ValidationError:
        return str(ErrorCode.MALFORMED_MESSAGE)
    except SessionError as error:
        return str(error.code)
    return None


@pytest.mark.parametrize("vector", **parameters("session-setup-answer"))
def test_setup_answer(vector, agreement):
    request = SessionSetupReq.model_validate_json(first("session-setup").text)

    def check():
        answer = SessionSetupRes.received(vector.text)
        handshake.check_setup_answer(answer, request, agreement)

    assert checked(check) == vector.error


@pytest.mark.parametrize("vector", **parameters("meter-value"))
def test_meter_value(vector, agreement):
    given = {name: int(value) for name, value in vector.given.items()}

    def check():
        value = MeterValueRes.received(vector.text)
        reading = charging.check_meter_value(value, agreement, given["acknowledgedWh"])
        assert reading.statement.meter_data_hash == keccak(value.meter_record)
        TOLERANCE.check(
            value.energy_wh, given["ownWh"], 2, given["maxUnacknowledgedWh"], agreement.energy_wh
        )

    assert checked(check) == vector.error


@pytest.mark.parametrize("vector", **parameters("settlement"))
def test_settlement(vector, agreement):
    acknowledged = EnergyStatement(
        agreement.token,
        Energy(int(vector.given["acknowledgedWh"])),
        generate.RECORD_HASH,
        bytes(65),
    )

    def check():
        answer = SettlementRes.received(vector.text)
        charging.check_settlement(answer, agreement, acknowledged)

    assert checked(check) == vector.error


def test_the_documentation_names_every_file():
    readme = (generate.FOLDER / "README.md").read_text("utf-8")
    for name in NAMES:
        assert f"`{name}.json`" in readme
        assert content(name)["context"] == CONTEXT
