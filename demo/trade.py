"""A whole trade on a local chain, told as it happens: what `make demo` shows.

Everything is real: the node, the transactions, the signatures, the two processes that charge. Only
time is simulated, and the energy. It is told in a stablecoin, one of the tests': what the energy
costs is paid in it, gas in ether. The telling ends with a balance sheet of every account down to
the token's smallest unit and to the wei.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from ape import chain
from ape.contracts import ContractInstance
from rich.table import Table
from rich.text import Text

from ape_v2v import deployment
from ape_v2v.chain import blocks
from ape_v2v.chain.writing import receipts
from ape_v2v.chain.writing.replacement import look_up
from ape_v2v.errors import V2VError
from ape_v2v.market.interface.refusals import Refused
from ape_v2v.market.interface.transactions import Write, send, simulate
from ape_v2v.market.market import Market
from ape_v2v.testing.contracts import deploy_test_token, token_type
from ape_v2v.units import Energy, Money, format_duration
from demo import charging as demo_charging

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ape.api import AccountAPI
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
"""What each driver has before the trade; and test ether for gas."""

DELIVERED = Energy.parse("18.4 kWh")
"""The consumer leaves before the 20 kWh are full: what was delivered is what is paid."""


_SECONDS_PER_HOUR = 3_600


@dataclass
class Person:
    """Somebody in the story, with what was in its wallet when it began."""

    name: str
    account: AccountAPI
    ether: int
    """Wei, before."""
    tokens: int
    """Smallest units of the token, before."""
    fees: int = 0
    """Gas paid so far, wei."""
    trade: int = 0
    """What the trade is to bring, units: the cost of the energy, or minus that."""


class DoesNotAddUpError(V2VError):
    """The story went otherwise than the market promises."""


@dataclass
class Story:
    """Who did what, when, at which price, and what everybody has then."""

    console: Console
    began: int = 0
    people: list[Person] = field(default_factory=list)
    odd: list[Person] = field(default_factory=list)
    """Those of whom something is not accounted for."""
    token: ContractInstance | None = None
    market: Market | None = None
    last: Mined | None = None
    """The last transaction that a method sent which gives something else."""

    def send(self, write: Write) -> Mined:
        """Send a transaction, and remember it."""
        self.last = send(write)
        return self.last

    @property
    def told(self) -> Market:
        """The market, once it is deployed."""
        if self.market is None:
            raise DoesNotAddUpError("the story has no market yet")
        return self.market

    def held(self, account: Any) -> int:
        """What an account has of the token, smallest units."""
        assert self.token is not None, "it is there before anybody"
        return int(self.token.balanceOf(account))

    def meet(self, name: str, account: AccountAPI) -> Person:
        person = Person(name, account, int(account.balance), self.held(account))
        self.people.append(person)
        return person

    def chapter(self, title: str) -> None:
        self.console.print()
        self.console.rule(Text(title, style="bold"), align="left", style="dim")

    def tell(self, who: Person, what: str, mined: Mined) -> None:
        """A transaction: what it was, what it cost, and the sender's balances after it."""
        fee = mined.cost
        who.fees += fee
        timestamp = chain.blocks[mined.block].timestamp
        self.began = self.began or timestamp
        self._line(timestamp, who.name, what)
        balance = f" · market {self.market.balance(who.account.address)}" if self.market else ""
        self.console.print(
            f"{'':22}[dim]{mined.gas_used:>9,} gas · {Money(fee)}{balance}"
            f" · wallet {_rounded(int(who.account.balance))}{self._tokens(who)}[/dim]"
        )

    def _tokens(self, who: Person) -> str:
        if self.market is None:
            return ""
        return f", {self.market.money(self.held(who.account))}"

    def whisper(self, who: str, what: str) -> None:
        """Something that happens off the chain."""
        self._line(chain.blocks.head.timestamp, who, what)

    def _line(self, timestamp: int, who: str, what: str) -> None:
        clock = str(timedelta(seconds=timestamp - self.began))
        self.console.print(f"[cyan]{clock:>8}[/cyan]  [bold]{who:<12}[/bold] {what}")


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
    organization = story.meet("Organization", accounts[0])
    alice = story.meet("Alice", accounts[1])
    bob = story.meet("Bob", accounts[2])
    carol = story.meet("Carol", accounts[3])
    dave = story.meet("Dave", accounts[4])

    market = _found(story, base, token.address, organization, [alice, bob, carol, dave])
    _pay_in(story, market, organization, alice, [bob, carol, dave])
    auction = _bid(story, market, alice, bob, carol, dave)
    connection = _award(story, auction, alice, bob)
    charged = _charge(story, connection, alice, bob)
    _settle(story, connection, charged, alice, bob)
    _withdraw(story, market, [alice, bob, carol, dave])
    _balance_sheet(story, market)


def _found(story: Story, base: Path, token: str, organization: Person, evs: list[Person]) -> Market:
    story.chapter("The organization deploys a market in a stablecoin and registers its EVs")
    settings = deployment.settings(base, token=token)
    market, record = deployment.deploy(
        organization.account, settings, deployment.records(base), again=True
    )
    creation = _receipt(market, record.transaction)
    story.tell(organization, f"deploys the market at {market.address}", creation)
    market = Market(market.contract, story.send)
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


def _pay_in(
    story: Story, market: Market, organization: Person, alice: Person, providers: list[Person]
) -> None:
    story.chapter("The drivers pay in: the money of their bonds, and of the energy")
    _expect_refusal(
        story, providers[0], f"deposits {FUNDS}", "ERC20InsufficientAllowance",
        lambda market: market.deposit(FUNDS, sender=providers[0].account),
    )  # fmt: skip
    for provider in providers:
        receipt = market.approve(FUNDS, sender=provider.account)
        story.tell(provider, f"allows the market to take {FUNDS}", receipt)
        receipt = market.deposit(FUNDS, sender=provider.account)
        story.tell(provider, f"deposits {FUNDS} for bonds", receipt)

    reserve = market.rate_of(MAX_RATE) * ENERGY
    signed = market.authorize(reserve, market.now + BIDDING_TIME, signer=alice.account)
    story.whisper("Alice", f"signs a deposit of {reserve}, and pays no gas")
    receipt = market.deposit_authorized(signed, sender=organization.account)
    story.tell(organization, f"sends Alice's deposit: {reserve} are in her balance", receipt)


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
    story.whisper("Bob", "serves:  ape v2v session serve …")
    story.whisper("Alice", "charges: ape v2v session charge http://127.0.0.1:…")

    charging_since = chain.blocks.head.timestamp

    def tell(said: dict[str, Any]) -> None:
        energy, own = Energy(said["acknowledgedWh"]), Energy(said["ownEnergyWh"])
        # The chain's time goes on with the energy.
        now = charging_since + int(energy) * _SECONDS_PER_HOUR // demo_charging.POWER_W
        chain.mine(timestamp=max(now, chain.blocks.head.timestamp + 1))
        story.whisper("Alice", f"signs for {energy} in all; her own meter says {own}")

    node = str(chain.provider.uri)
    charged = demo_charging.charge(
        connection, alice.account, bob.account, DELIVERED, tell=tell, node=node
    )
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
    if look_up(charged.transaction, story.told.node).sender != alice.account.address:
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


def _balance_sheet(story: Story, market: Market) -> None:
    story.chapter(f"Balance sheet, in {market.currency.base} and in wei")
    table = Table(box=None, pad_edge=False, header_style="dim")
    currency = market.currency
    for title in ("", f"{currency} gained", "trade", "odd", "wei gained", "gas paid", "odd"):
        table.add_column(title, justify="right" if title else "left", no_wrap=True)
    totals = [0] * 6
    for person in story.people:
        tokens = story.held(person.account) - person.tokens
        wei = int(person.account.balance) - person.ether
        row = [tokens, person.trade, tokens - person.trade, wei, -person.fees, wei + person.fees]
        totals = [total + value for total, value in zip(totals, row, strict=True)]
        table.add_row(person.name, *(f"{value:,}" for value in row))
        if row[2] or row[5]:
            story.odd.append(person)
    table.add_section()
    table.add_row("Sum", *(f"{value:,}" for value in totals), style="bold")
    story.console.print(table)
    held = int(market.holdings), blocks.balance(market.node, market.address)
    story.console.print(f"left in the market: {held[0]:,} {currency.base}, {held[1]:,} wei")
    if any(held) or story.odd:
        raise DoesNotAddUpError("the balance sheet does not add up: see the differences above")
    story.console.print(f"[green]Every unit of {currency} and every wei is accounted for.[/green]")


def _expect_refusal(
    story: Story, who: Person, what: str, error: str, call: Callable[[Market], Any]
) -> None:
    """Ask the node first, as wallets do: what would be refused is not sent and costs nothing."""
    try:
        call(Market(story.told.contract, simulate))
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


def _rounded(wei: int) -> str:
    return f"{wei / 10**18:.6f} ether"
