"""Why the light client does not follow. After each of these it stands where it stood before."""

from ape_v2v.errors import V2VError


class LightClientError(V2VError):
    """The light client cannot go on, or must not."""


class UnknownFork(LightClientError):
    """A fork of the beacon chain that this version does not know."""


class MalformedData(LightClientError):
    """What a source gave is not what it was asked for."""


class SourceUnavailable(LightClientError):
    """A source does not answer, or not in time."""


class NoProgress(LightClientError):
    """No source has what is needed to go on; the sentence says what was wrong with each."""


class NoCheckpoint(LightClientError):
    """There is no block root to begin with, or the sources do not agree on one."""


class CheckpointTooOld(LightClientError):
    """What it would go on from is so old that its signers may have sold their keys."""


class HeadTooOld(LightClientError):
    """The newest block that is proven is too old to be relied on."""


class NotTrustworthy(LightClientError):
    """The newest block is not signed or finalized well enough to be relied on."""


class InvalidUpdate(LightClientError):
    """What a source gave does not hold: it lies, or is of another chain."""


class WrongCheckpoint(InvalidUpdate):
    """The bootstrap is not that of the block root one began with."""


class ForgedBranch(InvalidUpdate):
    """A Merkle branch does not lead up to its root."""


class TooFewSignatures(InvalidUpdate):
    """Nobody has signed it."""


class FromTheFuture(InvalidUpdate):
    """It was signed later than it is now, by the clock of this machine."""


class WrongOrder(InvalidUpdate):
    """Its slots are not in the order in which they must have come about."""


class SkippedPeriod(InvalidUpdate):
    """It is signed by a committee that is not known yet, or not any more."""


class OldUpdate(InvalidUpdate):
    """It says nothing that is not known already."""


class WrongCommittee(InvalidUpdate):
    """It names another committee than the one that was proven."""


class WrongSignature(InvalidUpdate):
    """The committee has not signed this."""
