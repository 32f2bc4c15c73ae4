"""Decompressing gzip bodies, in bounded memory and time."""

import zlib
from collections.abc import Iterator

from werkzeug.exceptions import RequestEntityTooLarge

from telemetry.http.error_shape import problem
from telemetry.http.errors import Invalid

# How much a step decompresses at most.
STEP_BYTES = 1024 * 1024

# RFC 1952 allows several members, one after the other. Each costs a decompressor, and a body may
# hold hundreds of thousands of empty ones.
MAX_MEMBERS = 1000

# The window of zlib, plus 16: gzip alone.
_GZIP = zlib.MAX_WBITS + 16


def gunzip(pieces: Iterator[bytes], limit: int) -> bytes:
    """Return the decompressed pieces, of less than ``limit`` bytes.

    Stops at the limit, without reading further: raises RequestEntityTooLarge. Raises Invalid for
    pieces that are not gzip from the first byte to the last.
    """
    whole = bytearray()
    members = 1
    decompress = zlib.decompressobj(_GZIP)
    unread = b""
    try:
        while unread or (unread := next(pieces, b"")):
            if decompress.eof:
                members += 1
                if members > MAX_MEMBERS:
                    raise _invalid(f"has more than {MAX_MEMBERS:,} members")
                decompress = zlib.decompressobj(_GZIP)
            whole += decompress.decompress(unread, STEP_BYTES)
            if len(whole) >= limit:
                raise RequestEntityTooLarge
            unread = decompress.unused_data or decompress.unconsumed_tail
    except zlib.error as error:
        raise _invalid("is damaged, or something follows it") from error
    if not decompress.eof:
        raise _invalid("is cut short")
    return bytes(whole)


def _invalid(reason: str) -> Invalid:
    return Invalid([problem(["body"], f"Body is not valid gzip: it {reason}", "gzip_invalid")])
