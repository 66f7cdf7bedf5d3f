"""What calls of the market take, as measured on a node: docs/gas-report.md.

The EVM in this process keeps warm what one transaction has touched for all later ones, so its own
figures are too low. These are those of an account's later trades; its first ones take up to 17,000
more, once. A test holds them to the report.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ape_v2v.market.interface.states import Ending

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ape_v2v.market.interface.events import Fact

MEASURED = {
    "addEV": 53_256,
    "deposit": 28_604,
    "withdraw": 36_315,
    "startAuction": 41_032,
    "placeBid, first": 39_336,
    "placeBid, overtaking": 44_876,
    "placeBidFor, overtaking": 51_823,
    "revokeBids": 27_502,
    "removeBid": 46_824,
    "cancelAuction, no bid": 37_681,
    "cancelAuction, with a bid": 44_080,
    "endAuction": 35_110,
    "endAuction, no bid": 37_613,
    "endConnection": 44_918,
    "settle": 53_691,
    "settle, broken off": 59_934,
    "forfeit": 45_119,
    "expireConnection": 50_810,
}
REFUSED = 28_010
"""A bid that is too high in its block: it has read the auction, and written nothing."""


def gas_of(method: str, facts: Sequence[Fact], *, overtaking: bool = False) -> int:
    """What a call has taken.

    Args:
        method: Of the contract.
        facts: What the market has reported in it.
        overtaking: For a bid, whether another one stood.
    """
    return MEASURED.get(_row(method, facts, overtaking), MEASURED["deposit"])


def _row(method: str, facts: Sequence[Fact], overtaking: bool) -> str:
    args = facts[-1].args if facts else {}
    kind = ""
    match method:
        case "placeBid":
            kind = ", overtaking" if overtaking else ", first"
        case "placeBidFor":
            kind = ", overtaking"
        case "cancelAuction":
            kind = ", with a bid" if int(args.get("provider", "0"), 16) else ", no bid"
        case "endAuction":
            kind = "" if facts and facts[-1].name == "Connected" else ", no bid"
        case "settle":
            kind = ", broken off" if args.get("how") == Ending.SHORT else ""
        case "addEVs":
            return "addEV"
    return method + kind
