"""The lines of a spool: one JSON object each, whose only key says what it is.

::

    {"run":{"event_id":"…",…}}         a run that has started
    {"end":{"event_id":"…",…}}         a run that has ended, with every field
    {"event":{"id":"…",…}}             a runtime event
    {"progress":{"event_id":"…",…}}    fields of a run that is running; refused once it has ended
    {"change":{"event_id":"…",…}}      fields of a run, whatever its status
    {"commit":{"event_id":"…",…}}      the commit of a run

The reader takes records apart by these prefixes: parsing them would cost more than all the rest.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import NamedTuple, Union
from urllib.parse import quote

RUN = b'{"run":'
END = b'{"end":'
EVENT = b'{"event":'
PROGRESS = b'{"progress":'
CHANGE = b'{"change":'
COMMIT = b'{"commit":'

_KEY = b'{"event_id":"'


class Batch(NamedTuple):
    """Records for one request, each as JSON."""

    path: str
    key: str
    records: list[bytes]

    @property
    def method(self) -> str:
        """The HTTP method."""
        return "POST"

    @property
    def content_type(self) -> str:
        """JSON Lines, so that one bad record leaves the others whole."""
        return "application/x-ndjson"

    @property
    def body(self) -> bytes:
        """The body of the request."""
        return b"\n".join(self.records)

    def halves(self) -> list[Batch]:
        """Return two batches with half of the records each."""
        middle = (len(self.records) + 1) // 2
        parts = self.records[:middle], self.records[middle:]
        return [Batch(self.path, self.key, part) for part in parts if part]


class Change(NamedTuple):
    """A request that changes one run. ``kind`` is the prefix of its lines."""

    kind: bytes
    event_id: str
    fields: dict[str, object]

    @property
    def method(self) -> str:
        """The HTTP method."""
        return "POST" if self.kind == COMMIT else "PATCH"

    @property
    def path(self) -> str:
        """The path of the request."""
        path = f"/api/v1/runs/{quote(self.event_id, safe='')}"
        return f"{path}/associate-commit" if self.kind == COMMIT else path

    @property
    def content_type(self) -> str:
        """JSON."""
        return "application/json"

    @property
    def body(self) -> bytes:
        """The body of the request."""
        return json.dumps(self.fields).encode()

    @property
    def records(self) -> list[bytes]:
        """The change, for the file of rejected records."""
        return [json.dumps({"event_id": self.event_id, **self.fields}).encode()]


Request = Union[Batch, Change]


def requests(lines: Iterable[bytes]) -> tuple[list[Request], int]:
    """Return the requests that send the lines, and how many lines could not be read.

    Runs come first, because changes need theirs. A run whose start and end are both among the
    lines is sent as its end, which says everything; so are the changes that came before it.
    """
    runs: dict[bytes, bytes] = {}
    ended = set()
    events: list[bytes] = []
    changes: dict[str, list[Change]] = {}
    torn = 0
    for line in lines:
        if line.startswith((RUN, END)) and line.endswith(b"}}"):
            record = line[7:-1]
            key = _key(record)
            if line.startswith(END):
                if key not in ended:
                    runs[key] = record
                ended.add(key)
            else:
                runs.setdefault(key, record)
        elif line.startswith(EVENT) and line.endswith(b"}}"):
            events.append(line[9:-1])
        elif line.startswith((PROGRESS, CHANGE, COMMIT)) and _add_change(changes, line):
            pass
        elif line:
            torn += 1
    made: list[Request] = []
    if runs:
        made.append(Batch("/api/v1/runs/batch", "event_id", [*runs.values()]))
    if events:
        made.append(Batch("/api/runtime/events/batch", "id", events))
    for of_run in changes.values():
        key = json.dumps(of_run[0].event_id)[1:-1].encode()
        made += [each for each in of_run if each.kind != PROGRESS or key not in ended]
    return made, torn


def _key(record: bytes) -> bytes:
    """Return the event_id of a record in its written form, with its escapes."""
    start = end = len(_KEY)
    while True:
        end = record.find(b'"', end)
        if end < 0 or record[end - 1 : end] != b"\\":
            return record[start:end]
        end += 1


def _add_change(changes: dict[str, list[Change]], line: bytes) -> bool:
    """Add the change of a line, merged with the one before it if that is of the same kind."""
    try:
        ((_, fields),) = json.loads(line).items()
        event_id = fields.pop("event_id")
    except (ValueError, AttributeError, KeyError):
        return False
    kind = line[: line.index(b":") + 1]
    of_run = changes.setdefault(event_id, [])
    if of_run and of_run[-1].kind == kind:
        fields = {**of_run.pop().fields, **fields}
    of_run.append(Change(kind, event_id, fields))
    return True
