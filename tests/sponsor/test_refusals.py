"""What a sponsor does not send, and what an EV does not believe: each in one true sentence."""

import http.server
import json
import threading
from typing import Any

import httpx
import pytest

from ape_v2v import Market, Money
from ape_v2v.chain import blocks
from ape_v2v.sponsor import Order, SpendingLimits, SponsoredGateway
from ape_v2v.sponsor.delegation import authorize, delegate_address, next_nonce
from ape_v2v.sponsor.gateway import SponsorError
from ape_v2v.sponsor.ledger import Ledger, LimitReached
from ape_v2v.sponsor.sponsor import LONGEST_SECONDS, NotSponsored, Sponsor
from tests.helpers.scenario import FUNDS


@pytest.fixture
def paid(running):
    return running.sponsor.market


@pytest.fixture
def ordered(paid, penniless, chain):
    """A factory of orders of the consumer, or of another one: to void its signed bids."""

    def ordered(signer: Any = None, **changes: Any) -> Order:
        signer = signer or penniless[0]
        data = paid.contract.call_data("revokeBids")
        values = {
            "chain_id": chain.chain_id,
            "calls": [(paid.address, 0, data)],
            "nonce": next_nonce(paid.node, signer.address),
            "deadline": blocks.next_timestamp(paid.node) + 600,
            "delegation": authorize(paid.node, signer),
            **changes,
        }
        return Order.sign(signer, **values)

    return ordered


def post(running, content):
    return httpx.post(f"{running.url}/v1/orders", content=content, timeout=30)


def test_an_order_is_sent_once_however_often_it_comes(running, ordered, stranger, paid):
    order = ordered()

    first, second = post(running, order.text()), post(running, order.text())

    assert first.status_code == second.status_code == 200
    assert first.json() == second.json()
    assert stranger.nonce == 2, "the delegate, and the order"
    assert paid.ev(order.account).revocations == 1


def test_it_is_remembered_by_another_process_too(sponsored_by, ordered, stranger, tmp_path):
    order = ordered()
    first, second = (sponsored_by(path=tmp_path / "ledger.sqlite") for _ in range(2))

    sent = post(first, order.text()).json()

    assert post(second, order.text()).json() == sent
    assert first.sponsor.ledger.left == second.sponsor.ledger.left < SpendingLimits().budget


def test_what_it_has_cost_leaves_the_budget(running, ordered):
    carried = running.sponsor.carry_out(ordered())

    assert running.sponsor.ledger.left == Money(int(SpendingLimits().budget) - int(carried.cost))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"chain_id": 1}, "is for chain 1, and this sponsor sends to 31337"),
        ({"nonce": 5}, "has the nonce 5, and the next one of"),
        ({"deadline": 2**40}, "choose an earlier deadline"),
        ({"delegation": None}, "does not delegate yet: its first order has to bring"),
        ({"calls": [("0x" + "11" * 20, 0, b"")]}, "pays for calls of the market at"),
    ],
)
def test_an_order_that_is_not_for_it_is_not_sent(running, ordered, stranger, changes, said):
    before = stranger.nonce

    refused = post(running, ordered(**changes).text())

    assert refused.status_code == 403
    assert said in refused.json()["error"]
    assert stranger.nonce == before
    assert running.sponsor.ledger.left == SpendingLimits().budget


def test_the_longest_deadline_is_taken(running, ordered, paid):
    deadline = blocks.next_timestamp(paid.node) + LONGEST_SECONDS

    assert running.sponsor.carry_out(ordered(deadline=deadline)).block


def test_an_order_out_of_time_is_not_sent(running, ordered, paid):
    refused = post(running, ordered(deadline=blocks.block(paid.node).timestamp - 1).text())

    assert (refused.status_code, refused.json()["name"]) == (409, "SignatureExpired")


def test_what_the_market_would_refuse_is_not_sent(running, ordered, paid, stranger):
    before = stranger.nonce
    none = paid.contract.view("currentAuctionId", "0x" + "22" * 20)
    call = paid.contract.call_data("endConnection", none)

    refused = post(running, ordered(calls=[(paid.address, 0, call)]).text())

    assert (refused.status_code, refused.json()["name"]) == (409, "UnexpectedState")
    assert "is over or never was" in refused.json()["error"]
    assert stranger.nonce == before


def test_who_is_no_ev_gets_nothing(running, ordered, organization):
    with pytest.raises(NotSponsored, match="is no EV of this market"):
        running.sponsor.carry_out(ordered(organization))


@pytest.mark.parametrize("field", ["nonce", "deadline", "signature", "account"])
def test_what_was_changed_on_the_way_is_not_sent(running, ordered, penniless, field):
    said = json.loads(ordered().text())
    other = json.loads(ordered(penniless[1]).text())
    said[field] = {"nonce": "7", "deadline": said["deadline"] + 1}.get(field, other[field])

    refused = post(running, json.dumps(said))

    assert refused.status_code == 403
    assert "has not signed exactly this order" in refused.json()["error"]


def test_an_authorization_of_another_contract_is_refused(running, ordered, penniless, paid):
    signed = authorize(paid.node, penniless[1])

    with pytest.raises(NotSponsored, match="has not signed that it delegates"):
        running.sponsor.carry_out(ordered(delegation=signed))


def test_an_account_that_delegates_elsewhere_is_refused(running, ordered, chain, paid, penniless):
    other = b"\xef\x01\x00" + bytes.fromhex(paid.address[2:])
    order = ordered()
    chain.provider.set_code(penniless[0].address, other)

    with pytest.raises(NotSponsored, match=f"delegates to {paid.address}, and not to"):
        running.sponsor.carry_out(order)
    with pytest.raises(SponsorError, match=f"delegates to {paid.address} already"):
        Market.at(paid.address, gateway=SponsoredGateway(running.url)).revoke_bids(
            sender=penniless[0]
        )


@pytest.mark.parametrize("text", ["", "[]", "{}", "\x00", '{"chainId": "x"}'])
def test_what_is_no_order_is_told_so(running, text):
    refused = post(running, text)

    assert refused.status_code == 400
    assert "this is not an order: " in refused.json()["error"]


def test_too_large_a_message_is_not_read(running):
    assert post(running, b"x" * 300_000).status_code == 413


def test_no_more_is_spent_than_the_budget(sponsored_by, ordered, stranger):
    running = sponsored_by(SpendingLimits(budget=Money(1)))
    before = stranger.nonce

    refused = post(running, ordered().text())

    assert refused.status_code == 429
    assert "is left of the day's budget, 1 wei" in refused.json()["error"]
    assert stranger.nonce == before


def test_one_account_gets_so_much_and_the_others_go_on(sponsored_by, ordered, penniless):
    sponsor = sponsored_by(SpendingLimits(minutely=1)).sponsor
    sponsor.carry_out(ordered())

    with pytest.raises(LimitReached, match="was paid for 1 times in the last minute"):
        sponsor.carry_out(ordered(delegation=None))
    assert sponsor.carry_out(ordered(penniless[1])).block


def test_the_limits_of_an_account_end_with_their_time():
    now = [0.0]
    ledger = Ledger(None, SpendingLimits(minutely=1, daily=2), clock=lambda: now[0])
    ledger.take("a", "0x1", Money(1))
    now[0] = 61
    ledger.take("b", "0x1", Money(1))
    now[0] = 200
    with pytest.raises(LimitReached, match="in the last day"):
        ledger.take("c", "0x1", Money(1))
    now[0] = 86_500
    ledger.take("c", "0x1", Money(1))


def test_a_sponsor_without_ether_says_so_and_forgets_the_order(running, ordered, chain, stranger):
    order = ordered()
    chain.provider.set_balance(stranger.address, 0)

    refused = post(running, order.text())

    assert refused.status_code == 503
    assert "fund it first" in refused.json()["error"]
    assert running.sponsor.ledger.left == SpendingLimits().budget
    chain.provider.set_balance(stranger.address, 10**18)
    assert post(running, order.text()).status_code == 200


# --- The EV's side


def test_no_sponsor_there_is_told_and_nothing_is_sent(paid, penniless):
    gateway = SponsoredGateway("http://127.0.0.1:9")

    with pytest.raises(SponsorError, match=r"does not answer .*: nothing was sent"):
        Market.at(paid.address, gateway=gateway).revoke_bids(sender=penniless[0])


@pytest.mark.parametrize("url", ["ftp://127.0.0.1", "host", "http://"])
def test_what_is_no_address_of_a_sponsor_is_refused(url):
    with pytest.raises(SponsorError, match="no address of a sponsor"):
        SponsoredGateway(url)


def test_a_sponsor_of_another_market_is_not_asked_to_sign(
    running, deploy_market, organization, penniless
):
    other = deploy_market()
    other.addEV(penniless[0], "", sender=organization)

    with pytest.raises(SponsorError, match="has another market"):
        Market.at(other.address, gateway=SponsoredGateway(running.url)).revoke_bids(
            sender=penniless[0]
        )


def test_a_token_is_not_called_through_a_sponsor(running, paid, penniless):
    sponsored = Market.at(paid.address, gateway=SponsoredGateway(running.url))

    with pytest.raises(SponsorError, match=r"deposit by an authorization \(EIP-3009\) instead"):
        sponsored.approve(sponsored.money(1), sender=penniless[0])


@pytest.fixture
def liar(running, stranger):
    """Who says that it has sent the order, and has sent nothing but something of its own."""
    about = running.sponsor.as_json()
    transaction = stranger.transfer(stranger, 1).txn_hash

    class Liar(http.server.BaseHTTPRequestHandler):
        def _say(self, body):
            content = json.dumps(body).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def do_GET(self):
            self._say(about)

        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            self._say({"transaction": transaction})

        def log_message(self, *_arguments):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Liar)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join(10)


def test_a_sponsor_that_lies_is_not_believed(liar, paid, penniless):
    with pytest.raises(SponsorError, match="has done it, and it has not"):
        Market.at(paid.address, gateway=SponsoredGateway(liar)).revoke_bids(sender=penniless[0])


@pytest.mark.parametrize("sent", [True, False], ids=["sent", "not sent"])
def test_who_tries_again_brings_the_same_order(
    running, paid, penniless, monkeypatch, tmp_path, sent
):
    """The line broke, or the process was killed, before the sponsor's answer was there."""
    kept = tmp_path / "orders.sqlite"

    def breaks(gateway, order):
        if sent:
            running.sponsor.carry_out(order)
        raise SponsorError("the line is cut")

    with monkeypatch.context() as patch:
        patch.setattr(SponsoredGateway, "_brought", breaks)
        with pytest.raises(SponsorError, match="the line is cut"):
            Market.at(paid.address, gateway=SponsoredGateway(running.url, orders=kept)).revoke_bids(
                sender=penniless[0]
            )
    again = Market.at(paid.address, gateway=SponsoredGateway(running.url, orders=kept))
    again.revoke_bids(sender=penniless[0])

    assert again.ev(penniless[0].address).revocations == 1
    again.revoke_bids(sender=penniless[0])
    assert again.ev(penniless[0].address).revocations == 2, "what was told is done with"


def test_an_order_whose_time_is_over_gives_way_to_a_new_one(
    running, paid, penniless, monkeypatch, clock
):
    market = Market.at(paid.address, gateway=SponsoredGateway(running.url))

    def breaks(_gateway, _order):
        raise SponsorError("the line is cut")

    with monkeypatch.context() as patch:
        patch.setattr(SponsoredGateway, "_brought", breaks)
        with pytest.raises(SponsorError, match="the line is cut"):
            market.revoke_bids(sender=penniless[0])
    clock.move_to(clock.now + 700)

    market.revoke_bids(sender=penniless[0])

    assert market.ev(penniless[0].address).revocations == 1


def test_the_delegate_is_at_the_address_that_follows_from_its_code(running, project, chain):
    assert running.sponsor.delegate == delegate_address()
    assert chain.provider.get_code(delegate_address())


def test_a_second_sponsor_deploys_no_second_delegate(running, paid, stranger):
    before = stranger.nonce

    Sponsor(paid, stranger, Ledger(None, SpendingLimits()))

    assert stranger.nonce == before


def test_an_order_may_spend_the_accounts_own_ether(
    sponsored_by, running, deploy_market, organization, chain, consumer, stranger
):
    """In a market that is paid in ether, an account may have some, and keep it for its trades."""
    deployed = deploy_market()
    deployed.addEV(consumer, "", sender=organization)
    chain.provider.set_balance(consumer.address, FUNDS)
    sponsor = Sponsor(Market.at(deployed.address), stranger, Ledger(None, SpendingLimits()))
    node = sponsor.market.node
    call = (deployed.address, FUNDS, sponsor.market.contract.call_data("deposit"))
    order = Order.sign(
        consumer, chain.chain_id, [call], nonce=0,
        deadline=blocks.next_timestamp(node) + 60, delegation=authorize(node, consumer),
    )  # fmt: skip

    sponsor.carry_out(order)

    assert (deployed.evs(consumer).balance, consumer.balance) == (FUNDS, 0)
