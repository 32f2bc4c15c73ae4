r"""Rows for COPY: JSON arrays turned into CSV.

A JSON array without its brackets is a row of CSV for a COPY with ``NULL 'null', ESCAPE E'\\'``:
texts are in quotes, and so never NULL; a backslash stands before a quote in them and before
itself. Only JSON's escapes of control characters mean nothing to CSV, which takes the
characters as they are: they are put in on the way to the database. So the encoder that is used
anyway makes a row.
"""

import json
import re
from collections.abc import Sequence

from msgspec import Struct

from telemetry.database.connection import Connection

# JSON's escapes but that of the quote, which CSV shares. The backslash's is among them so that
# the n of an escaped backslash and an n is not taken for a newline.
_ESCAPE = re.compile(rb"(\\(?:[\\nrtbf]|u00..))")
_CONTROLS = {
    **{rb"\u%04x" % code: bytes([code]) for code in range(0x20)},
    **{json.dumps(chr(code))[1:-1].encode(): bytes([code]) for code in range(0x20)},
}
_CHARACTERS = {rb"\\": rb"\\", **_CONTROLS}

# With more in a text, which may be 16 MB long, the parts between them would take a gigabyte.
_MANY_ESCAPES = 50_000

# So many rows fit in the processor's cache, and in what psycopg sends at once.
_ROWS_A_WRITE = 100


class CopyRow(Struct, frozen=True, gc=False):
    """A record as a row, still with JSON's escapes, and the key that makes it unique.

    ``unsent`` are the columns with a value that was not sent. Without ``may_escape`` the record
    has no control character.
    """

    key: str
    json: bytes
    unsent: tuple[int, ...]
    may_escape: bool


def copy_rows(connection: Connection, statement: bytes, rows: Sequence[CopyRow]) -> None:
    """Run the COPY ``statement`` with the rows. Raises psycopg's errors."""
    # Made before the statement begins, whose time is limited.
    texts = [
        _as_csv(rows[start : start + _ROWS_A_WRITE]) for start in range(0, len(rows), _ROWS_A_WRITE)
    ]
    with connection.cursor().copy(statement) as copy:
        for text in texts:
            copy.write(text)


def _as_csv(rows: Sequence[CopyRow]) -> bytes:
    text = b"\n".join([*[row.json for row in rows], b""])
    if not any(row.may_escape for row in rows):
        return text
    if text.count(b"\\") > _MANY_ESCAPES:
        return _replaced(text)
    parts = _ESCAPE.split(text)
    parts[1::2] = [_CHARACTERS[escape] for escape in parts[1::2]]
    return b"".join(parts)


def _replaced(text: bytes) -> bytes:
    """Put the control characters in one kind after the other: slower, but without a part each."""
    # NUL, which no text holds, stands for escaped backslashes meanwhile.
    text = text.replace(rb"\\", b"\0")
    kinds = _CONTROLS if text.find(rb"\u00") >= 0 else [it for it in _CONTROLS if len(it) == 2]
    for escape in kinds:
        text = text.replace(escape, _CONTROLS[escape])
    return text.replace(b"\0", rb"\\")
