"""What the market in a token costs, beside the one in ether: each way in and out, and a trade."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eth_account import Account
from eth_utils.crypto import keccak

from ape_v2v.evm.contracts import Interface
from ape_v2v.evm.node import AnvilChain
from ape_v2v.market.interface import messages
from ape_v2v.market.interface.parameters import Parameters
from benchmarks.gas import scenarios
from benchmarks.gas.designs import ORGANIZATION, RELAYER, OwnMarket
from benchmarks.gas.scenarios import CONSUMER, PROVIDER, PROVIDERS, RIVAL
from benchmarks.gas.stage import ETHER, Call, Stage

if TYPE_CHECKING:
    from collections.abc import Callable

    from ape.managers import ProjectManager
    from eth_account.signers.local import LocalAccount

MOST = 2**256 - 1
FOREVER = 2**47 - 1
_AUTHORIZATION = {
    "from": "address",
    "to": "address",
    "value": "uint256",
    "validAfter": "uint256",
    "validBefore": "uint256",
    "nonce": "bytes32",
}
TRADE = "a trade with two bids"
CREATION = "creation"
LIMITS = {
    "deposit": 50_000,
    "depositFor": 51_000,
    "withdraw": 48_000,
    "withdrawFor": 56_500,
    CREATION: 3_700_000,
}
"""The most that each may cost in a plain token; what a token's own code adds is its own."""
MOST_BY_AUTHORIZATION = 92_500
"""The most that `depositWithAuthorization` may cost in a stablecoin behind its proxy, gas."""
MOST_OF_ETHERS_TRADE = 1.001
"""What a trade in a token may cost at most, as a share of one in ether."""


class TokenMarket(OwnMarket):
    """A market in a token on a stage: everybody has approved it without a limit."""

    name = "in a token"

    def __init__(self, stage: Stage, token: str, token_interface: Interface) -> None:
        self.stage = stage
        self.pay_along = False
        self.token = token
        self._interface = token_interface
        self._authorizations = 0
        stage.deploy(ORGANIZATION, ORGANIZATION.address, Parameters().as_tuple(), token)

    def fund(self, ev: LocalAccount) -> None:
        """Give somebody tokens, and let the market take them."""
        self._tell(ORGANIZATION, "mint", ev.address, 100 * ETHER)
        self._tell(ev, "approve", self.stage.address, MOST)

    def deposit(self, ev: LocalAccount, amount: int = ETHER) -> Call:
        return self.stage.call(ev, "deposit", amount)

    def deposit_for(self, ev: LocalAccount, sender: LocalAccount, amount: int = ETHER) -> Call:
        return self.stage.call(sender, "depositFor", ev.address, amount)

    def deposit_signed(self, ev: LocalAccount, amount: int = ETHER) -> Call:
        """By an authorization that somebody else sends."""
        self._authorizations += 1
        nonce = keccak(self._authorizations)
        values = (ev.address, self.stage.address, amount, 0, FOREVER, nonce)
        fields = [{"name": name, "type": kind} for name, kind in _AUTHORIZATION.items()]
        signed = Account.sign_typed_data(
            ev.key,
            self._domain(),
            {"ReceiveWithAuthorization": fields},
            dict(zip(_AUTHORIZATION, values, strict=True)),
        )
        parts = (signed.v, signed.r.to_bytes(32, "big"), signed.s.to_bytes(32, "big"))
        call = (ev.address, amount, 0, FOREVER, nonce, *parts)
        return self.stage.call(RELAYER, "depositWithAuthorization", *call)

    def withdraw_signed(self, ev: LocalAccount, amount: int) -> Call:
        """By a signature that somebody else sends."""
        return self.stage.call(RELAYER, *self.withdrawal_of(ev, amount))

    def withdrawal_of(self, ev: LocalAccount, amount: int) -> tuple[Any, ...]:
        """A signed withdrawal as a call: the method, and what it takes."""
        revocations = self.stage.view("evs", ev.address)[-1]
        values = {"amount": amount, "to": ev.address, "nonce": revocations, "deadline": MOST}
        signature = self.stage.sign(ev, messages.Withdrawal, **values)
        return ("withdrawFor", ev.address, amount, ev.address, MOST, signature)

    def _domain(self) -> dict[str, Any]:
        output = self.stage.chain.call(self.token, self._interface.call_data("eip712Domain"))
        _, *values = self._interface.output("eip712Domain", 0, output)
        names = ("name", "version", "chainId", "verifyingContract")
        return dict(zip(names, values, strict=False))

    def _tell(self, who: LocalAccount, method: str, *arguments: Any) -> None:
        data = self._interface.call_data(method, *arguments)
        self.stage.chain.set_balance(who.address.lower(), 10**6 * ETHER)
        self.stage.chain.transact(who.address.lower(), self.token, data)


def used_market(stage: Stage, token: str, token_interface: Interface) -> TokenMarket:
    """A market in a token in which everybody has money and has traded before."""
    market = TokenMarket(stage, token, token_interface)
    market.register([CONSUMER, *PROVIDERS[:2]])
    for ev in (CONSUMER, *PROVIDERS[:2]):
        market.fund(ev)
        market.deposit(ev)
    market.trade(CONSUMER, [PROVIDER, RIVAL])
    market.withdraw_signed(PROVIDER, ETHER // 10)
    return market


def costs(market: TokenMarket, *, authorizes: bool) -> dict[str, int]:
    """What each way in and out costs, and a trade, and the creation: by label, gas.

    Args:
        market: A `used_market`.
        authorizes: Whether its token knows EIP-3009.
    """
    scenes: dict[str, Callable[[], Call]] = {
        "deposit": lambda: market.deposit(PROVIDER),
        "depositFor": lambda: market.deposit_for(PROVIDER, CONSUMER),
        "withdraw": lambda: market.withdraw(PROVIDER, ETHER // 10),
        "withdrawFor": lambda: market.withdraw_signed(PROVIDER, ETHER // 10),
    }
    if authorizes:
        scenes["depositWithAuthorization"] = lambda: market.deposit_signed(PROVIDER)
    found = {}
    for label, scene in scenes.items():
        with market.stage.scene():
            found[label] = scene().gas
    with market.stage.scene():
        found[TRADE] = sum(call.gas for call in market.trade(CONSUMER, [PROVIDER, RIVAL]))
    return {**found, CREATION: market.stage.creation}


def plain_token(project: ProjectManager) -> dict[str, int]:
    """The costs in a token that does nothing but what it has to."""
    own = Interface(project.TestToken.contract_type)
    with AnvilChain() as chain:
        token = chain.deploy(ORGANIZATION.address.lower(), own.creation_code(18))
        stage = Stage(chain, Interface(project.V2VTokenMarket.contract_type), trace=False)
        return costs(used_market(stage, token, own), authorizes=False)


def stablecoin(project: ProjectManager) -> dict[str, int]:
    """The costs in one that can be paused, blocks accounts, and stands behind a proxy."""
    own = Interface(project.Stablecoin.contract_type)
    proxy = Interface(project.StablecoinProxy.contract_type)
    with AnvilChain() as chain:
        deployer = ORGANIZATION.address.lower()
        code = chain.deploy(deployer, own.creation_code())
        token = chain.deploy(deployer, proxy.creation_code(code))
        stage = Stage(chain, Interface(project.V2VTokenMarket.contract_type), trace=False)
        return costs(used_market(stage, token, own), authorizes=True)


def ether(project: ProjectManager) -> dict[str, int]:
    """The same in a market in ether."""
    with AnvilChain() as chain:
        stage = Stage(chain, Interface(project.V2VMarket.contract_type), trace=False)
        market = scenarios.used_market(stage)
        found = {
            label: call.gas
            for label, call in scenarios.all_calls(market).items()
            if label in {"deposit", "depositFor", "withdraw", *scenarios.TRADE}
        }
    trade = sum(found.pop(label) for label in scenarios.TRADE)
    return {**found, TRADE: trade, CREATION: stage.creation}


def labels(columns: dict[str, dict[str, int]]) -> list[str]:
    """What was measured in any of the currencies; the trade after the calls, the creation last."""
    found = dict.fromkeys(label for column in columns.values() for label in column)
    return sorted(found, key=lambda label: (label == CREATION, label == TRADE))


def table(columns: dict[str, dict[str, int]]) -> list[str]:
    """The lines of a table in Markdown: what costs what, by currency."""
    lines = [
        f"| gas | {' | '.join(columns)} |",
        f"| --- |{' ---: |' * len(columns)}",
    ]
    for label in labels(columns):
        cells = [f"{column[label]:,}" if label in column else "-" for column in columns.values()]
        name = label if label in {TRADE, CREATION} else f"`{label}`"
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def measured(project: ProjectManager) -> dict[str, dict[str, int]]:
    """All of it, by currency."""
    return {
        "in ether": ether(project),
        "in a plain token": plain_token(project),
        "in a stablecoin behind its proxy": stablecoin(project),
    }
