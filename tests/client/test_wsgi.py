"""The middleware for WSGI changes nothing but what it reports."""

import io
import json
import subprocess
import sys
import time
from wsgiref.util import FileWrapper

import httpx
import pytest
from flask import Flask
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from telemetry.client.wsgi import TelemetryMiddleware
from tests.client.web import endpoints, example, serve


@pytest.fixture
def make_middleware(make_client):
    """Make middleware; its ``events`` returns what was recorded."""
    made = []

    def make(app, **settings):
        client, lines = make_client(), []
        client._channel.append = lambda line, share: not lines.append(json.loads(line)["event"])
        middleware = TelemetryMiddleware(app, client, **settings)
        made.append(middleware)

        def events():
            middleware.traffic.flush()
            return lines

        middleware.events = events
        return middleware

    yield make
    for middleware in made:
        middleware.traffic.close()


def get(app, path="/", **environ):
    """Return the status and the body of a response, as a server does that follows PEP 3333."""
    statuses = []

    def start_response(status, headers, exc_info=None):
        statuses.append(status)

    environ = {"REQUEST_METHOD": "GET", "SCRIPT_NAME": "", "PATH_INFO": path, **environ}
    body = app(environ, start_response)
    try:
        parts = b"".join(body)
    finally:
        getattr(body, "close", lambda: None)()
    return statuses[-1] if statuses else None, parts


def shown(events):
    return [(it["endpoint"], it["status_code"]) for it in events]


def test_it_works(make_middleware):
    def app(environ, start_response):
        start_response("201 Created", [])
        return [b"a", b"b"]

    middleware = make_middleware(app, source="api")
    assert get(middleware, "/orders/4711", REQUEST_METHOD="PUT") == ("201 Created", b"ab")
    (event,) = middleware.events()
    assert (event["endpoint"], event["method"], event["source"], event["status_code"]) == (
        "/orders/{id}",
        "PUT",
        "api",
        201,
    )
    assert event["metadata"] == {"agent_name": "tester"}


def test_a_stream_takes_until_it_ends(make_middleware):
    def app(environ, start_response):
        start_response("200 OK", [])
        for _ in range(3):
            time.sleep(0.05)
            yield b"x"

    middleware = make_middleware(app)
    assert get(middleware)[1] == b"xxx"
    assert middleware.events()[0]["runtime_ms"] > 145


def test_a_client_that_goes_ends_the_request(make_middleware):
    closed = []

    def app(environ, start_response):
        start_response("200 OK", [])
        try:
            while True:
                yield b"x"
        finally:
            closed.append(True)

    middleware = make_middleware(app)
    body = middleware({"PATH_INFO": "/a"}, lambda *_: None)
    assert next(body) == b"x"
    body.close()
    assert (closed, shown(middleware.events())) == ([True], [("/a", 200)])


def fail_before(environ, start_response):
    raise KeyError("before")


def fail_within(environ, start_response):
    start_response("200 OK", [])
    yield b"x"
    raise KeyError("within")


@pytest.mark.parametrize("app", [fail_before, fail_within])
def test_an_exception_is_raised_and_counts_as_500(make_middleware, app):
    middleware = make_middleware(app)
    with pytest.raises(KeyError):
        get(middleware, "/a")
    assert shown(middleware.events()) == [("/a", 500)]


def test_a_list_keeps_its_length(make_middleware):
    middleware = make_middleware(lambda environ, start: [b"abc"])
    assert len(middleware({}, None)) == 1
    middleware = make_middleware(lambda environ, start: iter([b"abc"]))
    assert not hasattr(middleware({}, None), "__len__")


def test_a_file_is_sent_by_the_server_as_it_was_given(make_middleware):
    files = []

    def app(environ, start_response):
        start_response("200 OK", [])
        files.append(environ["wsgi.file_wrapper"](io.BytesIO(b"content")))
        return files[0]

    middleware = make_middleware(app)
    body = middleware({"PATH_INFO": "/a", "wsgi.file_wrapper": FileWrapper}, lambda *_: None)
    assert body is files[0]
    body.close()
    assert body.filelike.closed
    assert shown(middleware.events()) == [("/a", 200)]


def test_routes_of_flask_name_the_endpoint_also_below_a_mount(make_middleware):
    app = Flask("shop")
    app.add_url_rule("/orders/<int:object>", view_func=str, endpoint="o")
    app.add_url_rule("/<path:rest>/raw", view_func=lambda rest: rest, endpoint="raw")
    middleware = make_middleware(DispatcherMiddleware(app, {"/shop": app}))
    paths = ("/orders/1", "/orders/2", "/shop/orders/3", "/a/b/raw", "/missing", "/orders/x")
    for path in paths:
        get(middleware, path, **{"wsgi.url_scheme": "http", "SERVER_NAME": "a", "SERVER_PORT": "1"})
    assert shown(middleware.events()) == [
        ("/orders/{object}", 200),
        ("/orders/{object}", 200),
        ("/shop/orders/{object}", 200),
        ("/{rest}/raw", 200),
        ("/(unknown)", 404),
        ("/(unknown)", 404),
    ]


def test_an_application_may_name_the_endpoint(make_middleware):
    def app(environ, start_response):
        environ["telemetry.endpoint"] = "users/<int:pk>/"
        start_response("200 OK", [])
        return []

    middleware = make_middleware(app)
    get(middleware, "/users/7/")
    assert shown(middleware.events()) == [("/users/{pk}/", 200)]


def test_the_report_never_raises_into_the_application(make_middleware, monkeypatch):
    def app(environ, start_response):
        environ["REQUEST_METHOD"] = environ["PATH_INFO"] = object()
        start_response("abc", [])
        return [b"x"]

    middleware = make_middleware(app)
    assert get(middleware) == ("abc", b"x")
    assert shown(middleware.events()) == [("/", 500)]
    monkeypatch.setattr(middleware.traffic, "add", lambda _: 1 / 0)
    assert get(middleware) == ("abc", b"x")


def test_the_example_with_flask_reports_what_it_serves(service, tmp_path):
    command = [sys.executable, "-m", "gunicorn", "--bind", "127.0.0.1:{port}", "flask_app:app"]
    with serve(command, service.url, tmp_path) as url, httpx.Client(base_url=url) as browser:
        for number in range(20):
            assert browser.get(f"/orders/{number}").json() == {"number": number}
        assert browser.get("/report").text == "line 0\nline 1\nline 2\n"
        assert browser.get("/broken").status_code == 500
        assert browser.get("/health").text == "ok"
        found = endpoints(service, {"/orders/{number}", "/report", "/broken", "/shop/log/error"})
    assert found["/orders/{number}"]["event_count"] == 20
    assert found["/orders/{number}"]["by_source"].keys() == {"web"}
    assert found["/broken"]["status_counts"] == {"500": 1}
    assert "/health" not in found


def test_every_example_is_run_here():
    named = {example("flask_app"), example("fastapi_app")}
    assert {*example("flask_app").parent.glob("*.py")} == named


def test_it_needs_no_framework():
    script = "import sys, telemetry.client.wsgi, telemetry.client.asgi, telemetry.client.logs\n"
    script += "print({'flask', 'werkzeug', 'starlette'} & {*sys.modules})"
    printed = subprocess.check_output([sys.executable, "-c", script], text=True)
    assert printed == "set()\n"
