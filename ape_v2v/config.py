"""The `v2v:` section of ape-config.yaml.

    v2v:
      confirmations: 2          # blocks that must lie on top of what is read as history
      block_range: 2000         # blocks asked for at once when history is read
      timeout: 20               # seconds after which a request to the node has ended
      units: {energy: kWh, rate: ether/kWh, money: ether}
      fiat: [EUR=3100, EUR=0.92/USDC]  # what ether and tokens cost, to see amounts so, too
      markets:
        ethereum-sepolia: {address: "0x…", start_block: 7000000}
      fees:
        ethereum-sepolia: {max_fee: 30 gwei, priority_fee: 1 gwei, confirmations: 3}
      light:                    # the light node: where it asks, and what it begins with
        ethereum-sepolia: {sources: ["https://…"], checkpoint: "0x…"}

Everything may be left out; these are the defaults, two prices, and a market and the fees of one
network.
"""

from __future__ import annotations

from typing import Annotated, Any

from eth_utils.address import is_checksum_address
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    InstanceOf,
    field_validator,
    model_validator,
)

from ape_v2v.units import Energy, Money, Price, Rate, UnitError


def _price(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return Money.parse(value)
    except UnitError as error:
        raise ValueError(str(error)) from error


PricePerGas = Annotated[InstanceOf[Money], BeforeValidator(_price)]


def _prices(value: object) -> object:
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list):
        return texts
    # The error of a text is a ValueError.
    return tuple(Price.parse(text) if isinstance(text, str) else text for text in texts)


Prices = Annotated[tuple[InstanceOf[Price], ...], BeforeValidator(_prices)]


class Fees(BaseModel):
    """The gas policy of one network: what a transaction may cost per gas, and when it counts."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_fee: PricePerGas | None = None
    """All in all; left out, as Ape finds it."""
    priority_fee: PricePerGas | None = None
    """To who makes the block; left out, as the node proposes."""
    confirmations: int | None = Field(default=None, ge=0, le=1_000)
    """Blocks to wait for; left out, those of Ape's network."""

    @model_validator(mode="after")
    def _ordered(self) -> Fees:
        if self.max_fee and self.priority_fee and self.priority_fee > self.max_fee:
            raise ValueError(
                f"priority_fee of {self.priority_fee} is above max_fee of {self.max_fee}: the "
                "priority fee is part of it"
            )
        return self

    def over(self, other: Fees) -> Fees:
        """These, and where they say nothing, the others."""
        return Fees(**{**_said(other), **_said(self)})


def _said(fees: Fees) -> dict[str, Any]:
    return {name: value for name in Fees.model_fields if (value := getattr(fees, name)) is not None}


class MarketSettings(BaseModel):
    """The default market of one network."""

    address: str
    start_block: int = Field(default=0, ge=0)
    """Where its history begins: the block of its creation, or any earlier one."""

    @field_validator("address", mode="before")
    @classmethod
    def _checksum(cls, value: object) -> object:
        if not is_checksum_address(value):
            raise ValueError(f"{value!r} is not an address with a checksum, in quotes")
        return value


class Units(BaseModel):
    """How quantities are shown. They are read in any unit."""

    energy: str = "kWh"
    rate: str = "ether/kWh"
    money: str = "ether"

    @field_validator("energy", "rate", "money")
    @classmethod
    def _known(cls, value: str, info: object) -> str:
        kinds: dict[str, type[Energy | Rate | Money]] = {
            "energy": Energy,
            "rate": Rate,
            "money": Money,
        }
        kind = kinds[info.field_name]  # type: ignore[attr-defined]
        if value not in kind.units:
            raise ValueError(f"{value!r} is no unit of it: expected {', '.join(kind.units)}")
        return value


class LightSettings(BaseModel):
    """The light node of one network."""

    sources: list[str] = []
    """REST APIs of beacon nodes, or files; none is trusted, several are better than one."""
    checkpoint: Annotated[str, Field(pattern="^0x[0-9a-fA-F]{64}$")] | None = None
    """The root of a finalized beacon block that somebody trusted has given."""
    chain: str | None = None
    """For a network that is not known: the file with the settings of its beacon chain."""

    model_config = ConfigDict(extra="forbid")


class Configuration(BaseModel):
    """Settings of this package; Ape reads them as `ape_v2v.plugin.V2VConfig`."""

    confirmations: int = Field(default=2, ge=0)
    block_range: int = Field(default=2_000, ge=1)
    timeout: float = Field(default=20.0, gt=0, allow_inf_nan=False)
    """Seconds after which a request to the node has ended."""
    units: Units = Units()
    fiat: Prices = ()
    """What one ether costs, to see amounts in that currency too."""
    markets: dict[str, MarketSettings] = Field(default_factory=dict)
    """By network, as `ethereum-sepolia`."""
    fees: dict[str, Fees] = Field(default_factory=dict)
    """By network; a fork has those of the network that it forks."""
    light: dict[str, LightSettings] = Field(default_factory=dict)
    """By network."""

    @classmethod
    def current(cls) -> Configuration:
        """The settings of the project that Ape works in."""
        from ape import config  # noqa: PLC0415 - Ape imports this module while it starts

        settings = config.get_config("v2v")
        return settings if isinstance(settings, Configuration) else Configuration()
