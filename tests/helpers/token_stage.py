"""A market in a token of the tests, on a chain of its own, and who acts in it."""

from enum import IntEnum, auto
from typing import Any

from eth_account import Account

from ape_v2v.evm.chains import Chain
from ape_v2v.evm.contracts import Contract, Failure, Interface
from tests.fuzz.actors import DEPLOYER, PEOPLE
from tests.helpers.scenario import ENERGY, PARAMETERS, ZERO_ADDRESS
from tests.helpers.tokens import FIELDS, FOREVER

ORGANIZATION, ALICE, BOB, CAROL, ERIN = (
    PEOPLE[name].address for name in ("organization", "alice", "bob", "carol", "erin")
)
# A token of 6 decimals: a unit per Wh is a thousandth of it per kWh.
MAX_RATE, RATE, LOWER_RATE = 400, 350, 300
RESERVE = BOND = MAX_RATE * ENERGY
FUNDS = 10 * RESERVE
MOST = 2**128 - 1


class Way(IntEnum):
    """How contracts/test/tokens/OddToken.sol behaves."""

    HONEST = 0
    FEE_FROM_RECEIVER = auto()
    FEE_FROM_SENDER = auto()
    MOVES_NOTHING = auto()
    MOVES_HALF = auto()
    MOVES_DOUBLE = auto()
    MOVES_BACK = auto()
    RETURNS_FALSE = auto()
    RETURNS_FALSE_AND_MOVES = auto()
    RETURNS_NOTHING = auto()
    RETURNS_TWO = auto()
    RETURNS_ONE_BYTE = auto()
    RETURNS_A_LOT = auto()
    REFUSES = auto()
    REFUSES_WITHOUT_A_REASON = auto()
    PANICS = auto()
    BURNS_ITS_GAS = auto()
    HIDES_BALANCES = auto()
    TAKES_ANY_CALL = auto()


class Stage:
    """A market in a token on a chain of its own: whoever acts, the books are looked at."""

    def __init__(self, chain: Chain, project: Any, token: str, kind: str) -> None:
        types = {
            name: getattr(project, name).contract_type
            for name in ("V2VTokenMarket", "HostileEV", kind)
        }
        market_type, hostile_type, token_type = types.values()
        self.chain = chain
        self.token = Contract(chain, token, Interface(token_type))
        interface = Interface(market_type, token_type, hostile_type)
        rules = tuple({**PARAMETERS, "minPenalty": 1}.values())
        code = interface.creation_code(ORGANIZATION, rules, token)
        self.market = Contract(chain, chain.deploy(DEPLOYER.address, code), interface)
        hostile = Interface(hostile_type, market_type, token_type)
        code = hostile.creation_code(self.market.address)
        self.hostile = Contract(chain, chain.deploy(DEPLOYER.address, code), hostile)
        self.evs = (ALICE, BOB, CAROL, self.hostile.address)
        self.do(ORGANIZATION, "addEVs", self.evs, [""] * 4)
        for ev in self.evs:
            self.tell("mint", ev, 2 * FUNDS)
        for ev in self.evs[:3]:
            self.act(ev, self.token, "approve", self.market.address, FUNDS)
            self.do(ev, "deposit", FUNDS)

    def tell(self, method: str, *arguments: Any) -> None:
        """What the token's issuer does, and anybody can here."""
        self.act(ERIN, self.token, method, *arguments)

    def attempt(self, who: str, method: str, *arguments: Any) -> Failure | None:
        """Call the market; returns what it was refused with. The books have to be right."""
        data = self.market.interface.call_data(method, *arguments)
        answer = self.chain.transact(who, self.market.address, data)
        self.look()
        return None if answer.success else self.market.interface.failure(answer.output)

    def do(self, who: str, method: str, *arguments: Any) -> None:
        assert self.attempt(who, method, *arguments) is None

    def by_hostile(self, method: str, *arguments: Any) -> bytes:
        """What lets the contract call the market."""
        call = self.market.interface.call_data(method, *arguments)
        return self.hostile.interface.call_data("act", call)

    def balance(self, account: str) -> int:
        """Free in the market."""
        return int(self.market.view("evs", account)[0])

    def held(self, account: str | None = None) -> int:
        return int(self.token.view("balanceOf", account or self.market.address))

    def booked(self) -> int:
        """All that the market owes: free, locked, and burnt."""
        free = sum(self.balance(one) for one in (*self.evs, ERIN, ZERO_ADDRESS))
        ids = [self.market.view("currentAuctionId", ev) for ev in self.evs]
        locked = sum(self.market.view("reserve", one) for one in ids)
        led = [one for one in ids if self.market.view("auctions", one)[7] != ZERO_ADDRESS]
        return free + int(locked) + sum(int(self.market.view("bond", one)) for one in led)

    # What is looked at after every call; a token that hides or takes is looked at by the test.
    solvent = True

    def look(self) -> None:
        if self.solvent:
            assert self.booked() <= self.held()

    def act(self, who: str, contract: Contract, method: str, *arguments: Any) -> None:
        data = contract.interface.call_data(method, *arguments)
        assert self.chain.transact(who, contract.address, data).success, method

    def authorize(
        self,
        to: str,
        value: int,
        nonce: bytes,
        valid: tuple[int, int] = (0, FOREVER),
    ) -> tuple[int, bytes, bytes]:
        """Bob's signature over a transfer to `to` (EIP-3009): v, r and s."""
        names = ("name", "version", "chainId", "verifyingContract")
        domain = dict(zip(names, self.token.view("eip712Domain")[1:5], strict=True))
        typed = {"ReceiveWithAuthorization": [{"name": n, "type": t} for n, t in FIELDS.items()]}
        message = dict(zip(FIELDS, (BOB, to, value, *valid, nonce), strict=True))
        signed = Account.from_key(PEOPLE["bob"].key).sign_typed_data(domain, typed, message)
        return signed.v, signed.r.to_bytes(32, "big"), signed.s.to_bytes(32, "big")
