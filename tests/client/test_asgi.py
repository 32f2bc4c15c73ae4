"""The middleware for ASGI changes nothing but what it reports."""

import asyncio
import json
import sys

import httpx
import pytest
from fastapi import APIRouter, BackgroundTasks, FastAPI
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Mount, Route

from telemetry.client.asgi import TelemetryMiddleware
from tests.client.web import endpoints, serve


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


def get(app, *paths, method="GET"):
    """Return the status codes of the responses."""

    async def run():
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://a") as client:
            return [(await client.request(method, path)).status_code for path in paths]

    return asyncio.run(run())


def shown(events):
    return [(it["endpoint"], it["status_code"]) for it in events]


async def plain(request):
    return PlainTextResponse("ok")


def test_it_works(make_middleware):
    app = FastAPI()
    app.add_api_route("/orders/{number}", lambda number: number, methods=["PUT"])
    middleware = make_middleware(app, source="api")
    assert get(middleware, "/orders/4711?secret=1", method="PUT") == [200]
    (event,) = middleware.events()
    assert (event["endpoint"], event["method"], event["source"], event["status_code"]) == (
        "/orders/{number}",
        "PUT",
        "api",
        200,
    )


def test_routers_that_include_each_other_name_the_whole_endpoint(make_middleware):
    app, router, inner, mounted = FastAPI(), APIRouter(prefix="/orders"), APIRouter(), FastAPI()
    inner.add_api_route("/lines/{line}", lambda order, line: line)
    router.include_router(inner, prefix="/{order}")
    app.include_router(router, prefix="/api/v1")
    mounted.add_api_route("/items/{item}", lambda item: item)
    app.mount("/sub", mounted)
    middleware = make_middleware(app)
    get(middleware, "/api/v1/orders/a/lines/b", "/sub/items/1", "/missing", "/sub/missing")
    first, second, third, fourth = shown(middleware.events())
    assert first == ("/api/v1/orders/{order}/lines/{line}", 200)
    assert second == ("/sub/items/{item}", 200)
    assert third == ("/(unknown)", 404)
    assert fourth[0] in ("/(unknown)", "/sub/{path}")


def test_routes_of_starlette_name_the_endpoint(make_middleware):
    inner = [Route("/users/{name}", plain), Route("/files/{rest:path}", plain)]
    app = Starlette(routes=[Route("/days/{day:int}", plain), Mount("/in/{tenant}", routes=inner)])
    middleware = make_middleware(app)
    get(middleware, "/days/20", "/in/acme/users/someone", "/in/acme/files/a/b", "/missing")
    assert shown(middleware.events()) == [
        ("/days/{day}", 200),
        ("/in/{tenant}/users/{name}", 200),
        ("/in/{tenant}/files/{rest}", 200),
        ("/(unknown)", 404),
    ]


def test_an_exception_is_raised_and_counts_as_500(make_middleware):
    async def fail(scope, receive, send):
        raise KeyError("a bug")

    middleware = make_middleware(fail)
    scope = {"type": "http", "path": "/a", "method": "GET"}
    with pytest.raises(KeyError):
        asyncio.run(middleware(scope, None, None))
    assert shown(middleware.events()) == [("/a", 500)]


@pytest.mark.parametrize(("error", "status"), [(OSError, 200), (asyncio.CancelledError, 200)])
def test_a_client_that_goes_is_no_error_of_the_application(make_middleware, error, status):
    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": b"x", "more_body": True})

    async def send(message):
        if message["type"] == "http.response.body":
            raise error

    middleware = make_middleware(app)
    with pytest.raises(error):
        asyncio.run(middleware({"type": "http", "path": "/a", "method": "GET"}, None, send))
    assert shown(middleware.events()) == [("/a", status)]


def test_a_stream_takes_until_it_ends_and_no_longer(make_middleware):
    async def stream():
        for _ in range(3):
            await asyncio.sleep(0.05)
            yield "x"

    async def respond(background: BackgroundTasks):
        background.add_task(asyncio.sleep, 1)
        return StreamingResponse(stream())

    app = FastAPI()
    app.add_api_route("/stream", respond)
    middleware = make_middleware(app)
    assert get(middleware, "/stream") == [200]
    assert 145 < middleware.events()[0]["runtime_ms"] < 900


def test_other_scopes_pass_unchanged(make_middleware):
    seen = []

    async def app(scope, receive, send):
        seen.append((scope, receive, send))

    middleware = make_middleware(app)
    scope = {"type": "websocket", "path": "/a"}
    asyncio.run(middleware(scope, "receive", "send"))
    assert seen == [(scope, "receive", "send")]
    assert middleware.events() == []


def test_a_shutdown_records_incomplete_groups(make_middleware):
    async def app(scope, receive, send):
        if scope["type"] == "lifespan":
            await send({"type": "lifespan.shutdown.complete"})
        else:
            await send({"type": "http.response.start", "status": 204})
            await send({"type": "http.response.body"})

    async def send(message):
        pass

    async def run():
        for _ in range(3):
            await middleware({"type": "http", "path": "/a", "method": "GET"}, None, send)
        await middleware({"type": "lifespan"}, None, send)

    middleware = make_middleware(app, sample_every=100)
    recorded = []
    middleware.traffic._client.record_event = lambda *_, **fields: recorded.append(fields)
    asyncio.run(run())
    assert sum(it["metadata"].get("event_count", 1) for it in recorded) == 3


def test_an_application_may_name_the_endpoint(make_middleware):
    async def app(scope, receive, send):
        scope["telemetry.endpoint"] = "/users/{pk}"
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body"})

    middleware = make_middleware(app)
    get(middleware, "/users/someone")
    assert shown(middleware.events()) == [("/users/{pk}", 200)]


def test_the_report_never_raises_into_the_application(make_middleware, monkeypatch):
    middleware = make_middleware(Starlette(routes=[Route("/", plain)]))
    monkeypatch.setattr(middleware.traffic, "add", lambda _: 1 / 0)
    assert get(middleware, "/") == [200]


def test_the_example_with_fastapi_reports_what_it_serves(service, tmp_path):
    command = [sys.executable, "-m", "uvicorn", "--port", "{port}", "fastapi_app:app"]
    with serve(command, service.url, tmp_path) as url, httpx.Client(base_url=url) as browser:
        for number in range(20):
            assert browser.get(f"/orders/{number}").json() == {"number": number}
        assert browser.get("/report").text == "line 0\nline 1\nline 2\n"
        # uvicorn closes a connection after an exception, without saying so.
        assert httpx.get(f"{url}/broken").status_code == 500
        assert browser.get("/health").status_code == 200
        found = endpoints(service, {"/orders/{number}", "/report", "/broken", "/shop/log/error"})
    assert found["/orders/{number}"]["event_count"] == 20
    assert found["/orders/{number}"]["by_source"].keys() == {"api"}
    assert found["/broken"]["status_counts"] == {"500": 1}
    assert "/health" not in found
