"""Timestamps: ISO 8601 with an offset in, UTC with six fractional digits out."""

import re
from datetime import UTC, datetime

# Stricter than datetime.fromisoformat, whose taste changes between Python versions.
_ISO_8601 = re.compile(
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d([.,]\d+)?)?(?P<offset>Z|[+-]\d\d(:?\d\d)?)?", re.ASCII
)

_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)

# An unescaped plus in a query string arrives as a space.
_PLUS_AS_SPACE = re.compile(r"(:\d\d(?:[.,]\d+)?) (?=\d\d(?::?\d\d)?$)", re.ASCII)

# The shapes of the usual timestamps, "0" standing for any digit: looked up, they take a third
# of the time that the expression takes.
_DIGITS = bytes.maketrans(b"123456789", b"000000000")
_USUAL = frozenset(
    f"0000-00-00T00:00:00{fraction}{offset}".encode()
    for fraction in ("", *("." + "0" * digits for digits in range(1, 7)))
    for offset in ("Z", "+00:00")
)


class NoOffset(ValueError):
    """The timestamp is naive: it says no offset from UTC."""


def parse_utc(text: str) -> datetime:
    """Return the instant that ``text`` names, in UTC; digits past the microsecond are cut.

    Raises NoOffset, or ValueError for anything else that is no ISO 8601 date and time,
    or that lies outside the years 1 to 9999 in UTC.
    """
    if text.encode().translate(_DIGITS) not in _USUAL:
        text = text.upper()
        match = _ISO_8601.fullmatch(text)
        if match is None:
            raise ValueError(text)
        if match["offset"] is None:
            raise NoOffset(text)
    moment = datetime.fromisoformat(text)
    try:
        return moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    except OverflowError:
        raise ValueError(text) from None


def parse_query_time(text: str) -> datetime:
    """Return the instant that a query parameter names, in UTC.

    Reads what parse_utc reads, a date alone (its first moment), and a timestamp without an
    offset; the last two mean UTC. Raises ValueError for anything else.
    """
    text = _PLUS_AS_SPACE.sub(r"\1+", text)
    if _DATE.fullmatch(text):
        text += "T00:00"
    try:
        return parse_utc(text)
    except NoOffset:
        return parse_utc(f"{text}Z")


def utc_text(moment: datetime) -> str:
    """Return ``2026-01-31T12:00:00.000000Z`` for an aware datetime."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
