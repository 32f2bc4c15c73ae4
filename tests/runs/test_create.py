"""POST /api/v1/runs."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.errors import assert_error, assert_problems, problem_types
from tests.support.runs import full_run, minimal_run

URL = "/api/v1/runs"


def test_it_works(client, db):
    response = client.post(URL, json=minimal_run())
    assert response.status_code == 201
    assert response.json == {"status": "created", "event_id": "event-1", "run_id": "run-1"}
    row = db.execute("SELECT * FROM agent_runs").fetchone()
    assert row["event_id"] == "event-1"
    assert row["status"] == "running"
    assert row["duration_ms"] == 0
    assert row["api_posted"] is False
    assert row["updated_at"] == row["created_at"]


def test_it_stores_every_field(client):
    assert client.post(URL, json=full_run()).status_code == 201
    stored = client.get(f"{URL}/event-1").json
    assert {name: stored[name] for name in full_run()} == full_run()


def test_null_is_the_same_as_absent(client):
    optional = dict.fromkeys(full_run().keys() - minimal_run().keys())
    assert client.post(URL, json={**optional, **minimal_run()}).status_code == 201
    stored = client.get(f"{URL}/event-1").json
    assert (stored["status"], stored["duration_ms"], stored["product"]) == ("running", 0, None)


@pytest.mark.parametrize(
    ("sent", "stored"),
    [("failed", "failure"), ("completed", "success"), ("succeeded", "success")],
)
def test_status_aliases_are_accepted(client, sent, stored):
    client.post(URL, json=minimal_run(status=sent))
    assert client.get(f"{URL}/event-1").json["status"] == stored


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("2026-01-31T12:00:00Z", "2026-01-31T12:00:00.000000Z"),
        ("2026-01-31T14:00:00.5+02:00", "2026-01-31T12:00:00.500000Z"),
        ("2026-01-31 12:00:00+00:00", "2026-01-31T12:00:00.000000Z"),
        ("2026-01-31T12:00:00.123456789Z", "2026-01-31T12:00:00.123456Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000000Z"),
        ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"),
    ],
)
def test_timestamps_are_returned_in_utc(client, sent, stored):
    assert client.post(URL, json=minimal_run(start_time=sent)).status_code == 201
    assert client.get(f"{URL}/event-1").json["start_time"] == stored


def test_it_names_ignored_fields(client):
    response = client.post(URL, json=minimal_run(zeta=None, alpha={"x": 1}))
    assert response.status_code == 201
    assert response.json["ignored_fields"] == ["alpha", "zeta"]


def test_a_duplicate_is_200_and_leaves_the_run_untouched(client, db):
    client.post(URL, json=full_run())
    before = db.execute("SELECT * FROM agent_runs").fetchall()
    response = client.post(URL, json=full_run())
    assert response.status_code == 200
    assert response.json == {
        "status": "duplicate",
        "event_id": "event-1",
        "message": "Event already exists (idempotent)",
    }
    assert db.execute("SELECT * FROM agent_runs").fetchall() == before


def test_a_duplicate_names_the_fields_that_differ(client):
    client.post(URL, json=full_run())
    again = full_run(
        agent_name="other",
        start_time="2026-01-31T13:00:00+01:00",  # the same instant
        duration_ms=2501,
        metrics_json={**full_run()["metrics_json"], "ok": 1},  # true is not 1
    )
    del again["product"]  # not sent is not different
    response = client.post(URL, json=again)
    assert response.status_code == 200
    assert response.json["differs"] == ["agent_name", "duration_ms", "metrics_json"]


def test_a_duplicate_does_not_differ_in_fields_changed_since(client):
    client.post(URL, json=minimal_run(duration_ms=1))
    client.patch(f"{URL}/event-1", json={"status": "success", "duration_ms": 5})
    commit = {"commit_hash": "abcdef0", "commit_source": "ci"}
    client.post(f"{URL}/event-1/associate-commit", json=commit)
    again = minimal_run(duration_ms=1, status="running", git_commit_hash="0000000", job_type="x")
    assert client.post(URL, json=again).json["differs"] == ["job_type"]


def test_it_names_every_bad_field_at_once(client, db):
    response = client.post(
        URL,
        json={
            "event_id": "has space",
            "run_id": 7,
            "agent_name": "   ",
            "start_time": "2026-01-31T12:00:00",
            "status": "finished",
            "items_failed": -1,
            "items_skipped": True,
            "duration_ms": 1.5,
            "metrics_json": [],
        },
    )
    assert_problems(
        response,
        {
            "event_id": "identifier",
            "run_id": "string_type",
            "agent_name": "string_blank",
            "job_type": "missing",
            "start_time": "timezone_aware",
            "status": "enum",
            "items_failed": "greater_than_equal",
            "items_skipped": "int_type",
            "duration_ms": "int_type",
            "metrics_json": "object_type",
        },
    )
    assert db.execute("SELECT count(*) AS n FROM agent_runs").fetchone()["n"] == 0


@pytest.mark.parametrize(
    ("field", "value", "kind"),
    [
        ("event_id", "", "string_too_short"),
        ("event_id", "x" * 256, "string_too_long"),
        ("event_id", "a/b", "identifier"),
        ("event_id", "a\u00a0b", "identifier"),
        ("event_id", "a\u200bb", "identifier"),
        ("event_id", None, "null"),
        ("run_id", "x" * 256, "string_too_long"),
        ("job_type", "", "string_too_short"),
        ("start_time", 1767225600, "datetime_type"),
        ("start_time", "yesterday", "datetime_parsing"),
        ("start_time", "2026-02-30T00:00:00Z", "datetime_parsing"),
        ("start_time", "0001-01-01T00:00:00+01:00", "datetime_parsing"),
        ("start_time", "9999-12-31T23:59:59-01:00", "datetime_parsing"),
        ("end_time", "2026-01-31", "datetime_parsing"),
        ("items_failed", "1", "int_type"),
        ("items_failed", 2**63, "int_out_of_range"),
        ("duration_ms", 1e300, "less_than_equal"),
        ("duration_ms", "1.0", "int_type"),
        ("api_posted", 2, "bool_type"),
        ("api_posted", 0.5, "bool_type"),
        ("api_posted", "true", "bool_type"),
        ("api_posted", "0", "bool_type"),
        ("git_commit_source", "human", "enum"),
        ("product", 1, "string_type"),
        ("context_json", "{}", "object_type"),
        ("context_json", {"x": [2**63]}, "int_out_of_range"),
    ],
)
def test_it_rejects(client, db, field, value, kind):
    assert_problems(client.post(URL, json=minimal_run(**{field: value})), {field: kind})
    assert db.execute("SELECT count(*) AS n FROM agent_runs").fetchone()["n"] == 0


def test_a_constraint_that_is_not_a_duplicate_is_400(client, db, caplog):
    db.execute("ALTER TABLE agent_runs ADD CONSTRAINT no_demo CHECK (job_type <> 'demo')")
    response = client.post(URL, json=minimal_run(job_type="demo"))
    assert_error(response, 400, "Database integrity error: no_demo")
    assert "[ERROR] Database integrity error: no_demo" in caplog.messages


def test_an_unexpected_failure_hides_its_cause(client, db, caplog):
    db.execute(
        "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'secret cause'; END $$"
    )
    db.execute("CREATE TRIGGER t BEFORE INSERT ON agent_runs FOR EACH ROW EXECUTE FUNCTION fail()")
    response = client.post(URL, json=minimal_run(), headers={"X-Request-ID": "my-id"})
    assert_error(response, 500, "Failed to create run: internal error (request my-id)")
    assert any(
        message.startswith("[ERROR] Failed to create run: secret cause")
        for message in caplog.messages
    )


def test_created_and_duplicate_are_logged(client, caplog):
    caplog.set_level("INFO")
    client.post(URL, json=minimal_run())
    client.post(URL, json=minimal_run())
    assert "[OK] Created run: event-1 (agent: agent-a)" in caplog.messages
    assert "[OK] Duplicate event_id (idempotent): event-1" in caplog.messages


def test_one_of_many_racing_clients_creates_the_run(start_service, db):
    service = start_service()

    def post(_: int) -> int:
        return service.client.post(URL, json=minimal_run()).status_code

    with ThreadPoolExecutor(100) as clients:
        statuses = sorted(clients.map(post, range(100)))
    assert statuses == [200] * 99 + [201]
    assert db.execute("SELECT count(*) AS n FROM agent_runs").fetchone()["n"] == 1


def test_long_lists_of_fields_end_with_how_many_more_there_are(client):
    unknown = {f"unknown_{number:04}": number for number in range(1500)}
    created = client.post(URL, json=minimal_run("a") | unknown).json["ignored_fields"]
    assert created[-2:] == ["unknown_0999", "... and 500 more"]
    batch = client.post(f"{URL}/batch", json=[minimal_run("b") | unknown]).json["ignored_fields"]
    assert batch == created
    strict = {"tenant_id": "tenant-1", "device_id": "device-1", **unknown}
    response = client.post("/api/v1/audio-runtime/events", json=strict)
    problems = assert_error(response, 422, reason_code="K_FAIL_EVENT_FIELDS_INVALID")
    assert len(problem_types(problems)) == 1001
    assert problems[-1]["type"] == "too_many"
