"""What a session is started with, in a form that can be stored, so that it can be resumed."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - pydantic reads it
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter, ValidationError

from ape_v2v.errors import ConfigurationError
from ape_v2v.metering.equipment import Equipment  # noqa: TC001 - pydantic reads it
from ape_v2v.session.terms import Declared, Limits, SessionPatience, SessionTerms

LightHead = Literal["finalized", "optimistic"]
"""By which head of the light node all that is read is proven."""


class ServeSettings(Declared):
    """The provider's side."""

    role: Literal["provider"] = "provider"
    equipment: Equipment
    host: str = "127.0.0.1"
    port: int = 0
    certificate: tuple[Path, Path] | None = None
    """Files of a certificate and of its key, for TLS."""
    limits: Limits = Limits()
    patience: SessionPatience = SessionPatience()
    trusted_block: str | None = None
    light: LightHead | None = None
    session_key: bool = False
    """Whether the account signs once only, for a key of the session's own."""
    chosen_key: str | None = None
    """A document by which somebody has chosen the account as its key, as JSON."""


class ChargeSettings(Declared):
    """The consumer's side."""

    role: Literal["consumer"] = "consumer"
    equipment: Equipment
    url: str
    authority: Path | None = None
    """The file of a certificate that is believed, for TLS."""
    terms: SessionTerms = SessionTerms()
    trusted_block: str | None = None
    light: LightHead | None = None
    session_key: bool = False
    """Whether the account signs once only, for a key of the session's own."""
    chosen_key: str | None = None
    """A document by which somebody has chosen the account as its key, as JSON."""


SessionSettings = ServeSettings | ChargeSettings
_EITHER: TypeAdapter[SessionSettings] = TypeAdapter(
    Annotated[SessionSettings, Field(discriminator="role")]
)


def stored(text: str) -> SessionSettings:
    """Settings as they were stored.

    Raises:
        ConfigurationError: Another version of this program has stored them.
    """
    try:
        return _EITHER.validate_json(text)
    except ValidationError as error:
        raise ConfigurationError(
            "the session's settings were stored by another version of this program: start it by "
            "its command, `session serve` or `session charge`, with the same store; no receipt is "
            "lost"
        ) from error
