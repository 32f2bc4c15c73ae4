"""Reading query strings: texts, so they have fields of their own."""

import re
from datetime import datetime
from typing import Any

from flask import request

from telemetry.http.errors import Invalid, problem
from telemetry.payloads import loading
from telemetry.payloads.fields import Integer, PayloadField, refusal
from telemetry.timestamps import parse_query_time

_WHOLE = re.compile(r"-?[0-9]{1,19}", re.ASCII)
_FLAGS = {"true": True, "1": True, "false": False, "0": False}


class WholeNumber(Integer):
    """An integer written in decimal digits."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> int:
        if not _WHOLE.fullmatch(value):
            raise refusal("int_parsing", "Must be an integer")
        return super()._deserialize(int(value))


class Moment(PayloadField):
    """A time as people type it: a timestamp or a date, in UTC unless it has an offset."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> datetime:
        try:
            return parse_query_time(value)
        except ValueError:
            takes = "Must be a date or an ISO 8601 timestamp, such as 2026-01-31T12:00:00Z"
            raise refusal("datetime_parsing", takes) from None


class Switch(PayloadField):
    """true or false, as a word or as 1 or 0."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> bool:
        flag = _FLAGS.get(value.lower())
        if flag is None:
            raise refusal("bool_parsing", "Must be true or false")
        return flag


def require_with(page: dict[str, Any], name: str, other: str, why: str) -> None:
    """Raise Invalid when the parameter ``name`` was given without the ``other``."""
    if name in page and other not in page:
        raise Invalid([problem(["query", name], f"Needs {other}: {why}", f"needs_{other}")])


def read_query(schema: loading.PayloadSchema) -> dict[str, Any]:
    """Return the query string's valid parameters; an empty one counts as not given.

    Raises Invalid, located at ``["query", name]``; a parameter that nobody knows, or that is
    given twice, is refused too, because a filter that is dropped would answer with everything.
    """
    unknown = sorted(request.args.keys() - schema.fields.keys())
    if unknown:
        takes = f"Unknown parameter; there are: {', '.join(schema.fields)}"
        raise Invalid([problem(["query", name], takes, "unknown") for name in unknown])
    repeated = sorted(name for name, values in request.args.lists() if len(values) > 1)
    if repeated:
        raise Invalid([problem(["query", name], "Given twice", "repeated") for name in repeated])
    sent = {name: value for name, value in request.args.items() if value}
    return loading.load(schema, sent, ("query",)).values
