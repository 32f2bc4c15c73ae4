"""What a client reports about runs reaches the service."""

import asyncio
import threading
import time
from contextlib import suppress

import pytest

from telemetry.client import current_run


@pytest.fixture
def client(make_client, service):
    return make_client(service.url)


@pytest.fixture
def get(client, service):
    """Return a function that flushes the client and reads the run of an event_id or run_id."""

    def read(run_id):
        assert client.flush(10)
        (run,) = service.client.get("/api/v1/runs", params={"run_id": run_id}).json()
        return run

    return read


def test_it_works(client, get):
    with client.track_run("importer", "nightly", product="slides") as run:
        run.set_metrics(items_discovered=3, metrics_json={"cost": 0.25})
    stored = get(run.run_id)
    assert (stored["agent_name"], stored["job_type"], stored["status"]) == (
        "importer",
        "nightly",
        "success",
    )
    assert stored["event_id"] == run.event_id
    assert stored["product"] == "slides"
    assert stored["metrics_json"] == {"cost": 0.25}
    assert "rejected" not in client.counters


def test_progress_is_visible_before_the_end(client, get):
    run = client.begin_run(job_type="nightly")
    assert get(run.run_id)["status"] == "running"
    run.set_metrics(items_discovered=3, product="slides")
    stored = get(run.run_id)
    assert (stored["status"], stored["items_discovered"]) == ("running", 3)
    run.set_metrics(items_succeeded=2)
    run.end("partial", items_failed=1)
    stored = get(run.run_id)
    counts = [stored[f"items_{name}"] for name in ("discovered", "succeeded", "failed")]
    assert (stored["status"], stored["product"], counts) == ("partial", "slides", [3, 2, 1])


def test_the_older_client_s_calls_work(client, get):
    run_id = client.start_run("artifactguard", "scan", trigger_type="scheduler", run_id="mine")
    assert run_id == "mine"
    client.log_event(run_id, "checkpoint", {"step": 1})
    done = client.associate_commit(run_id, "abcdef0123", "llm", "Agent <agent@example.org>")
    assert done == (True, "Commit abcdef0123 recorded for run mine")
    client.end_run(run_id, status="completed", items_succeeded=10, metrics_json='{"a": 1}')
    stored = get(run_id)
    assert (stored["status"], stored["items_succeeded"]) == ("success", 10)
    assert (stored["git_commit_hash"], stored["git_commit_source"]) == ("abcdef0123", "llm")
    assert (stored["trigger_type"], stored["metrics_json"]) == ("scheduler", {"a": 1})


def test_a_commit_and_a_correction_may_follow_the_end(client, get):
    run_id = client.start_run("importer", "nightly")
    client.end_run(run_id, items_succeeded=1)
    assert get(run_id)["items_succeeded"] == 1
    assert client.associate_commit(run_id, "abcdef0123", "ci")[0]
    client.update_run(run_id, items_succeeded=2)
    stored = get(run_id)
    assert (stored["git_commit_hash"], stored["items_succeeded"]) == ("abcdef0123", 2)
    assert stored["status"] == "success"


def test_an_exception_is_a_failure_with_its_traceback(client, get):
    with pytest.raises(ValueError, match="no such file"), client.track_run() as run:
        raise ValueError("no such file")
    stored = get(run.run_id)
    assert (stored["status"], stored["error_summary"]) == ("failure", "ValueError: no such file")
    assert "test_runs.py" in stored["error_details"]


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (KeyboardInterrupt(), "cancelled"),
        (asyncio.CancelledError(), "cancelled"),
        (SystemExit(0), "success"),
        (SystemExit(2), "failure"),
    ],
)
def test_other_ways_to_leave_a_run(client, get, error, status):
    with pytest.raises(type(error)), client.track_run() as run:
        raise error
    assert get(run.run_id)["status"] == status


def test_functions_and_coroutines_can_be_decorated(client, service):
    runs = []

    @client.track_run()
    def plain(value):
        runs.append(current_run())
        return value

    @client.track_run("importer", items_discovered=1)
    async def coroutine(value):
        runs.append(current_run())
        await asyncio.sleep(0)
        return value

    @client.track_run()
    def generator(value):
        runs.append(current_run())
        yield value

    assert (plain(1), asyncio.run(coroutine(2)), [*generator(3)]) == (1, 2, [3])
    assert current_run() is None
    assert client.flush(10)
    stored = {run["event_id"]: run for run in service.client.get("/api/v1/runs").json()}
    assert [stored[run.event_id]["job_type"] for run in runs] == ["plain", "coroutine", "generator"]
    assert {run["status"] for run in stored.values()} == {"success"}


def test_threads_may_share_a_tracker(make_client):
    client = make_client(detect_git=False)
    ends = {}
    original = client.end_run

    def end_run(run_id, status, **fields):
        ends[run_id] = status
        original(run_id, status, **fields)

    client.end_run = end_run
    tracker, both, expected = client.track_run(), threading.Barrier(2), {}

    def work(is_first):
        with suppress(OSError), tracker as run:
            expected[run.run_id] = "failure" if is_first else "success"
            both.wait()
            if is_first:
                raise OSError
            time.sleep(0.1)

    threads = [threading.Thread(target=work, args=(is_first,)) for is_first in (True, False)]
    for thread in threads:
        thread.start()
        time.sleep(0.02)
    for thread in threads:
        thread.join()
    assert ends == expected


@pytest.mark.parametrize("durable", [False, True])
def test_many_tasks_have_runs_at_the_same_time(make_client, service, durable):
    client = make_client(service.url, durable=durable)

    async def work(number):
        async with client.track_run(job_type=f"job-{number}") as run:
            await asyncio.sleep(0)
            assert current_run() is run
            run.set_metrics(items_succeeded=number)

    async def together():
        await asyncio.gather(*(work(number) for number in range(50)))

    asyncio.run(together())
    assert client.flush(10)
    stored = service.client.get("/api/v1/runs").json()
    found = {(run["job_type"], run["items_succeeded"], run["status"]) for run in stored}
    assert found == {(f"job-{number}", number, "success") for number in range(50)}


def test_events_are_stored_with_the_ids_of_their_run(client, service):
    with client.track_run("importer", "nightly") as run:
        run.log_event("checkpoint", {"step": 1, "nested": {"a": [1]}})
        run.log_event("error", runtime_ms=12.5)
    event = {"source": "api", "method": "post", "status_code": 404}
    event_id = client.record_event("/api/ideas?x=1", 3, **event)
    assert client.flush(10)
    items = service.client.get("/api/runtime/events").json()["items"]
    stored = {item["endpoint"]: item for item in items}
    first, second, third = (
        stored[name] for name in ("/importer/checkpoint", "/importer/error", "/api/ideas")
    )
    assert first["metadata"] == {
        "run_id": run.run_id,
        "event_id": run.event_id,
        "event_type": "checkpoint",
        "step": 1,
        "nested": '{"a": [1]}',
    }
    assert (second["runtime_ms"], second["status_code"], second["source"]) == (12.5, 500, "worker")
    assert (third["id"], third["method"], third["status_code"]) == (event_id, "POST", 404)
