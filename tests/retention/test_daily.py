"""The web process prunes once a day, in one of its workers, and shows what it did."""

import signal
from datetime import timedelta

import psutil
import pytest

from telemetry.cli.grants import RETENTION
from tests.support.pages import open_page
from tests.support.retention import add_events, add_runs, counts_are_right, names, state
from tests.support.rights import SERVING_ROLE, granted_rights, retention_granted
from tests.support.samples import samples, value
from tests.support.waiting import wait_until

DAYS_90 = timedelta(days=90)
SUCCESS = "telemetry_retention_last_success_timestamp_seconds"


def finished(db, kind="agent_runs"):
    return state(db, kind).get("finished_at")


def attempt(app):
    """Let the application do what its thread does now and then."""
    daily = app.extensions["daily_retention"]
    for kind, age in daily._ages:
        daily._attempt(kind, age)


@pytest.fixture(autouse=True)
def the_role_that_serves_may_prune(db):
    with retention_granted(db):
        yield


@pytest.fixture
def app(make_app):
    return make_app(retention_runs=DAYS_90, retention_events=DAYS_90)


@pytest.mark.long
def test_one_of_the_workers_prunes(start_service, db):
    add_runs(db, "old", "91 days", count=1500)
    add_runs(db, "young", "1 day")
    add_events(db, "old", "31 days", count=10)
    service = start_service(TELEMETRY_RETENTION_RUNS="90d", TELEMETRY_RETENTION_EVENTS="30d")
    wait_until(lambda: finished(db) and finished(db, "runtime_events"))
    assert names(db, "agent_runs") == {"young"}
    assert names(db, "runtime_events") == set()
    assert counts_are_right(db)
    assert service.log.count("Retention deletes runs older than 90d") == 1
    assert service.log.count("Retention deleted 1500 runs older than 90d") == 1
    assert service.stop() == 0


def test_it_is_due_once_a_day(app, db):
    attempt(app)
    first = finished(db)
    add_runs(db, "old", "91 days")
    attempt(app)
    assert finished(db) == first
    db.execute("UPDATE retention_passes SET finished_at = now() - interval '25 hours'")
    attempt(app)
    assert finished(db) > first
    assert names(db, "agent_runs") == set()


def test_it_is_due_at_once_when_less_is_to_be_kept(app, make_app, db):
    add_runs(db, "old", "50 days")
    attempt(app)
    attempt(make_app(retention_runs=timedelta(days=40)))
    assert names(db, "agent_runs") == set()


def test_it_goes_on_when_a_worker_was_killed(app, db):
    add_runs(db, "old", "91 days")
    db.execute(
        "INSERT INTO retention_passes (kind, older_than, started_at, leased_until)"
        " VALUES ('agent_runs', '90 days', now(), now() + interval '2 minutes')"
    )
    attempt(app)
    assert names(db, "agent_runs") == {"old"}
    db.execute("UPDATE retention_passes SET leased_until = now() - interval '1 second'")
    attempt(app)
    assert names(db, "agent_runs") == set()


def test_a_table_that_is_locked_is_an_error_that_passes(app, db, database_url):
    add_runs(db, "old", "91 days")
    with db.transaction():
        db.execute("LOCK agent_runs IN SHARE MODE")
        attempt(app)
    assert "lock timeout" in state(db)["error"]
    assert "lock timeout" in open_page(app.test_client(), "/status").text
    assert value(samples(app.test_client()), "telemetry_retention_failed", domain="agent_runs") == 1
    assert app.test_client().get("/metrics").json["retention"]["agent_runs"]["error"]
    db.execute("UPDATE retention_passes SET leased_until = now() - interval '1 second'")
    attempt(app)
    assert state(db)["error"] is None
    assert names(db, "agent_runs") == set()


def test_a_failure_is_logged_once(make_app, database_url, caplog):
    read_only = f"{database_url}&options=-c%20default_transaction_read_only%3Don"
    app = make_app(database_url=read_only, retention_runs=DAYS_90)
    attempt(app)
    attempt(app)
    failures = [it for it in caplog.messages if "Retention of runs failed" in it]
    assert len(failures) == 1
    assert "read-only" in failures[0]


@pytest.mark.parametrize(("name", "right"), granted_rights(RETENTION))
def test_each_right_is_needed(app, db, caplog, name, right):
    add_runs(db, "old", "91 days")
    add_events(db, "old", "91 days")
    db.execute(f"REVOKE {right} ON {name} FROM {SERVING_ROLE}")
    attempt(app)
    assert f"permission denied for table {name}" in caplog.text


def test_a_missing_right_is_shown_with_the_command_that_grants_it(app, db):
    add_runs(db, "old", "91 days")
    db.execute(f"REVOKE DELETE ON agent_runs FROM {SERVING_ROLE}")
    attempt(app)
    text = open_page(app.test_client(), "/status").text
    assert "permission denied for table agent_runs" in text
    assert text.count("python -m telemetry grants") == 1
    assert "grants --role NAME --retention" in text


def test_a_failure_that_the_database_cannot_record_is_shown(app, db):
    attempt(app)
    db.execute("UPDATE retention_passes SET finished_at = now() - interval '25 hours'")
    db.execute(f"REVOKE INSERT ON retention_passes FROM {SERVING_ROLE}")
    attempt(app)
    client = app.test_client()
    right = "permission denied for table retention_passes"
    assert open_page(client, "/status").text.count(right) == 2
    found = client.get("/metrics").json["retention"]["agent_runs"]
    assert right in found["error"]
    assert found["last_failure_at"]
    assert value(samples(client), "telemetry_retention_failed", domain="agent_runs") == 1
    db.execute(f"GRANT INSERT ON retention_passes TO {SERVING_ROLE}")
    attempt(app)
    assert client.get("/metrics").json["retention"]["agent_runs"]["error"] is None
    assert value(samples(client), "telemetry_retention_failed", domain="agent_runs") == 0


def test_what_cannot_be_read_is_an_error_in_the_metrics(app, db):
    db.execute(f"REVOKE SELECT ON retention_passes FROM {SERVING_ROLE}")
    found = app.test_client().get("/metrics").json["retention"]["agent_runs"]
    db.execute(f"GRANT SELECT ON retention_passes TO {SERVING_ROLE}")
    assert "permission denied for table retention_passes" in found["error"]


def test_a_clock_that_is_put_back_stops_nothing(app, db):
    attempt(app)
    ahead = "UPDATE retention_passes SET {} = now() + interval '1 year'"
    for column in ("finished_at", "leased_until"):
        db.execute(ahead.format(column))
        add_runs(db, "old", "91 days")
        late = app.test_client().get("/metrics").json["retention"]["agent_runs"]["late"]
        assert late is (column == "finished_at")
        db.execute("UPDATE retention_passes SET finished_at = finished_at - interval '25 hours'")
        attempt(app)
        assert names(db, "agent_runs") == set()


def test_the_status_and_the_metrics_show_what_it_did(app, db):
    client = app.test_client()
    assert "Pruned never" in open_page(client, "/status").text
    assert SUCCESS not in samples(client)
    add_runs(db, "old", "91 days", count=3)
    attempt(app)
    assert "3 older than 90d deleted" in open_page(client, "/status").text
    found = samples(client)
    labels = {"domain": "agent_runs"}
    assert value(found, "telemetry_retention_deleted_rows_total", **labels) == 3
    assert value(found, "telemetry_retention_configured_seconds", **labels) == 90 * 86400
    assert value(found, SUCCESS, **labels) == pytest.approx(finished(db).timestamp(), abs=1)
    retention = client.get("/metrics").json["retention"]["agent_runs"]
    assert retention["deleted_total"] == 3
    assert retention["late"] is False


def test_a_retention_that_stopped_is_late(app, db):
    attempt(app)
    db.execute("UPDATE retention_passes SET finished_at = now() - interval '37 hours'")
    client = app.test_client()
    assert "late it should be once a day" in open_page(client, "/status").text
    assert client.get("/metrics").json["retention"]["agent_runs"]["late"] is True


def test_without_it_the_metrics_say_so(client):
    found = samples(client)
    assert value(found, "telemetry_retention_configured_seconds", domain="agent_runs") == 0
    assert "retention" not in client.get("/metrics").json
    assert "TELEMETRY_RETENTION_RUNS is not set" in open_page(client, "/status").text


def test_a_file_is_not_pruned_and_the_status_says_so(make_app, tmp_path, caplog):
    app = make_app(
        database_url=None, runtime_events_path=tmp_path / "events.jsonl", retention_events=DAYS_90
    )
    text = open_page(app.test_client(), "/status").text
    assert "TELEMETRY_RETENTION_EVENTS has no effect" in text
    assert "in a JSON file, which retention does not prune" in text
    assert any("TELEMETRY_RETENTION_EVENTS has no effect" in it.message for it in caplog.records)


@pytest.mark.faults
def test_a_worker_that_is_killed_leaves_right_counts(start_service, db):
    add_runs(db, "old", "91 days", count=6000)
    service = start_service(TELEMETRY_RETENTION_RUNS="90d")
    wait_until(lambda: state(db).get("deleted", 0) > 1000)
    for worker in service.workers():
        psutil.Process(worker).send_signal(signal.SIGKILL)
    left = db.execute("SELECT count(*) AS it FROM agent_runs").fetchone()["it"]
    assert state(db)["deleted_total"] == 6000 - left
    assert counts_are_right(db)
    db.execute("UPDATE retention_passes SET leased_until = now() - interval '1 second'")
    wait_until(lambda: finished(db) is not None)
    assert names(db, "agent_runs") == set()
    assert state(db)["deleted_total"] == 6000
    assert counts_are_right(db)
