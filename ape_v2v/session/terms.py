"""What a side of a session bears, waits for and agrees to: declared here, and nowhere else.

The commands' defaults are these, too. Times are in seconds.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from ape_v2v.session.protocol.tolerance import Tolerance

SESSIONS_PER_TOKEN = 64
"""How often one consumer may begin anew: each time costs room in the store."""


class Declared(BaseModel):
    """Settings that are read strictly and stay as they are."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Limits(Declared):
    """What the provider bears."""

    max_unacknowledged_wh: int = 100
    """How far to deliver without a receipt: the most that a dishonest consumer can take."""
    link_timeout: float = 120.0
    """How long the consumer may be silent before the session is closed."""
    poll: float = 5.0
    """How long a request for the next reading waits for one."""
    meter_interval: float = 0.02
    """How often the meter is read meanwhile."""
    stall_timeout: float = 60.0
    """How long no energy may flow, though it is allowed to, before the session is closed."""
    meter_patience: float = 3.0
    """How long readings that cannot be are put down to a disturbance."""
    pending_setups: int = 8
    setup_lifetime: float = 30.0
    sessions_per_token: int = SESSIONS_PER_TOKEN
    agreement_age: float = 5.0
    """How old what the chain says may be when a session is set up."""

    @property
    def increment_wh(self) -> int:
        """How much energy is worth a reading: receipts come in before the limit is reached."""
        return max(1, self.max_unacknowledged_wh // 2)


class SessionPatience(Declared):
    """How long the provider waits before it acts by itself."""

    for_the_last_receipt: float = 10.0
    """Once no more energy flows."""
    for_the_consumer: float = 60.0
    """Once the token is closed: the consumer ends the connection, or else the provider does."""
    between_looks: float = 0.1
    between_looks_at_the_chain: float = 1.0


class SessionTerms(Declared):
    """What the consumer agrees to."""

    tolerance: Tolerance = Field(default_factory=Tolerance)
    limit_wh: int | None = None
    """The most that it signs for; None: what was contracted."""
    meter_interval: float = 2.0
    """How often the own meter takes a reading, at most: so long it may lag behind the provider's,
    and twice as long it may give none."""
    meter_key: str | None = None
    """The public key of the provider's meter, if it is known: its records have to be signed."""
    link_timeout: float = 120.0
    """How long the provider may be silent."""
    stall_timeout: float = 120.0
    """How long it may answer without a new reading: longer than it waits itself."""
    chain_interval: float = 0.5
    """How often to look at the chain at the end."""
    settlement_timeout: float = 180.0
    """How long to wait for the connection's end on the chain."""
