"""The contract that takes part as an EV: what contracts/test/HostileEV.sol does with ether."""

from dataclasses import dataclass
from enum import IntEnum

from ape_v2v.evm.contracts import DecodedEvent

from .market import Call, Market
from .refusal import Refused


class Answer(IntEnum):
    ACCEPT = 0
    REFUSE = 1
    REENTER = 2


@dataclass
class HostileEV:
    address: str
    answer: Answer = Answer.ACCEPT

    def require_willing(self) -> None:
        if self.answer is Answer.REFUSE:
            raise Refused("Refused")

    def receive(self, market: Market, now: int, amount: int) -> list[DecodedEvent]:
        """Try to withdraw the same amount once more, and so on: its own money, while it lasts."""
        if self.answer is not Answer.REENTER:
            return []
        try:
            return market.withdraw(Call(self.address, now), amount, self.address)
        except Refused:
            return []
