"""What an append reads does not grow with the history, whatever the statistics say.

A session keeps its plans until a table is analysed. So tables that were analysed while they were
small, or never, must not lead to a plan that reads the history of a device, all devices or all
sessions. Reads are counted, not timed.
"""

import json
from contextlib import contextmanager

import psycopg
import pytest
from psycopg.rows import dict_row

from telemetry.audio_runtime.schema import EVENT_FIELDS
from telemetry.audio_runtime.store import APPEND, DESCRIBE_DUPLICATES, lock_and_append
from telemetry.database import statements
from telemetry.database.connection import connect
from telemetry.database.pool import session_options
from telemetry.database.values import as_json
from tests.support.audio_runtime import KINDS, event
from tests.support.databases import database, execute
from tests.support.ledger import Ledger

ROOMS = "relnamespace IN ('os_core'::regnamespace, 'audit'::regnamespace)"
AUTOVACUUM_OFF = f"""
    SELECT format('ALTER TABLE %s SET (autovacuum_enabled = off)', oid::regclass) AS command
    FROM pg_class WHERE relkind = 'r' AND {ROOMS}
"""
# What this session has read: index entries and rows of scans, then blocks of tables and indexes.
READ = f"""
    SELECT
        sum(pg_stat_get_xact_tuples_returned(oid)) AS entries,
        sum(pg_stat_get_xact_blocks_fetched(oid)) AS blocks
    FROM pg_class WHERE relkind IN ('r', 'i') AND {ROOMS}
"""
DEVICE = {"tenant_id": "tenant-1", "device_id": "device-1"}


class Session:
    """A connection like those of the service, which keeps its plans."""

    def __init__(self, url):
        options = session_options(None, 60)
        self.connection = connect(url, options=options, prepare_threshold=5)

    def append(self, *events):
        parameters = {"events": as_json(events), "tenant_id": None}
        return self.connection.execute(APPEND, parameters, prepare=True).fetchall()

    def append_batch(self, events):
        with self.connection.transaction():
            return lock_and_append(self.connection, events)

    def describe(self, *events):
        parameters = {"events": as_json(events), "tenant_id": None, "fields": EVENT_FIELDS}
        return self.connection.execute(DESCRIBE_DUPLICATES, parameters, prepare=True).fetchall()

    def reads_of(self, work):
        """Return the index entries and rows that ``work`` reads, and the blocks."""
        with self.connection.transaction():
            before = self.connection.execute(READ, prepare=False).fetchone()
            work()
            after = self.connection.execute(READ, prepare=False).fetchone()
        return {name: int(after[name] - before[name]) for name in before}


@contextmanager
def opened_session(cast):
    session = Session(cast.url)
    with session.connection:
        yield session


def never(_):
    """Leave the tables as migrate leaves them."""


def while_empty(cast):
    cast.db.execute("ANALYZE")


def with_one_row(cast):
    """As after the first event of a deployment."""
    cast.bind({"first": "tenant-1"})
    cast.open({1: ("tenant-1", "first")})
    with opened_session(cast) as session:
        session.append(event(device_id="first", session_id=1))
    cast.db.execute("ANALYZE")


def with_an_event_of_each_device(cast):
    """Then a device seems to select one row."""
    cast.bind({f"early-{n}": f"tenant-{n}" for n in range(1, 301)})
    cast.open({n + 10_000: (f"tenant-{n}", f"early-{n}") for n in range(1, 301)})
    devices = [{"device_id": f"early-{n}", "tenant_id": f"tenant-{n}"} for n in range(1, 301)]
    early = [event(**it, session_id=n + 10_001) for n, it in enumerate(devices)]
    with opened_session(cast) as session:
        session.append_batch(early)
    cast.db.execute("ANALYZE")


@pytest.fixture(params=[never, while_empty, with_one_row, with_an_event_of_each_device])
def cast(request, postgres, databases):
    """Tables with these statistics, which get no others."""
    execute(postgres, f"CREATE DATABASE statistics TEMPLATE {databases.template}")
    url = database(postgres, "statistics")
    with psycopg.connect(url, autocommit=True, row_factory=dict_row) as db:
        for row in db.execute(AUTOVACUUM_OFF).fetchall():
            db.execute(row["command"])
        cast = Ledger(url, db)
        request.param(cast)
        yield cast
    execute(postgres, "DROP DATABASE statistics WITH (FORCE)")


@pytest.fixture
def session(cast):
    """A session that has planned its statements while the tables were as good as empty."""
    with opened_session(cast) as session:
        for _ in range(8):
            session.append_batch([event(session_id=5), event()])
            session.append(event())
        cast.bind({f"device-{n}": "tenant-1" for n in range(3)})
        cast.open({71: ("tenant-1", "device-1")})
        known = event(session_id=71)
        for _ in range(8):
            session.append(event(session_id=71))
            session.append_batch([event(session_id=71)])
            session.append(known)
            session.describe(known)
        yield session


def grow(cast):
    """Add to the history of two devices, and to the devices and sessions of their tenant."""
    with opened_session(cast) as other:
        for _ in range(3):
            kinds = (KINDS[n % 7] for n in range(1000))
            devices = (f"device-{1 + n % 2}" for n in range(1000))
            other.append_batch(
                [
                    event(kind, device_id=device, session_id=71)
                    for kind, device in zip(kinds, devices, strict=True)
                ]
            )
    cast.db.execute(
        "INSERT INTO os_core.devices (device_id, tenant_id)"
        " SELECT 'more-' || n, 'tenant-1' FROM generate_series(1, 3000) AS n;"
        "INSERT INTO os_core.sessions (session_id, tenant_id, device_id)"
        " SELECT n + 1000000, 'tenant-1', 'device-1' FROM generate_series(1, 3000) AS n"
    )


def assert_no_growth(cast, session, work):
    session.reads_of(work)
    before = session.reads_of(work)
    grow(cast)
    session.reads_of(work)
    after = session.reads_of(work)
    # No index is higher than three levels, so an entry costs at most two blocks more than before.
    assert after["entries"] <= before["entries"] + 20
    assert after["blocks"] <= 3 * before["blocks"] + 20


def test_an_append(cast, session):
    assert_no_growth(cast, session, lambda: session.append(event(session_id=71)))


def test_a_duplicate(cast, session):
    known = event(session_id=71)
    session.append(known)

    def send_again():
        [row] = session.append(known)
        assert row["outcome"] == "duplicate"
        assert session.describe(known)

    assert_no_growth(cast, session, send_again)


def test_a_batch(cast, session):
    def append_batch():
        batch = [event(KINDS[n % 7], device_id=f"device-{n % 3}") for n in range(20)]
        session.append_batch([*batch, event(session_id=71), event(device_id="none")])

    assert_no_growth(cast, session, append_batch)


STATEMENTS = (
    "clear_current",
    "contradictions",
    "lock_free_heads",
    "lock_heads",
    "proof_devices",
    "proof_earlier_events",
    "project",
    "verify_current",
    "verify_heads",
)


@pytest.mark.parametrize("cast", [never, while_empty, with_an_event_of_each_device], indirect=True)
def test_what_rebuild_and_verify_look_up_of_a_device(cast, session):
    first = min(row["event_id"] for row in cast.events() if row["device_id"] == "device-1")
    grow(cast)
    wanted = {**DEVICE, "place": 0, "after": first + 100, "kept_event_id": first}
    parameters = {"devices": json.dumps([wanted]), "kinds": KINDS, "tenant_id": None}
    for name in STATEMENTS:
        statement = statements.load(f"audio_runtime/{name}")
        read = session.reads_of(lambda it=statement: session.connection.execute(it, parameters))
        assert read["entries"] <= 60, name
        assert read["blocks"] <= 200, name


# The look-ups of the foreign keys, as PostgreSQL words them, and the indexes that may serve them.
LOOK_UPS = {
    "an event": (
        "SELECT 1 FROM ONLY os_core.audio_runtime_events x"
        " WHERE tenant_id = $1 AND device_id = $2 AND event_id = $3 FOR KEY SHARE OF x",
        "text, text, bigint",
        "'tenant-1', 'device-1', 5",
        {"ix_audio_runtime_events_tenant_device_time", "audio_runtime_events_pkey"},
    ),
    "a session": (
        "SELECT 1 FROM ONLY os_core.sessions x"
        " WHERE tenant_id = $1 AND session_id = $2 FOR KEY SHARE OF x",
        "text, bigint",
        "'tenant-1', 71",
        {"sessions_tenant_session_key", "sessions_pkey"},
    ),
    "a device": (
        "SELECT 1 FROM ONLY os_core.devices x"
        " WHERE tenant_id = $1 AND device_id = $2 FOR KEY SHARE OF x",
        "text, text",
        "'tenant-1', 'device-1'",
        {"devices_tenant_device_key", "devices_pkey"},
    ),
}


@pytest.mark.parametrize(("query", "types", "values", "indexes"), LOOK_UPS.values(), ids=LOOK_UPS)
def test_a_foreign_key_finds_its_row_by_its_key(cast, query, types, values, indexes):
    cast.db.execute("SET plan_cache_mode = force_generic_plan")
    cast.db.execute("SET enable_seqscan = off")
    cast.db.execute(f"PREPARE look_up ({types}) AS {query}")
    explained = cast.db.execute(f"EXPLAIN (FORMAT JSON) EXECUTE look_up ({values})").fetchone()
    node = explained["QUERY PLAN"][0]["Plan"]["Plans"][0]
    assert node["Index Name"] in indexes
