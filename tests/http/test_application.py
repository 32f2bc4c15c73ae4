"""The Flask application keeps what Flask promises to blueprints."""

import pytest
from flask import Blueprint, session, url_for


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
