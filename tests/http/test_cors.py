"""Cross-origin requests: what a browser needs to let a page of another origin call the service."""

import pytest

from telemetry.config import Config, ConfigError
from tests.support.errors import assert_error
from tests.support.runs import minimal_run

ORIGIN = "https://app.example.org"
OTHER = "https://other.example.org"
RUNS = "/api/v1/runs"
PREFLIGHT = {
    "Origin": ORIGIN,
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization,content-type,traceparent",
}


@pytest.fixture
def client(make_app):
    """A client of an application that needs a token, counts requests and has two origins."""
    app = make_app(
        cors_origins=(ORIGIN, "http://localhost:3000"),
        auth_enabled=True,
        auth_token="t0ken",
        rate_limit_enabled=True,
        rate_limit_rpm=1,
    )
    return app.test_client()


def test_it_works(client):
    headers = {"Origin": ORIGIN, "Authorization": "Bearer t0ken"}
    response = client.post(RUNS, json=minimal_run(), headers=headers)
    assert response.status_code == 201
    assert response.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert "X-Request-ID" in response.headers["Access-Control-Expose-Headers"]
    assert "Link" in response.headers["Access-Control-Expose-Headers"]
    assert "Access-Control-Allow-Credentials" not in response.headers
    assert "Origin" in vary(response)


def vary(response):
    return names(response.headers.get("Vary", ""))


def names(header):
    return {name.strip() for name in header.split(",")}


def test_a_page_may_use_every_method_and_read_every_header_of_the_service(client):
    rules = client.application.url_map.iter_rules()
    methods = {method for rule in rules for method in rule.methods}
    response = client.options(RUNS, headers=PREFLIGHT)
    assert names(response.headers["Access-Control-Allow-Methods"]) == methods
    response = client.get(RUNS, headers={"Origin": ORIGIN})
    assert names(response.headers["Access-Control-Expose-Headers"]) == {
        "Allow",
        "Link",
        "Retry-After",
        "WWW-Authenticate",
        "X-RateLimit-Limit",
        "X-RateLimit-Remaining",
        "X-Request-ID",
    }


@pytest.mark.parametrize("path", [RUNS, f"{RUNS}/", f"{RUNS}/event-1", "/nothing", "/metrics"])
def test_a_preflight_request_needs_no_token_and_is_not_counted(client, db, path):
    for _ in range(3):
        response = client.options(path, headers=PREFLIGHT)
        assert (response.status_code, response.data) == (204, b"")
        assert response.headers["Access-Control-Allow-Origin"] == ORIGIN
        assert "POST" in response.headers["Access-Control-Allow-Methods"]
        assert "PATCH" in response.headers["Access-Control-Allow-Methods"]
        allowed = response.headers["Access-Control-Allow-Headers"]
        assert allowed == PREFLIGHT["Access-Control-Request-Headers"]
        assert int(response.headers["Access-Control-Max-Age"]) > 0
        assert "Origin" in vary(response)
        assert response.headers["X-Request-ID"]
    assert db.execute("SELECT FROM rate_limit_clients").rowcount == 0


@pytest.mark.parametrize(
    "without", [{"Origin": OTHER}, {"Origin": None}, {"Access-Control-Request-Method": None}]
)
def test_another_options_request_is_an_ordinary_one(client, without):
    headers = {name: value for name, value in {**PREFLIGHT, **without}.items() if value}
    assert_error(client.options(RUNS, headers=headers), 401)


def test_an_error_carries_the_headers_too(client, make_app, caplog):
    app = make_app(cors_origins=(ORIGIN,))
    app.add_url_rule("/fail", view_func=lambda: 1 / 0)
    plain = app.test_client()
    headers = {"Origin": ORIGIN}
    responses = {
        401: client.get(RUNS, headers=headers),
        429: client.get(RUNS, headers=headers),
        404: plain.get("/nothing", headers=headers),
        405: plain.delete(RUNS, headers=headers),
        415: plain.post(RUNS, headers=headers),
        422: plain.post(RUNS, json={}, headers=headers),
        500: plain.get("/fail", headers=headers),
    }
    for status, response in responses.items():
        assert_error(response, status)
        assert response.headers["Access-Control-Allow-Origin"] == ORIGIN
        assert "Origin" in vary(response)


@pytest.mark.parametrize("origin", [OTHER, "null", ORIGIN.upper(), f"{ORIGIN}:8443", None, ""])
def test_another_origin_gets_no_permission(make_app, origin):
    client = make_app(cors_origins=(ORIGIN,)).test_client()
    response = client.get("/version", headers={"Origin": origin} if origin is not None else {})
    assert response.status_code == 200
    assert not [name for name in response.headers if name[0].startswith("Access-Control")]
    assert "Origin" in vary(response)


def test_without_origins_nothing_is_added(make_app):
    client = make_app().test_client()
    response = client.get("/version", headers={"Origin": ORIGIN})
    assert "Vary" not in response.headers
    assert client.options(RUNS, headers=PREFLIGHT).status_code == 200


@pytest.mark.parametrize(
    ("text", "origins"),
    [
        ("", ()),
        (" , ", ()),
        (ORIGIN, (ORIGIN,)),
        (f"{ORIGIN} ,http://localhost:3000,", (ORIGIN, "http://localhost:3000")),
        ("HTTPS://App.Example.ORG:443", (ORIGIN,)),
        ("http://a:80,http://[2001:DB8::1]:8080", ("http://a", "http://[2001:db8::1]:8080")),
    ],
)
def test_origins_are_read_as_browsers_send_them(text, origins):
    assert Config.from_env({"TELEMETRY_CORS_ORIGINS": text}).cors_origins == origins


@pytest.mark.parametrize(
    "text",
    [
        "*",
        "null",
        "app.example.org",
        "https://",
        f"{ORIGIN}/",
        f"{ORIGIN}/path",
        f"{ORIGIN} {OTHER}",
        f"{ORIGIN},*",
        "https://*.example.org",
        "https://user:s3cret@app.example.org",
        "https://app.example.org:0",
        "https://app.example.org:99999",
        "ftp://app.example.org",
        "https://exämple.org",
    ],
)
def test_what_is_not_an_origin_is_refused_with_one_line(text):
    with pytest.raises(ConfigError) as refused:
        Config.from_env({"TELEMETRY_CORS_ORIGINS": text})
    message = str(refused.value)
    assert message.startswith("TELEMETRY_CORS_ORIGINS: got ")
    assert "https://app.example.org, separated by commas" in message
    assert "s3cret" not in message
