"""Each statement uses the indexes that it names, on tables large enough to choose."""

import json
import re

import psycopg
import pytest
from psycopg.rows import dict_row

from telemetry.audio_runtime.outcomes import Committed
from telemetry.audio_runtime.schema import EVENT_FIELDS
from telemetry.audio_runtime.store import AudioRuntimeStore
from telemetry.database import statements
from telemetry.database.database import Database
from tests.support.audio_runtime import KINDS, event
from tests.support.ledger import Ledger

DEVICES = 300
EVENTS = 15_000

LEDGER = "ix_audio_runtime_events_"

DEVICE = {"tenant_id": "tenant-7", "device_id": "device-7"}
WANTED = json.dumps([{**DEVICE, "after": 0, "row_hash": "00" * 32}])
PARAMETERS = {
    **DEVICE,
    "devices": WANTED,
    "events": json.dumps([event(**DEVICE, session_id=7)]),
    "fields": EVENT_FIELDS,
    "after": 5,
    "row_limit": 11,
    "findings": 20,
    "kinds": KINDS,
    "session_id": 7,
}


@pytest.fixture(scope="module")
def db(databases):
    """A database with filled tables, which no test here changes."""
    url = databases.take()
    with psycopg.connect(url, autocommit=True, row_factory=dict_row) as connection:
        fill(url, connection)
        yield connection
    databases.give_back(url)


@pytest.fixture
def plan(db):
    return Plans(db)


def fill(url, db):
    names = {f"device-{n}": f"tenant-{n % 20}" for n in range(DEVICES)}
    ledger = Ledger(url, db)
    ledger.bind(names)
    # Many devices that never reported, so that the small tables are worth an index too.
    db.execute(
        "INSERT INTO os_core.devices (device_id, tenant_id)"
        " SELECT 'idle-' || n, 'tenant-' || n % 20 FROM generate_series(1, 20000) AS n"
    )
    db.execute(
        "INSERT INTO os_core.sessions (session_id, tenant_id, device_id)"
        " SELECT n + 1000, 'tenant-' || n % 20, 'idle-' || n FROM generate_series(1, 20000) AS n"
    )
    ledger.open({n: (f"tenant-{n % 20}", f"device-{n}") for n in range(DEVICES)})
    database = Database(url, pool_size=1, prepared_statements=True)
    store = AudioRuntimeStore(database)
    for start in range(0, EVENTS, 1000):
        batch = [
            event(
                KINDS[n % 3 if device == 7 else n % 7],
                device_id=f"device-{device}",
                tenant_id=names[f"device-{device}"],
                **({"session_id": device} if n < DEVICES else {}),
            )
            # One device has a long history.
            for n in range(start, start + 1000)
            for device in [7 if n % 30 == 0 else n % DEVICES]
        ]
        assert all(isinstance(it, Committed) for it in store.append_batch(batch))
    database.close()
    db.execute("VACUUM ANALYZE")


class Plans:
    """The plans of the statements that the service sends; called, as one text."""

    def __init__(self, db):
        self.db = db

    def __call__(self, name, **parameters):
        return json.dumps(self._explain("EXPLAIN (FORMAT JSON)", name, parameters))

    def run(self, name, **parameters):
        """Run it twice, the second time with everything in the cache; return the plan's root."""
        for _ in range(2):
            root = self._explain("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON)", name, parameters)
        return root

    def _explain(self, explain, name, parameters):
        query = f"{explain} ".encode() + statements.load(name)
        rows = self.db.execute(query, {**PARAMETERS, **parameters}, prepare=False)
        return rows.fetchone()["QUERY PLAN"][0]["Plan"]


def buffers(root):
    return root["Shared Hit Blocks"] + root["Shared Read Blocks"]


def test_statements_use_the_indexes_that_they_name(plan):
    expected = {
        "audio_runtime/lock_heads": ["audio_runtime_heads_pkey"],
        "audio_runtime/append": [
            "ux_audio_runtime_events_dedupe",
            "devices_pkey",
            "sessions_pkey",
            "audio_runtime_heads_pkey",
            "audio_runtime_current_pkey",
        ],
        "audio_runtime/describe_duplicates": [
            "ux_audio_runtime_events_dedupe",
            "ux_audit_events_source",
        ],
        "audio_runtime/project": [f"{LEDGER}latest_of_kind", f"{LEDGER}latest_session"],
        "audio_runtime/get_current": ["audio_runtime_current_pkey"],
        "audio_runtime/contradictions": [f"{LEDGER}tenant_device_time"],
        "audio_runtime/verify_events": [f"{LEDGER}tenant_device_time", "ux_audit_events_source"],
        "audio_runtime/verify_sessions": [f"{LEDGER}latest_session"],
        "audio_runtime/verify_current": [f"{LEDGER}latest_of_kind"],
        "audio_runtime/proof_events": [f"{LEDGER}tenant_device_time"],
        "audio_runtime/proof_audit_rows": ["ux_audit_events_source"],
        "audio_runtime/proof_earlier_events": [
            f"{LEDGER}latest_of_kind",
            f"{LEDGER}latest_session",
            f"{LEDGER}tenant_device_time",
        ],
        "audio_runtime/get_device": ["devices_tenant_device_key"],
    }
    for name, indexes in expected.items():
        found = plan(name)
        for index in indexes:
            assert f'"{index}"' in found, (name, index)
        for table in ("audio_runtime_events", "audit_events"):
            assert not re.search(f'"Seq Scan"[^{{}}]*"Relation Name": "{table}"', found), name


def test_a_replay_looks_each_event_up_once(plan):
    """The fold names its events twice: inlined, it would look them up twice."""
    for name in ("audio_runtime/project", "audio_runtime/verify_current"):
        found = plan(name)
        for index in ("latest_of_kind", "latest_session"):
            assert found.count(f'"{LEDGER}{index}"') == 1


@pytest.mark.parametrize("after", [None, 5, 10**9])
@pytest.mark.parametrize("device", ["device-7", "device-8", "absent"])
def test_a_page_of_a_device_costs_its_rows_and_no_more(plan, device, after):
    """Whatever the tenant has; device-8 is another tenant's."""
    for name, index in (
        ("audio_runtime/list_device_events", f"{LEDGER}tenant_device_time"),
        ("audit/list_device", "ix_audit_events_tenant_device"),
    ):
        found = plan(name, device_id=device, after=after)
        assert f'"{index}"' in found
        root = plan.run(name, device_id=device, after=after)
        assert buffers(root) <= 5 * (1 + root["Actual Rows"])


@pytest.mark.parametrize("tenant", [None, "tenant-7", "absent"])
@pytest.mark.parametrize("device", ["device-7", "absent"])
def test_a_device_is_found_by_a_few_steps(plan, tenant, device):
    root = plan.run("audio_runtime/list_device_tenants", tenant_id=tenant, device_id=device)
    tenants = 20 if tenant is None else 1
    assert buffers(root) <= 2 * 5 * 4 * tenants


def test_a_tenants_lists_come_from_the_indexes_by_tenant(plan):
    assert f'"{LEDGER}tenant"' in plan("audio_runtime/list_events")
    assert '"ix_audit_events_tenant"' in plan("audit/list")
    assert '"audio_runtime_heads_pkey"' in plan("audio_runtime/list_heads", after="device-3")
    assert '"audio_runtime_current_pkey"' in plan("audio_runtime/list_current", after="device-3")


def test_listing_devices_jumps_from_one_to_the_next(plan):
    page = {"tenant_id": None, "after_tenant": "", "after_device": ""}
    found = plan("audio_runtime/list_devices", **page)
    assert buffers(plan.run("audio_runtime/list_devices", **page)) <= 5 * 4 * (1 + 11)
    assert "Index Only Scan" in found
    assert not re.search('"Seq Scan"[^{}]*"Relation Name": "(audio|audit)_[a-z]+events', found)
    for index in (f"{LEDGER}", "ux_audit_events_source"):
        assert index in found


def test_a_rebuild_does_not_read_the_history(plan, db):
    """A device with one kind missing reads seven index entries, not all its events."""
    query = b"EXPLAIN (ANALYZE, FORMAT JSON) " + statements.load("audio_runtime/verify_current")
    nodes = [db.execute(query, PARAMETERS, prepare=False).fetchone()["QUERY PLAN"][0]["Plan"]]
    for node in nodes:
        nodes += node.get("Plans", [])
        if node.get("Relation Name") == "audio_runtime_events":
            assert node.get("Rows Removed by Filter", 0) == 0
            assert node["Actual Rows"] <= 1
