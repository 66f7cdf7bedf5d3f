"""A whole trade on a local chain, told as it happens: what `make demo` shows.

Everything is real: the node, the transactions, the signatures, the two processes that charge. Only
time is simulated, and the energy. It is told in a stablecoin, one of the tests', and no driver has
any ether: they sign, and the organization sends and pays the gas. It ends with a balance sheet of
every account down to the token's smallest unit and to the wei.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from ape import chain
from ape.contracts import ContractInstance
from eth_utils.address import is_same_address

from ape_v2v import deployment
from ape_v2v.chain import transactions
from ape_v2v.chain.writing import receipts
from ape_v2v.market.interface.refusals import Refused
from ape_v2v.market.market import Market
from ape_v2v.sponsor import SpendingLimits, Sponsor, SponsoredGateway
from ape_v2v.sponsor.ledger import Ledger
from ape_v2v.testing.contracts import deploy_test_token, token_type
from ape_v2v.units import Energy, Money, format_duration
from demo import charging as demo_charging
from demo.serving import sponsor_served
from demo.story import DoesNotAddUpError, Person, Story, balance_sheet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from rich.console import Console

    from ape_v2v.chain.writing.receipts import Mined
    from ape_v2v.market.auction import Auction
    from ape_v2v.market.connection import Connection
    from demo.charging import Charged

ENERGY = Energy.parse("20 kWh")
MAX_RATE = "0.6 EURT/kWh"
BIDDING_TIME = timedelta(minutes=10)
VALIDITY = timedelta(hours=2)
DETAILS = json.dumps({"place": "48.8566,2.3522", "connector": "IEC_62196_T2", "maxPowerKW": 11})
FUNDS = "50 EURT"
WALLET = "100 EURT"
"""What each driver has before the trade, and no ether."""

DELIVERED = Energy.parse("18.4 kWh")
"""The consumer leaves before the 20 kWh are full: what was delivered is what is paid."""


_SECONDS_PER_HOUR = 3_600


def run(accounts: Any, base: Path, console: Console) -> None:
    """Tell the whole trade.

    Args:
        accounts: Ape's test accounts: at least five.
        base: The project's folder, for the settings and the record of the deployment.
        console: Where it is told.

    Raises:
        DoesNotAddUpError: A number is not what the market promises.
        V2VError: Something was refused that should not have been.
    """
    story = Story(console)
    token = deploy_test_token(accounts[0])
    story.token = ContractInstance(token.address, token_type())
    for driver in accounts[1:5]:
        amount = int(Money.parse(WALLET, token.currency))
        story.token.mint(driver, amount, sender=accounts[0])
        chain.provider.set_balance(driver.address, 0)
    organization = story.meet("Organization", accounts[0])
    alice = story.meet("Alice", accounts[1])
    bob = story.meet("Bob", accounts[2])
    carol = story.meet("Carol", accounts[3])
    dave = story.meet("Dave", accounts[4])

    market = _found(story, base, token.address, organization, [alice, bob, carol, dave])
    with _sponsored(story, market, organization) as market:
        _pay_in(story, organization, alice, [bob, carol, dave])
        auction = _bid(story, market, alice, bob, carol, dave)
        connection = _award(story, auction, alice, bob)
        charged = _charge(story, connection, alice, bob)
        _settle(story, connection, charged, alice, bob)
        _withdraw(story, market, [alice, bob, carol, dave])
    balance_sheet(story, market)


def _found(story: Story, base: Path, token: str, organization: Person, evs: list[Person]) -> Market:
    story.chapter("The organization deploys a market in a stablecoin and registers its EVs")
    settings = deployment.settings(base, token=token)
    market, record = deployment.deploy(
        organization.account, settings, deployment.records(base), again=True
    )
    creation = _receipt(market, record.transaction)
    story.tell(organization, f"deploys the market at {market.address}", creation)
    story.market = market
    described = market.parameters.described(market.currency)
    rules = ", ".join(f"{name} {value}" for name, value in described.items())
    story.console.print(f"{'':22}[dim]paid in {market.currency.described}[/dim]")
    story.console.print(f"{'':22}[dim]{record.compiler} · {rules}[/dim]")
    receipt = market.transact(
        "addEVs",
        [ev.account.address for ev in evs],
        [f"{ev.name}'s EV" for ev in evs],
        sender=organization.account,
    )
    story.tell(organization, f"registers {', '.join(ev.name for ev in evs)}", receipt)
    return market


@contextmanager
def _sponsored(story: Story, market: Market, organization: Person) -> Iterator[Market]:
    """The market as drivers have it, who sign and pay no gas: a sponsor serves meanwhile."""
    story.chapter("The organization pays the drivers' gas: they hold no ether")
    kept = Ledger(None, SpendingLimits(minutely=20))
    sponsor = Sponsor(market, organization.account, kept)
    deployed = _receipt(market, chain.blocks.head.transactions[-1].txn_hash.to_0x_hex())
    what = f"deploys what their accounts delegate to, at {sponsor.delegate}, once for everybody"
    story.tell(organization, what, deployed)
    with sponsor_served(sponsor) as url:
        story.whisper("Organization", "serves: ape v2v sponsor serve --budget '0.05 ether'")
        story.sponsor, story.payer = SponsoredGateway(url), organization
        yield Market(market.contract, story.send)


def _pay_in(story: Story, organization: Person, alice: Person, providers: list[Person]) -> None:
    story.chapter("The drivers pay in: the money of their bonds, and of the energy")
    market = story.told
    funds, reserve = market.money_of(FUNDS), market.rate_of(MAX_RATE) * ENERGY
    for driver, amount in [(alice, reserve), *((provider, funds) for provider in providers)]:
        signed = market.authorize(amount, market.now + BIDDING_TIME, signer=driver.account)
        story.whisper(driver.name, f"signs a deposit of {amount}")
        receipt = market.deposit_authorized(signed, sender=organization.account)
        story.tell(organization, f"sends it: {amount} are in {driver.name}'s balance", receipt)
    bob, too_much = providers[0], market.money_of(WALLET)
    _expect_refusal(
        story, bob, f"wants to withdraw {too_much}", "BalanceTooLow",
        lambda market: market.withdraw(too_much, sender=bob.account),
    )  # fmt: skip


def _bid(  # noqa: PLR0917 - the cast
    story: Story, market: Market, alice: Person, bob: Person, carol: Person, dave: Person
) -> Auction:
    story.chapter("Alice needs energy; the others underbid each other")
    auction = market.start_auction(
        ENERGY, MAX_RATE, BIDDING_TIME, VALIDITY, DETAILS, sender=alice.account
    )
    story.tell(
        alice,
        f"asks for {ENERGY}, at most {MAX_RATE}; locks {auction.reserve} for it",
        _last(story),
    )
    for provider, text in ((bob, "0.56 EURT/kWh"), (carol, "0.5 EURT/kWh")):
        receipt = auction.place_bid(text, sender=provider.account)
        story.tell(provider, f"bids {text}; the bond of {auction.bond} is locked", receipt)

    deadline = auction.info.closing_time
    signed = auction.sign_bid("0.44 EURT/kWh", deadline, signer=dave.account)
    story.whisper("Dave", f"signs a bid of {signed.rate}, and pays no gas")
    receipt = auction.relay_bid(signed, sender=carol.account)
    story.tell(carol, "relays Dave's bid: her own bond is back in her balance", receipt)

    _expect_refusal(
        story, carol, "bids 0.44 EURT/kWh too", "RateTooHigh",
        lambda market: market.auction(auction.id).place_bid(
            "0.44 EURT/kWh", sender=carol.account
        ),
    )  # fmt: skip

    closing = auction.info.closing_time
    _next_block_at(closing - timedelta(seconds=20))
    receipt = auction.place_bid("0.4 EURT/kWh", sender=bob.account)
    extended = auction.info.closing_time - closing
    story.tell(
        bob,
        "bids 0.4 EURT/kWh 20 s before the close, which moves by "
        f"{format_duration(extended)} so that the others can answer",
        receipt,
    )
    return auction


def _award(story: Story, auction: Auction, alice: Person, bob: Person) -> Connection:
    story.chapter("The close: the lowest bid wins")
    _expect_refusal(
        story, alice, "wants to end the auction early", "BiddingOpen",
        lambda market: market.auction(auction.id).end(sender=alice.account),
    )  # fmt: skip
    _next_block_at(auction.info.closing_time)
    info = auction.info
    connection = auction.end(sender=alice.account)
    if connection is None or info.provider != bob.account.address:
        raise DoesNotAddUpError("the lowest bidder did not win")
    story.tell(
        alice,
        f"ends the auction: Bob delivers for {info.rate}, {info.cost} for {info.energy}",
        _last(story),
    )
    return connection


def _charge(story: Story, connection: Connection, alice: Person, bob: Person) -> Charged:
    """The two EVs' processes authenticate each other, charge against receipts, and settle."""
    story.chapter("Off the chain: the two EVs meet, and energy flows against signed receipts")
    story.whisper("Bob", "serves:  ape v2v session serve … --sponsor …")
    story.whisper("Alice", "charges: ape v2v session charge http://127.0.0.1:… --sponsor …")

    charging_since = chain.blocks.head.timestamp

    def tell(said: dict[str, Any]) -> None:
        energy, own = Energy(said["acknowledgedWh"]), Energy(said["ownEnergyWh"])
        # The chain's time goes on with the energy.
        now = charging_since + int(energy) * _SECONDS_PER_HOUR // demo_charging.POWER_W
        chain.mine(timestamp=max(now, chain.blocks.head.timestamp + 1))
        story.whisper("Alice", f"signs for {energy} in all; her own meter says {own}")

    node = str(chain.provider.uri)
    assert story.sponsor is not None, "it serves while anybody drives"
    charged = demo_charging.charge(
        connection, alice.account, bob.account, DELIVERED,
        tell=tell, node=node, sponsor=story.sponsor.url,
    )  # fmt: skip
    story.whisper("Alice", f"drives on before the {ENERGY} are full")
    return charged


def _settle(
    story: Story, connection: Connection, charged: Charged, alice: Person, bob: Person
) -> None:
    story.chapter("Settlement: exactly what both meters agree on")
    receipt = _receipt(story.told, charged.transaction)
    (end,) = [fact for fact in story.told.facts(receipt) if fact.name == "ConnectionEnded"]
    cost, energy = story.told.money(end.args["cost"]), Energy(end.args["energyWh"])
    last = charged.last_receipt
    if last is None or not energy == charged.energy == last.energy == DELIVERED:
        raise DoesNotAddUpError(f"{charged.energy} were charged, and {energy} were settled")
    sent = transactions.find(story.told.node, charged.transaction)
    if sent is None or not is_same_address(sent.to or b"", alice.account.address):
        raise DoesNotAddUpError("Alice did not end the connection at once, as she should have")
    story.tell(alice, f"ends the connection with Bob's settlement: {cost} for {energy}", receipt)
    bob.trade, alice.trade = int(cost), -int(cost)
    _expect_refusal(
        story, bob, "hands in Alice's last receipt too", "UnexpectedState",
        lambda market: market.connection(connection.id).settle(
            last, sender=bob.account
        ),
    )  # fmt: skip


def _withdraw(story: Story, market: Market, people: list[Person]) -> None:
    story.chapter("Everybody withdraws")
    for person in people:
        balance = market.balance(person.account.address)
        receipt = market.withdraw_all(sender=person.account)
        story.tell(person, f"withdraws {balance}", receipt)


def _expect_refusal(
    story: Story, who: Person, what: str, error: str, call: Callable[[Market], Any]
) -> None:
    """Ask the node first, as wallets do: what would be refused is not sent and costs nothing."""
    try:
        call(Market(story.told.contract, story.try_out))
    except Refused as refused:
        if refused.name != error:
            raise
        story.whisper(who.name, f"{what}: [yellow]refused[/yellow], {refused}")
    else:
        raise DoesNotAddUpError(f"{who.name} {what}, and was not refused")


def _last(story: Story) -> Mined:
    assert story.last is not None, "something was sent"
    return story.last


def _receipt(market: Market, transaction: str) -> Mined:
    mined = receipts.receipt(market.node, transaction)
    assert mined is not None, "it was waited for"
    return mined


def _next_block_at(moment: datetime) -> None:
    chain.pending_timestamp = int(moment.astimezone(UTC).timestamp())
