"""The shape of every error, defined once.

The body of an error is ``{"detail": …}``. ``detail`` is a text, or a list of problems such as
``{"loc": ["body", "field"], "msg": "…", "type": "…"}``. Some errors add members of their own.
A batch lists its invalid records as ``{"index": 3, "<key>": "…", "detail": …}``.

To change the shape, change this module, ``tests/support/errors.py`` and the API's documentation.

It imports nothing of Flask: gunicorn loads it before it forks, for its own refusals.
"""

from typing import Any, TypedDict


class Problem(TypedDict):
    """One thing that is wrong with a request, and where."""

    loc: list[str | int]
    msg: str
    type: str


def problem(loc: list[str | int], message: str, kind: str) -> Problem:
    """Return one problem; ``kind`` is its type, for programs to read."""
    return {"loc": loc, "msg": message, "type": kind}


def error_body(detail: Any, **more: Any) -> dict[str, Any]:
    """Return the body of an error; ``more`` are its other members."""
    return {"detail": detail, **more}


def integrity_error(constraint: str) -> str:
    """Return the detail of a record that a constraint of the database refused."""
    return f"Database integrity error: {constraint}"


def batch_error(index: int, key: str, value: str | None, detail: Any) -> dict[str, Any]:
    """Return the entry of an invalid record in a batch's ``errors``.

    ``key`` is the member that names the record or the reason, such as ``event_id`` or
    ``reason_code``; ``value`` is its value.
    """
    return {"index": index, key: value, "detail": detail}
