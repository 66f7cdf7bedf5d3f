"""Whether the chain has settled a session as an exported file says: this asks a node."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ape_v2v.errors import V2VError
from ape_v2v.session.evidence.checking import (
    Check,
    is_xml,
    read_dossier,
    require_paid_as_signed,
)
from ape_v2v.session.evidence.dossier import EndPart
from ape_v2v.session.onchain import find_end

if TYPE_CHECKING:
    from ape_v2v.chain.node import Node
    from ape_v2v.session.evidence.dossier import Dossier
    from ape_v2v.session.protocol.agreement import ConnectionEnd

SETTLED = "settlements on the chain"


def check_settlement(data: bytes, node: Node) -> Check:
    """Compare how a session ended by an exported file with how it ended on the chain.

    Args:
        data: The file, JSON.
        node: One of the market's network.

    Raises:
        V2VError: It is no such file, or the node does not answer, or is another network's.
    """
    if is_xml(data):
        raise V2VError(
            "SAFE XML has the meter's records and names no market, so no chain has settled it: "
            "give the file that `session export` writes as json"
        )
    dossier = read_dossier(data)
    agreement = dossier.agreed.agreement
    if node.chain_id != agreement.chain_id:
        raise V2VError(
            f"the session is one of chain {agreement.chain_id}, and the node of chain "
            f"{node.chain_id}: name a node of the session's network"
        )
    found = find_end(node, agreement)
    if found is None:
        problem = None if dossier.end is None else "the chain knows no end of this connection"
        return Check(SETTLED, 0, problem)
    (consumer, provider), end = found
    try:
        if (consumer, provider) != (agreement.consumer, agreement.provider):
            raise V2VError(
                f"the chain says that {consumer} and {provider} were connected, and the file "
                f"{agreement.consumer} and {agreement.provider}"
            )
        _require_same(dossier, end)
        require_paid_as_signed(dossier, EndPart(**vars(end)))
    except V2VError as error:
        return Check(SETTLED, 1, str(error))
    return Check(SETTLED, 1)


def _require_same(dossier: Dossier, end: ConnectionEnd) -> None:
    """Refuse a file that says another end; one that was exported before the end says none."""
    said = dossier.end
    if said is None:
        return
    for name, ours in vars(end).items():
        if (theirs := getattr(said, name)) != ours:
            shown, told = (
                one.hex() if isinstance(one, bytes) else str(one) for one in (ours, theirs)
            )
            raise V2VError(f"the chain says {name} {shown} of this connection, and the file {told}")
