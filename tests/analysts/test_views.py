"""The views say what the API says, whatever a DBA adds to their tables."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from psycopg import errors

from tests.support.audio_runtime import KINDS, event
from tests.support.feed import get_with
from tests.support.runs import full_run, minimal_run
from tests.support.runtime_events import SUMMARY_URL, minimal_event
from tests.support.service import PROJECT

RUNS = "SELECT * FROM telemetry_views.runs ORDER BY event_id"
HOURS = "SELECT * FROM telemetry_views.runtime_events_by_hour ORDER BY hour, endpoint, method"
DEVICES = "SELECT * FROM telemetry_views.devices ORDER BY device_id"
LARGEST = 2**63 - 1
COUNTED = ("event_count", "error_count", "total_runtime_ms", "runtime_cost_estimate")


def test_runs_are_those_of_the_api(client, db):
    client.post("/api/v1/runs", json=full_run("full"))
    client.post("/api/v1/runs", json=minimal_run("minimal"))
    client.post("/api/v1/runs", json=minimal_run("old"))
    db.execute("ALTER TABLE agent_runs DISABLE TRIGGER USER")
    db.execute(
        "UPDATE agent_runs SET updated_at = now() - interval '2 hours' WHERE event_id = 'old'"
    )
    db.execute("ALTER TABLE agent_runs ENABLE TRIGGER USER")
    rows = {row["event_id"]: row for row in db.execute(RUNS)}
    for name, row in rows.items():
        run = client.get(f"/api/v1/runs/{name}").json
        assert row.keys() == run.keys()
        for field, value in row.items():
            shown = run[field]
            if isinstance(value, datetime):
                shown = datetime.fromisoformat(shown)
            if field != "duration_ms":
                assert value == shown, field
    assert [rows[name]["stale"] for name in ("full", "minimal", "old")] == [False, False, True]
    db.execute("SET telemetry.stale_after = '3h'")
    assert [row["stale"] for row in db.execute(RUNS)] == [False, False, False]


@pytest.mark.parametrize(
    ("fields", "duration"),
    [
        ({"duration_ms": 1500}, 1500),
        ({"end_time": "2026-01-31T12:00:02.500Z"}, 2500),
        ({"duration_ms": 7, "end_time": "2026-01-31T13:00:00Z"}, 7),
        ({}, None),
        ({"end_time": "2026-01-31T11:00:00Z"}, None),
    ],
)
def test_the_duration_is_measured_or_derived(client, db, fields, duration):
    client.post("/api/v1/runs", json=minimal_run(**fields))
    [row] = db.execute(RUNS)
    assert row["duration_ms"] == duration


def test_events_are_weighted_as_in_the_summary(client, db):
    for status in (200, 500, 503):
        client.post("/api/runtime/events", json=minimal_event(status_code=status))
    for metadata in ({"event_count": 7, "total_runtime_ms": 5000.5}, {"sample_count": 3}):
        client.post("/api/runtime/events", json=minimal_event(endpoint="/b", metadata=metadata))
    client.post("/api/runtime/events", json=minimal_event(endpoint="/b", method="POST"))
    summary = get_with(client)(SUMMARY_URL, {})["endpoints"]
    for endpoint in summary:
        rows = [row for row in db.execute(HOURS) if row["endpoint"] == endpoint["endpoint"]]
        for name in COUNTED:
            assert float(sum(row[name] for row in rows)) == pytest.approx(endpoint[name]), name
        assert sorted({row["method"] for row in rows}) == endpoint["methods"]
        for row in rows:
            assert row["average_runtime_ms"] == row["total_runtime_ms"] / row["event_count"]
    assert {row["endpoint"] for row in db.execute(HOURS)} == {it["endpoint"] for it in summary}


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata"])
def test_an_hour_begins_in_utc_and_has_its_own_events(client, db, zone):
    start = datetime(2026, 3, 29, 0, tzinfo=UTC)
    for minutes in (0, 59, 60, 61, 300):
        client.post("/api/runtime/events", json=minimal_event(id=f"e{minutes}"))
        db.execute(
            "UPDATE runtime_events SET recorded_at = %s WHERE id = %s",
            [start + timedelta(minutes=minutes), f"e{minutes}"],
        )
    client.post("/api/runtime/events", json=minimal_event(id="never"))
    db.execute("UPDATE runtime_events SET recorded_at = '-infinity' WHERE id = 'never'")
    db.execute(f"SET TimeZone = '{zone}'")
    rows = db.execute(HOURS).fetchall()
    assert [(row["hour"], row["event_count"]) for row in rows] == [
        (start + timedelta(hours=hours), n) for hours, n in ((0, 2), (1, 2), (5, 1))
    ]


def test_events_are_those_of_the_api(client, db):
    client.post("/api/runtime/events", json=minimal_event(id="one", idea_id="idea-1"))
    metadata = {"event_count": 7}
    client.post("/api/runtime/events", json=minimal_event(id="seven", metadata=metadata))
    rows = {row["id"]: row for row in db.execute("SELECT * FROM telemetry_views.runtime_events")}
    listed = {it["id"]: it for it in get_with(client)("/api/runtime/events", {})["items"]}
    for event_id, count in (("one", 1), ("seven", 7)):
        shown = listed[event_id]
        assert rows[event_id].pop("event_count") == count
        del shown["raw_endpoint"]  # it may have what is secret
        shown["recorded_at"] = datetime.fromisoformat(shown["recorded_at"])
        assert rows[event_id].keys() == shown.keys()
        for name, value in rows[event_id].items():
            assert (float(value) if isinstance(value, Decimal) else value) == shown[name], name


def test_the_percentile_of_an_hour_is_that_of_the_summary(client, db):
    for number in range(1, 41):
        sent = minimal_event(id=str(number), endpoint="/p95", runtime_ms=number**2)
        client.post("/api/runtime/events", json=sent)
    document = (PROJECT / "docs/database.md").read_text()
    [statement] = re.findall(r"^SELECT[^;]*percentile_cont[^;]*;", document, re.MULTILINE)
    rows = db.execute(statement.replace("/api/ideas", "/p95").replace("1 day", "2 hours"))
    assert sum(row["events"] for row in rows) == 40
    [found] = get_with(client)(SUMMARY_URL, {})["endpoints"]
    if rows.rowcount == 1:  # an hour may end meanwhile
        rows.scroll(0, mode="absolute")
        assert rows.fetchone()["p95_ms"] == pytest.approx(found["p95_ms"])


def test_devices_have_their_state_and_moments(client, db):
    for number in (1, 2):
        client.put(f"/api/v1/devices/device-{number}", json={"tenant_id": "tenant-1"})
    for kind in KINDS:
        client.post("/api/v1/audio-runtime/events", json=event(kind))
    state = client.get("/api/v1/audio-runtime/current/tenant-1/device-1").json
    with_state, without = db.execute(DEVICES)
    updated_at = with_state.pop("updated_at")
    assert updated_at.timestamp() == pytest.approx(state.pop("updated_at") / 10**9, abs=1e-6)
    assert state.items() <= with_state.items()
    assert without["device_id"] == "device-2"
    assert (without["last_event_id"], without["updated_at"]) == (None, None)


@pytest.mark.parametrize("zone", ["UTC", "America/New_York"])
@pytest.mark.parametrize(
    "nanoseconds", [0, 999, 1000, 1_774_747_800_123_456_789, LARGEST - 1, LARGEST]
)
def test_a_moment_is_exact_to_the_microsecond(db, nanoseconds, zone):
    db.execute(f"SET TimeZone = '{zone}'")
    exact = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=nanoseconds // 1000)
    [row] = db.execute("SELECT telemetry_views.moment(%s) AS it", [nanoseconds])
    assert row["it"] == exact


@pytest.mark.parametrize("view", ["runs", "runtime_events", "runtime_events_by_hour", "devices"])
def test_a_view_is_read_only_for_its_owner_too(db, view):
    with pytest.raises(errors.ObjectNotInPrerequisiteState):
        db.execute(f"DELETE FROM telemetry_views.{view}")


def test_sums_are_cut_to_the_largest_double(client, db):
    for number in (1, 2):
        client.post("/api/runtime/events", json=minimal_event(id=str(number), runtime_ms=1.5e308))
    [row] = db.execute(HOURS)
    assert row["total_runtime_ms"] == Decimal("1.7976931348623157e308")
