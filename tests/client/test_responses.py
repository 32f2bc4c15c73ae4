"""What each response of the service, or of something else at its URL, means for the records."""

import json
import time

import pytest

from telemetry.client.sending.transport import Response, retry_after
from tests.client.stub import Reply, Stub, stored

DATE = "Sat, 31 Jan 2026 02:0{}:00 GMT"
BATCH = "/api/v1/runs/batch"


def rejected(client):
    file = client.spool_folder / "rejected.jsonl"
    return [json.loads(line) for line in file.read_text().splitlines()]


def run(client, job_type="nightly"):
    run_id = client.start_run("importer", job_type)
    client.end_run(run_id)
    return run_id


def test_a_request_is_compressed_and_has_the_token(make_client):
    with Stub() as stub:
        client = make_client(stub.url, "secret")
        for _ in range(10):
            run(client)
        assert client.flush(5)
    (request,) = stub.requests
    assert request.path == BATCH
    assert request.headers["authorization"] == "Bearer secret"
    assert request.headers["content-encoding"] == "gzip"
    assert len(request.records) == 10
    assert [record["status"] for record in request.records] == ["success"] * 10


def test_a_refused_record_is_kept_with_the_reason_and_blocks_no_other(make_client, service):
    client = make_client(service.url)
    client._append('{"run":{"event_id":"bad","run_id":7}}\n', 1)
    run_ids = [run(client) for _ in range(3)]
    assert client.flush(10)
    assert {run["run_id"] for run in service.client.get("/api/v1/runs").json()} == {*run_ids}
    (line,) = rejected(client)
    assert json.loads(line["record"])["event_id"] == "bad"
    assert line["status"] == 422
    assert {tuple(problem["loc"][2:]) for problem in line["reason"]} >= {("run_id",)}
    assert client.counters["rejected"] == 1


def test_only_bad_records_are_rejected_as_well(make_client, service):
    client = make_client(service.url)
    client._append('{"run":{"event_id":"bad","run_id":7}}\n', 1)
    client._append('{"event":{"id":"bad","source":"nobody"}}\n', 1)
    assert client.flush(10)
    assert len(rejected(client)) == 2


def test_a_commit_of_a_run_that_does_not_exist_is_rejected(make_client, service):
    client = make_client(service.url)
    body = '"commit_hash":"abcdef0123","commit_source":"llm"'
    client._append(f'{{"commit":{{"event_id":"a/b","{body[1:]}}}}}\n', 1)
    assert client.flush(10)
    assert rejected(client)[0]["status"] in (404, 405)


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_token_loses_nothing(make_client, monkeypatch, status):
    monkeypatch.setattr("telemetry.client.sending.delivery._SLOW_SECONDS", 0.1)
    tokens = ["old", "old", "new"]

    def check(request):
        if request.headers["authorization"] == "Bearer new":
            return stored(request)
        return Reply(status, {"detail": "Invalid authentication token"})

    with Stub(check, check, check) as stub:
        client = make_client(stub.url, lambda: tokens.pop(0) if len(tokens) > 1 else tokens[0])
        run(client)
        assert client.flush(5)
    assert len(stub.requests) == 3
    assert client.counters["sent"] == 1


def test_a_body_that_is_too_large_is_sent_in_parts(make_client, start_service):
    service = start_service(WEB_CONCURRENCY="1", TELEMETRY_MAX_BODY_BYTES="5000")
    client = make_client(service.url)
    run_ids = {run(client) for _ in range(50)}
    assert client.flush(20)
    assert {run["run_id"] for run in service.client.get("/api/v1/runs").json()} == run_ids


def test_a_record_that_is_too_large_alone_is_rejected(make_client):
    too_large = Reply(413, {"detail": "Request body too large"})
    with Stub(too_large, too_large) as stub:
        client = make_client(stub.url)
        run_ids = [run(client), run(client)]
        assert client.flush(5)
    assert [len(request.records) for request in stub.requests] == [2, 1, 1]
    assert [json.loads(line["record"])["run_id"] for line in rejected(client)] == run_ids[:1]


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "120"}, 120),
        ({"retry-after": DATE.format(9), "date": DATE.format(2)}, 420),
        ({"retry-after": DATE.format(2), "date": DATE.format(9)}, 0),
        ({"retry-after": DATE.format(2)}, 0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-1"}, None),
        ({}, None),
    ],
)
def test_retry_after_may_be_a_date(headers, seconds):
    assert retry_after(Response(503, headers, b"")) == seconds


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_respected(make_client, status):
    with Stub(Reply(status, {"detail": "later"}, (("Retry-After", "1"),))) as stub:
        client = make_client(stub.url)
        begun = time.monotonic()
        run(client)
        assert client.flush(5)
        assert 1 <= time.monotonic() - begun < 3
    assert len(stub.requests) == 2


@pytest.mark.parametrize(
    "reply",
    [
        Reply(0),
        Reply(500, {"detail": "internal error"}),
        Reply(502, b"<html>Bad gateway</html>"),
        Reply(408, {"detail": "slow"}),
        Reply(200, b'{"inserted": 1,', (("Content-Length", "99"), ("Connection", "close"))),
    ],
)
def test_a_failed_request_is_sent_again(make_client, reply):
    with Stub(reply, reply) as stub:
        client = make_client(stub.url)
        run(client)
        assert client.flush(5)
    sent = [[record["event_id"] for record in request.records] for request in stub.requests]
    assert len(sent) >= 3
    assert sent[0] == sent[1] == sent[2]
    assert client.counters["sent"] == 1


@pytest.mark.parametrize(
    "reply",
    [
        Reply(200, b"<html>Please sign in</html>"),
        Reply(200, {"status": "ok"}),
        Reply(404, {"detail": "Not Found"}),
        Reply(302, b"", (("Location", "http://127.0.0.1:1/elsewhere"),)),
    ],
)
def test_only_the_service_can_acknowledge(make_client, monkeypatch, reply):
    monkeypatch.setattr("telemetry.client.sending.delivery._SLOW_SECONDS", 0.1)
    with Stub(reply) as stub:
        client = make_client(stub.url)
        run(client)
        assert client.flush(5)
    assert len(stub.requests) == 2
    assert client.counters["sent"] == 1


@pytest.mark.faults
def test_a_record_that_always_fails_is_rejected_when_the_service_works(make_client):
    def fail_if_bad(request):
        if request.path == "/api/ready":
            return Reply(200, {"status": "ready"})
        if any(record.get("job_type") == "bad" for record in request.records):
            return Reply(500, {"detail": "internal error"})
        return stored(request)

    with Stub(*[fail_if_bad] * 100) as stub:
        client = make_client(stub.url)
        for job_type in ("good", "bad", "good"):
            run(client, job_type)
        assert client.flush(20)
    assert [json.loads(line["record"])["job_type"] for line in rejected(client)] == ["bad"]
    assert client.counters["sent"] == 2


def test_a_service_that_does_not_respond_stops_nobody(make_client):
    with Stub() as stub:
        url = stub.url
    client = make_client(url, strict=True)
    begun = time.monotonic()
    for _ in range(100):
        run(client)
    assert time.monotonic() - begun < 1
    assert not client.flush(0.5)


@pytest.mark.parametrize("url", ["telemetry.example.org", "http://a:b", "http://a:99999", "//[a"])
def test_an_invalid_url_is_no_failure_of_the_agent(make_client, caplog, url):
    client = make_client(url, environment=7, strict=False)
    run(client)
    assert not client.flush(0.1)
    assert len([line for line in caplog.messages if "is no URL of a service" in line]) == 1


def test_a_connection_is_kept_and_opened_again_when_the_server_closed_it(make_client):
    closing = Reply(200, {"inserted": 1, "errors": [], "total": 1}, (("Connection", "close"),))
    with Stub(stored, closing, stored) as stub:
        client = make_client(stub.url)
        for _ in range(4):
            run(client)
            assert client.flush(5)
    assert len(stub.requests) == 4


@pytest.mark.faults
def test_the_signs_of_life_of_a_long_run(make_client, service):
    client = make_client(service.url, heartbeat_seconds=0.3)
    run_id = client.start_run("importer", "nightly")
    other = client.start_run("importer", "other")
    client.flush(5)
    time.sleep(2)

    def read(run_id):
        return service.client.get("/api/v1/runs", params={"run_id": run_id}).json()[0]

    first = read(run_id)
    assert (first["status"], first["duration_ms"] > 0) == ("running", True)
    assert first["updated_at"] > first["created_at"]
    client.end_run(other, "partial", duration_ms=7)
    client.flush(5)
    time.sleep(1)
    assert (read(other)["status"], read(other)["duration_ms"]) == ("partial", 7)
    assert read(run_id)["updated_at"] > first["updated_at"]


def test_a_token_that_cannot_be_read_for_a_moment_stops_nothing(make_client):
    tokens = iter(["first", OSError("the vault is away")])

    def token():
        found = next(tokens, "later")
        if isinstance(found, OSError):
            raise found
        return found

    with Stub() as stub:
        client = make_client(stub.url, token, heartbeat_seconds=0.2)
        run_id = client.start_run("importer", "nightly")
        assert client.flush(5)
        time.sleep(0.5)
        assert client.counters["failures"] == 1
        client.end_run(run_id)
        assert client.flush(5)
    assert stub.requests[-1].records[-1]["status"] == "success"


def test_signs_of_life_wait_while_the_service_does_not_respond(make_client):
    def fails(request):
        return Reply(503) if request.method == "PATCH" else stored(request)

    with Stub(*[fails] * 20) as stub:
        client = make_client(stub.url, heartbeat_seconds=0.4)
        for _ in range(9):
            client.start_run("importer", "nightly")
        time.sleep(0.7)
    assert [request.method for request in stub.requests].count("PATCH") == 1
