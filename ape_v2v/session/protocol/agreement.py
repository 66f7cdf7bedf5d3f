"""What the chain says of one connection: all that the two sides have to agree on."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Self

from eth_utils.conversions import to_hex
from eth_utils.hexadecimal import decode_hex

from ape_v2v.currency import ETHER, Currency
from ape_v2v.market.interface.messages import Reading, domain
from ape_v2v.units import Energy, Money, Rate

if TYPE_CHECKING:
    from eip712 import EIP712Message


@dataclass(frozen=True)
class Agreement:
    """A connection as the market has it at a confirmed block. Times are seconds since 1970."""

    chain_id: int
    market: str
    auction_id: int
    consumer: str
    provider: str
    token: bytes
    energy_wh: int
    rate: int
    """Smallest units of the market's currency per Wh."""
    valid_until: int
    """From then on the token admits to no session."""
    expires_at: int
    """From then on anyone may expire the connection."""
    block: int
    currency: Currency | None = None
    """The token that the market is paid in; None is ether."""

    @property
    def paid_in(self) -> Currency:
        """What the market is paid in."""
        return self.currency or ETHER

    @property
    def settle_by(self) -> int:
        """When the provider stops and settles at the latest: half of the time for it is left."""
        return self.expires_at - (self.expires_at - self.valid_until) // 2

    def text(self) -> str:
        """The agreement as JSON, for the store."""
        return json.dumps({**asdict(self), "token": to_hex(self.token)})

    @classmethod
    def from_text(cls, text: str) -> Self:
        data = json.loads(text)
        told = data.get("currency")
        currency = None if told is None else Currency.from_json(told)
        return cls(**{**data, "token": decode_hex(data["token"]), "currency": currency})

    def typed(self, message: type[EIP712Message], **fields: Any) -> EIP712Message:
        """A message of `ape_v2v.market.interface.messages`, with this connection's token."""
        kind: Any = message  # its domain is a keyword that the class does not declare
        typed: EIP712Message = kind(
            token=self.token, **fields, eip712_domain=domain(self.market, self.chain_id)
        )
        return typed

    def reading(self, energy_wh: int, meter_data_hash: bytes, *, last: bool) -> EIP712Message:
        """The statement of energy that both sides sign."""
        kind: Any = Reading  # its domain is a keyword that the class does not declare
        typed: EIP712Message = kind(
            auctionId=self.auction_id,
            consumer=self.consumer,
            provider=self.provider,
            energyWh=energy_wh,
            meterDataHash=meter_data_hash,
            last=last,
            eip712_domain=domain(self.market, self.chain_id),
        )
        return typed

    def cost(self, energy_wh: int) -> Money:
        """What so much energy costs."""
        return Rate(self.rate, self.paid_in) * Energy(energy_wh)


@dataclass(frozen=True)
class ConnectionEnd:
    """How a connection ended on the chain."""

    how: str
    """The name of an `Ending`, lower case."""
    energy_wh: int
    cost: int
    """Smallest units; 0 unless energy was paid for."""
    penalty: int
    """Smallest units that each side has lost; when the provider forfeited, what it has paid."""
    meter_data_hash: bytes
    transaction: str
    sender: str
    """Who sent the transaction."""
