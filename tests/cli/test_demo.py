"""python -m telemetry demo."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from telemetry.cli import demo
from telemetry.cli.demo import agents, api, voice
from telemetry.cli.demo.fill import Filled
from telemetry.cli.demo.month import Month, busyness
from tests.support.audio_runtime import KINDS
from tests.support.command import telemetry
from tests.support.databases import execute
from tests.support.retention import add_events
from tests.support.runs import minimal_run
from tests.support.runtime_events import minimal_event
from tests.support.server import copy_cluster, folder

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def filled_url(databases):
    """A database that the command filled, for tests that only read it."""
    url = databases.take()
    done = telemetry("demo", DATABASE_URL=url)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n") == 1
    assert "device events" in done.stderr
    yield url
    databases.give_back(url)


@pytest.fixture
def rows(filled_url):
    """Return the rows of a query as tuples."""

    def fetch(query):
        with psycopg.connect(filled_url) as connection:
            return connection.execute(query).fetchall()

    return fetch


@pytest.mark.long
def test_the_last_day_has_every_outcome(rows):
    found = dict(
        rows(
            "SELECT status, count(*) FROM agent_runs"
            " WHERE created_at > now() - interval '7 days' GROUP BY status"
        )
    )
    assert found.keys() == {"running", "success", "failure", "partial", "timeout", "cancelled"}
    today = rows("SELECT count(*) FROM agent_runs WHERE created_at > now() - interval '1 day'")
    assert today[0][0] > 100
    assert len(rows("SELECT DISTINCT agent_name FROM agent_runs")) == 3
    assert rows("SELECT count(*) FROM agent_runs WHERE created_at > now()") == [(0,)]
    assert rows("SELECT min(created_at) < now() - interval '29 days' FROM agent_runs") == [(True,)]


@pytest.mark.long
def test_one_run_is_in_progress_and_one_is_stale(rows):
    running = rows(
        "SELECT now() - updated_at > interval '1 hour' FROM agent_runs"
        " WHERE status = 'running' ORDER BY 1"
    )
    assert running == [(False,), (True,)]


@pytest.mark.long
def test_every_step_has_its_run_and_lies_within_it(rows):
    wrong = rows(
        "SELECT step.event_id FROM agent_runs AS step"
        " LEFT JOIN agent_runs AS whole ON whole.run_id = step.parent_run_id"
        " WHERE step.parent_run_id IS NOT NULL AND NOT coalesce(step.start_time >= whole.start_time"
        " AND step.end_time <= whole.end_time + interval '1 ms', FALSE)"
    )
    assert wrong == []
    assert rows("SELECT count(*) > 300 FROM agent_runs WHERE parent_run_id IS NOT NULL")[0][0]


@pytest.mark.long
def test_error_summaries_repeat(rows):
    counts = rows(
        "SELECT count(*) FROM agent_runs WHERE error_summary IS NOT NULL"
        " AND created_at > now() - interval '1 day' GROUP BY error_summary ORDER BY 1 DESC"
    )
    assert counts[0][0] > 5
    assert len(counts) > 2


@pytest.mark.long
def test_endpoints_differ_in_speed_and_errors(client_of, filled_url):
    found = client_of(filled_url).get("/api/runtime/endpoints/summary?seconds=604800").json
    speeds = {it["endpoint"]: it["p50_ms"] for it in found["endpoints"]}
    assert speeds.keys() == api.ENDPOINTS.keys()
    assert max(speeds.values()) > 20 * min(speeds.values())
    assert sum(it["error_count"] for it in found["endpoints"]) > 3


@pytest.fixture
def client_of(default_app):
    return lambda url: default_app(url).test_client()


@pytest.mark.long
def test_one_device_is_degraded_and_one_has_failed(rows):
    states = Counter(
        it for (it,) in rows("SELECT device_health FROM os_core.audio_runtime_current")
    )
    assert states == {"HEALTHY": 3, "DEGRADED": 1, "FAILED": 1}
    kinds = rows("SELECT DISTINCT event_kind FROM os_core.audio_runtime_events ORDER BY 1")
    assert [kind for (kind,) in kinds] == KINDS


@pytest.mark.long
def test_verify_finds_nothing(filled_url):
    checked = telemetry("verify", DATABASE_URL=filled_url)
    assert checked.returncode == 0, checked.stdout
    rebuilt = telemetry("rebuild", DATABASE_URL=filled_url)
    assert ", 0 differed" in rebuilt.stdout


@pytest.mark.long
def test_the_same_seed_makes_the_same_month():
    def everything(seed, now=NOON):
        month = Month(seed, now)
        runs = [*agents.runs_of(month), agents.running(month), agents.stale(month)]
        return runs, [*api.events_of(month)], voice.events_of(month)

    assert everything("a") == everything("a")
    for one, other in zip(everything("a"), everything("b"), strict=True):
        assert one != other
    later = everything("a", NOON + timedelta(days=1, hours=5))
    assert Counter(run["status"] for run in later[0])["failure"] > 20


@pytest.mark.long
def test_it_refuses_to_fill_twice(filled_url, rows):
    before = rows("SELECT count(*) FROM agent_runs")
    refused = telemetry("demo", "--seed", "other", DATABASE_URL=filled_url)
    assert_refused(refused, "agent_runs, audit.audit_events, os_core.devices, runtime_events")
    assert rows("SELECT count(*) FROM agent_runs") == before


def assert_refused(done, what):
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert what in line, line


@pytest.mark.parametrize(
    ("method", "path", "body", "table"),
    [
        ("POST", "/api/v1/runs", minimal_run(), "agent_runs"),
        ("POST", "/api/runtime/events", minimal_event(), "runtime_events"),
        ("PUT", "/api/v1/devices/device-1", {"tenant_id": "tenant-1"}, "os_core.devices"),
    ],
)
def test_it_refuses_a_database_that_holds_anything(client, database_url, method, path, body, table):
    assert client.open(path, method=method, json=body).status_code == 201
    assert_refused(telemetry("demo", DATABASE_URL=database_url), f"is not empty: {table}; ")


def test_what_retention_notes_is_no_data(db, database_url, monkeypatch):
    add_events(db, "old", "2 days")
    pruned = telemetry("prune", "--events-older-than", "1d", DATABASE_URL=database_url)
    assert pruned.returncode == 0, pruned.stderr
    monkeypatch.setattr(demo, "fill", lambda *_, **__: Filled(0, 0, 0, 0))
    done = telemetry("demo", DATABASE_URL=database_url)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("made", "name"),
    [
        ("CREATE TABLE theirs AS SELECT 1 AS id", "theirs"),
        ("CREATE TABLE agent_running_costs AS SELECT 1 AS id", "agent_running_costs"),
        ("CREATE TABLE os_core.mine AS SELECT 1 AS id", "os_core.mine"),
        ("CREATE TABLE my_yoyo AS SELECT 1 AS id", "my_yoyo"),
        ("CREATE MATERIALIZED VIEW daily AS SELECT 1 AS id", "daily"),
    ],
)
def test_it_refuses_a_database_in_which_others_keep_data(database_url, made, name):
    execute(database_url, made)
    refused = telemetry("demo", DATABASE_URL=database_url)
    assert_refused(refused, f"is not empty: {name}; ")
    assert_refused(refused, "if a demo was interrupted, create the database again and migrate it")


def test_one_demo_at_a_time_fills_a_database(database_url, monkeypatch):
    refused = []

    def fill(*_, **__):
        refused.append(telemetry("demo", DATABASE_URL=database_url))
        return Filled(0, 0, 0, 0)

    monkeypatch.setattr("telemetry.cli.demo.fill", fill)
    assert telemetry("demo", DATABASE_URL=database_url).returncode == 0
    assert_refused(refused[0], "another demo is filling it")


def test_an_interrupted_demo_says_how_to_start_over(database_url, monkeypatch):
    def fill(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("telemetry.cli.demo.fill", fill)
    interrupted = telemetry("demo", DATABASE_URL=database_url)
    assert_refused(interrupted, "to start over, create the database again and migrate it")


def test_it_fills_the_database_of_make_run_when_nothing_is_configured(
    migrated_cluster, monkeypatch
):
    def fill(config, *_, **__):
        execute(config.embedded_database_url, "CREATE TABLE theirs AS SELECT 1 AS id")
        return Filled(0, 0, 0, 0)

    monkeypatch.setattr("telemetry.cli.demo.fill", fill)
    with folder() as parent:
        copy_cluster(migrated_cluster, parent / "postgres")
        monkeypatch.setattr("telemetry.cli.demo.DATA", parent)
        assert telemetry("demo").returncode == 0
        assert_refused(telemetry("demo"), f"stop the service and remove {parent}")


def test_people_rest_on_weekends():
    friday = datetime(2026, 1, 30, 15, tzinfo=UTC)
    assert busyness(friday + timedelta(days=1)) < 0.6 * busyness(friday)


@pytest.mark.long
def test_it_fills_a_database_whose_rows_were_deleted(client, database_url, db):
    client.post("/api/v1/runs", json=minimal_run())
    db.execute("DELETE FROM agent_runs")
    assert telemetry("demo", DATABASE_URL=database_url).returncode == 0


def test_it_refuses_a_database_that_is_not_migrated(empty_database_url):
    refused = telemetry("demo", DATABASE_URL=empty_database_url)
    assert_refused(refused, "migration(s) pending: run python -m telemetry migrate first")


def test_it_refuses_to_run_without_a_database(tmp_path):
    refused = telemetry("demo", RUNTIME_EVENTS_PATH=str(tmp_path / "events.jsonl"))
    assert_refused(refused, "no database is configured: set DATABASE_URL")


@pytest.mark.long
def test_it_fills_both_databases(databases):
    urls = [databases.take(), databases.take()]
    done = telemetry("demo", DATABASE_URL=urls[0], RUNTIME_DATABASE_URL=urls[1])
    assert done.returncode == 0, done.stderr
    counts = []
    for url in urls:
        with psycopg.connect(url) as connection:
            for table in ("agent_runs", "runtime_events"):
                counts += connection.execute(f"SELECT count(*) > 0 FROM {table}").fetchone()
        databases.give_back(url)
    assert counts == [True, False, False, True]
