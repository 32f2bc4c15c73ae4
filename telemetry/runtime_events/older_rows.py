"""The rows of an older service's ``runtime_events`` table, as documents to import."""

from collections.abc import Iterator
from typing import NamedTuple

import msgspec
from msgspec import Raw

from telemetry.database import statements
from telemetry.database.database import Database

OLDER_ROWS = statements.load("runtime_events/older_rows")

PAGE_ROWS = 1000

# Rows may be large; a page is held in memory.
PAGE_BYTES = 4 * 1024 * 1024

_as_fields = msgspec.json.Decoder(dict[str, Raw]).decode
_as_raw = msgspec.json.Decoder(Raw).decode


class OlderRow(NamedTuple):
    """A row: its id, and the event's JSON document, or the problem with it."""

    id: str
    document: bytes | None
    problem: str = ""


def older_rows(database: Database, table: str) -> Iterator[OlderRow]:
    """Yield the rows of the table, in the order of their ids, a page per statement.

    Raises what Database.fetch_all raises.
    """
    after: str | None = None
    while page := database.fetch_all(
        OLDER_ROWS,
        {"name": table, "after": after, "row_limit": PAGE_ROWS, "byte_limit": PAGE_BYTES},
        prepare=False,
    ):
        for row in page:
            yield _document(row["id"], row["event"])
        after = page[-1]["id"]


def _document(row_id: str, row: str) -> OlderRow:
    """Return the row as an event's document: metadata as an object, the time with an offset."""
    fields = _as_fields(row)
    metadata = fields.pop("metadata_json", None) or fields.pop("metadata", Raw(b"null"))
    if bytes(metadata)[:1] == b'"':  # the older service keeps it as text
        text = msgspec.json.decode(metadata, type=str)
        try:
            metadata = _as_raw(text or "{}")
        except (msgspec.DecodeError, UnicodeError) as error:
            return OlderRow(row_id, None, f"metadata: not JSON: {error}")
    recorded_at = msgspec.json.decode(fields["recorded_at"])
    if isinstance(recorded_at, str) and "+" not in recorded_at:
        fields["recorded_at"] = Raw(msgspec.json.encode(f"{recorded_at}Z"))
    return OlderRow(row_id, msgspec.json.encode({**fields, "metadata": metadata}))
