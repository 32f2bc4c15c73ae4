"""Where a page of the list of runs ended."""

from typing import Annotated

from msgspec import Meta, Struct

from telemetry.timestamps import parse_utc

# PostgreSQL's text has no NUL character.
Key = Annotated[str, Meta(pattern="^[^\\x00]*$")]


class RunsEnd(Struct, array_like=True, forbid_unknown_fields=True):
    """The last run of a page."""

    created_at: str
    event_id: Key

    def __post_init__(self) -> None:
        """Raise ValueError, which a decoder reports, when ``created_at`` is not a timestamp."""
        parse_utc(self.created_at)
