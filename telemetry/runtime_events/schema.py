"""What an event is when it is sent, and what may be asked about events."""

from telemetry.fields import Choice, Identifier, Integer, Number, ScalarObject, Text
from telemetry.payload import PayloadSchema
from telemetry.query_args import Moment, Switch, WholeNumber

SOURCES = ("api", "web", "web_api", "worker")

MAX_LIMIT = 2000
MAX_ENDPOINT = 4096
MAX_METHOD = 32


class EventSchema(PayloadSchema):
    """An event as a program posts it."""

    id = Text(least=1, most=128)
    source = Choice(SOURCES, required=True)
    endpoint = Text(required=True, least=1, most=MAX_ENDPOINT, blank=False)
    raw_endpoint = Text(most=MAX_ENDPOINT)
    method = Identifier(most=MAX_METHOD)
    status_code = Integer(least=100, most=599)
    runtime_ms = Number(required=True, above=0)
    idea_id = Text(least=1, most=255)
    metadata = ScalarObject()


class ReadSchema(PayloadSchema):
    """The query string that every read takes.

    ``force_refresh`` skips the cache of older services. There is no cache here, so it has no
    effect.
    """

    force_refresh = Switch()


class ListSchema(ReadSchema):
    """The query string of the list."""

    source = Choice(SOURCES)
    endpoint_prefix = Text()
    since = Moment()
    limit = WholeNumber(least=1, most=MAX_LIMIT)
    offset = WholeNumber(least=0)


class SummarySchema(ReadSchema):
    """The query string of the summary."""

    seconds = WholeNumber(least=60, most=2_592_000)
    source = Choice(SOURCES)
    limit = WholeNumber(least=1, most=MAX_LIMIT)
