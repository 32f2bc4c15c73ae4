"""What holds for every endpoint: methods, request ids, logs, bodies on the wire, proxies."""

import gzip
import http.client
import json
import logging
import re
from pathlib import PurePosixPath

import pytest

from telemetry.logs import ServerFormatter, TerminalFormatter
from tests.support.errors import assert_error
from tests.support.rights import serving
from tests.support.runs import minimal_run
from tests.support.service import Service


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/api/v1/runs", {"GET", "HEAD", "OPTIONS", "POST"}),
        ("/api/v1/runs/x", {"GET", "HEAD", "OPTIONS", "PATCH"}),
    ],
)
def test_options_lists_the_methods_of_a_path(client, path, allowed):
    response = client.options(path)
    assert (response.status_code, response.data) == (200, b"")
    assert set(response.headers["Allow"].split(", ")) == allowed


@pytest.mark.parametrize(
    "path", ["/api/v1/metadata", "/api/v1/runs", "/api/v1/runs/nobody", "/nothing"]
)
def test_head_is_get_without_a_body(client, path):
    head, get = client.head(path), client.get(path)
    assert (head.status_code, head.data) == (get.status_code, b"")
    assert head.headers["Content-Length"] == get.headers["Content-Length"]
    assert head.content_type == get.content_type == "application/json"


def test_slashes_before_a_path_count_as_one(client):
    response = client.get("/", environ_overrides={"PATH_INFO": "//health"})
    assert response.status_code == 200


@pytest.mark.parametrize("host", ["a..b", "..", "ü", "x" * 300, "a/b", ""])
@pytest.mark.parametrize("path", ["/api/v1/runs?limit=1", "/api/v1/runs/event-1"])
def test_no_response_depends_on_the_host(client, path, host):
    runs = [minimal_run("event-1"), minimal_run("event-2")]
    client.post("/api/v1/runs/batch", json=runs)
    response = client.get(path, headers={"Host": host.encode().decode("latin-1")})
    assert response.status_code == 200
    if link := response.headers.get("Link"):
        assert re.fullmatch(r'</api/v1/runs\?limit=1&cursor=.+>; rel="next"', link)


def test_teardown_functions_are_called(make_app):
    app, ended = make_app(), []
    app.teardown_request(lambda error: ended.append("request"))
    app.teardown_appcontext(lambda error: ended.append("context"))
    app.test_client().get("/health")
    assert ended == ["request", "context"]


def test_every_response_has_a_request_id_of_its_own(client):
    first, second = client.get("/health"), client.get("/nothing")
    assert first.headers["X-Request-ID"] != second.headers["X-Request-ID"]


def test_the_request_id_of_the_caller_is_kept(client):
    response = client.get("/health", headers={"X-Request-ID": "agent-7:42"})
    assert response.headers["X-Request-ID"] == "agent-7:42"


@pytest.mark.parametrize("sent", ["", "two words", "x" * 129, "ü", "a/b"])
def test_an_invalid_request_id_is_replaced(client, sent):
    response = client.get("/health", headers={"X-Request-ID": sent})
    assert len(response.headers["X-Request-ID"]) == 32


def test_every_request_is_one_log_line_with_its_id(client, caplog):
    caplog.set_level("INFO")
    client.post("/api/v1/runs", json=minimal_run(), headers={"X-Request-ID": "my-id"})
    (record,) = [record for record in caplog.records if record.name == "telemetry.request"]
    assert (record.request_id, record.status, record.method) == ("my-id", 201, "POST")


@pytest.mark.parametrize("formatter", [ServerFormatter(), TerminalFormatter()])
def test_no_value_can_forge_a_log_line(formatter):
    forged = 'x\n{"level": "INFO"}\r\u2028\u0085\x1b[2Jend'
    record = logging.LogRecord("telemetry", 20, "f", 1, "[OK] %s", (forged,), None)
    record.path = forged
    line = formatter.format(record)
    assert len(line.splitlines()) == 1
    assert "\x1b" not in line


def test_the_server_logs_json():
    record = logging.LogRecord("telemetry", 20, "f", 1, "ünï %s", ("x",), None)
    line = json.loads(ServerFormatter().format(record))
    assert (line["level"], line["message"]) == ("INFO", "ünï x")
    assert line["time"].endswith("Z")


def test_extra_values_and_a_traceback_are_on_the_same_log_line():
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
    """One service for all tests that need nothing but a socket."""
    url = databases.take()
    service = Service({"DATABASE_URL": serving(url)}, tmp_path_factory.mktemp("service"))
    yield service
    service.kill()
    databases.give_back(url)


@pytest.mark.parametrize("header", [("SCRIPT_NAME", "/elsewhere"), ("Host", "xn--zzzz")])
def test_an_odd_header_does_not_make_the_service_fail(service, header):
    runs = [minimal_run("page-1"), minimal_run("page-2")]
    service.client.post("/api/v1/runs/batch", json=runs)
    response = service.client.get("/api/v1/runs?limit=1", headers=[header])
    assert response.status_code == 200
    assert response.headers["Link"].startswith("</api/v1/runs?limit=1&cursor=")


def test_large_bodies_are_refused_on_the_wire(service):
    body = b'{"x": "' + b"y" * (17 * 1024 * 1024) + b'"}'
    headers = {"Content-Type": "application/json"}
    assert_error(service.client.post("/api/v1/runs", content=body, headers=headers), 413)

    def chunks():
        for start in range(0, len(body), 65536):
            yield body[start : start + 65536]

    assert_error(service.client.post("/api/v1/runs", content=chunks(), headers=headers), 413)
    assert service.client.get("/health").status_code == 200


@pytest.mark.parametrize(("limit", "status"), [(0, 413), (-1, 413), (1, 201)])
def test_a_body_may_be_as_long_as_the_limit(make_app, limit, status):
    body = json.dumps(minimal_run())
    client = make_app(max_body_bytes=len(body) - 1 + limit).test_client()
    response = client.post("/api/v1/runs", data=body, content_type="application/json")
    assert response.status_code == status


def test_a_body_that_is_cut_short_is_400(service):
    line = json.dumps(minimal_run("cut")).encode() + b"\n"
    connection = http.client.HTTPConnection("127.0.0.1", service.port)
    connection.putrequest("POST", "/api/v1/runs/batch")
    connection.putheader("Content-Type", "application/x-ndjson")
    connection.putheader("Content-Length", str(2 * len(line)))
    connection.endheaders(line)
    connection.sock.shutdown(1)
    assert_error(connection.getresponse(), 400)
    connection.close()
    assert service.client.get("/api/v1/runs/cut").status_code == 404


def test_a_chunked_body_works(service):
    parts = (json.dumps(minimal_run()).encode()[start : start + 7] for start in range(0, 200, 7))
    headers = {"Content-Type": "application/json"}
    assert service.client.post("/api/v1/runs", content=parts, headers=headers).status_code == 201


@pytest.mark.parametrize("chunked", [False, True])
def test_a_compressed_body_works_on_the_wire(service, chunked):
    body = gzip.compress(json.dumps(minimal_run(f"gzip-{chunked}")).encode())
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    content = iter([body[:9], body[9:]]) if chunked else body
    assert service.client.post("/api/v1/runs", content=content, headers=headers).status_code == 201
    bomb = gzip.compress(b" " * 20_000_000)
    content = iter([bomb]) if chunked else bomb
    assert_error(service.client.post("/api/v1/runs", content=content, headers=headers), 413)


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
def test_garbage_on_the_wire_is_an_error_like_any_other_and_shows_no_secret(service, sent, status):
    connection = http.client.HTTPConnection("127.0.0.1", service.port)
    connection.connect()
    connection.sock.sendall(sent)
    response = http.client.HTTPResponse(connection.sock)
    response.begin()
    detail = assert_error(response, status)
    connection.close()
    assert service.client.get("/health").status_code == 200
    assert "s3cret" not in detail + service.log


@pytest.mark.parametrize(
    ("proxies", "forwarded", "client_ip"),
    [
        (0, "1.1.1.1", "127.0.0.1"),
        (1, "9.9.9.9, 1.1.1.1", "1.1.1.1"),
        (2, "9.9.9.9, 1.1.1.1, 2.2.2.2", "1.1.1.1"),
        (2, "1.1.1.1", "127.0.0.1"),
    ],
)
def test_only_the_trusted_proxies_name_the_client(make_app, caplog, proxies, forwarded, client_ip):
    caplog.set_level("INFO")
    client = make_app(trusted_proxies=proxies).test_client()
    client.get("/health", headers={"X-Forwarded-For": forwarded})
    assert caplog.records[-1].client == client_ip
