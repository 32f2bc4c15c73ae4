"""Requests become events off their path, and sums stay right when events stand for several."""

import json
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from telemetry.client.web import traffic
from telemetry.client.web.endpoints import WebRequest
from telemetry.client.web.traffic import Traffic
from tests.client.stub import Stub
from tests.support.service import PROJECT, environment


@pytest.fixture
def make_traffic(make_client):
    made = []

    def make(client=None, sample_every=1, skip=(), max_endpoints=1000):
        made.append(Traffic(client or make_client(), "web", sample_every, skip, max_endpoints))
        return made[-1]

    yield make
    for each in made:
        each.close()


def request(path="/a", status=200, runtime_ms=10.0, method="GET"):
    return WebRequest("", None, path, method, status, runtime_ms)


def test_a_thread_records_what_was_added(make_client, make_traffic):
    with Stub() as stub:
        client = make_client(stub.url)
        reporting = make_traffic(client)
        for number in range(5):
            reporting.add(request(runtime_ms=number + 1.0))
        until = time.monotonic() + 5
        while client.counters["appended"] < 5 and time.monotonic() < until:
            time.sleep(0.01)
        assert client.flush(5)
    records = [record for sent in stub.requests for record in sent.records]
    assert [record["runtime_ms"] for record in records] == [1.0, 2.0, 3.0, 4.0, 5.0]
    assert {record["source"] for record in records} == {"web"}


def test_sums_stay_right_when_requests_are_sampled(make_client, make_traffic, service):
    client = make_client(service.url)
    reporting = make_traffic(client, sample_every=10)
    sent = [request(f"/{n % 2}a", 500 if n % 7 == 0 else 200, 1.0 + n % 90) for n in range(500)]
    for each in sent:
        reporting.add(each)
    reporting.flush()
    assert client.flush(10)
    assert client.counters["appended"] < 250
    response = service.client.get("/api/runtime/endpoints/summary").json()
    found = {each["endpoint"]: each for each in response["endpoints"]}
    for path in ("/0a", "/1a"):
        mine = [each for each in sent if each.path == path]
        durations = sorted(each.runtime_ms for each in mine)
        assert found[path]["event_count"] == len(mine)
        assert found[path]["error_count"] == sum(each.status == 500 for each in mine)
        assert found[path]["total_runtime_ms"] == pytest.approx(sum(durations))
        cost = found[path]["runtime_cost_estimate"] / found[path]["total_runtime_ms"]
        assert cost == pytest.approx(response_cost(response), rel=1e-3)
        assert found[path]["p95_ms"] == pytest.approx(durations[len(mine) * 95 // 100], rel=0.42)


def response_cost(response):
    """Return the cost of a millisecond over all endpoints."""
    total = sum(each["total_runtime_ms"] for each in response["endpoints"])
    return sum(each["runtime_cost_estimate"] for each in response["endpoints"]) / total


def test_an_incomplete_group_is_recorded_in_time(make_client, make_traffic, monkeypatch):
    monkeypatch.setattr(traffic, "LONGEST_GROUP_SECONDS", 0.2)
    client = make_client()
    reporting = make_traffic(client, sample_every=100)
    for _ in range(3):
        reporting.add(request())
    until = time.monotonic() + 5
    while not client.counters["appended"] and time.monotonic() < until:
        time.sleep(0.01)
    assert client.counters["appended"] == 1


def test_the_queue_is_bounded(make_client, make_traffic, monkeypatch, caplog):
    monkeypatch.setattr(traffic, "MOST_QUEUED", 10)
    client = make_client()
    reporting = make_traffic(client)
    with reporting._recording:
        for _ in range(100):
            reporting.add(request())
        reporting.flush()
    assert client.counters["requests_dropped"] >= 85
    assert len([line for line in caplog.messages if "some are dropped" in line]) == 1


def test_a_method_that_anyone_makes_up_is_no_group_of_its_own(make_client, make_traffic):
    client = make_client()
    lines = []
    client._channel.append = lambda line, share: not lines.append(json.loads(line)["event"])
    reporting = make_traffic(client, sample_every=50)
    for number in range(20):
        reporting.add(request(method=f"X{number}"))
    reporting.flush()
    assert [(line["method"], line["metadata"]["event_count"]) for line in lines] == [("OTHER", 20)]


def test_endpoints_can_be_left_out(make_client, make_traffic):
    client = make_client()
    reporting = make_traffic(client, skip=["/health"])
    reporting.add(request("/health"))
    reporting.add(request("/a"))
    reporting.flush()
    assert client.counters["appended"] == 1


def test_a_failure_of_the_report_stays_here(make_client, make_traffic, monkeypatch, caplog):
    client = make_client()
    reporting = make_traffic(client)
    monkeypatch.setattr(client, "record_event", lambda *_, **__: 1 / 0)
    for _ in range(3):
        reporting.add(request())
        reporting.flush()
    reporting.close()  # the thread may be about to log
    assert len([line for line in caplog.messages if "reporting a request" in line]) == 1


SCRIPT = """
import os, sys
from telemetry.client import TelemetryClient
from telemetry.client.web.endpoints import WebRequest
from telemetry.client.web.traffic import Traffic
client = TelemetryClient({url!r}, spool_dir={spool!r}, strict=True)
traffic = Traffic(client, "web", 100, (), 10)
def add(path, count):
    for _ in range(count):
        traffic.add(WebRequest("", None, path, "GET", 200, 1.0))
add("/parent", 3)
pid = os.fork()
if pid == 0:
    add("/child", 2)
    sys.exit(0)
os.waitpid(pid, 0)
"""


def test_the_end_of_the_interpreter_and_a_fork_lose_and_repeat_nothing(tmp_path: Path):
    with Stub() as stub:
        script = SCRIPT.format(url=stub.url, spool=str(tmp_path / "spool"))
        done = subprocess.run(
            [sys.executable, "-c", script],
            env=environment(PYTHONPATH=str(PROJECT)),
            check=False,
            capture_output=True,
            text=True,
            timeout=30,
        )
    assert done.returncode == 0, done.stderr
    found = Counter()
    for sent in stub.requests:
        for record in sent.records:
            found[record["endpoint"]] += record["metadata"]["event_count"]
    assert found == {"/parent": 3, "/child": 2}
