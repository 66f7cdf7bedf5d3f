"""`ape v2v serve`: it says where it is, answers, and ends in order."""

import json
import signal
import socket

import httpx
import pytest

PATIENCE = 60  # seconds


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_service_says_where_it_is_and_ends_in_order(start_side, market, auction_id, number):
    process = start_side("--port", "0", topic="serve")
    said = json.loads(process.stdout.readline())
    assert said["market"] == market.address
    with httpx.Client(base_url=said["url"], timeout=PATIENCE) as client:
        config = client.get("/api/v1/config")
        while config.status_code == 503:  # it reads
            config = client.get("/api/v1/config")
        assert config.json()["market"] == market.address
        (running,) = client.get("/api/v1/auctions").json()["auctions"]
        assert running["auctionId"] == str(auction_id)
    process.send_signal(number)
    assert process.wait(PATIENCE) == 0


def test_a_port_that_is_taken_is_named(v2v):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        output = v2v("serve", "--port", port, expect=1)
    assert f"cannot listen on 127.0.0.1, port {port}" in output.error
    assert "Traceback" not in output.error


def test_half_a_certificate_is_refused(v2v, tmp_path):
    certificate = tmp_path / "cert.pem"
    certificate.write_text("no certificate")
    assert "--tls" in v2v("serve", "--tls", certificate, expect=2).error
    output = v2v("serve", "--port", 0, "--tls", certificate, certificate, expect=1)
    assert f"{certificate} and {certificate} are no certificate with its key" in output.error
