"""What the EVM charges: the price lists of today and of the announced future, and of currencies."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal


@dataclass(frozen=True)
class PriceList:
    """Gas for what a transaction cannot do without. Names as in the EIPs where they have one."""

    transaction: int = 21_000
    calldata_zero_byte: int = 4
    calldata_byte: int = 16
    cold_storage_access: int = 2_100
    """To look at a slot, once in a transaction."""
    storage_write: int = 2_900
    """To change it, on top of that."""
    storage_set: int = 17_100
    """To make it one that was zero, on top of both."""
    storage_clear_refund: int = 4_800
    """Given back for making it zero, up to a fifth of all that is used."""
    log: int = 375
    log_topic: int = 375
    log_byte: int = 8
    signature: int = 3_100
    """To recover a signer: a call of the precompile at 100, and its 3,000."""
    call_value: int = 9_000
    """To send ether along with a call; the receiver is given 2,300 of it, and returns them."""
    call_stipend: int = 2_300
    warm_access: int = 100

    @property
    def changed_slot(self) -> int:
        """A slot that is read and changed and stays non-zero."""
        return self.cold_storage_access + self.storage_write

    @property
    def new_slot(self) -> int:
        """A slot that was zero and is not any more."""
        return self.changed_slot + self.storage_set


TODAY = PriceList()
"""Since Berlin and London (EIP-2929, EIP-3529); calldata as in EIP-2028."""

FUTURE = replace(
    TODAY,
    storage_write=10_000,
    storage_set=64 * 1_530,
    storage_clear_refund=(10_000 + 2_100) * 4_800 // 5_000,
    call_value=9_000 + 2_300,
)
"""Storage as in the drafts of EIP-8037 (a new slot: 64 bytes of state at 1,530 each) and EIP-8038.

The drafts change; what they say of other things, of the 21,000 and of calldata, is left out.
"""


@dataclass(frozen=True)
class Currency:
    """What gas and ether cost at some place and time. For orientation: prices change daily."""

    name: str
    gas_price: Decimal
    """Gwei for one gas."""
    ether: Decimal
    """What one ether costs, in `unit`."""
    unit: str = "USD"
    remark: str = ""

    def ether_for(self, gas: int) -> Decimal:
        return gas * self.gas_price / 10**9

    def cost(self, gas: int) -> Decimal:
        """What so much gas costs, in `unit`."""
        return self.ether_for(gas) * self.ether


CURRENCIES = {
    "paper": Currency("the paper's", Decimal(1), Decimal("198.27")),
    "rollup": Currency(
        "a rollup's",
        Decimal("0.01"),
        Decimal(3_000),
        remark="Both are assumptions, of a usual order of magnitude; the fee for publishing the "
        "data comes on top. Other prices: `ape run gas_report --gas-price 2 --ether-price 2500`.",
    ),
}
