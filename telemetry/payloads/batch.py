"""Loading a batch: one bad record blocks no other."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from operator import itemgetter
from time import monotonic, sleep
from typing import Any, Generic, TypeVar

import msgspec
from msgspec import MsgspecError

from telemetry.database.copy import CopyRow
from telemetry.http.error_shape import Problem, batch_error, integrity_error, problem
from telemetry.http.errors import Invalid
from telemetry.http.reasons import reason_of
from telemetry.http.request_log import set_log_message
from telemetry.payloads.loading import MAX_COUNTED_IGNORED, Loaded, ignored_fields
from telemetry.payloads.parsing import parse_if_raw
from telemetry.payloads.records import read_records
from telemetry.payloads.size import Budget, is_crowded

# After this time a large batch lets the other requests of the process run.
TURN_SECONDS = 0.01

# A response lists at most this many problems, and at least one per invalid record.
MAX_PROBLEMS_A_BATCH = 10_000

Record = TypeVar("Record", dict[str, Any], CopyRow)
Result = TypeVar("Result")


@dataclass
class Batch(Generic[Record]):
    """The records of one request: the valid ones by index, the errors of the others.

    ``key`` is the field that names a record in its error.
    """

    key: str
    total: int = 0
    valid: dict[int, Record] = field(default_factory=dict)
    errors: list[dict[str, Any]] = field(default_factory=list)
    ignored: set[str] = field(default_factory=set)

    @property
    def status(self) -> int:
        """The status of the response: 422 when there were records and none was valid."""
        return 422 if self.errors and len(self.errors) == self.total else 200

    def add_error(self, index: int, name: Any, problems: list[Problem]) -> None:
        """Add the error of a record; ``name`` is left out unless it is a short printable text."""
        usable = isinstance(name, str) and len(name) <= 255 and name.isprintable()
        self.errors.append(batch_error(index, self.key, name if usable else None, problems))

    def add_constraint_errors(self, refused: dict[int, str]) -> None:
        """Add the errors of the records that a constraint refused, given by index."""
        for index, constraint in refused.items():
            message = integrity_error(constraint)
            name = _name_of(self.valid[index], self.key)
            self.add_error(index, name, [problem(["body", index], message, "integrity")])
        self.errors.sort(key=itemgetter("index"))

    def log(self, records: str, counts: str) -> None:
        """Set the log line: how many ``records`` there are, and the ``counts`` of each outcome."""
        details = [error["detail"] for error in self.errors]
        log_batch(f"{self.total} {records}", counts, details, refused=self.status != 200)

    def response_body(
        self, inserted: int, duplicates: int, completed: int = 0, **more: Any
    ) -> dict[str, Any]:
        """Return the body of the response; ``more`` are members of this room alone."""
        more |= ignored_fields(self.ignored)
        counted = {"inserted": inserted, "duplicates": duplicates, "completed": completed}
        return {**counted, "errors": self.errors, "total": self.total, **more}


def read_batch(
    name: str,
    load: Callable[[Any, tuple[str | int, ...]], Loaded[Record]],
    *,
    max_records: int,
    key: str,
) -> Batch[Record]:
    """Read the request's batch and ``load`` each record.

    ``name`` is the member that holds the records in the object form, ``key`` the field that
    names a record in its error. Raises Invalid for a body that is not a batch, or one of more
    than ``max_records`` records.
    """
    records = read_records(name, max_records)
    batch: Batch[Record] = Batch(key, total=len(records))

    def add_error(index: int, record: Any, problems: list[Problem]) -> None:
        batch.add_error(index, _name_of(record, key), problems)

    for index, (values, ignored) in load_records(records, load, add_error):
        batch.valid[index] = values
        if ignored and len(batch.ignored) < MAX_COUNTED_IGNORED:
            batch.ignored.update(ignored)
    return batch


def log_batch(records: str, counts: str, details: list[Any], *, refused: bool) -> None:
    """Set the log line of a batch of ``records``: how many had which outcome, and what was wrong.

    ``details`` are those of its errors. ``refused`` says that the whole batch got an error.
    """
    line = f"Batch of {records}: {counts}, {len(details)} errors"
    if details:
        line += f": {reason_of(*details)}"
    set_log_message(line if refused else f"[OK] {line}", level="WARNING" if refused else "INFO")


def load_records(
    records: list[Any],
    load: Callable[[Any, tuple[str | int, ...]], Result],
    on_invalid: Callable[[int, Any, list[Problem]], None],
) -> Iterator[tuple[int, Result]]:
    """Yield the index of each valid record and what ``load`` returns for it.

    Calls ``on_invalid`` with the index of each invalid record, the record and its problems.
    Other requests of the process run in between.
    """
    problems_left = MAX_PROBLEMS_A_BATCH
    budget = Budget(records)
    turn = monotonic()
    for index, record in enumerate(records):
        if monotonic() - turn > TURN_SECONDS:
            sleep(0)
            turn = monotonic()
        try:
            budget.take(record, ("body", index))
            result = load(record, ("body", index))
        except Invalid as invalid:
            listed = invalid.problems[: max(1, problems_left)]
            problems_left -= len(listed)
            on_invalid(index, record, listed)
        else:
            yield index, result


def _name_of(record: Any, key: str) -> Any:
    """Return the value of a record's ``key``, or None where the record has none."""
    if isinstance(record, CopyRow):
        return record.key
    try:
        if is_crowded(record):
            return getattr(_decoder_of(key).decode(record), key)
        document = parse_if_raw(record)
    except (Invalid, MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return document.get(key) if isinstance(document, dict) else None


@lru_cache
def _decoder_of(key: str) -> msgspec.json.Decoder[msgspec.Struct]:
    """Return a decoder that keeps nothing of an object but one member, None without it."""
    return msgspec.json.Decoder(msgspec.defstruct("Named", [(key, Any, None)]))
