"""GET /api/ready says what has to be repaired, requests say the same, and the log has it once."""

from concurrent.futures import ThreadPoolExecutor
from itertools import count
from threading import Event

import psycopg
import pytest

from telemetry.database.errors import GRANT_RIGHTS
from telemetry.health import store
from tests.support.audio_runtime import event
from tests.support.errors import assert_unavailable
from tests.support.rights import grant
from tests.support.runs import minimal_run
from tests.support.runtime_events import full_event
from tests.support.waiting import wait_until

URL = "/api/ready"
RUNS = "/api/v1/runs"
_roles = count(1)


@pytest.fixture(autouse=True)
def no_result_is_kept(monkeypatch):
    monkeypatch.setattr(store, "FRESH_SECONDS", 0)


@pytest.fixture
def role(db):
    """A role that may do nothing yet; its name."""
    name = f"agent_{next(_roles)}"
    db.execute(f"CREATE ROLE {name} LOGIN")
    yield name
    db.execute(f"DROP OWNED BY {name}")
    db.execute(f"DROP ROLE {name}")


@pytest.fixture
def url_of_role(database_url, role):
    return database_url.replace("postgres:@", f"{role}:@")


def reason(client):
    """Return ``error`` and the failures of a 503."""
    response = client.get(URL)
    assert response.status_code == 503
    detail = response.json["detail"]
    return detail["error"], detail["failures"]


def test_a_role_with_the_needed_rights_can_do_everything(make_app, db, role, url_of_role):
    grant(db, role)
    client = make_app(database_url=url_of_role).test_client()
    assert client.get(URL).status_code == 200
    ledger = "/api/v1/audio-runtime"
    for method, path, body in (
        ("POST", RUNS, minimal_run()),
        ("POST", f"{RUNS}/batch", [minimal_run("event-2"), minimal_run("event-3")]),
        ("POST", f"{RUNS}/batch", [minimal_run("event-2"), minimal_run("event-4")]),
        ("POST", RUNS, minimal_run(status="success", end_time="2026-01-31T12:00:01Z")),
        ("PATCH", f"{RUNS}/event-2", {"status": "success"}),
        (
            "POST",
            f"{RUNS}/event-2/associate-commit",
            {"commit_hash": "a" * 40, "commit_source": "ci"},
        ),
        ("GET", RUNS, None),
        ("GET", "/api/v1/metadata", None),
        ("GET", "/metrics", None),
        ("POST", "/api/runtime/events", full_event()),
        ("POST", "/api/runtime/events/batch", [full_event(), full_event(id="event-2")]),
        ("GET", "/api/runtime/events", None),
        ("GET", "/api/runtime/endpoints/summary", None),
        ("GET", "/api/runtime/change-token", None),
        ("PUT", "/api/v1/devices/device-1", {"tenant_id": "tenant-1"}),
        ("PUT", "/api/v1/sessions/1", {"tenant_id": "tenant-1", "device_id": "device-1"}),
        ("POST", f"{ledger}/events", event(session_id=1)),
        ("POST", f"{ledger}/events/batch", [event("DEVICE_STATE"), event("STREAM_REFS")]),
        ("POST", f"{ledger}/rebuild", {"tenant_id": "tenant-1"}),
        ("GET", f"{ledger}/events?tenant_id=tenant-1", None),
        ("GET", f"{ledger}/current?tenant_id=tenant-1", None),
        ("GET", f"{ledger}/heads?tenant_id=tenant-1", None),
        ("GET", "/api/v1/audit/events?tenant_id=tenant-1", None),
    ):
        response = client.open(path, method=method, json=body)
        assert response.status_code in (200, 201), (path, response.text)


@pytest.mark.parametrize(
    "function",
    [
        "os_core.canonical_kind(text)",
        "take_lane(integer)",
        "runtime_event_weight(jsonb,numeric,numeric)",
        "last_given(regclass)",
    ],
)
def test_a_function_that_may_not_run_is_named(make_app, db, role, url_of_role, function):
    grant(db, role)
    db.execute(f"REVOKE EXECUTE ON FUNCTION {function} FROM public, {role}")
    try:
        error, failures = reason(make_app(database_url=url_of_role).test_client())
    finally:
        db.execute(f"GRANT EXECUTE ON FUNCTION {function} TO public")
    assert error == "permission_denied"
    assert failures == [f"the role has no right to EXECUTE on {function}", GRANT_RIGHTS]


@pytest.mark.parametrize(
    "revoke",
    [
        "REVOKE USAGE ON SCHEMA os_core FROM {role}",
        "REVOKE SELECT ON _yoyo_migration FROM {role}",
        "REVOKE USAGE ON SCHEMA public FROM public, {role}",
    ],
)
def test_a_role_that_cannot_look_is_no_missing_migration(make_app, db, role, url_of_role, revoke):
    grant(db, role)
    db.execute(revoke.format(role=role))
    try:
        client = make_app(database_url=url_of_role).test_client()
        error, [failure] = reason(client)
    finally:
        db.execute("GRANT USAGE ON SCHEMA public TO public")
    assert error == "permission_denied"
    assert "permission denied for" in failure
    assert failure.endswith(GRANT_RIGHTS)


def test_a_request_says_which_right_is_missing(make_app, db, role, url_of_role):
    grant(db, role)
    db.execute(f"REVOKE INSERT ON agent_runs FROM {role}")
    response = make_app(database_url=url_of_role).test_client().post(RUNS, json=minimal_run())
    detail = assert_unavailable(response)
    assert "permission denied for table agent_runs" in detail
    assert GRANT_RIGHTS in detail
    assert response.headers["Retry-After"] == "60"


BROKEN = {
    "agent_runs": ("ALTER TABLE agent_runs RENAME TO gone", RUNS, minimal_run()),
    "runtime_events": (
        "ALTER TABLE runtime_events RENAME TO gone",
        "/api/runtime/events",
        full_event(),
    ),
    "os_core.audio_runtime_events": (
        "ALTER TABLE os_core.audio_runtime_events RENAME TO gone",
        "/api/v1/audio-runtime/events",
        event(),
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_missing_table_is_named(make_app, db, name):
    statement, path, body = BROKEN[name]
    client = make_app().test_client()
    assert client.get(URL).status_code == 200
    db.execute(statement)
    error, failures = reason(client)
    assert error == "schema_altered"
    assert f"{name} is missing" in failures
    response = client.post(path, json=body)
    assert f'"{name}" does not exist' in assert_unavailable(response)
    assert response.headers["Retry-After"] == "60"


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("ALTER TABLE agent_runs DROP COLUMN website CASCADE", '"website"'),
        ("ALTER TABLE agent_runs DROP CONSTRAINT agent_runs_pkey", "ON CONFLICT"),
        ("DROP SCHEMA os_core CASCADE", '"os_core'),
        ("DROP FUNCTION os_core.audio_runtime_collision()", "os_core.audio_runtime_collision()"),
    ],
)
def test_a_request_says_what_else_is_missing(make_app, db, statement, named):
    db.execute(statement)
    ledger = "os_core" in statement
    path, body = ("/api/v1/audio-runtime/events", event()) if ledger else (RUNS, minimal_run())
    response = make_app().test_client().post(path, json=body)
    assert named in assert_unavailable(response)
    assert response.headers["Retry-After"] == "60"


@pytest.mark.faults
def test_it_is_not_ready_at_the_connection_limit_of_its_role(make_app, db, role, url_of_role):
    grant(db, role)
    db.execute(f"ALTER ROLE {role} CONNECTION LIMIT 1")
    client = make_app(database_url=url_of_role).test_client()
    with psycopg.connect(url_of_role):
        assert reason(client)[0] == "database_unreachable"
        assert_unavailable(client.post(RUNS, json=minimal_run()))
    wait_until(lambda: client.get(URL).status_code == 200)
    assert client.post(RUNS, json=minimal_run()).status_code == 201


def test_it_is_ready_while_requests_use_every_connection_of_the_role(
    make_app, db, role, url_of_role
):
    grant(db, role)
    db.execute(f"ALTER ROLE {role} CONNECTION LIMIT 1")
    app = make_app(database_url=url_of_role, db_pool_size=1)
    client = app.test_client()
    held, done = Event(), Event()

    def hold(_):
        held.set()
        done.wait(30)

    with ThreadPoolExecutor(1) as pool:
        holding = pool.submit(app.extensions["databases"][0].transact, hold)
        try:
            held.wait(30)
            assert client.get(URL).status_code == 200
        finally:
            done.set()
        holding.result()


def test_the_probe_keeps_no_connection(make_app, db, role, url_of_role):
    grant(db, role)
    client = make_app(database_url=url_of_role, db_pool_size=1).test_client()
    for _ in range(3):
        assert client.get(URL).status_code == 200
        assert client.get(RUNS).status_code == 200
    query = "SELECT count(*) AS n FROM pg_stat_activity WHERE usename = %s"
    assert db.execute(query, [role]).fetchone() == {"n": 1}


def test_a_reason_is_logged_once_when_it_begins_and_once_when_it_ends(make_app, db, caplog):
    client = make_app().test_client()
    disable = "ALTER TABLE os_core.audio_runtime_events DISABLE TRIGGER refuse_change"
    enable = "ALTER TABLE os_core.audio_runtime_events ENABLE ALWAYS TRIGGER refuse_change"
    name = "os_core.audio_runtime_events.refuse_change"
    reason_text = f"append_only_triggers_disabled: trigger {name} is missing or disabled"
    client.get(URL)
    db.execute(disable)
    for _ in range(3):
        assert client.get(URL).status_code == 503
    db.execute(enable)
    for _ in range(3):
        assert client.get(URL).status_code == 200
    # Where tables are distributed, the triggers of the shards follow.
    logged = [
        (it.levelname, it.getMessage().partition(";")[0])
        for it in caplog.records
        if it.name == "telemetry.health.reasons"
    ]
    assert logged == [
        ("ERROR", f"Not ready: {reason_text}"),
        ("WARNING", f"No longer a reason not to be ready: {reason_text}"),
    ]


def test_another_reason_is_logged_as_well(make_app, db, role, url_of_role, caplog):
    client = make_app(database_url=url_of_role).test_client()
    assert reason(client)[0] == "permission_denied"
    db.execute(f"GRANT SELECT ON _yoyo_migration TO {role}")
    db.execute(f"GRANT USAGE ON SCHEMA os_core, audit TO {role}")
    assert reason(client)[0] == "permission_denied"
    logged = [it for it in caplog.records if it.name == "telemetry.health.reasons"]
    assert [it.levelname for it in logged] == ["ERROR", "WARNING", "ERROR"]


def test_the_reason_that_a_database_is_unreachable_is_in_the_log_alone(make_app, caplog):
    client = make_app(database_url="postgresql://nobody@127.0.0.1:1/nowhere").test_client()
    response = client.get(URL)
    [logged] = [it for it in caplog.messages if it.startswith("Not ready: database_unreachable")]
    assert "127.0.0.1" in logged
    assert "127.0.0.1" not in response.text
