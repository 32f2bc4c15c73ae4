"""The time, as records have it. Only the fraction is formatted each time."""

from __future__ import annotations

import time

_second: tuple[int, str, str] = (-1, "", "")


def utc_now() -> str:
    """Return the time as ISO 8601 in UTC, with six digits and Z."""
    second, rest = divmod(time.time_ns(), 1_000_000_000)
    return f"{_formatted(second)[1]}.{rest // 1000:06d}Z"


def compact_now() -> str:
    """Return the time to the second, as run_ids have it."""
    return _formatted(time.time_ns() // 1_000_000_000)[2]


def _formatted(second: int) -> tuple[int, str, str]:
    global _second  # noqa: PLW0603 - replaced as a whole, so threads need no lock
    known = _second
    if known[0] != second:
        parts = time.gmtime(second)
        long = time.strftime("%Y-%m-%dT%H:%M:%S", parts)
        known = _second = (second, long, time.strftime("%Y%m%dT%H%M%SZ", parts))
    return known
