"""What the log line of a request says of it."""

import json
import logging

import pytest

from telemetry.http.errors import ApiError
from telemetry.http.reasons import reason_of
from telemetry.logs import TerminalFormatter
from tests.support.audio_runtime import event
from tests.support.errors import assert_error
from tests.support.runs import minimal_run

HEALTH_PATHS = ("/health", "/api/health", "/api/ready", "/api/health/persistence")
RUNS = "/api/v1/runs"
LEDGER = "/api/v1/audio-runtime/events"
EVENTS = "/api/runtime/events"


@pytest.fixture
def logged(caplog):
    """Return the level and the message of the log lines of requests, since the last call."""
    caplog.set_level("DEBUG")

    def logged():
        found = [
            (record.levelname, record.getMessage())
            for record in caplog.records
            if record.name == "telemetry.request"
        ]
        caplog.clear()
        return found

    return logged


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ({}, "Authorization header required. Use: Authorization: Bearer <token>"),
        (
            {"Authorization": "Basic s3cret"},
            "Invalid authorization format. Use: Authorization: Bearer <token>",
        ),
        ({"Authorization": "Bearer s3cret"}, "Invalid authentication token"),
    ],
)
def test_a_401_is_a_warning_with_its_reason_and_without_the_token(
    make_app, logged, caplog, header, reason
):
    client = make_app(auth_enabled=True, auth_token="t0ken").test_client()
    assert_error(client.get("/version", headers=header), 401)
    assert "s3cret" not in caplog.text
    assert logged() == [("WARNING", f"GET /version 401: {reason}")]


@pytest.mark.parametrize(
    ("method", "path", "sent", "fields"),
    [
        (
            "POST",
            RUNS,
            minimal_run(status="s3cret", run_id=7),
            "status (enum), run_id (string_type)",
        ),
        ("POST", RUNS, minimal_run("."), "event_id (identifier)"),
        ("PATCH", f"{RUNS}/x", {"duration_ms": "s3cret"}, "duration_ms (int_type)"),
        ("POST", RUNS, ["s3cret"], "body (object_type)"),
        (
            "POST",
            EVENTS,
            {"source": "s3cret", "endpoint": "/x", "runtime_ms": 0},
            "source (enum), runtime_ms (greater_than)",
        ),
        (
            "POST",
            LEDGER,
            event(created_at="s3cret", mood="s3cret"),
            "created_at (int_type), mood (unknown)",
        ),
        ("GET", f"{RUNS}?limit=s3cret", None, "limit (int_parsing)"),
        ("GET", f"{RUNS}?mood=s3cret", None, "mood (unknown)"),
        ("PUT", "/api/v1/sessions/x", {"tenant_id": "t"}, "session_id (int_parsing)"),
    ],
)
def test_a_422_is_a_warning_with_the_bad_fields_and_without_their_values(
    client, logged, caplog, method, path, sent, fields
):
    response = client.open(path, method=method, json=sent)
    assert response.status_code == 422
    assert "s3cret" not in caplog.text
    assert logged() == [("WARNING", f"{method} {path.partition('?')[0]} 422: {fields}")]


@pytest.mark.parametrize("body", [b"{s3cret", b'{"x": s3cret}', b"\xffs3cret", b'"s3cret"'])
def test_nothing_of_a_body_that_is_not_json_is_logged(client, logged, caplog, body):
    for path in (RUNS, f"{RUNS}/batch", EVENTS, f"{EVENTS}/batch", LEDGER, f"{LEDGER}/batch"):
        response = client.post(path, data=body, content_type="application/json")
        assert response.status_code == 422
        ((level, message),) = logged()
        assert level == "WARNING"
        assert message.startswith(f"POST {path} 422: body (")
    assert "s3cret" not in caplog.text


@pytest.mark.parametrize(
    ("path", "valid", "outcomes"),
    [
        (RUNS, minimal_run(), "runs: {} created, 0 completed, 0 duplicates"),
        (
            EVENTS,
            {"source": "api", "endpoint": "/x", "runtime_ms": 1},
            "events: {} recorded, 0 duplicates",
        ),
    ],
)
def test_the_line_of_a_batch_names_the_bad_fields_of_its_records_once(
    client, logged, path, valid, outcomes
):
    first = [*valid][-1]
    invalid = {**valid, first: []}
    kind = client.post(path, json=invalid).json["detail"][0]["type"]
    logged()
    reason = f"2 errors: {first} ({kind}), body (object_type)"

    response = client.post(f"{path}/batch", json=[valid, invalid, 7])
    assert response.status_code == 200
    assert logged() == [("INFO", f"[OK] Batch of 3 {outcomes.format(1)}, {reason}")]

    response = client.post(f"{path}/batch", json=[invalid, 7])
    assert response.status_code == 422
    assert logged() == [("WARNING", f"Batch of 2 {outcomes.format(0)}, {reason}")]


def test_the_line_of_a_ledger_batch_names_bad_fields_and_reason_codes(client, logged):
    bad = event(device_id="device-0", mood="s3cret")
    response = client.post(
        f"{LEDGER}/batch", json=[bad, event(device_id="none"), event(device_id="no")]
    )
    assert response.status_code == 422
    ((level, message),) = logged()
    assert level == "WARNING"
    assert message == (
        "Batch of 3 events: 0 committed, 0 duplicates, 3 errors:"
        " mood (unknown), K_FAIL_DEVICE_UNBOUND"
    )


def test_the_line_of_a_batch_names_a_constraint_that_refused_a_record(client, db, logged):
    db.execute("ALTER TABLE agent_runs ADD CONSTRAINT no_demo CHECK (job_type <> 'demo')")
    client.post(f"{RUNS}/batch", json=[minimal_run("a"), minimal_run("b", job_type="demo")])
    ((_, message),) = logged()
    assert message.endswith(", 1 errors: Database integrity error: no_demo")


@pytest.mark.parametrize(
    ("method", "path", "sent", "line"),
    [
        ("GET", f"{RUNS}?status=x", None, "400: Invalid status: "),
        ("PATCH", f"{RUNS}/x", {}, "400: Nothing to update; "),
        ("GET", f"{RUNS}/x", None, "404: Run not found: x"),
        ("POST", LEDGER, event(device_id="none"), "404: Device none is not bound to tenant "),
        ("POST", RUNS, None, "415: Content-Type must be application/json, in UTF-8"),
    ],
)
def test_the_line_of_any_other_error_gives_its_reason(client, logged, method, path, sent, line):
    client.open(path, method=method, json=sent)
    ((level, message),) = logged()
    assert level == "INFO"
    assert message.startswith(f"{method} {path.partition('?')[0]} {line}")


def test_the_line_of_a_body_that_is_too_large_names_the_variable(make_app, logged):
    client = make_app(max_body_bytes=10).test_client()
    client.post(RUNS, json=minimal_run())
    [(level, message)] = logged()
    assert level == "INFO"
    assert message.startswith(f"POST {RUNS} 413: The body is larger than ")


def test_the_line_of_a_room_without_a_backend_names_the_variable(make_app, logged):
    make_app(database_url=None).test_client().get(RUNS)
    reason = "Not configured: a PostgreSQL database is needed: set DATABASE_URL"
    assert logged() == [("INFO", f"GET {RUNS} 503: {reason}")]


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/x", 404), ("PUT", RUNS, 405)])
def test_the_line_of_an_unknown_path_or_method_is_short(client, logged, method, path, status):
    client.open(path, method=method)
    assert logged() == [("INFO", f"{method} {path} {status}")]


def test_a_reason_is_bounded(client, logged):
    fields = {f"{'x' * 100_000}{number}": 1 for number in range(50)}
    response = client.post(LEDGER, json={**event(), **fields})
    assert len(response.json["detail"]) == 50
    ((_, message),) = logged()
    assert f"{'x' * 64}... (unknown)" in message
    assert len(message) < 2500
    client.post(LEDGER, json={**event(), **{f"x{number}": 1 for number in range(50)}})
    assert logged()[0][1].endswith(", and 30 more")
    client.get(f"{RUNS}/{'x' * 7000}")
    assert len(logged()[0][1]) < 8000


def test_a_made_up_name_is_escaped():
    def unknown(name):
        return {"loc": ["body", name], "msg": "Unknown field", "type": "unknown"}

    names = ["a (missing), b", "x\n[ERROR] y", "\u2028", "ü", "", "mood"]
    assert reason_of([unknown(name) for name in names]) == ", ".join(
        f"{json.dumps(name)} (unknown)" if name != "mood" else "mood (unknown)" for name in names
    )


@pytest.mark.parametrize("path", HEALTH_PATHS)
def test_polls_are_debug_while_their_response_does_not_change(make_app, logged, path):
    client = make_app().test_client()
    for _ in range(3):
        assert client.get(path).status_code == 200
    assert client.head(f"{path}/").status_code == 200
    assert [level for level, _ in logged()] == ["INFO", "DEBUG", "DEBUG", "DEBUG"]


def test_a_poll_whose_response_changes_is_info(make_app, logged, monkeypatch):
    app = make_app()
    client = app.test_client()
    pending = {"error": "migrations_pending", "failures": ["x"]}
    answers = ["ready", pending, pending, {**pending, "error": "schema_altered"}, "ready", "ready"]

    def respond():
        if (answer := answers.pop(0)) == "ready":
            return answer
        raise ApiError(503, answer)

    monkeypatch.setitem(app.view_functions, "health.ready", respond)
    for _ in [*answers]:
        client.get("/api/ready")
    assert logged() == [
        ("INFO", "GET /api/ready 200"),
        ("INFO", "GET /api/ready 503: migrations_pending"),
        ("DEBUG", "GET /api/ready 503: migrations_pending"),
        ("INFO", "GET /api/ready 503: schema_altered"),
        ("INFO", "GET /api/ready 200"),
        ("DEBUG", "GET /api/ready 200"),
    ]


def test_every_other_request_is_info(make_app, logged):
    client = make_app().test_client()
    for path in ("/version", "/api/ping", "/metrics", "/nothing"):
        assert client.get(path).status_code == client.get(path).status_code
    assert {level for level, _ in logged()} == {"INFO"}


def test_a_line_on_a_terminal_names_request_duration_and_client(client, caplog):
    caplog.set_level("INFO")
    client.post(RUNS, json=minimal_run(), headers={"X-Request-ID": "my-id"})
    line = TerminalFormatter().format(caplog.records[-1])
    duration = caplog.records[-1].duration_ms
    assert line.endswith(
        " INFO    [OK] Created run: event-1 (agent: agent-a)"
        f"  request_id=my-id duration_ms={duration} client=127.0.0.1"
    )
    plain = logging.LogRecord("telemetry", 30, "f", 1, "message", (), None)
    assert TerminalFormatter().format(plain).endswith(" WARNING message")


def test_an_error_line_says_error_once(make_app, caplog, empty_database_url):
    """The contract fixes the text of two lines, which say it twice."""
    app = make_app(database_url=empty_database_url)
    app.add_url_rule("/fail", view_func=lambda: 1 / 0)
    app.test_client().get("/fail")
    app.test_client().post(RUNS, json=minimal_run())
    app.test_client().get("/api/ready")
    errors = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert len(errors) >= 2
    assert [message for message in errors if "[ERROR]" in message] == []
