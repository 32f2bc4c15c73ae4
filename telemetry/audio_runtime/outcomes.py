"""What happened to an event that was sent: the vocabulary between the store and the views."""

from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple


class Committed(NamedTuple):
    """The event is new, and in the ledger; ``row_hash`` is in hex."""

    event_id: int
    audit_event_id: int
    row_hash: str


class Duplicate(NamedTuple):
    """The dedupe key was in the ledger; the ids and the hash are those of the first event.

    ``differs`` names, sorted, the fields in which the two events differ.
    """

    event_id: int
    audit_event_id: int
    row_hash: str
    differs: Sequence[str]


class Refused(NamedTuple):
    """A rule of the ledger refused the event, for the reason that ``reason_code`` names."""

    reason_code: str


class RefusedByConstraint(NamedTuple):
    """A constraint that a DBA added refused the event."""

    constraint: str


# The event is in the ledger.
Stored = Committed | Duplicate
Outcome = Stored | Refused | RefusedByConstraint


class Unsettled(Enum):
    """What append.sql says of an event that takes another statement to settle."""

    # Its dedupe key is known. describe_duplicates.sql reads the first event.
    DUPLICATE = "duplicate"
    # Its device is locked, or the projection is not at the head. Lock, project, append again.
    DEFERRED = "deferred"
