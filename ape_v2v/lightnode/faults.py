"""What a light node finds out. Nothing that raised one of these may be relied on."""

from __future__ import annotations

from ape_v2v.errors import V2VError


class ProofError(V2VError):
    """What a node says could not be proven, or is not so."""


class MalformedAnswer(ProofError):
    """The node's answer is not what the method gives."""


class UnknownBlock(ProofError):
    """The node does not have the trusted block."""


class HeaderMismatch(ProofError):
    """The header that the node gives is not that of the trusted block."""


class UnknownHeaderField(HeaderMismatch):
    """It is not, and it has fields that this version does not know of."""


class InvalidProof(ProofError):
    """A proof is missing or does not hold, or the node says something else than its proof."""


class AccountAbsent(ProofError):
    """There is nothing at the market's address in the trusted block."""


class WrongCode(ProofError):
    """What is at the market's address is not the market that it has to be."""


class NotConnected(ProofError):
    """The auction is not connected in the trusted block."""


class StaleAuction(NotConnected):
    """The auction is over: its consumer has started others since."""


class WrongConsumer(ProofError):
    """The auction is another consumer's."""


class WrongProvider(ProofError):
    """The auction was awarded to another provider."""


class WrongTerms(ProofError):
    """Something that was said of the connection is not what is proven."""


class TokenExpired(ProofError):
    """The access token is not valid any more."""


class NotExecutable(ProofError):
    """A call that cannot be executed here, so that what it would return cannot be proven."""


class NotProvable(ProofError):
    """The node is asked for something that no proof is known for."""


class InvalidTransaction(ProofError):
    """A transaction that the node gives is another one than it says."""


class InvalidReceipts(ProofError):
    """The receipts or transactions that the node gives are not those of the block."""
