"""A market in a token, served: it says in what, and its token may be asked about."""

import pytest

from tests.service.conftest import await_that, head, listening, serving_market


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
        told = {"symbol": "EURT", "decimals": "6", "address": token}
        events = client.get(f"/api/v1/auctions/{auction.id}").json()["events"]
        assert [(one["event"], one["currency"]) for one in events] == [
            ("AuctionStarted", told),
            ("BidPlaced", told),
        ]
        activity = client.get(f"/api/v1/accounts/{provider.address}/activity").json()["events"]
        by_event = {one["event"]: one.get("currency") for one in activity}
        assert by_event == {"BidPlaced": told, "Deposited": told, "EVAdded": None}
        call = {"to": token, "data": "0x313ce567"}  # decimals()
        body = {"jsonrpc": "2.0", "id": 1, "method": "eth_call", "params": [call, "latest"]}
        assert int(client.post("/rpc", json=body).json()["result"], 16) == 6


def test_a_page_that_listens_is_told_in_what_the_amounts_are(paid_in_a_token, consumer, provider):
    market = paid_in_a_token
    token = {"symbol": "EURT", "decimals": "6", "address": market.currency.address}
    with serving_market(market, requests=100_000) as client, listening(client) as following:
        following("head")
        auction = market.start_auction("20 kWh", "0.35 EURT/kWh", sender=consumer)
        *_, last = following("auction")
        auction.place_bid("0.3 EURT/kWh", sender=provider)
        _, bid, _ = following("auction")
        assert (bid["event"], bid["currency"]) == ("BidPlaced", token)
        with listening(client, **{"Last-Event-ID": last}) as again:
            assert again("auction")[1]["currency"] == token
