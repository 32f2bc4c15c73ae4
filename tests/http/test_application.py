"""The Flask application keeps what Flask promises to blueprints."""

import pytest
from flask import Blueprint, session, url_for

from tests.support.runs import minimal_run


@pytest.fixture
def client(make_app):
    """A client of an application with a room that uses hooks and the session."""
    room = Blueprint("room", __name__, url_prefix="/room")
    app = make_app()
    app.secret_key = "secret"
    calls = []

    @room.before_request
    def before():
        calls.append("before")

    @room.after_request
    def after(response):
        response.headers["X-Room"] = "yes"
        return response

    @room.teardown_request
    def teardown(_):
        calls.append("teardown")

    @room.get("/<name>")
    def visit(name):
        session["visits"] = session.get("visits", 0) + 1
        return f"{name} {session['visits']}"

    @room.get("")
    def index():
        return url_for("room.visit", name="a")

    app.register_blueprint(room)
    client = app.test_client()
    client.calls = calls
    return client


def test_the_hooks_of_a_blueprint_are_called(client):
    assert client.get("/room/a").headers["X-Room"] == "yes"
    assert client.calls == ["before", "teardown"]


def test_the_hooks_of_a_blueprint_are_its_own(client):
    assert "X-Room" not in client.get("/health").headers
    assert client.calls == []


def test_the_session_is_kept_between_requests(client):
    assert [client.get("/room/a").text for _ in range(3)] == ["a 1", "a 2", "a 3"]


def test_a_request_that_uses_no_session_sets_no_cookie(client):
    assert "Set-Cookie" not in client.get("/health").headers


@pytest.mark.parametrize("path", ["/room", "/room?x=1"])
def test_a_view_builds_urls(client, path):
    assert client.get(path).text == "/room/a"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/health", 200),
        ("GET", "/api/v1/runs", 200),
        ("HEAD", "/api/v1/runs", 200),
        ("OPTIONS", "/api/v1/runs", 200),
        ("POST", "/api/v1/runs", 201),
        ("POST", "/api/v1/runs/batch", 200),
        ("GET", "/api/v1/runs/event-1", 200),
        ("PATCH", "/api/v1/runs/event-1", 200),
        ("GET", "/api/v1/runs/event-1/repo-url", 200),
        ("POST", "/api/runtime/events", 201),
        ("PUT", "/api/v1/devices/device-1", 201),
        ("DELETE", "/api/v1/runs", 405),
        ("GET", "/nothing", 404),
        ("GET", "/room", 200),
    ],
)
def test_a_slash_at_the_end_of_a_path_makes_no_difference(client, method, path, status):
    bodies = {
        "/api/v1/runs": minimal_run(),
        "/api/v1/runs/batch": [minimal_run("event-2")],
        "/api/v1/runs/event-1": {"status": "success"},
        "/api/runtime/events": {"source": "api", "endpoint": "/x", "runtime_ms": 1},
        "/api/v1/devices/device-1": {"tenant_id": "tenant-1"},
    }
    if "event-1" in path:
        assert client.post("/api/v1/runs/", json=minimal_run("event-1")).status_code == 201
    body = bodies.get(path) if method in ("POST", "PATCH", "PUT") else None
    response = client.open(f"{path}/?", method=method, json=body)
    assert response.status_code == status
    assert response.headers.get("Allow") == client.open(path, method=method).headers.get("Allow")
