"""The gas policy of a network: what a transaction may cost per gas, and when it counts.

max_fee: 30 gwei        # per gas, all in all; left out: as Ape finds it
priority_fee: 1 gwei    # per gas, to who makes the block; left out: as the node proposes
confirmations: 3        # blocks to wait for; left out: those of Ape's network
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, InstanceOf, model_validator

from ape_v2v.units import Money, UnitError


def _price(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return Money.parse(value)
    except UnitError as error:
        raise ValueError(str(error)) from error


PricePerGas = Annotated[InstanceOf[Money], BeforeValidator(_price)]


class Fees(BaseModel):
    """The gas policy of one network."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_fee: PricePerGas | None = None
    priority_fee: PricePerGas | None = None
    confirmations: int | None = Field(default=None, ge=0, le=1_000)

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
