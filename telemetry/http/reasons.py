"""Why a request or a record was refused, in a few words for the log line.

A log line names bad fields and never quotes their values.
"""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from telemetry.http.error_shape import Problem

# A body may have a million bad fields, and a client chooses the names of unknown ones.
MAX_REASONS = 20
MAX_TEXT = 200
MAX_NAME = 64

_PLAIN_NAME = re.compile(r"[A-Za-z0-9_.-]+", re.ASCII)


def reason_of(*details: Any) -> str:
    """Return why something was refused, each reason once; at most MAX_REASONS of them.

    A detail is that of an error: a text, an object with ``error``, or a list of problems, which
    gives the bad fields, such as ``run_id (missing)``.
    """
    reasons = dict.fromkeys(reason for detail in details for reason in _reasons(detail))
    listed = [*reasons][:MAX_REASONS]
    if more := len(reasons) - len(listed):
        listed.append(f"and {more:,} more")
    return ", ".join(listed)


def _reasons(detail: Any) -> Iterator[str]:
    if isinstance(detail, list):
        yield from _bad_fields(detail)
    elif isinstance(detail, dict):
        yield str(detail.get("error", ""))
    else:
        yield _cut(str(detail), MAX_TEXT)


def _bad_fields(problems: Iterable[Problem]) -> Iterator[str]:
    for problem in problems:
        if problem["type"] == "integrity":
            yield problem["msg"]  # names the constraint; no field is known
            continue
        name = next(part for part in reversed(problem["loc"]) if isinstance(part, str))
        name = _cut(name, MAX_NAME)
        shown = name if _PLAIN_NAME.fullmatch(name) else json.dumps(name)
        yield f"{shown} ({problem['type']})"


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[:length]}..."
