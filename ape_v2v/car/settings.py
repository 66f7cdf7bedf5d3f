"""What a car is told by its file: who it is, what it has, what it wants, and how far it goes."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from pathlib import Path  # noqa: TC003 - pydantic reads it
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    InstanceOf,
    ValidationInfo,
    field_validator,
    model_validator,
)

from ape_v2v.metering.equipment import Equipment
from ape_v2v.session.terms import Limits, SessionTerms
from ape_v2v.units import Energy, Money, Price, Rate, UnitError, WrongCurrency, parse_duration

if TYPE_CHECKING:
    from ape_v2v.currency import Currency

_UNLIMITED_BATTERY_WH = 2**40
_SECONDS_PER_HOUR = 3600
_WORDS_OF_HOURS = 2


def _quantity(kind: type[Energy | Rate | Money]) -> BeforeValidator:
    def read(value: object, info: ValidationInfo) -> object:
        if isinstance(value, kind):
            return value
        if not isinstance(value, str):
            raise ValueError(f"expected {kind.kind} with its unit, such as {kind.example!r}")
        ask = (info.context or {}).get("currency")
        try:
            return kind.parse(value)
        except WrongCurrency as error:
            if ask is None or kind is Energy:
                raise ValueError(str(error)) from error
            return _in_token(Rate if kind is Rate else Money, value, ask())
        except UnitError as error:
            raise ValueError(str(error)) from error

    return BeforeValidator(read)


def _in_token(kind: type[Rate | Money], text: str, currency: Currency) -> Rate | Money:
    try:
        return kind.parse(text, currency)
    except UnitError as error:
        raise ValueError(str(error)) from error


def _price(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError("expected what one ether costs, such as 'EURC=3100'")
    return Price.parse(value)


def _duration(value: object) -> object:
    if isinstance(value, timedelta):
        return value
    if not isinstance(value, str):
        raise ValueError("expected a duration with its unit, such as '10 min'")
    try:
        return parse_duration(value)
    except UnitError as error:
        raise ValueError(str(error)) from error


EnergySetting = Annotated[InstanceOf[Energy], _quantity(Energy)]
RateSetting = Annotated[InstanceOf[Rate], _quantity(Rate)]
MoneySetting = Annotated[InstanceOf[Money], _quantity(Money)]
PriceSetting = Annotated[InstanceOf[Price], BeforeValidator(_price)]
DurationSetting = Annotated[timedelta, BeforeValidator(_duration)]
Percent = Annotated[float, Field(ge=0, le=100)]
Kilowatt = Annotated[float, Field(gt=0, le=1_000)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class BatterySettings(_Part):
    """The battery, and where its state of charge comes from."""

    capacity: EnergySetting
    gauge: str | None = None
    """A meter by its name that shows the energy in the battery now."""
    charged: Percent | None = None
    """Or how full it is when this is written, %: from then on what is traded is counted."""

    @model_validator(mode="after")
    def _one_way(self) -> BatterySettings:
        if (self.gauge is None) == (self.charged is None):
            raise ValueError("needs exactly one of gauge and charged")
        if not self.capacity:
            raise ValueError("has a capacity of 0")
        return self


class EquipmentSettings(_Part):
    """The own meter, and the provider's source."""

    meter: str | None = None
    """By its name, as `ape v2v session` takes it with --meter."""
    source: str | None = None
    """Likewise, with --source."""
    cable: Path | None = None
    """The simulated cable in their place: the same file for both cars."""
    power_kw: Kilowatt = 11.0
    """What the car can take, or give."""
    speed: Annotated[float, Field(gt=0, le=1_000_000)] = 1.0
    """Of the simulated cable: simulated seconds per second."""

    @model_validator(mode="after")
    def _something(self) -> EquipmentSettings:
        if self.meter is None and self.cable is None:
            raise ValueError("needs a meter, or a cable to simulate one")
        return self


class LinkSettings(_Part):
    """Where the two cars meet."""

    host: str = "127.0.0.1"
    """The provider's: where it listens."""
    port: Annotated[int, Field(ge=0, le=65_535)] = 0
    url: str | None = None
    """The consumer's: where the provider of this place serves."""
    providers: dict[str, str] = {}
    """Or where each provider serves, by its address."""
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    tls_authority: Path | None = None
    timeout: DurationSetting = timedelta(seconds=Limits().link_timeout)
    """How long the other car may be silent."""

    @model_validator(mode="after")
    def _both(self) -> LinkSettings:
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("tls_certificate and tls_key go together: give both, or neither")
        return self

    def url_of(self, provider: str) -> str | None:
        """Where a provider serves; None when nobody has said so."""
        known = {address.lower(): url for address, url in self.providers.items()}
        return known.get(provider.lower(), self.url)


class BalanceSettings(_Part):
    """How much of the car's money is in the market."""

    deposit_at_most: MoneySetting = Money(0)
    """What it may add at a time, when a reserve or a bond needs more than is free."""
    withdraw_above: MoneySetting | None = None
    """Once more than this is free, it is paid out; None leaves it there."""
    keep: MoneySetting = Money(0)
    """And so much is left then."""

    @model_validator(mode="after")
    def _ordered(self) -> BalanceSettings:
        if self.withdraw_above is not None and self.keep > self.withdraw_above:
            raise ValueError(
                f"keeps {self.keep}, more than {self.withdraw_above} to withdraw above"
            )
        return self


class ConsumerSettings(_Part):
    """What a car wants that buys."""

    target: Percent
    """How full it wants to be, %."""
    by: datetime
    """When it drives on, whatever it has got by then."""
    max_rate: RateSetting
    at_most: EnergySetting | None = None
    """How much it asks for at a time; None: all that is missing."""
    at_least: EnergySetting = Energy(1)
    """Less than this is not worth an auction."""
    bidding_time: DurationSetting = timedelta(minutes=10)
    validity: DurationSetting = timedelta(hours=2)
    attempts: Annotated[int, Field(ge=1, le=1_000)] = 3
    """After so many auctions without a bid, one after the other, it gives up."""
    connector: str | None = None
    place: str | None = None
    peer_meter_key: str | None = None
    tolerance_percent: Annotated[float, Field(ge=0, lt=100)] = 2.0
    meter_interval: DurationSetting = timedelta(seconds=SessionTerms().meter_interval)

    @field_validator("by")
    @classmethod
    def _with_zone(cls, value: datetime) -> datetime:
        if value.tzinfo is None:
            raise ValueError("expected a time with its zone, such as 2030-06-01T07:30:00+02:00")
        return value


class ProviderSettings(_Part):
    """How far a car goes that sells."""

    floor: RateSetting
    """The lowest rate that it bids."""
    reserve: Percent
    """What stays in the battery for driving, %."""
    hours: str | None = None
    """When it bids, by the clock of `zone`, such as 22:00-06:00; None: always."""
    zone: str = "UTC"
    max_rate: RateSetting | None = None
    max_bond: MoneySetting | None = None
    at_least: EnergySetting = Energy(1)
    """It bids in no auction for less, and ends when it has less to spare."""
    at_most: EnergySetting | None = None
    """Nor in one for more than this, or than it has to spare."""
    max_validity: DurationSetting | None = None
    connector: str | None = None
    ignore_gas: bool = False
    ether_price: PriceSetting | None = None
    """What one ether costs in the market's token, to count the gas; in ether there is no need."""
    max_unacknowledged: EnergySetting = Energy(Limits().max_unacknowledged_wh)
    """How far it delivers without a receipt."""
    patience: DurationSetting = timedelta(minutes=1)
    """How long the consumer has to settle before the provider does."""

    @field_validator("hours")
    @classmethod
    def _span(cls, value: str | None) -> str | None:
        if value is not None:
            _hours(value)
        return value

    @field_validator("zone")
    @classmethod
    def _known(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError("expected a zone such as Europe/Berlin") from error
        return value

    def is_open(self, now: datetime) -> bool:
        """Whether it bids at a time."""
        if self.hours is None:
            return True
        first, last = _hours(self.hours)
        at = now.astimezone(ZoneInfo(self.zone)).time()
        if first <= last:
            return first <= at < last
        return at >= first or at < last


class CarSettings(_Part):
    """All that a car is told."""

    account: str
    """Ape's alias of the account that acts."""
    market: str | None = None
    """The market's address; None: the configured one, else the last one deployed."""
    battery: BatterySettings
    equipment: EquipmentSettings
    link: LinkSettings = LinkSettings()
    balance: BalanceSettings = BalanceSettings()
    consumer: ConsumerSettings | None = None
    provider: ProviderSettings | None = None
    retry: DurationSetting = timedelta(seconds=5)
    """How long to wait after something has failed."""

    @model_validator(mode="after")
    def _one_role(self) -> CarSettings:
        if (self.consumer is None) == (self.provider is None):
            raise ValueError("needs exactly one of consumer and provider")
        if self.consumer is not None and not (self.link.url or self.link.providers):
            raise ValueError("link needs a url, or providers: a consumer has to find the other car")
        if self.provider is not None and self.equipment.source is None and not self.equipment.cable:
            raise ValueError("equipment needs a source: a provider has to let energy flow")
        return self

    def paid_in(self, currency: Currency) -> CarSettings:
        """The same for a market in a currency: nothing is nothing in it, too.

        Raises:
            WrongCurrency: An amount or a rate is in another one.
            V2VError: It counts gas, and what ether costs in the market's token is not said.
        """
        parts = {
            name: _part_in(part, currency)
            for name, part in (
                ("balance", self.balance),
                ("consumer", self.consumer),
                ("provider", self.provider),
            )
            if part is not None
        }
        return self.model_copy(update=parts)

    @property
    def role(self) -> str:
        """`consumer` or `provider`."""
        return "consumer" if self.consumer is not None else "provider"

    def beside(self, folder: Path) -> CarSettings:
        """The same, with the files that it names looked for in a folder."""
        said = self.model_copy(deep=True)
        link: dict[str, Any] = {
            name: folder / path
            for name in ("tls_certificate", "tls_key", "tls_authority")
            if (path := getattr(self.link, name)) is not None
        }
        cable = self.equipment.cable
        return said.model_copy(
            update={
                "link": self.link.model_copy(update=link),
                "equipment": self.equipment.model_copy(
                    update={"cable": None if cable is None else folder / cable}
                ),
            }
        )

    def session_equipment(self) -> Equipment:
        """What a charging session of this car is started with."""
        said = self.equipment
        return Equipment(
            cable=said.cable,
            meter_id=self.role,
            meter_name=said.meter,
            source_name=said.source,
            power_w=round(said.power_kw * 1000),
            speed=said.speed,
            battery_wh=_UNLIMITED_BATTERY_WH,  # one cable for all sessions: the gauge says when
        )

    def hours_for(self, energy: Energy) -> timedelta:
        """How long so much energy takes at the car's power."""
        watts = self.equipment.power_kw * 1000 * self.equipment.speed
        return timedelta(seconds=int(energy) / watts * _SECONDS_PER_HOUR)

    def energy_within(self, span: timedelta) -> Energy:
        """How much flows in a time at the car's power."""
        watts = self.equipment.power_kw * 1000 * self.equipment.speed
        most = min(int(watts * max(span.total_seconds(), 0) / _SECONDS_PER_HOUR), Energy.maximum)
        return Energy(most)


def _part_in(part: _Part, currency: Currency) -> _Part:
    """A part with its amounts in a currency."""
    found = {}
    for name in type(part).model_fields:
        value = getattr(part, name)
        if isinstance(value, Money | Rate):
            if value:
                value.require_in(currency)
            found[name] = value if value else type(value)(0, currency)
    return part.model_copy(update=found)


def _hours(text: str) -> tuple[time, time]:
    words = [word.strip() for word in text.split("-")]
    try:
        if len(words) != _WORDS_OF_HOURS:
            raise ValueError
        first, last = (time.fromisoformat(word) for word in words)
    except ValueError as error:
        raise ValueError("expected two times of the day, such as 22:00-06:00") from error
    return first, last
