"""The gunicorn worker, over the wire."""

import http.client
import socket

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
        (b"Transfer-Encoding: magic", 501),
        (b"Expect: a-miracle", 417),
        (b"X: " + b"y" * 9000, 431),
    ],
)
def test_it_refuses_what_it_cannot_do(service, wire, header, status):
    wire.sendall(b"POST /api/v1/runs HTTP/1.1\r\nHost: x\r\n" + header + b"\r\n\r\n")
    response = http.client.HTTPResponse(wire)
    response.begin()
    assert_error(response, status)
    assert "Refused a request from 127.0.0.1: " in service.log
