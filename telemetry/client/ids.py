"""Ids of records, made once: a record that is sent again has the same one."""

from __future__ import annotations

import random
import time

from telemetry.client.clock import compact_now

_random = random.Random()


def new_id() -> str:
    """Return a UUID of version 7: ids made one after another are near each other in an index."""
    bits = _random.getrandbits(74)
    number = time.time_ns() // 1_000_000 << 80 | 0x7 << 76 | bits >> 62 << 64 | 0x2 << 62
    digits = f"{number | bits & 0x3FFFFFFFFFFFFFFF:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def new_run_id(agent_name: str, event_id: str) -> str:
    """Return a run_id in the form of the older client: time, agent, eight digits by chance."""
    return f"{compact_now()}-{agent_name[:200]}-{event_id[-8:]}"


def is_event_id(value: object) -> bool:
    """Return whether the service accepts this event_id."""
    return (
        isinstance(value, str)
        and 0 < len(value) <= 255
        and value.isprintable()
        and not set(value) & {" ", "/"}
        and value not in (".", "..")
    )


def why_no_run_id(value: object) -> str | None:
    """Return why a value cannot be a run_id; None when it can be one."""
    if not isinstance(value, str) or not value.strip():
        return "rejected_empty"
    if len(value) > 255:
        return "rejected_too_long"
    if not _is_unicode(value) or "/" in value or "\\" in value or "\0" in value:
        return "rejected_invalid_chars"
    return None


def _is_unicode(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def after_fork() -> None:
    """Draw other numbers than the parent process."""
    _random.seed()
