r"""Records as rows of COPY, and as JSON again for the statements that take JSON.

A JSON array without its brackets is a row of CSV for a COPY with ``NULL 'null', ESCAPE E'\\'``:
texts are in quotes, and so never NULL; a backslash stands before a quote in them and before
itself. Only JSON's escapes of control characters mean nothing to CSV, which takes the
characters as they are. So the encoder that is used anyway makes a row in one call.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from marshmallow import Schema
from msgspec import Raw, Struct

from telemetry.connection import Connection
from telemetry.database_values import Keyed, as_json, encode
from telemetry.fields import JsonObject

# JSON's escapes but that of the quote, which CSV shares. The backslash's is among them so that
# the n of an escaped backslash and an n is not taken for a newline.
_ESCAPE = re.compile(rb"(\\(?:[\\nrtbf]|u00..))")
_AS_CSV = {
    rb"\\": rb"\\",
    **{rb"\u%04x" % code: bytes([code]) for code in range(0x20)},
    **{json.dumps(chr(code))[1:-1].encode(): bytes([code]) for code in range(0x20)},
}

# So many rows fit in the processor's cache, where their text is made in two thirds of the time.
_ROWS_A_WRITE = 100


class CopyRow(Struct, frozen=True, gc=False):
    """A record as a row, the key that makes it unique, and where it has what was not sent."""

    key: str
    csv: bytes
    unsent: tuple[int, ...]


class CopyFormat:
    """How a schema's records become rows that have a column for each of its fields."""

    def __init__(self, schema: Schema, *, key: str, unsent: Mapping[str, Any]) -> None:
        """``unsent`` has what is stored for a field that was not sent, where that is not NULL."""
        self.columns = (*schema.fields,)
        self._key = self.columns.index(key)
        self._unsent = [(self.columns.index(name), value) for name, value in unsent.items()]
        self._objects = [
            index
            for index, field in enumerate(schema.fields.values())
            if isinstance(field, JsonObject)
        ]

    def row(self, columns: list[Any]) -> CopyRow:
        """Return the row of a record. The list, with None for what was not sent, is used up."""
        for index in self._objects:
            if columns[index] is not None:
                columns[index] = encode(columns[index]).decode()
        unsent = []
        for index, value in self._unsent:
            if columns[index] is None:
                columns[index] = value
                unsent.append(index)
        return CopyRow(columns[self._key], encode(columns)[1:-1], (*unsent,))

    def keyed(self, row: CopyRow) -> Keyed:
        """Return what was sent of the row's record, as JSON."""
        columns = msgspec.json.decode(b"[%b]" % row.csv)
        for index in self._objects:
            if columns[index] is not None:
                columns[index] = Raw(columns[index])
        for index in row.unsent:
            columns[index] = None
        named = zip(self.columns, columns, strict=True)
        return Keyed(row.key, as_json({name: it for name, it in named if it is not None}))


def copy_rows(connection: Connection, statement: bytes, rows: Sequence[CopyRow]) -> None:
    """Run the COPY ``statement`` with the rows. Raises psycopg's errors."""
    with connection.cursor().copy(statement) as copy:
        for start in range(0, len(rows), _ROWS_A_WRITE):
            lines = [row.csv for row in rows[start : start + _ROWS_A_WRITE]]
            text = _ESCAPE.split(b"\n".join([*lines, b""]))
            text[1::2] = [_AS_CSV[escape] for escape in text[1::2]]
            copy.write(b"".join(text))
