"""Sending a month through the schemas and the stores, as requests would."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, NamedTuple, TypeVar

import msgspec
from msgspec import Raw

from telemetry.audio_runtime.outcomes import Committed
from telemetry.audio_runtime.schema import load_event
from telemetry.audio_runtime.store import AudioRuntimeStore
from telemetry.cli.demo import agents, api, voice
from telemetry.cli.demo.month import Month
from telemetry.config import Config
from telemetry.database import statements
from telemetry.database.database import Database
from telemetry.database.values import as_json
from telemetry.payloads.loading import load, load_row
from telemetry.persistence import resolve
from telemetry.runs.rows import ROWS
from telemetry.runs.schema import RunSchema
from telemetry.runs.store import RunStore
from telemetry.runtime_events.events import event_to_store
from telemetry.runtime_events.schema import EventSchema
from telemetry.runtime_events.store import DatabaseEvents
from telemetry.timestamps import utc_text

BACKDATE = statements.load("runs/backdate")

BATCH = 1000

Say = Callable[[str], None]
Record = TypeVar("Record")


class Filled(NamedTuple):
    """How many of each were stored."""

    runs: int
    events: int
    devices: int
    device_events: int


def fill(config: Config, month: Month, say: Say) -> Filled:
    """Store the month in the databases of the configuration; ``say`` is called with the progress.

    Raises DatabaseUnavailable.
    """
    persistence = resolve(config)
    databases = {
        url: Database(url, pool_size=1, prepared_statements=config.db_prepared_statements)
        for url in persistence.database_urls
    }
    records = databases[persistence.agent_runs.url or ""]
    events = databases[persistence.runtime_events.url or ""]
    try:
        return Filled(
            _fill_runs(records, month, config.stale_after, say),
            _fill_events(events, month, config.runtime_cost_per_second, say),
            len(voice.DEVICES),
            _fill_devices(records, month, say),
        )
    finally:
        for database in databases.values():
            database.close()


def _fill_runs(database: Database, month: Month, stale_after: timedelta, say: Say) -> int:
    store, schema = RunStore(database, stale_after=stale_after), RunSchema()
    running, stale = agents.running(month), agents.stale(month)
    runs = [*agents.runs_of(month), stale, running]
    inserted = 0
    for batch in _batches(runs, "runs", say):
        loaded = [load_row(schema, _as_raw(run), rows=ROWS).values for run in batch]
        inserted += store.create_batch(dict(enumerate(loaded))).inserted
        # The run that is stale must look as if nothing had been received since it began.
        heard = [(run["event_id"], run.get("end_time", run["created_at"])) for run in batch]
        sent = as_json([{"event_id": name, "updated_at": moment} for name, moment in heard])
        database.fetch_all(BACKDATE, {"runs": sent})
    store.update(running["event_id"], {"items_succeeded": 12, "items_failed": 1})
    return inserted


def _fill_events(database: Database, month: Month, cost_per_second: float, say: Say) -> int:
    store, schema = DatabaseEvents(database), EventSchema()
    sent = sorted(api.events_of(month), key=lambda it: it[1])

    def stored(event: api.Event, moment: datetime) -> dict[str, Any]:
        values = load(schema, _as_raw(event)).values
        return {**event_to_store(values, cost_per_second), "recorded_at": utc_text(moment)}

    return sum(
        store.create_batch({n: stored(*it) for n, it in enumerate(batch)}).inserted
        for batch in _batches(sent, "runtime events", say)
    )


def _fill_devices(database: Database, month: Month, say: Say) -> int:
    store = AudioRuntimeStore(database)
    for device in voice.DEVICES:
        tenant = {"tenant_id": device.tenant_id}
        store.put_device(device.device_id, {**tenant, "device_type": device.device_type})
        store.put_session(device.session_id, device.names)
    events = voice.events_of(month)
    return sum(
        isinstance(outcome, Committed)
        for batch in _batches(events, "device events", say)
        for outcome in store.append_batch([load_event(_as_raw(event)) for event in batch])
    )


def _batches(records: Sequence[Record], name: str, say: Say) -> Iterator[list[Record]]:
    """Yield the records in batches, and report each batch when it is stored."""
    left: Iterable[Record] = iter(records)
    done = 0
    while batch := [*islice(left, BATCH)]:
        yield batch
        done += len(batch)
        say(f"  {done:,} of {len(records):,} {name}")


def _as_raw(document: dict[str, Any]) -> Raw:
    return Raw(msgspec.json.encode(document))
