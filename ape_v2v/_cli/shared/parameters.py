"""What commands are given: quantities, addresses, auctions, places, times, files."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import ape
import click
from ape.cli import AccountAliasPromptChoice
from ape.exceptions import ConversionError
from ape.types import AddressType
from eth_utils.address import is_hex_address, to_checksum_address
from eth_utils.hexadecimal import decode_hex, is_hexstr

from ape_v2v._cli.shared.groups import did_you_mean
from ape_v2v.errors import V2VError
from ape_v2v.market.details import Place
from ape_v2v.market.documents.document import DocumentError
from ape_v2v.market.interface.records import auction_id
from ape_v2v.units import Energy, Money, Price, Rate, UnitError, WrongCurrency, parse_duration

if TYPE_CHECKING:
    from datetime import timedelta

    from ape_v2v._cli.shared.context import Context
    from ape_v2v.currency import Currency
    from ape_v2v.market.auction import Auction
    from ape_v2v.market.documents.bids import BidDocument
    from ape_v2v.market.documents.keys import KeyDocument
    from ape_v2v.market.documents.readings import ReceiptDocument
    from ape_v2v.market.interface.records import AuctionInfo
    from ape_v2v.market.market import Market

_ROUND = 2**32 - 1
_ID_DIGITS = 58  # of 2**192
_HASH_CHARACTERS = 66


@dataclass(frozen=True)
class Stated:
    """An amount or a rate that is not in ether: it takes the market to read it in its currency."""

    kind: type[Rate | Money]
    text: str
    param: click.Parameter | None

    def read(self, currency: Currency) -> Rate | Money:
        """What it is in the market's currency; a mistake in using the command if it is not."""
        try:
            return self.kind.parse(self.text, currency)
        except UnitError as error:
            raise click.BadParameter(str(error), param=self.param) from error


class QuantityType(click.ParamType):
    """An energy, a rate or an amount on the command line."""

    def __init__(self, kind: type[Energy | Rate | Money]) -> None:
        self.kind = kind
        self.name = kind.__name__.lower()

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Energy | Rate | Money | Stated:
        if isinstance(value, Stated):
            return value
        try:
            return self.kind.of(value)
        except WrongCurrency:
            return Stated(Rate if self.kind is Rate else Money, value, param)
        except UnitError as error:
            self.fail(str(error), param, ctx)


class PriceType(click.ParamType):
    """What one ether costs, on the command line."""

    name = "price"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Price:
        try:
            return Price.parse(value) if isinstance(value, str) else value
        except UnitError as error:
            self.fail(str(error), param, ctx)


class DurationType(click.ParamType):
    """A duration on the command line."""

    name = "duration"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> timedelta:
        try:
            return parse_duration(value) if isinstance(value, str) else value
        except UnitError as error:
            self.fail(str(error), param, ctx)


class AddressParamType(click.ParamType):
    """An address on the command line, an account's alias, or a name that a plugin can resolve."""

    name = "address"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> AddressType:
        if is_hex_address(value):
            address = to_checksum_address(value)
            # Ape would take it: but capitals that do not fit tell that a digit was mistyped.
            digits = value[-40:]
            if digits not in (address[2:], digits.lower(), digits.upper()):
                self.fail(f"{value!r} fails its checksum: copy the address again", param, ctx)
            return address
        if value.upper().startswith("TEST::") or value in ape.accounts.aliases:
            account = AccountAliasPromptChoice().convert(value, param, ctx)
            assert account is not None, "an alias that is not found fails"
            return account.address
        try:
            return ape.convert(value, AddressType)
        except ConversionError:
            self.fail(
                f"{value!r} is not an address: expected 0x and 40 digits, or the alias of an "
                f"account (`ape accounts list`){did_you_mean(value, ape.accounts.aliases)}",
                param,
                ctx,
            )


ADDRESS = AddressParamType()


@dataclass(frozen=True)
class AuctionReference:
    """An auction as it was named; it takes a market to find it."""

    consumer: str | None = None
    id: int | None = None

    def find(self, market: Market) -> Auction:
        """The auction in a market.

        Raises:
            V2VError: The consumer has none.
        """
        if self.id is not None:
            return market.auction(self.id)
        assert self.consumer is not None, "an auction is named by its id or by its consumer"
        return market.auction_of(self.consumer)


class AuctionType(click.ParamType):
    """An auction by its id, by its consumer, or by its consumer and its number among its own."""

    name = "auction"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> AuctionReference:
        if not isinstance(value, str):
            return value
        if value.isdecimal():
            if len(value) > _ID_DIGITS:
                self.fail(f"{value} is no auction's id: it has too many digits", param, ctx)
            return AuctionReference(id=int(value))
        consumer, slash, number = value.partition("/")
        address = ADDRESS.convert(consumer, param, ctx)
        if not slash:
            return AuctionReference(consumer=address)
        if not number.isdecimal() or int(number) > _ROUND:
            self.fail(
                f"{value!r} is not an auction: after the consumer and the slash comes its number "
                "among the consumer's auctions, for example 1",
                param,
                ctx,
            )
        return AuctionReference(id=auction_id(address, int(number)))


class PlaceType(click.ParamType):
    """A place on the command line."""

    name = "lat,lon"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Place:
        try:
            return Place.parse(value) if isinstance(value, str) else value
        except ValueError as error:
            self.fail(str(error), param, ctx)


class TimeType(click.ParamType):
    """A time on the command line, UTC unless it names an offset."""

    name = "time"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        if not isinstance(value, str):
            return value
        try:
            time = datetime.fromisoformat(value)
        except ValueError:
            self.fail(
                f"{value!r} is not a time: expected ISO 8601, for example '2026-05-01T12:00'; "
                "without an offset it is UTC",
                param,
                ctx,
            )
        return time if time.tzinfo else time.replace(tzinfo=UTC)


class HashType(click.ParamType):
    """32 bytes on the command line."""

    name = "0x…"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> bytes:
        if not isinstance(value, str):
            return value
        if not is_hexstr(value) or len(value) != _HASH_CHARACTERS:
            self.fail(
                f"{value!r} is not a hash: expected 0x and {_HASH_CHARACTERS - 2} digits",
                param,
                ctx,
            )
        return decode_hex(value)


class DocumentType(click.ParamType):
    """A signed document in a file; "-" is standard input."""

    name = "file"

    def __init__(self, kind: type[BidDocument | KeyDocument | ReceiptDocument]) -> None:
        self._file = click.File("rb")
        self._kind = kind

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> BidDocument | KeyDocument | ReceiptDocument:
        if not isinstance(value, str):
            return value
        try:
            return self._kind.load(self._file.convert(value, param, ctx).read())
        except DocumentError as error:
            raise click.ClickException(f"{value}: {error}") from error


AUCTION = AuctionType()
DURATION = DurationType()
ENERGY = QuantityType(Energy)
HASH = HashType()
MONEY = QuantityType(Money)
PLACE = PlaceType()
PRICE = PriceType()
RATE = QuantityType(Rate)
TIME = TimeType()


def require_consumer(context: Context, info: AuctionInfo) -> None:
    """Refuse whoever is not the consumer of an auction.

    Raises:
        V2VError: The sender is somebody else.
    """
    if context.sender.address != info.consumer:
        raise V2VError(
            f"only the consumer, {context.who(info.consumer)}, may end this, and the account is "
            f"{context.who(context.sender.address)}"
        )


def own_auction(context: Context) -> Auction:
    """The current auction of who sends.

    Raises:
        V2VError: It has none.
    """
    return AuctionReference(consumer=context.sender.address).find(context.market)
