"""Reading query strings. Their values are texts, so they have field types of their own."""

import re
from datetime import datetime
from typing import Any

from flask import request

from telemetry.http.error_shape import problem
from telemetry.http.errors import Invalid
from telemetry.payloads.fields import Integer, PayloadField, field_error
from telemetry.payloads.loading import PayloadSchema, load
from telemetry.timestamps import parse_query_time

_DIGITS = re.compile(r"-?[0-9]{1,19}", re.ASCII)
_SWITCH_VALUES = {"true": True, "1": True, "false": False, "0": False}


class WholeNumber(Integer):
    """An integer in decimal digits."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> int:
        if not _DIGITS.fullmatch(value):
            raise field_error("int_parsing", "Must be an integer")
        return super()._deserialize(int(value))


class Moment(PayloadField):
    """A time as people type it: a timestamp or a date, in UTC unless it has an offset."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> datetime:
        try:
            return parse_query_time(value)
        except ValueError:
            expected = "Must be a date or an ISO 8601 timestamp, such as 2026-01-31T12:00:00Z"
            raise field_error("datetime_parsing", expected) from None


class Switch(PayloadField):
    """true or false, as a word or as 1 or 0."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> bool:
        switch = _SWITCH_VALUES.get(value.lower())
        if switch is None:
            raise field_error("bool_parsing", "Must be true or false")
        return switch


def require_with(query: dict[str, Any], name: str, other: str, why: str) -> None:
    """Raise Invalid when the query has the parameter ``name`` without the ``other``."""
    if name in query and other not in query:
        raise Invalid([problem(["query", name], f"Needs {other}: {why}", f"needs_{other}")])


def read_query(schema: PayloadSchema) -> dict[str, Any]:
    """Return the valid parameters of the query string; an empty one counts as absent.

    Raises Invalid, located at ``["query", name]``, also for a parameter that is unknown or given
    twice: a filter that is ignored would return everything.
    """
    unknown = request.args.keys() - schema.fields.keys()
    repeated = {name for name, values in request.args.lists() if len(values) > 1} - unknown
    message = f"Unknown parameter; there are: {', '.join(schema.fields)}"
    wrong = [problem(["query", name], message, "unknown") for name in sorted(unknown)]
    wrong += [problem(["query", name], "Given twice", "repeated") for name in sorted(repeated)]
    sent = {
        name: value
        for name, value in request.args.items()
        if value and name not in unknown and name not in repeated
    }
    try:
        values = load(schema, sent, ("query",)).values
    except Invalid as invalid:
        wrong += [it for it in invalid.problems if it["loc"][-1] not in repeated]
    if wrong:
        raise Invalid(wrong)
    return values
