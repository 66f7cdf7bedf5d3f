"""What can go wrong. What a user can do something about is a `V2VError`: a sentence for that user.

What the contract refuses is a `Refused`, in `ape_v2v.market.interface.refusals`.
"""

from __future__ import annotations


class V2VError(Exception):
    """Anything that a user of the market can do something about."""


class ConfigurationError(V2VError):
    """A setting or a parameter file is wrong, or something it names is missing."""


class DeploymentError(V2VError):
    """A market is not deployed, and why."""


class SentAs(V2VError):
    """A transaction was or may have been sent, and its outcome is not known.

    Attributes:
        transaction: Its hash.
    """

    def __init__(self, transaction: str, message: str) -> None:
        self.transaction = transaction
        super().__init__(message)


class OutcomeUnknown(SentAs):
    """A transaction was or may have been sent, and the node does not tell what became of it."""

    def __init__(self, transaction: str, reason: str) -> None:
        super().__init__(
            transaction,
            f"sent as {transaction}, and what became of it is not known ({reason}); see "
            f"`ape v2v transaction show {transaction}`",
        )


class NotMined(SentAs):
    """A transaction was sent and is in no block, or not deep enough under others, yet.

    Attributes:
        block: The block that has it.
    """

    def __init__(self, transaction: str, seconds: float, block: int | None = None) -> None:
        self.block = block
        if block is None:
            where = "is in no block"
            advice = "wait for it, or offer more with `ape v2v transaction replace`"
        else:
            where = f"is in block {block}, and too few blocks are on top of it,"
            advice = "look again later"
        super().__init__(
            transaction,
            f"{transaction} {where} after {seconds:g} s; it is not lost: {advice}",
        )


class VerificationError(V2VError):
    """A deployed market is not shown to be what its sources say, and why."""
