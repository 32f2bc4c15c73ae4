"""What a page's address asks for, with a message for each field that cannot be used."""

from datetime import datetime
from typing import Any, NamedTuple

from flask import request

from telemetry.http.errors import Invalid
from telemetry.pages.window import NoWindow, Window, window_of
from telemetry.payloads.loading import PayloadSchema
from telemetry.payloads.query_string import read_query

# The parameters that choose a page of a table.
PAGE = ("cursor", "newer")


class Query(NamedTuple):
    """The valid parameters, every other as None, and the messages by parameter.

    With any message there are no values: a filter that is left out would show everything.
    """

    values: dict[str, Any]
    errors: dict[str, str]
    sent: dict[str, str]

    @property
    def status(self) -> int:
        """The status of the page."""
        return 422 if self.errors else 200

    def given(self) -> dict[str, Any]:
        """Return the parameters that are set, but the page: an export has all pages."""
        return {name: it for name, it in given(self.values).items() if name not in PAGE}

    def unknown(self) -> list[tuple[str, str]]:
        """Return the messages of the parameters that have no field on any page."""
        return [(name, text) for name, text in self.errors.items() if name not in self.values]


def read(schema: PayloadSchema) -> Query:
    """Return what the query string asks for. Does not raise for a bad one."""
    absent = dict.fromkeys(schema.fields)
    sent = {name: request.args.get(name, "") for name in schema.fields}
    try:
        return Query({**absent, **read_query(schema)}, {}, sent)
    except Invalid as invalid:
        errors = {str(it["loc"][-1]): it["msg"] for it in invalid.problems}
        return Query(absent, errors, sent)


def window(asked: Query, now: datetime) -> Window:
    """Return the window that was asked for. An empty one becomes a message at its field."""
    try:
        return window_of(given(asked.values), now)
    except NoWindow as error:
        asked.errors[error.field] = str(error)
        return window_of({}, now)


def given(values: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters that are set."""
    return {name: value for name, value in values.items() if value is not None}
