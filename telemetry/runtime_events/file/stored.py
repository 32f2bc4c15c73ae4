"""Events stored in a file: by this service, by an older one, or by hand."""

import codecs
import hashlib
import json
from collections import Counter
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from telemetry.http.errors import Invalid
from telemetry.numbers import INT64_MAX
from telemetry.payloads.fields import Identifier, Number, Text, Timestamp
from telemetry.payloads.loading import load
from telemetry.payloads.parsing import parse_document
from telemetry.runtime_events.events import Event, event_to_store, rounded_cost
from telemetry.runtime_events.schema import MAX_ENDPOINT, MAX_METHOD, EventSchema
from telemetry.timestamps import utc_text

# The schema reads longer integers: it checks that they fit a double.
Amount = Annotated[int, Meta(ge=0, le=INT64_MAX)] | Annotated[float, Meta(ge=0)]
Positive = Annotated[int, Meta(gt=0, le=INT64_MAX)] | Annotated[float, Meta(gt=0)]
CanonicalTime = Annotated[str, Meta(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$")]


class StoredEvent(Struct):
    """An event as this service writes it. Its time has one form, so times compare as texts."""

    id: str
    source: Literal["api", "web", "web_api", "worker"]
    endpoint: str
    raw_endpoint: str
    method: str
    status_code: Annotated[int, Meta(ge=100, le=599)]
    runtime_ms: Positive
    runtime_cost_estimate: Amount
    idea_id: str | None
    origin_idea_id: str | None
    metadata: dict[str, Any]
    recorded_at: CanonicalTime


class StoredSchema(EventSchema):
    """An event that another program stored: fields that can be derived may be missing.

    A derived field may be longer than the field that was sent: by a slash, or in upper case.
    """

    endpoint = Text(required=True, min=1, max=MAX_ENDPOINT + 1, blank=False)
    method = Identifier(max=3 * MAX_METHOD)
    recorded_at = Timestamp(required=True)
    runtime_cost_estimate = Number(min=0)
    origin_idea_id = Text(max=255)


_encoder = msgspec.json.Encoder(decimal_format="number")
_decoder = msgspec.json.Decoder(StoredEvent)
_schema = StoredSchema()


class ExternalEventReader:
    """Reads events that this service did not write. Make one for each file read.

    An event without an id gets one from its content and from the number of equal events before
    it, so that reading the file again gives the same ids.
    """

    def __init__(self, cost_per_second: float, *, long_integers: bool = False) -> None:
        """With ``long_integers``, integers beyond 64 bits are kept.

        A file can hold them. The database can't: it would return the nearest double.
        """
        self._cost_per_second = cost_per_second
        self._long_integers = long_integers
        self._seen: Counter[str] = Counter()

    def read(self, line: bytes) -> Event:
        """Return the event to store. Raises Invalid with every problem of the line."""
        document = parse_document(
            line.removeprefix(codecs.BOM_UTF8), long_integers=self._long_integers
        )
        values = load(_schema, document, ()).values
        event = event_to_store(values, self._cost_per_second)
        event["runtime_cost_estimate"] = values.get(
            "runtime_cost_estimate", event["runtime_cost_estimate"]
        )
        event["origin_idea_id"] = values.get("origin_idea_id") or event["origin_idea_id"]
        if "id" not in values:
            event["id"] = self._id(document)
        return {**event, "recorded_at": utc_text(values["recorded_at"])}

    def _id(self, document: Any) -> str:
        content = json.dumps(document, sort_keys=True)
        self._seen[content] += 1
        digest = hashlib.sha256(f"{self._seen[content]} {content}".encode()).hexdigest()
        return f"rt_{digest[:32]}"


def as_event(stored: StoredEvent) -> Event:
    """Return the event as responses give it."""
    cost = rounded_cost(stored.runtime_cost_estimate)
    return {**msgspec.structs.asdict(stored), "runtime_cost_estimate": cost}


def encode_line(event: Event) -> bytes:
    """Return the event as a line of the file."""
    return _encoder.encode(event) + b"\n"


def decode_line(line: bytes) -> StoredEvent | None:
    """Return the event on a line, or None when it holds none: it is cut off, or something else."""
    try:
        return _decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    try:
        event = ExternalEventReader(0.0, long_integers=True).read(line)
    except Invalid:
        return None
    return StoredEvent(**event)
