"""The car's side of pairing: its link, its words, and what it takes out of the mailbox."""

from urllib.parse import parse_qs, urlsplit

import pytest

from ape_v2v.chain.node import Node
from ape_v2v.errors import V2VError
from ape_v2v.market.market import Market
from ape_v2v.session.pairing import Pairing, check_words
from ape_v2v.session.protocol.codes import SessionError
from tests.service.conftest import serving_market

LOOK = 0.05  # seconds
FOREIGN = "0x" + "12" * 64 + "1b"


@pytest.fixture
def v2v_market(market):
    return Market.at(market.address)


@pytest.fixture
def paired(v2v_market, connection_id, stranger):
    """A pairing of the stranger's account as the consumer's key, at a service."""

    def paired(service, **changes):
        words = {"provider": False, "key": stranger.address, **changes}
        return Pairing(v2v_market.connection(connection_id), service=service, **words)

    return paired


def code_of(pairing):
    return parse_qs(urlsplit(urlsplit(pairing.link).fragment).query)["r"][0]


def test_what_was_left_by_somebody_else_is_told_and_waited_past(
    chain, market, paired, v2v_market, connection_id, consumer, provider, stranger
):
    watched = Market.at(market.address, Node(chain.provider.uri))
    with serving_market(watched, requests=100_000) as client:
        for is_provider, owner in ((False, consumer), (True, provider)):
            pairing = paired(str(client.base_url), provider=is_provider)
            box = f"/api/v1/pair/{code_of(pairing)}"
            right = v2v_market.auction(connection_id).sign_key(stranger.address, signer=owner)
            told: list[str] = []

            def leave_the_right_one(said, box=box, right=right, told=told):
                told.append(said)
                left = {"signature": "0x" + right.signature.hex()}
                assert client.post(box, json=left).status_code == 204

            assert client.post(box, json={"signature": FOREIGN}).status_code == 204
            document = pairing.wait(leave_the_right_one, look=LOOK)

            assert (document.account, document.key) == (owner.address, stranger.address)
            assert "not for this car" in told[0]


def test_where_nobody_signs_it_is_said_what_to_do(paired):
    """Nor does a service that is not there end the wait: the car may reach it soon."""
    told: list[str] = []
    with pytest.raises(V2VError, match="--session-key"):
        paired("http://127.0.0.1:1").wait(told.append, seconds=0.2, look=LOOK)
    assert "does not answer" in told[0]


def test_each_try_has_a_code_of_its_own_and_the_words_of_what_is_signed(paired, consumer):
    first, second = paired("https://localhost:8443/"), paired("https://localhost:8443")
    assert first.link.startswith("https://localhost:8443/#/pair?c=")
    assert code_of(first) != code_of(second)
    assert first.words == second.words
    assert paired("https://localhost:8443", key=consumer.address).words != first.words


def test_the_words_are_the_first_bits_of_the_hash():
    assert check_words(bytes(32)) == "abandon abandon abandon abandon"
    assert check_words(b"\xff" * 32) == "zoo zoo zoo zoo"
    places = 1 << 33 | 0 << 22 | 2 << 11 | 2047
    assert check_words((places << 212).to_bytes(32)) == "ability abandon able zoo"


def test_before_the_award_there_is_nothing_to_pair_for(v2v_market, bid_id, stranger):
    with pytest.raises(SessionError, match="is not connected"):
        Pairing(
            v2v_market.connection(bid_id), provider=False, key=stranger.address,
            service="https://localhost:8443",
        )  # fmt: skip


@pytest.mark.parametrize(
    "service",
    ["localhost:8700", "ftp://localhost", "https://", "http://localhost:b", "https://localhost/#b"],
)
def test_what_is_no_address_of_a_service_is_refused(paired, service):
    with pytest.raises(V2VError, match="is no address of a service"):
        paired(service)
