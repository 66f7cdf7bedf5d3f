"""What is drawn at random, and how often: mostly what works, often enough what must not.

A rule does not draw an auction or an amount itself but what is meant by it ("the highest rate that
is accepted", "one second before the close"): the machine knows what that is in its present state.
So most of what is drawn has a meaning in every state, and a failing example stays readable.
"""

from enum import Enum, auto
from typing import NamedTuple, TypeVar

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from tests.model.market import (
    DAYS,
    HOUR,
    MAX_DURATION,
    MAX_TEXT_BYTES,
    MINUTES,
    ZERO_ADDRESS,
    Parameters,
)

from .actors import ACTORS, NOBODY, PEOPLE, THE_MARKET

T = TypeVar("T")
UINT16 = 2**16 - 1
UINT32 = 2**32 - 1
UINT64 = 2**64 - 1
UINT256 = 2**256 - 1
ETHER = 10**18
GWEI = 10**9


def weighted(weights: dict[T, int]) -> SearchStrategy[T]:
    """One of the keys, as often as its weight says."""
    return st.sampled_from([choice for choice, weight in weights.items() for _ in range(weight)])


# --- Who ------------------------------------------------------------------------------------------


class Role(Enum):
    """Not somebody in particular, but who it is in the present state."""

    ENTITLED = auto()  # who may do it, or has a reason to
    CONSUMER = auto()
    LEADER = auto()  # who leads, or is connected as the provider


Who = str | Role

_EACH: dict[Who, int] = dict.fromkeys(ACTORS, 1)
actors = st.sampled_from(ACTORS)
actors_and_others = weighted({NOBODY: 2, THE_MARKET: 2, **dict.fromkeys(ACTORS, 1)})
mostly_entitled: SearchStrategy[Who] = weighted({Role.ENTITLED: 40, **_EACH})
parties: SearchStrategy[Who] = weighted(
    {Role.ENTITLED: 48, Role.CONSUMER: 4, Role.LEADER: 4, **_EACH}
)
impatient: SearchStrategy[Who] = weighted({Role.ENTITLED: 6, Role.LEADER: 2, **_EACH})
organizations = st.sampled_from([PEOPLE["organization"].address, ZERO_ADDRESS])
members = st.lists(actors, min_size=4, max_size=len(ACTORS), unique=True)


# --- Which auction --------------------------------------------------------------------------------


class Kind(Enum):
    """How an auction is chosen."""

    FITTING = auto()  # one in the state that the call needs, if there is one
    CURRENT = auto()  # the last one of some actor, in whatever state
    EARLIER = auto()  # the round before that
    LATER = auto()  # the round after that
    FOREIGN_BITS = auto()  # garbage above the address


# Which of several, counted round and round.
picks = st.integers(0, len(ACTORS) - 1)


class Target(NamedTuple):
    kind: Kind
    pick: int


_KINDS = {
    Kind.FITTING: 20,
    Kind.CURRENT: 2,
    Kind.EARLIER: 1,
    Kind.LATER: 1,
    Kind.FOREIGN_BITS: 1,
}
# One draw for both: each costs time.
targets = weighted(
    {Target(kind, pick): weight for kind, weight in _KINDS.items() for pick in range(len(ACTORS))}
)


# --- When -----------------------------------------------------------------------------------------


class Boundary(Enum):
    """A moment in the life of an auction. One that has passed, or never comes, means now."""

    NOW = auto()
    EXTENSION = auto()  # bids later than this extend the bidding
    LIMIT = auto()  # bids later than this extend it to its limit
    CLOSE = auto()
    AWARD_DEADLINE = auto()
    EXPIRY = auto()


class Moment(NamedTuple):
    boundary: Boundary
    offset: int = 0


def moments(weights: dict[Boundary, int]) -> SearchStrategy[Moment]:
    """Now, or a boundary: one second before, at, and one after."""
    return weighted(
        {
            Moment(boundary, offset): weight
            for boundary, weight in weights.items()
            for offset in (0, 1, -1)
        }
    )


while_bidding = moments(
    {
        Boundary.NOW: 16,
        Boundary.EXTENSION: 2,
        Boundary.LIMIT: 2,
        Boundary.CLOSE: 4,
        Boundary.AWARD_DEADLINE: 1,
    }
)
while_removing = moments({Boundary.NOW: 4, Boundary.CLOSE: 8})
while_awarding = moments({Boundary.NOW: 1, Boundary.CLOSE: 5, Boundary.AWARD_DEADLINE: 5})
while_cancelling = moments({Boundary.NOW: 3, Boundary.CLOSE: 1, Boundary.AWARD_DEADLINE: 6})
while_connected = moments({Boundary.NOW: 8, Boundary.EXPIRY: 2})
while_expiring = moments({Boundary.NOW: 1, Boundary.EXPIRY: 8})
pauses = st.sampled_from([1, 10, 1 * MINUTES, 10 * MINUTES, 1 * HOUR])


# --- How much -------------------------------------------------------------------------------------


class Amount(Enum):
    """Money, by what it is for. `NEEDED` is what an account lacks for what it is about to do."""

    NOTHING = auto()
    ONE = auto()
    SOME = auto()
    NEEDED = auto()
    NEEDED_LESS_ONE = auto()
    NEEDED_AND_MORE = auto()


class Share(Enum):
    """Part of a balance."""

    NOTHING = auto()
    ONE = auto()
    QUARTER = auto()
    ALL = auto()
    ALL_AND_ONE = auto()


class Offer(Enum):
    """A rate, compared with the highest that is accepted."""

    HIGHEST = auto()
    ABOVE = auto()
    LOWER = auto()
    ONE = auto()
    ZERO = auto()
    LARGEST = auto()


class Energy(Enum):
    """What is settled, compared with what was contracted."""

    ALL = auto()
    HALF = auto()
    ONE = auto()
    ZERO = auto()
    ABOVE = auto()


class Ceiling(Enum):
    """The most that a consumer will pay for cancelling, compared with the penalty."""

    ZERO = auto()
    BELOW = auto()
    EXACT = auto()
    UNLIMITED = auto()


stakes = weighted(
    {
        Amount.NEEDED: 6,
        Amount.NEEDED_AND_MORE: 2,
        Amount.NOTHING: 1,
        Amount.NEEDED_LESS_ONE: 1,
    }
)
deposits = weighted({Amount.SOME: 4, Amount.ONE: 2, Amount.NOTHING: 1})
stray_data = st.one_of(st.just(b""), st.binary(min_size=1, max_size=8))
sometimes = weighted({False: 2, True: 1})
seldom = weighted({False: 16, True: 1})
mostly = weighted({True: 2, False: 1})
stray_values = weighted({0: 40, 1: 1})
withdrawals = weighted(
    {
        Share.ALL: 4,
        Share.QUARTER: 4,
        Share.ONE: 1,
        Share.ALL_AND_ONE: 1,
        Share.NOTHING: 1,
    }
)
# Who is paid: oneself, mostly.
receivers: SearchStrategy[str | None] = weighted(
    {None: 24, NOBODY: 1, THE_MARKET: 1, **dict.fromkeys(ACTORS, 1)}
)
offers = weighted(
    {
        Offer.HIGHEST: 8,
        Offer.LOWER: 5,
        Offer.ABOVE: 2,
        Offer.ONE: 1,
        Offer.ZERO: 1,
        Offer.LARGEST: 1,
    }
)
sound_offers = st.sampled_from([Offer.HIGHEST, Offer.LOWER])
energies = weighted(
    {
        Energy.ALL: 4,
        Energy.HALF: 4,
        Energy.ONE: 1,
        Energy.ZERO: 4,
        Energy.ABOVE: 3,
    }
)
ceilings = weighted(
    {
        Ceiling.UNLIMITED: 4,
        Ceiling.EXACT: 4,
        Ceiling.BELOW: 1,
        Ceiling.ZERO: 3,
    }
)


# --- Terms ----------------------------------------------------------------------------------------


class Text(Enum):
    """Notes and details, which have a greatest length in bytes."""

    EMPTY = ""
    ORDINARY = "22 kW, Type 2, from 14:00"
    LONGEST = "x" * MAX_TEXT_BYTES
    LONGEST_IN_BYTES = "é" * (MAX_TEXT_BYTES // 2)
    TOO_LONG = "x" * (MAX_TEXT_BYTES + 1)
    TOO_LONG_IN_BYTES = "é" * (MAX_TEXT_BYTES // 2 + 1)


texts = weighted(
    {
        Text.EMPTY: 8,
        Text.ORDINARY: 8,
        Text.LONGEST: 1,
        Text.LONGEST_IN_BYTES: 1,
        Text.TOO_LONG: 1,
        Text.TOO_LONG_IN_BYTES: 1,
    }
)


class Terms(NamedTuple):
    energy_wh: int
    max_rate: int
    bidding_time: int
    validity: int
    open_award: bool = False


_DURATIONS = [
    1,
    30,
    1 * MINUTES,
    *[10 * MINUTES] * 2,
    *[1 * HOUR] * 3,
    *[1 * DAYS] * 2,
    MAX_DURATION,
]
sound_terms = st.builds(
    Terms,
    energy_wh=st.sampled_from([1, 7, 20_000, 20_000, 60_000, 60_000, UINT32]),
    max_rate=st.sampled_from([1, 101, 10**6 + 1, 300 * GWEI, 300 * GWEI, 300 * GWEI + 7, UINT64]),
    bidding_time=st.sampled_from(_DURATIONS),
    validity=st.sampled_from(_DURATIONS),
    open_award=weighted({False: 3, True: 1}),
)
_slips = st.sampled_from(
    [
        *[{}] * 24,
        {"energy_wh": 0},
        {"max_rate": 0},
        {"bidding_time": 0},
        {"bidding_time": MAX_DURATION + 1},
        {"validity": 0},
        {"validity": MAX_DURATION + 1},
    ]
)
terms = st.builds(lambda sound, slip: sound._replace(**slip), sound_terms, _slips)
parameters = st.builds(
    Parameters,
    bond_bps=st.sampled_from([2, 500, 10_000, 10_000, 12_345, UINT16]),
    penalty_bps=st.sampled_from([1, 1_000, 1_000, 3_333, 10_000]),
    min_decrement_bps=st.sampled_from([0, 1, 100, 333, 5_000]),
    extension_window=st.sampled_from([0, 1, 60, 60, 1 * HOUR]),
    award_window=st.sampled_from([10 * MINUTES, 1 * HOUR, 7 * DAYS]),
    settlement_window=st.sampled_from([10 * MINUTES, 1 * DAYS, 7 * DAYS]),
    min_penalty=st.sampled_from([1, 1, 100, 10**6]),
).map(lambda p: p._replace(penalty_bps=min(p.penalty_bps, p.bond_bps // 2)))
# In and out of range, whatever the types can hold.
any_parameters = st.builds(
    Parameters,
    bond_bps=st.sampled_from([0, 1, 2, 999, 10_000, UINT16]) | st.integers(0, UINT16),
    penalty_bps=st.sampled_from([0, 1, 1_000, 10_000, 10_001]) | st.integers(0, UINT16),
    min_decrement_bps=st.sampled_from([0, 5_000, 5_001]) | st.integers(0, UINT16),
    extension_window=st.sampled_from([0, 3_600, 3_601]) | st.integers(0, UINT32),
    award_window=st.sampled_from([599, 600, 604_800, 604_801]) | st.integers(0, UINT32),
    settlement_window=st.sampled_from([599, 600, 604_800, 604_801]) | st.integers(0, UINT32),
    min_penalty=st.sampled_from([0, 1, ETHER, ETHER + 1]) | st.integers(0, UINT64),
)


# --- Signatures -----------------------------------------------------------------------------------


class Flaw(Enum):
    """What is wrong with a signature."""

    NONE = auto()
    OTHER_SIGNER = auto()  # of somebody, and not of who it has to be of
    OTHER_SIDE = auto()  # of the other party of the deal
    OTHER_VALUE = auto()  # over another rate, or another energy
    OTHER_NONCE = auto()  # over another nonce, or another meter record
    OTHER_TERMS = auto()  # over another energy asked for, or as the last reading and not on the way
    OTHER_AUCTION = auto()
    OTHER_PURPOSE = auto()  # another struct with similar fields
    OTHER_MARKET = auto()
    OTHER_CHAIN = auto()
    HIGH_S = auto()  # the same signature in its malleable form
    COMPACT = auto()  # 64 bytes (EIP-2098)
    TOO_LONG = auto()
    V_OUT_OF_RANGE = auto()
    ZEROS = auto()


_FORMS = {
    Flaw.HIGH_S: 4,
    Flaw.COMPACT: 2,
    Flaw.TOO_LONG: 1,
    Flaw.V_OUT_OF_RANGE: 2,
    Flaw.ZEROS: 2,
}
_CONTENTS = {
    Flaw.OTHER_SIGNER: 1,
    Flaw.OTHER_VALUE: 1,
    Flaw.OTHER_NONCE: 1,
    Flaw.OTHER_TERMS: 1,
    Flaw.OTHER_AUCTION: 1,
    Flaw.OTHER_MARKET: 1,
    Flaw.OTHER_CHAIN: 1,
}
bid_flaws = weighted(
    {Flaw.NONE: 40, Flaw.OTHER_SIDE: 1, Flaw.OTHER_PURPOSE: 1, **_CONTENTS, **_FORMS}
)
reading_flaws = weighted(
    {Flaw.NONE: 40, Flaw.OTHER_SIDE: 8, Flaw.OTHER_PURPOSE: 4, **_CONTENTS, **_FORMS}
)


class Key(Enum):
    """Who signs a reading for a party."""

    NONE = auto()  # the party
    OWN = auto()  # a key that the party has chosen for this auction
    OF_ANOTHER_AUCTION = auto()
    OF_ANOTHER_OWNER = auto()  # a key that somebody else has chosen


keys = weighted({Key.NONE: 12, Key.OWN: 6, Key.OF_ANOTHER_AUCTION: 1, Key.OF_ANOTHER_OWNER: 1})
# Seconds from now to the deadline of a signed bid; None for no deadline at all.
deadlines = weighted({0: 6, 60: 8, -1: 2, None: 2})


# --- How a connection ends ------------------------------------------------------------------------


class Ending(Enum):
    PAYMENT = auto()
    AGREEMENT = auto()
    BROKEN_OFF = auto()
    FORFEIT = auto()
    EXPIRY = auto()


endings = st.sampled_from([*Ending, Ending.AGREEMENT, Ending.BROKEN_OFF])
# Who hands in a reading: each side, and somebody else.
handing_in: SearchStrategy[Who] = weighted({Role.LEADER: 16, Role.CONSUMER: 16, **_EACH})
