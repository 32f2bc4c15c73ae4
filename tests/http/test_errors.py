"""Every failure is an error of the one shape, with the status that the contract gives it."""

import pytest

from telemetry.database.errors import IntegrityViolation
from telemetry.failures import RETRY_AFTER_SECONDS, Unavailable
from tests.support.errors import assert_error, assert_problems, assert_unavailable
from tests.support.runs import minimal_run


@pytest.fixture
def failing(make_app):
    """Return a client whose GET /fail raises the error that the test gives it."""

    def client_of(error):
        app = make_app()

        def fail():
            raise error

        app.add_url_rule("/fail", view_func=fail)
        return app.test_client()

    return client_of


@pytest.mark.parametrize(
    "path",
    [
        "/nothing",
        "/api/v1/runs//",
        "/api//v1/runs",
        "/%00",
        "/%ff",
        "/api/v1/runs/a%00b",
        "/api/v1/runs/%00/commit-url",
    ],
)
def test_an_unknown_path_is_404(client, path):
    assert "\0" not in assert_error(client.get(path), 404)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/api/v1/runs/x", {"GET", "HEAD", "OPTIONS", "PATCH"}),
        ("PUT", "/api/v1/runs", {"GET", "HEAD", "OPTIONS", "POST"}),
        ("POST", "/metrics", {"GET", "HEAD", "OPTIONS"}),
    ],
)
def test_a_wrong_method_is_405_with_allow(client, method, path, allowed):
    response = client.open(path, method=method)
    assert_error(response, 405)
    assert set(response.headers["Allow"].split(", ")) == allowed


@pytest.mark.parametrize(
    ("status", "sent"),
    [
        (413, {"json": {"x": "y" * 1000}}),
        (415, {"data": "x", "content_type": "text/plain"}),
        (422, {"data": "x", "content_type": "application/json"}),
    ],
)
def test_a_body_that_cannot_be_read_is_an_error(make_app, status, sent):
    client = make_app(max_body_bytes=1000).test_client()
    assert_error(client.post("/api/v1/runs", **sent), status)


def test_every_bad_field_is_a_problem(client):
    response = client.post("/api/v1/runs", json=minimal_run(status="x", duration_ms=-1))
    assert_problems(response, {"status": "enum", "duration_ms": "greater_than_equal"})


def test_a_constraint_that_refuses_the_data_is_400(failing):
    response = failing(IntegrityViolation("no_demo")).get("/fail")
    assert_error(response, 400, "Database integrity error: no_demo")


def test_an_unexpected_failure_is_500_and_hides_its_cause(failing, caplog):
    client = failing(ValueError("secret cause"))
    response = client.get("/fail", headers={"X-Request-ID": "my-id"})
    assert_error(response, 500, "Internal error (request my-id)")
    assert "ValueError: secret cause" in caplog.messages
    assert "Traceback" in caplog.text


def test_what_is_unavailable_is_503_with_retry_after(failing, caplog):
    response = failing(Unavailable("the file is locked")).get("/fail")
    assert_unavailable(response, "the file is locked")
    assert response.headers["Retry-After"] == str(RETRY_AFTER_SECONDS)
    assert "the file is locked" in caplog.messages


def test_without_a_database_runs_are_503_and_name_the_variable(make_app):
    client = make_app(database_url=None).test_client()
    for response in (
        client.post("/api/v1/runs", json=minimal_run()),
        client.post("/api/v1/runs/batch", json=[minimal_run()]),
        client.get("/api/v1/runs"),
        client.get("/metrics"),
    ):
        assert "DATABASE_URL" in assert_unavailable(response)


def test_without_migrations_everything_is_503(make_app, empty_database_url, caplog):
    client = make_app(database_url=empty_database_url).test_client()
    response = client.post("/api/v1/runs", json=minimal_run())
    assert "run `python -m telemetry migrate`" in assert_unavailable(response)
    assert response.headers["Retry-After"] == "60"
    assert any("not migrated" in message for message in caplog.messages)
