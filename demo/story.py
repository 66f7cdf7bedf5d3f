"""The people of the story, what each step costs whom, and how it is told."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from ape import chain
from rich.table import Table
from rich.text import Text

from ape_v2v.chain import blocks
from ape_v2v.errors import V2VError
from ape_v2v.units import Money

if TYPE_CHECKING:
    from ape.api import AccountAPI
    from ape.contracts import ContractInstance
    from rich.console import Console

    from ape_v2v.chain.writing.receipts import Mined
    from ape_v2v.market.interface.transactions import Write
    from ape_v2v.market.market import Market
    from ape_v2v.sponsor import SponsoredGateway


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
    sponsor: SponsoredGateway | None = None
    """By which what drivers sign is sent."""
    payer: Person | None = None
    """Who pays the gas for it."""
    last: Mined | None = None
    """The last transaction that a method sent which gives something else."""

    def send(self, write: Write) -> Mined:
        """Have a driver's transaction sent by the sponsor, and remember it."""
        assert self.sponsor is not None, "it serves before anybody drives"
        self.last = self.sponsor(write)
        return self.last

    def try_out(self, write: Write) -> Mined:
        """Ask the node only, as wallets do: what would be refused is not sent."""
        assert self.sponsor is not None, "it serves before anybody drives"
        self.sponsor.try_out(write)
        raise DoesNotAddUpError(f"{write.method} was not refused")

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
        """A transaction: what it was, what it cost whom, and the balances of who wanted it."""
        fee, payer = mined.cost, self.payer or who
        payer.fees += fee
        timestamp = chain.blocks[mined.block].timestamp
        self.began = self.began or timestamp
        self._line(timestamp, who.name, what)
        paid = "" if payer is who else f", paid by the {payer.name.lower()}"
        balance = f" · market {self.market.balance(who.account.address)}" if self.market else ""
        self.console.print(
            f"{'':22}[dim]{mined.gas_used:>9,} gas · {Money(fee)}{paid}{balance}"
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


def balance_sheet(story: Story, market: Market) -> None:
    """Draw up what everybody has gained, and what accounts for it.

    Raises:
        DoesNotAddUpError: Something does not.
    """
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


def _rounded(wei: int) -> str:
    return f"{wei / 10**18:.6f} ether" if wei else "0 ether"
