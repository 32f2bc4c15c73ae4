"""The gunicorn worker, over the wire."""

import http.client
import json
import socket
import uuid

import pytest

from tests.support.errors import assert_error
from tests.support.service import Service

HEALTH = b"GET /health HTTP/1.1\r\nHost: x\r\n"


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    """One service for every test here: none of them needs a database."""
    service = Service({"WEB_CONCURRENCY": "1"}, tmp_path_factory.mktemp("worker"))
    yield service
    service.kill()


@pytest.fixture
def wire(service):
    with socket.create_connection(("127.0.0.1", service.port), timeout=10) as connection:
        yield connection


def read(wire, method="GET"):
    """Return one response and its body."""
    response = http.client.HTTPResponse(wire, method=method)
    response.begin()
    return response, response.read()


def test_a_connection_serves_one_request_after_the_other(wire):
    for _ in range(3):
        wire.sendall(HEALTH + b"\r\n")
        response, body = read(wire)
        assert response.status == 200
        assert response.headers["Connection"] == "keep-alive"
        assert len(body) == int(response.headers["Content-Length"])


def test_a_client_may_ask_to_close_the_connection(wire):
    wire.sendall(HEALTH + b"Connection: close\r\n\r\n")
    response, _ = read(wire)
    assert response.headers["Connection"] == "close"
    assert wire.recv(1) == b""


def test_http_1_0_gets_its_response_and_the_end_of_the_connection(wire):
    wire.sendall(b"GET /health HTTP/1.0\r\n\r\n")
    response, body = read(wire)
    assert (response.status, body[:1]) == (200, b"{")
    assert wire.recv(1) == b""


def test_head_has_the_length_and_no_body(wire):
    wire.sendall(HEALTH.replace(b"GET", b"HEAD") + b"\r\n")
    response, body = read(wire, "HEAD")
    assert int(response.headers["Content-Length"]) > 0
    assert body == b""
    wire.sendall(HEALTH + b"\r\n")
    assert read(wire)[0].status == 200


def test_every_response_has_a_date(wire):
    wire.sendall(HEALTH + b"\r\n")
    assert read(wire)[0].headers["Date"].endswith(" GMT")


@pytest.mark.parametrize(
    ("header", "status"),
    [
        (b"Expect: a-miracle", 417),
        (b"X: " + b"y" * 9000, 431),
        (b"Y: z\r\n" * 101 + b"X: y", 431),
        (b"Content-Length: -1", 400),
        (b"no colon", 400),
        (b"Transfer-Encoding: chunked\r\nContent-Length: 2", 400),
        (b"Transfer-Encoding: chunked, chunked", 400),
        *[
            (b"Transfer-Encoding: " + codings, 501)
            for codings in (
                b"magic",
                b"gzip",
                b"deflate",
                b"compress",
                b"identity",
                b"gzip, chunked",
                b"identity, chunked",
                b"chunked, gzip",
                b"GZIP\r\nTransfer-Encoding: chunked",
                b"chunked\r\nTransfer-Encoding: gzip",
                b"",
                b",",
            )
        ],
    ],
)
@pytest.mark.parametrize("id_is_first", [True, False])
def test_it_refuses_what_it_cannot_do(service, wire, header, status, id_is_first):
    name = uuid.uuid4().hex
    both = [b"X-Request-Id:%b" % name.encode(), header][:: 1 if id_is_first else -1]
    wire.sendall(b"POST /api/v1/runs HTTP/1.1\r\nHost: x\r\n" + b"\r\n".join(both) + b"\r\n\r\n")
    response = http.client.HTTPResponse(wire)
    response.begin()
    assert_error(response, status)
    assert response.headers["X-Request-ID"] == name
    (line,) = [it for it in service.log.splitlines() if name in it]
    line = json.loads(line)
    assert line["message"].startswith("Refused a request from 127.0.0.1: ")
    assert (line["status"], line["client"], line["level"]) == (status, "127.0.0.1", "WARNING")


@pytest.mark.parametrize(
    "sent",
    [
        b"BAD\r\nX-Request-ID: my-id\r\n\r\n",
        b"GET /" + b"x" * 5000 + b" HTTP/9\r\nX-Request-ID: my-id\r\n\r\n",
        b"\r\nget / HTTP/1.1\r\nX-Request-ID: my-id\r\n\r\n",
        b"GET / HTTP/1.1\nX-Request-ID: my-id\n\n",
        b"GET / HTTP/1.1\r\nno colon\r\nx-request-id:my-id \r\n\r\n",
    ],
)
def test_the_request_id_is_read_from_a_broken_head(wire, sent):
    wire.sendall(sent)
    response, _ = read(wire)
    assert response.status == 400
    assert response.headers["X-Request-ID"] == "my-id"


@pytest.mark.parametrize(
    "lines",
    [
        b"X-Request-ID: two words",
        b"X-Request-ID: " + b"x" * 129,
        b"X-Request-ID: one\r\nX-Request-ID: two",
        b"Y: z\r\n\r\nX-Request-ID: of-the-body",
        b"Y: X-Request-ID: my-id",
    ],
)
def test_an_invalid_request_id_of_a_broken_head_is_replaced(wire, lines):
    wire.sendall(b"GET / HTTP/9\r\n" + lines + b"\r\n\r\n")
    assert len(read(wire)[0].headers["X-Request-ID"]) == 32


BROKEN = [
    HEALTH + b"\r\nAuthorization: Bearer s3cret\r\n\r\n",
    HEALTH + b"\r\n\r\nAuthorization: Bearer s3cret\r\n\r\n",
    HEALTH + b"Content-Length: 3\r\n\r\n{}}" + b'"token": "s3cret"}\r\n\r\n',
    HEALTH + b"Authorization: Bearer s3cret",
    HEALTH + b"Authorization: Bearer s3cret\r\n : x\r\n\r\n",
    HEALTH + b"Content-Length: s3cret\r\n\r\n",
    HEALTH + b"Transfer-Encoding: s3cret\r\n\r\n",
    HEALTH + b"Expect: s3cret\r\n\r\n",
    HEALTH + b"Transfer-Encoding: chunked\r\n\r\ns3cret\r\n",
    HEALTH + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}s3cret\r\n",
    HEALTH + b"Transfer-Encoding: chunked\r\n\r\n0\r\ns3cret\r\n\r\n",
    b"GET s3cret HTTP/1.1\r\n\r\n",
    b"S3CRET s3cret\r\n\r\n",
    b"s3cret / HTTP/1.1\r\n\r\n",
    b"GET / s3cret\r\n\r\n",
    b"GET / HTTP/1.1\r\ns3cret: x\x00\r\n\r\n",
    b"\x16\x03s3cret",
    b"PRI * HTTP/2.0\r\n\r\ns3cret\r\n\r\n",
]


@pytest.mark.parametrize("level", ["INFO", "DEBUG"])
def test_nothing_of_a_broken_request_reaches_the_log(tmp_path, level):
    service = Service({"WEB_CONCURRENCY": "1", "LOG_LEVEL": level}, tmp_path)
    try:
        for sent in BROKEN:
            with socket.create_connection(("127.0.0.1", service.port), timeout=10) as connection:
                connection.sendall(sent)
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(65536):
                    pass
        assert service.stop() == 0
    finally:
        service.kill()
    assert "Refused a request" in service.log
    assert "s3cret" not in service.log.lower()
