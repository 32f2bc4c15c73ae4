"""What holds for every endpoint: errors, request ids, logs, proxies."""

import http.client
import json
import logging
import re
from pathlib import PurePosixPath

import pytest

from telemetry.logs import ServerFormatter, TerminalFormatter
from tests.support.errors import assert_detail
from tests.support.runs import minimal_run
from tests.support.service import Service


@pytest.mark.parametrize(
    "path", ["/", "/nothing", "/api/v1/runs/", "/api//v1/runs", "/%00", "/%ff"]
)
def test_an_unknown_path_is_404(client, path):
    answer = client.get(path)
    assert answer.status_code == 404
    assert answer.json["detail"]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/api/v1/runs/x", {"GET", "HEAD", "OPTIONS", "PATCH"}),
        ("PUT", "/api/v1/runs", {"GET", "HEAD", "OPTIONS", "POST"}),
        ("POST", "/metrics", {"GET", "HEAD", "OPTIONS"}),
    ],
)
def test_a_wrong_method_is_405_with_allow(client, method, path, allowed):
    answer = client.open(path, method=method)
    assert answer.status_code == 405
    assert set(answer.headers["Allow"].split(", ")) == allowed
    assert answer.json["detail"]


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/api/v1/runs", {"GET", "HEAD", "OPTIONS", "POST"}),
        ("/api/v1/runs/x", {"GET", "HEAD", "OPTIONS", "PATCH"}),
    ],
)
def test_options_tells_what_a_path_takes(client, path, allowed):
    answer = client.options(path)
    assert (answer.status_code, answer.data) == (200, b"")
    assert set(answer.headers["Allow"].split(", ")) == allowed


@pytest.mark.parametrize(
    "path", ["/api/v1/metadata", "/api/v1/runs", "/api/v1/runs/nobody", "/nothing"]
)
def test_head_is_get_without_its_body(client, path):
    head, get = client.head(path), client.get(path)
    assert (head.status_code, head.data) == (get.status_code, b"")
    assert head.headers["Content-Length"] == get.headers["Content-Length"]
    assert head.content_type == get.content_type == "application/json"


def test_slashes_before_a_path_count_as_one(client):
    answer = client.get("/", environ_overrides={"PATH_INFO": "//health"})
    assert answer.status_code == 200


@pytest.mark.parametrize("host", ["a..b", "..", "ü", "x" * 300, "a/b", ""])
@pytest.mark.parametrize("path", ["/api/v1/runs?limit=1", "/api/v1/runs/event-1"])
def test_no_answer_depends_on_the_host(client, path, host):
    runs = [minimal_run("event-1"), minimal_run("event-2")]
    client.post("/api/v1/runs/batch", json=runs)
    answer = client.get(path, headers={"Host": host.encode().decode("latin-1")})
    assert answer.status_code == 200
    if link := answer.headers.get("Link"):
        assert re.fullmatch(
            r'<(http://[a-z.-]+)?/api/v1/runs\?limit=1&cursor=.+>; rel="next"', link
        )


@pytest.mark.parametrize("path", ["/api/v1/runs/a%00b", "/api/v1/runs/%00/commit-url"])
def test_nothing_is_named_with_a_nul(client, path):
    answer = client.get(path)
    assert answer.status_code == 404
    assert "\0" not in answer.json["detail"]


def test_what_is_to_be_torn_down_is(make_app):
    app, ended = make_app(), []
    app.teardown_request(lambda error: ended.append("request"))
    app.teardown_appcontext(lambda error: ended.append("context"))
    app.test_client().get("/health")
    assert ended == ["request", "context"]


def test_every_answer_has_a_request_id(client):
    first, second = client.get("/health"), client.get("/nothing")
    assert first.headers["X-Request-ID"] != second.headers["X-Request-ID"]


def test_it_keeps_a_sane_request_id(client):
    answer = client.get("/health", headers={"X-Request-ID": "agent-7:42"})
    assert answer.headers["X-Request-ID"] == "agent-7:42"


@pytest.mark.parametrize("sent", ["", "two words", "x" * 129, "ü", "a/b"])
def test_it_replaces_a_request_id_that_is_not_sane(client, sent):
    answer = client.get("/health", headers={"X-Request-ID": sent})
    assert len(answer.headers["X-Request-ID"]) == 32


def test_every_request_is_one_log_line_with_its_id(client, caplog):
    caplog.set_level("INFO")
    client.post("/api/v1/runs", json=minimal_run(), headers={"X-Request-ID": "my-id"})
    (record,) = [record for record in caplog.records if record.name == "telemetry.request"]
    assert (record.request_id, record.status, record.method) == ("my-id", 201, "POST")


@pytest.mark.parametrize("formatter", [ServerFormatter(), TerminalFormatter()])
def test_no_value_can_forge_a_log_line(formatter):
    evil = 'x\n{"level": "INFO"}\r\u2028\u0085\x1b[2Jend'
    record = logging.LogRecord("telemetry", 20, "f", 1, "[OK] %s", (evil,), None)
    record.path = evil
    line = formatter.format(record)
    assert len(line.splitlines()) == 1
    assert "\x1b" not in line


def test_the_server_logs_json():
    record = logging.LogRecord("telemetry", 20, "f", 1, "ünï %s", ("x",), None)
    line = json.loads(ServerFormatter().format(record))
    assert (line["level"], line["message"]) == ("INFO", "ünï x")
    assert line["time"].endswith("Z")


def test_the_server_logs_what_is_extra_and_a_traceback_on_the_same_line():
    error = ValueError("first\nsecond")
    cause = (ValueError, error, error.__traceback__)
    record = logging.LogRecord("telemetry", 40, "f", 1, "message", (), cause)
    record.status, record.odd = 500, PurePosixPath("/odd")
    line = ServerFormatter().format(record)
    assert len(line.splitlines()) == 1
    assert {"status": 500, "odd": "/odd"}.items() <= json.loads(line).items()
    assert json.loads(line)["exc_info"].endswith("first\nsecond")


@pytest.fixture(scope="module")
def service(databases, tmp_path_factory):
    """One service for all that only needs a wire."""
    url = databases.take()
    service = Service({"DATABASE_URL": url}, tmp_path_factory.mktemp("service"))
    yield service
    service.kill()
    databases.give_back(url)


@pytest.mark.parametrize("header", [("SCRIPT_NAME", "/elsewhere"), ("Host", "xn--zzzz")])
def test_no_header_makes_the_service_fail(service, header):
    runs = [minimal_run("page-1"), minimal_run("page-2")]
    service.client.post("/api/v1/runs/batch", json=runs)
    answer = service.client.get("/api/v1/runs?limit=1", headers=[header])
    assert answer.status_code == 200
    assert "/api/v1/runs?limit=1&cursor=" in answer.headers["Link"]


def test_it_refuses_large_bodies_over_the_wire(service):
    body = b'{"x": "' + b"y" * (17 * 1024 * 1024) + b'"}'
    headers = {"Content-Type": "application/json"}
    answer = service.client.post("/api/v1/runs", content=body, headers=headers)
    assert answer.status_code == 413

    def chunks():
        for start in range(0, len(body), 65536):
            yield body[start : start + 65536]

    answer = service.client.post("/api/v1/runs", content=chunks(), headers=headers)
    assert answer.status_code == 413
    assert service.client.get("/health").status_code == 200


@pytest.mark.parametrize(("limit", "status"), [(0, 413), (-1, 413), (1, 201)])
def test_a_body_may_be_just_as_long_as_the_limit(make_app, limit, status):
    body = json.dumps(minimal_run())
    client = make_app(max_body_bytes=len(body) - 1 + limit).test_client()
    answer = client.post("/api/v1/runs", data=body, content_type="application/json")
    assert answer.status_code == status


def test_a_body_that_was_cut_short_is_refused(service):
    line = json.dumps(minimal_run("cut")).encode() + b"\n"
    connection = http.client.HTTPConnection("127.0.0.1", service.port)
    connection.putrequest("POST", "/api/v1/runs/batch")
    connection.putheader("Content-Type", "application/x-ndjson")
    connection.putheader("Content-Length", str(2 * len(line)))
    connection.endheaders(line)
    connection.sock.shutdown(1)
    assert connection.getresponse().status == 400
    connection.close()
    assert service.client.get("/api/v1/runs/cut").status_code == 404


def test_a_chunked_body_works(service):
    parts = (json.dumps(minimal_run()).encode()[start : start + 7] for start in range(0, 200, 7))
    headers = {"Content-Type": "application/json"}
    assert service.client.post("/api/v1/runs", content=parts, headers=headers).status_code == 201


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"\x16\x03\x01 garbage\r\n\r\n", 400),
        (b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\nX: " + b"y" * 9000 + b"\r\n\r\n", 431),
        (b"POST /api/v1/runs HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
        *[
            (b"GET /health HTTP/1.1\r\n" + line + b"\r\n\r\n", 400)
            for line in (
                b"Authorization Bearer s3cret",
                b"Authorization Bearer s3cret:s3cret",
                b'"Authorization" Bearer s3cret',
                b"Authorization' Bearer s3cret",
                b"s3cret",
                b"s3cret\tx: y",
            )
        ],
        (
            b"POST /api/v1/runs HTTP/1.1\r\nContent-Type: application/json\r\n"
            b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
            400,
        ),
    ],
)
def test_garbage_on_the_wire_is_an_error_like_any_other(service, sent, status):
    connection = http.client.HTTPConnection("127.0.0.1", service.port)
    connection.connect()
    connection.sock.sendall(sent)
    answer = http.client.HTTPResponse(connection.sock)
    answer.begin()
    assert answer.status == status
    assert answer.headers["X-Request-ID"]
    said = answer.read()
    assert json.loads(said)["detail"]
    connection.close()
    assert service.client.get("/health").status_code == 200
    assert "s3cret" not in said.decode() + service.log


@pytest.mark.parametrize(
    ("proxies", "forwarded", "client_ip"),
    [
        (0, "1.1.1.1", "127.0.0.1"),
        (1, "9.9.9.9, 1.1.1.1", "1.1.1.1"),
        (2, "9.9.9.9, 1.1.1.1, 2.2.2.2", "1.1.1.1"),
        (2, "1.1.1.1", "127.0.0.1"),
    ],
)
def test_it_believes_as_many_proxies_as_it_is_told(make_app, caplog, proxies, forwarded, client_ip):
    caplog.set_level("INFO")
    client = make_app(trusted_proxies=proxies).test_client()
    client.get("/health", headers={"X-Forwarded-For": forwarded})
    assert caplog.records[-1].client == client_ip


def test_without_a_database_runs_are_503_and_name_the_variable(make_app):
    client = make_app(database_url=None).test_client()
    for answer in (
        client.post("/api/v1/runs", json=minimal_run()),
        client.post("/api/v1/runs/batch", json=[minimal_run()]),
        client.get("/api/v1/runs"),
        client.get("/metrics"),
    ):
        assert answer.status_code == 503
        assert "DATABASE_URL" in answer.json["detail"]
        assert answer.headers["Retry-After"]


def test_without_migrations_everything_is_503(make_app, empty_database_url, caplog):
    client = make_app(database_url=empty_database_url).test_client()
    detail = "The database is unavailable; the same request can be sent again"
    assert_detail(client.post("/api/v1/runs", json=minimal_run()), 503, detail)
    assert any("not migrated" in message for message in caplog.messages)
