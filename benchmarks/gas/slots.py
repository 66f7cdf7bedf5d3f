"""What a transaction did to storage, and what it would cost at other prices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ape_v2v.evm.node import AnvilChain
    from benchmarks.gas.prices import PriceList


@dataclass(frozen=True)
class Slots:
    """How many slots of a contract a transaction changed, and how many payments it made."""

    new: int = 0
    """Zero before, and not after."""
    changed: int = 0
    """Non-zero before and after."""
    cleared: int = 0
    """Zero after, and not before."""
    payments: int = 0
    """Ether that left the contract."""

    @classmethod
    def changed_by(cls, chain: AnvilChain, transaction: str, contract: str) -> Slots:
        """Ask the node, of a transaction that it has just executed."""
        options = {"tracer": "prestateTracer", "tracerConfig": {"diffMode": True}}
        change = chain.request("debug_traceTransaction", transaction, options)
        before, after = (
            {
                slot: int(word, 16)
                for slot, word in change[side].get(contract, {}).get("storage", {}).items()
            }
            for side in ("pre", "post")
        )
        touched = before.keys() | after.keys()
        pairs = [(before.get(slot, 0), after.get(slot, 0)) for slot in touched]
        trace = chain.request("debug_traceTransaction", transaction, {"tracer": "callTracer"})
        inner = [call for call in trace.get("calls", ()) if call["type"] == "CALL"]
        return cls(
            new=sum(not old and bool(now) for old, now in pairs),
            changed=sum(bool(old) and bool(now) for old, now in pairs),
            cleared=sum(bool(old) and not now for old, now in pairs),
            payments=sum(int(call.get("value", "0x0"), 16) > 0 for call in inner),
        )

    def repriced(self, gas: int, old: PriceList, new: PriceList) -> int:
        """What a transaction that used `gas` at the old prices would use at the new ones.

        Slots that are only read are not counted: both lists charge the same for them.
        """
        gross = _before_refund(gas, self.cleared * old.storage_clear_refund)
        gross += self.new * (new.new_slot - old.new_slot)
        gross += (self.changed + self.cleared) * (new.changed_slot - old.changed_slot)
        gross += self.payments * (new.call_value - old.call_value)
        return gross - min(self.cleared * new.storage_clear_refund, gross // 5)


def _before_refund(gas: int, refund: int) -> int:
    """What was used before a refund, of which at most a fifth of that is given."""
    gross = gas + refund
    return gross if refund <= gross // 5 else -(-gas * 5 // 4)
