"""Connections that are idle, slow or silent, and what becomes of them when the service stops."""

import gzip
import http.client
import json
import resource
import select
import socket
import time
from contextlib import ExitStack
from textwrap import dedent

import httpx
import pytest

from telemetry.time_limits import GRACEFUL_SECONDS
from tests.support.errors import assert_error
from tests.support.service import PROJECT, Service
from tests.support.sockets import accepted, wait_until_accepted, wait_until_read
from tests.support.waiting import wait_until

HEALTH = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"
EVENT = json.dumps({"source": "api", "endpoint": "/x", "runtime_ms": 1}).encode()
POST = (
    b"POST /api/runtime/events HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    b"X-Request-ID: my-id\r\n"
)
LENGTH = b"Content-Length: %d\r\n\r\n" % len(EVENT)


def start_in(folder, silence=30.0, workers=1, before="", after="", **settings):
    """Start a service over a JSON file; ``settings`` are those of gunicorn."""
    lines = [
        before,
        "import telemetry.time_limits",
        f"telemetry.time_limits.SILENCE_SECONDS = {silence}",
        f"exec(open({str(PROJECT / 'gunicorn.conf.py')!r}).read())",
        after,
        *[f"{name} = {value!r}" for name, value in settings.items()],
    ]
    config = folder / "config.py"
    config.write_text("\n".join(lines))
    environ = {
        "GUNICORN_CMD_ARGS": f"--config {config}",
        "RUNTIME_EVENTS_PATH": str(folder / "events.jsonl"),
        "WEB_CONCURRENCY": str(workers),
    }
    return Service(environ, folder)


@pytest.fixture
def start(tmp_path):
    """Start a service for one test."""
    services = []

    def start(**settings):
        services.append(start_in(tmp_path, **settings))
        return services[-1]

    yield start
    for service in services:
        service.kill()


@pytest.fixture(scope="module")
def impatient(tmp_path_factory):
    """A service that gives silent clients up after a second."""
    service = start_in(tmp_path_factory.mktemp("impatient"), silence=1.0)
    yield service
    service.kill()


def connect(service, sent=b""):
    connection = socket.create_connection(("127.0.0.1", service.port), timeout=20)
    connection.sendall(sent)
    return connection


def respond(connection):
    response = http.client.HTTPResponse(connection)
    response.begin()
    return response


@pytest.mark.parametrize(
    ("family", "address"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")]
)
def test_it_listens_on_both_families_and_sees_plain_addresses(start, family, address):
    service = start()
    for sent in (HEALTH.replace(b"health", b"version"), b"BAD\r\n\r\n"):
        with socket.socket(family) as connection:
            connection.connect((address, service.port))
            connection.sendall(sent)
            assert respond(connection).status in (200, 400)
    lines = [json.loads(line) for line in service.log.splitlines()]
    assert {line["client"] for line in lines if line.get("status") == 400} == {address}
    assert address in {line["client"] for line in lines if line.get("status") == 200}


def test_it_starts_without_ipv6(start, tmp_path):
    refused = """
        import socket
        real = socket.socket
        def no_ipv6(family=socket.AF_INET, *more, **named):
            if family == socket.AF_INET6:
                raise OSError(97, "Address family not supported by protocol")
            return real(family, *more, **named)
        socket.socket = no_ipv6
    """
    service = start(before=dedent(refused), after="socket.socket = real")
    assert service.client.get("/health").status_code == 200
    with socket.socket(socket.AF_INET6) as connection, pytest.raises(ConnectionRefusedError):
        connection.connect(("::1", service.port))


def test_it_listens_twice_where_a_socket_of_ipv6_takes_no_ipv4(start):
    v6_only = """
        import socket
        class V6Only(socket.socket):
            def bind(self, address):
                if self.family == socket.AF_INET6:
                    self.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                super().bind(address)
        socket.socket = V6Only
    """
    service = start(before=dedent(v6_only))
    for address in ("127.0.0.1", "::1"):
        with socket.create_connection((address, service.port)) as connection:
            connection.sendall(HEALTH)
            assert respond(connection).status == 200


@pytest.mark.parametrize("workers", [1, 2])
def test_a_stop_ends_idle_connections_at_once(start, workers):
    service = start(workers=workers)
    served, fresh = connect(service, HEALTH), connect(service)
    with served, fresh:
        assert respond(served).read()
        wait_until_accepted(service, served, fresh)
        began = time.monotonic()
        assert service.stop() == 0
        assert time.monotonic() - began < GRACEFUL_SECONDS / 2
        assert served.recv(1) == fresh.recv(1) == b""


def test_a_stop_lets_a_request_in_flight_finish(start):
    service = start()
    with connect(service, POST + LENGTH + EVENT[:9]) as busy, connect(service) as idle:
        wait_until_accepted(service, idle)
        wait_until_read(service, busy)
        time.sleep(0.3)
        service.process.terminate()
        assert idle.recv(1) == b""
        time.sleep(1.5)
        busy.sendall(EVENT[9:])
        response = respond(busy)
        assert response.status == 201
        assert response.headers["Connection"] == "close"
        assert response.read()
        assert busy.recv(1) == b""
    assert service.process.wait(GRACEFUL_SECONDS / 2) == 0


def test_an_idle_connection_is_closed_in_the_end(start):
    service = start(keepalive=1)
    with connect(service, HEALTH) as served, connect(service) as fresh:
        assert respond(served).read()
        assert served.recv(1) == fresh.recv(1) == b""


@pytest.mark.parametrize(
    "sent",
    [
        POST + LENGTH,
        POST + LENGTH + EVENT[:9],
        POST + b"Transfer-Encoding: chunked\r\n\r\n",
        POST + b"Transfer-Encoding: chunked\r\n\r\n9\r\n" + EVENT[:4],
        POST
        + b"Content-Encoding: gzip\r\nContent-Length: 90\r\n\r\n"
        + gzip.compress(EVENT, mtime=0)[:20],
        POST,
        POST + b"X-Half",
    ],
)
def test_a_request_that_stops_arriving_is_408(impatient, sent):
    logged_before = len(impatient.log)
    began = time.monotonic()
    with connect(impatient, sent) as connection:
        response = respond(connection)
        assert 0.9 < time.monotonic() - began < 20
        assert_error(response, 408)
        assert response.headers["Connection"] == "close"
        assert response.headers["X-Request-ID"] == "my-id"
        assert connection.recv(1) == b""
    log = impatient.log[logged_before:]
    assert '"request_id":"my-id"' in log
    assert "Traceback" not in log


def test_a_slow_body_is_read_to_its_end(impatient):
    with connect(impatient, POST + LENGTH) as connection:
        for position in range(len(EVENT)):
            time.sleep(1.5 / len(EVENT))
            connection.sendall(EVENT[position : position + 1])
        assert respond(connection).status == 201


def test_a_refusal_arrives_though_the_client_closes_and_its_body_is_large(start):
    service = start()
    size = 8 * 1024 * 1024
    head = (
        f"POST /nowhere HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {size}\r\n\r\n"
    )
    for _ in range(5):
        with connect(service, head.encode() + bytes(size)) as connection:
            assert_error(respond(connection), 404)


def test_a_slow_head_is_not_read_for_ever(impatient):
    with connect(impatient, b"GET /health HTTP/1.1\r\n") as connection:
        for _ in range(100):
            connection.sendall(b"X: y\r\n")
            if select.select([connection], [], [], 0.2)[0]:
                break
        assert_error(respond(connection), 408)


def test_a_client_that_takes_nothing_of_its_responses_is_given_up(impatient):
    lines = {"content": b"\n".join([EVENT] * 1000)}
    headers = {"Content-Type": "application/jsonl"}
    assert impatient.client.post("/api/runtime/events/batch", headers=headers, **lines).is_success
    get = b"GET /api/runtime/events?limit=1000 HTTP/1.1\r\nHost: x\r\n\r\n"
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(("127.0.0.1", impatient.port))
        # The kernel asks a full receiver ever more rarely whether it has room again.
        connection.settimeout(130)
        connection.sendall(get * 100)
        wait_until(lambda: not accepted(impatient) & {connection.getsockname()[1]})
        size = 0
        while data := connection.recv(65536):
            size += len(data)
    assert 0 < size < 100 * 1000 * len(EVENT)


def test_a_body_that_nobody_wants_does_not_hold_the_connection(impatient):
    with connect(impatient, b"POST /nothing HTTP/1.1\r\nContent-Length: 9\r\n\r\n") as connection:
        response = respond(connection)
        assert_error(response, 404)
        assert connection.recv(1) == b""


@pytest.mark.faults
@pytest.mark.parametrize("sent", [POST + LENGTH, POST, b""])
def test_more_silent_clients_than_connections_do_not_stop_health(start, sent):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < 2000:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4000), hard))
    service = start(worker_connections=1000)
    with ExitStack() as stack:
        silent = [stack.enter_context(connect(service, sent))]
        wait_until_read(service, silent[0])
        httpx.get(f"{service.url}/health", timeout=10)
        silent += [stack.enter_context(connect(service, sent)) for _ in range(1199)]
        for _ in range(3):
            # Far below the time after which a silent client is given up.
            response = httpx.get(f"{service.url}/health", timeout=10)
            assert response.status_code == 200
        # The clients that have been silent longest had to go, and they learn it.
        if sent:
            assert_error(respond(silent[0]), 408)
        else:
            assert silent[0].recv(1) == b""
        silent[-1].sendall({POST: LENGTH + EVENT, b"": POST + LENGTH + EVENT}.get(sent, EVENT))
        assert respond(silent[-1]).status == 201
