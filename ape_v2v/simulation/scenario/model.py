"""What a scenario may say: every setting with its unit in its name, and nothing else."""

from __future__ import annotations

import hashlib
import json
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    ValidationInfo,
    field_validator,
    model_serializer,
    model_validator,
)

from ape_v2v.currency import ETHER, Currency
from ape_v2v.errors import ConfigurationError
from ape_v2v.market.interface.parameters import Parameters
from ape_v2v.simulation.scenario import sessions
from ape_v2v.simulation.streams import Stream  # noqa: TC001 - pydantic reads annotations

HOURS = 24
_WH_PER_KWH = 1_000
_GWEI = 10**9
_NOWHERE = "0x0000000000000000000000000000000000000000"
"""Where a token is before it is deployed."""

Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1, le=100_000)]
Hour = Annotated[float, Field(ge=0, le=24 * 366)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Drawn(_Section):
    """A number that is drawn for each vehicle or each visit: exactly one way to draw it."""

    uniform: tuple[float, float] | None = None
    lognormal: tuple[float, float] | None = None
    """Mean and deviation of the logarithm."""
    quantiles: tuple[float, ...] | None = Field(default=None, min_length=2)
    """Between two of them a value falls equally often; linear between."""
    most: float | None = None
    """A larger draw counts as this."""

    @model_validator(mode="before")
    @classmethod
    def _constant(cls, value: Any) -> Any:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return {"uniform": (value, value)}
        if isinstance(value, dict) and ("sessions" in value or "day_ahead" in value):
            return sessions.drawn(value)
        return value

    @model_validator(mode="after")
    def _one_way(self) -> Drawn:
        ways = [self.uniform, self.lognormal, self.quantiles]
        if sum(way is not None for way in ways) != 1:
            raise ValueError("needs exactly one of uniform, lognormal and quantiles, or a number")
        return self

    def draw(self, stream: Stream) -> float:
        """A value."""
        if self.uniform is not None:
            value = stream.uniform(*self.uniform)
        elif self.lognormal is not None:
            value = stream.lognormal(*self.lognormal)
        else:
            assert self.quantiles is not None
            value = stream.quantile(self.quantiles)
        return value if self.most is None else min(value, self.most)


class TokenSection(_Section):
    """A token that a market is paid in; gas is paid in ether all the same."""

    symbol: str
    decimals: Annotated[int, Field(ge=6, le=ETHER.decimals)] = 6
    price_eur: Positive = 1.0
    """What one of it costs."""

    @field_validator("symbol")
    @classmethod
    def _for_a_token(cls, value: str) -> str:
        if Currency.token(_NOWHERE, value, 0).symbol != value:
            raise ValueError(
                "expected the symbol of a token, such as EURC: up to 16 letters and digits, and "
                "no name of ether's"
            )
        return value

    def at(self, address: str = _NOWHERE) -> Currency:
        """The currency, when its contract is there."""
        return Currency.token(address, self.symbol, self.decimals)


class MarketSection(_Section):
    """The rules: the contract's parameters by its names, and how consumers use it."""

    currency: TokenSection | None = None
    """What it is paid in; None is ether, which a scenario calls `ether`."""
    parameters: dict[str, int | str] = {}
    bidding_seconds: Annotated[int, Field(ge=1, le=604_800)] = 600
    validity_seconds: Annotated[int, Field(ge=1, le=604_800)] = 14_400
    settle_by: Literal["consumer", "receipt"] = "receipt"
    """Who ends a trade: the consumer in full, or the provider by the consumer's receipt."""

    @field_validator("currency", mode="before")
    @classmethod
    def _ether_or_a_token(cls, value: Any) -> Any:
        if value == ETHER.symbol:
            return None
        if value is None or isinstance(value, dict | TokenSection):
            return value
        raise ValueError(
            "expected ether, or a token such as {symbol: EURC, decimals: 6, price_eur: 1}"
        )

    @field_validator("parameters")
    @classmethod
    def _as_the_contract(
        cls, value: dict[str, int | str], info: ValidationInfo
    ) -> dict[str, int | str]:
        if "currency" not in info.data:  # that is wrong already
            return value
        try:
            Parameters.from_mapping(value, _money(info.data["currency"]))
        except ConfigurationError as error:
            raise ValueError(str(error)) from error
        return value

    @model_serializer(mode="wrap")
    def _ether_goes_without_saying(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        said: dict[str, Any] = dump(self)
        if self.currency is None:  # so that hashes are those of before there were tokens
            said.pop("currency", None)
        return said

    @property
    def rules(self) -> Parameters:
        """All the contract's parameters."""
        return Parameters.from_mapping(self.parameters, self.paid_in)

    @property
    def paid_in(self) -> Currency:
        """Its currency, a token without an address of its own yet."""
        return _money(self.currency)


def _money(token: TokenSection | None) -> Currency:
    return ETHER if token is None else token.at()


class ChainSection(_Section):
    """Blocks, fees, and what an ether costs."""

    block_seconds: Annotated[int, Field(ge=0, le=3_600)] = 12
    """0 makes a block for each transaction, at once."""
    latency_seconds: NotNegative = 1.0
    inclusion_probability: Annotated[float, Field(gt=0, le=1)] = 1.0
    base_fee_gwei: tuple[NotNegative, ...] | NotNegative = 1.0
    """One for all times, or one for each hour from the start on, then again from the first."""
    tip_gwei: NotNegative = 0.1
    ether_eur: Positive = 3_000.0

    def base_fee(self, seconds: int) -> int:
        """At a time since the start, wei per gas."""
        series = self.base_fee_gwei
        if isinstance(series, tuple):
            return round(series[max(0, seconds) // 3_600 % len(series)] * _GWEI)
        return round(series * _GWEI)


class StrategyChoice(_Section):
    """How a vehicle behaves: a name that the package knows, or `module:Class`, and its settings."""

    name: str = "truthful"
    settings: dict[str, float | int | str] = {}


class VehicleGroup(_Section):
    """Vehicles of one kind."""

    name: str
    count: Count
    role: Literal["consumer", "provider"]
    site: str = "here"
    """They trade with those of the same site."""
    visits_per_day: Annotated[float, Field(gt=0, le=1)] = 1.0
    arrival_hours: Drawn | None = None
    """When they come, hours of the day."""
    arrival_weights: tuple[NotNegative, ...] | None = Field(
        default=None, min_length=HOURS, max_length=HOURS
    )
    """Or how often they come in each hour of the day."""
    stay_hours: Drawn = Drawn(uniform=(8, 8))
    energy_kwh: Drawn
    """What a consumer wants of a visit, or a provider can spare."""
    price_eur_kwh: Drawn
    """What energy elsewhere costs a consumer, or what it costs a provider to give it."""
    power_kw: Positive = 7.4
    tip_gwei: NotNegative | None = None
    strategy: StrategyChoice = StrategyChoice()

    @model_validator(mode="after")
    def _comes(self) -> VehicleGroup:
        if (self.arrival_hours is None) == (self.arrival_weights is None):
            raise ValueError("needs exactly one of arrival_hours and arrival_weights")
        if self.arrival_weights is not None and not sum(self.arrival_weights):
            raise ValueError("arrival_weights are all 0: nobody would ever come")
        return self


class WorldSection(_Section):
    """What the market is compared with, and what a trade costs beside its price."""

    tariff_eur_kwh: NotNegative = 0.2872
    public_eur_kwh: NotNegative = 0.59
    efficiency: Annotated[float, Field(gt=0, le=1)] = 0.87
    """Of the energy that a provider has charged, what arrives at the consumer."""
    detour_minutes: NotNegative = 0.0
    value_of_time_eur_h: NotNegative = 5.04


class GridSection(_Section):
    """The connection that all share."""

    base_load_kw: tuple[NotNegative, ...] = Field(
        default=(0.0,) * HOURS, min_length=HOURS, max_length=HOURS
    )
    transformer_kw: Positive = 100.0
    recharge_hour: Annotated[int, Field(ge=0, lt=HOURS)] = 1
    """When providers charge again what they have sold."""


class Span(_Section):
    """From when until when, hours since the start."""

    from_hour: Hour
    to_hour: Hour

    @model_validator(mode="after")
    def _forward(self) -> Span:
        if self.to_hour <= self.from_hour:
            raise ValueError(f"ends at {self.to_hour}, before it begins")
        return self


class Spike(Span):
    """A time in which gas costs more."""

    factor: Positive


class FaultsSection(_Section):
    """What goes wrong."""

    consumer_no_show_share: Share = 0.0
    """Of the trades, those to which the consumer does not come."""
    provider_no_show_share: Share = 0.0
    price_spikes: tuple[Spike, ...] = ()
    outages: tuple[Span, ...] = ()
    """Times without blocks."""


class Scenario(_Section):
    """All of it."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+$")]
    description: str = ""
    days: Annotated[int, Field(ge=1, le=366)] = 1
    market: MarketSection = MarketSection()
    chain: ChainSection = ChainSection()
    population: tuple[VehicleGroup, ...] = Field(min_length=1)
    world: WorldSection = WorldSection()
    grid: GridSection = GridSection()
    faults: FaultsSection = FaultsSection()

    @model_validator(mode="after")
    def _both_sides(self) -> Scenario:
        names = [group.name for group in self.population]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"two groups are called {twice[0]!r}")
        return self

    @property
    def digest(self) -> str:
        """The SHA-256 of all that it says: two that say the same have the same."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    def rate(self, eur_per_kwh: float) -> int:
        """A price of energy as the contract has it: smallest units of its currency per Wh."""
        per_kwh = eur_per_kwh / self._price_eur
        return round(per_kwh * (10**self._decimals // _WH_PER_KWH))

    def eur(self, units: float) -> float:
        """An amount for people, out of smallest units of the market's currency."""
        return units * self._finer / 10**ETHER.decimals * self._price_eur

    def eur_per_kwh(self, rate: float) -> float:
        """A mean rate for people, cut where wei would be, out of smallest units per Wh."""
        return round(rate * self._finer) / 10**ETHER.decimals * self._price_eur * _WH_PER_KWH

    def gas(self, wei: int) -> float:
        """What gas comes to in smallest units of the market's currency; in ether, as it is."""
        if self.market.currency is None:
            return wei
        return wei * float(self.ether_price) / self._finer

    @property
    def ether_price(self) -> Decimal:
        """What an ether, which gas is paid in, costs in the market's currency."""
        return Decimal(str(self.chain.ether_eur)) / Decimal(str(self._price_eur))

    @property
    def _price_eur(self) -> float:
        token = self.market.currency
        return self.chain.ether_eur if token is None else token.price_eur

    @property
    def _decimals(self) -> int:
        return self.market.paid_in.decimals

    @property
    def _finer(self) -> int:
        """So many wei are to an ether what a smallest unit is to the currency."""
        return 10 ** int(ETHER.decimals - self._decimals)
