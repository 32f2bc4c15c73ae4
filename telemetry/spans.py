"""Spans of time as operators write them: ``90s``, ``30m``, ``1h`` or ``2d``.

It imports only the standard library, because gunicorn imports it before it forks.
"""

import re
from datetime import timedelta

_UNITS = {
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
}

MAX_STALE = timedelta(days=365)

# A shorter retention is most likely a wrong unit, and what it deletes is gone.
MIN_RETENTION = timedelta(days=1)
MAX_RETENTION = timedelta(days=3650)
RETENTION = "a time such as 90d or 2160h, from 1d to 3650d"


def parse_span(text: str) -> timedelta | None:
    """Return the time that the text stands for, or None when it stands for none."""
    match = re.fullmatch(r"([1-9][0-9]{0,8})([smhd])", text.lower(), re.ASCII)
    return int(match[1]) * _UNITS[match[2]] if match else None


def parse_retention(text: str) -> timedelta | None:
    """Return an age from MIN_RETENTION to MAX_RETENTION, or None."""
    span = parse_span(text)
    return span if span is not None and MIN_RETENTION <= span <= MAX_RETENTION else None


def span_text(span: timedelta) -> str:
    """Return the time in the largest unit that divides it."""
    unit = next(it for it in "dhms" if it == "s" or span % _UNITS[it] == timedelta())
    return f"{span // _UNITS[unit]}{unit}"
