"""A market in a token, served: it says in what, and its token may be asked about."""

import pytest

from tests.service.conftest import await_that, head, serving_market


@pytest.fixture
def paid_in_a_token(v2v_token_market):
    return v2v_token_market()


def test_a_page_is_told_what_the_market_is_paid_in_and_may_ask_its_token(
    paid_in_a_token, consumer, provider, chain
):
    market = paid_in_a_token
    auction = market.start_auction("20 kWh", "0.35 EURT/kWh", sender=consumer)
    auction.place_bid("0.3 EURT/kWh", sender=provider)
    with serving_market(market, requests=100_000) as client:
        await_that(lambda: head(client) >= chain.blocks.height)
        config = client.get("/api/v1/config").json()
        token = market.currency.address
        assert config["currency"] == {"symbol": "EURT", "decimals": "6", "address": token}
        (running,) = client.get("/api/v1/auctions").json()["auctions"]
        assert (running["rate"], running["highestRate"], running["reserve"]) == (
            *("300", "297"),
            str(7 * 10**6),
        )
        call = {"to": token, "data": "0x313ce567"}  # decimals()
        body = {"jsonrpc": "2.0", "id": 1, "method": "eth_call", "params": [call, "latest"]}
        assert int(client.post("/rpc", json=body).json()["result"], 16) == 6
