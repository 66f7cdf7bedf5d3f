"""Whole trades of people who hold no ether, in a token, through every ending: somebody else sends.

What comes into the market comes by EIP-3009, and what leaves it is paid to whom one names.
"""

import pytest

from ape_v2v.market.interface import messages
from tests.helpers.scenario import (
    BIDDING_TIME,
    ENERGY,
    MAX_RATE,
    METER_DATA,
    PARAMETERS,
    PENALTY,
    RATE,
    RESERVE,
    TERMS,
    VALIDITY,
)
from tests.helpers.sponsoring import FOREVER, delegate, sign_calls
from tests.helpers.tokens import authorize

COST = ENERGY * RATE
SOME = 5_000  # Wh


@pytest.fixture(scope="module")
def coin(project, organization):
    code = organization.deploy(project.Stablecoin)
    return project.Stablecoin.at(organization.deploy(project.StablecoinProxy, code).address)


@pytest.fixture(scope="module")
def paid_market(deploy_token_market, coin, organization, consumer, provider, rival):
    market = deploy_token_market(coin)
    market.addEVs([consumer, provider, rival], ["", "", ""], sender=organization)
    return market


class Sponsored:
    """What people without ether sign, and somebody else sends."""

    def __init__(self, project, chain, market, implementation, sponsor):
        self._project, self._chain, self._market = project, chain, market
        self._implementation, self._sponsor = implementation, sponsor

    def admit(self, account):
        """Take an account's ether, and let it delegate."""
        self._chain.provider.set_balance(account.address, 0)
        delegate(self._chain, account, self._implementation)
        self._chain.contracts[account.address] = self._project.SponsoredAccount.contract_type

    def forget(self, account):
        del self._chain.contracts[account.address]

    def __call__(self, account, method, *arguments):
        """Have an account make a call of the market."""
        data = bytes(getattr(self._market, method).encode_input(*arguments))
        calls = [(self._market.address, 0, data)]
        delegated = self._project.SponsoredAccount.at(account.address)
        signature = sign_calls(account, calls, delegated.nonces(account))
        delegated.execute(calls, FOREVER, signature, sender=self._sponsor)


@pytest.fixture
def sponsored(project, chain, paid_market, coin, organization, stranger, consumer, provider, rival):
    """Everybody has the token in the market, by what they have signed, and not a wei."""
    implementation = organization.deploy(project.SponsoredAccount)
    sponsored = Sponsored(project, chain, paid_market, implementation, stranger)
    for ev in (consumer, provider, rival):
        coin.mint(ev, 10 * RESERVE, sender=organization)
        sponsored.admit(ev)
        # It may be sent by anybody, its own account included: after it has delegated, too.
        signed = authorize(coin, chain.chain_id, ev, paid_market, 10 * RESERVE)
        sponsored(ev, "depositWithAuthorization", *signed)
    yield sponsored
    for ev in (consumer, provider, rival):
        sponsored.forget(ev)


def _start(sponsored, market, consumer):
    sponsored(consumer, "startAuction", ENERGY, MAX_RATE, BIDDING_TIME, VALIDITY, False, "")
    return market.currentAuctionId(consumer)


def _reading(sign, market, signer, consumer, provider, auction_id, energy, *, last):
    return sign(
        signer,
        messages.Reading,
        on=market,
        auctionId=auction_id,
        consumer=consumer.address,
        provider=provider.address,
        energyWh=energy,
        meterDataHash=METER_DATA,
        last=last,
    )


SHARE = -(-PENALTY * (ENERGY - SOME) // ENERGY)
"""What a reading on the way costs each side."""
ENDINGS = {
    "paid in full": (-COST, COST),
    "agreed": (-SOME * RATE, SOME * RATE),
    "agreed, by anybody": (-SOME * RATE, SOME * RATE),
    "broken off": (-SOME * RATE - SHARE, SOME * RATE - SHARE),
    "forfeited": (2 * PENALTY, -2 * PENALTY),
    "expired": (-PENALTY, -PENALTY),
    "no bid": (0, 0),
    "cancelled": (-PENALTY, PENALTY),
    "removed and cancelled": (PENALTY, -PENALTY),
}
"""What consumer and provider gain, in the token's units."""


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_trade_without_ether_ends(
    sponsored, paid_market, coin, sign, clock, consumer, provider, rival, organization, ending
):
    market = paid_market
    auction_id = _start(sponsored, market, consumer)
    if ending != "no bid":
        sponsored(rival, "placeBid", auction_id, MAX_RATE, TERMS)
        sponsored(provider, "placeBid", auction_id, RATE, TERMS)
    if ending == "removed and cancelled":
        sponsored(provider, "removeBid", auction_id)
    if "cancelled" in ending:
        sponsored(consumer, "cancelAuction", auction_id, PENALTY)
    else:
        clock.move_to(market.auctions(auction_id).closingTime)
        sponsored(consumer, "endAuction", auction_id)

    def signed(who, *, last):
        return _reading(sign, market, who, consumer, provider, auction_id, SOME, last=last)

    if ending == "paid in full":
        sponsored(consumer, "endConnection", auction_id)
    elif ending == "agreed":
        reading = (auction_id, SOME, METER_DATA, True)
        sponsored(provider, "settle", reading, signed(consumer, last=True), b"")
    elif ending == "agreed, by anybody":
        reading = (auction_id, SOME, METER_DATA, True)
        both = signed(consumer, last=True), signed(provider, last=True)
        market.settle(reading, *both, sender=organization)
    elif ending == "broken off":
        reading = (auction_id, SOME, METER_DATA, False)
        sponsored(provider, "settle", reading, signed(consumer, last=False), b"")
    elif ending == "forfeited":
        sponsored(provider, "forfeit", auction_id)
    elif ending == "expired":
        connected_at = market.auctions(auction_id).connectedAt
        clock.move_to(connected_at + VALIDITY + PARAMETERS["settlementWindow"])
        sponsored(provider, "expireConnection", auction_id)

    assert market.auctions(auction_id).state == 0
    gains = (*ENDINGS[ending], 0)
    for ev, gain in zip((consumer, provider, rival), gains, strict=True):
        balance = market.evs(ev).balance
        assert balance == 10 * RESERVE + gain
        sponsored(ev, "withdraw", balance, ev.address)
        assert (coin.balanceOf(ev), ev.balance) == (balance, 0)
    assert coin.balanceOf(market) == -sum(gains), "what is left was burnt"
