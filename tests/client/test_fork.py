"""A process that was forked reports for itself, and holds nobody up."""

import subprocess
import sys

import pytest

from tests.client.processes import PYTHONS, run_script
from tests.client.stub import Stub
from tests.support.service import PROJECT, environment

FORK = """
run = client.begin_run(run_id="parents")
client.flush(5)
for number in range(3):
    pid = os.fork()
    if pid == 0:
        client.end_run(client.start_run(run_id=f"child-{number}"))
        assert client.counters["appended"] == 2
        assert client.flush(5)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
run.end()
assert client.flush(5, leftovers=True)
"""


@pytest.mark.parametrize("python", PYTHONS)
def test_a_forked_process_sends_its_own_records_and_no_others(tmp_path, python):
    with Stub() as stub:
        run_script(tmp_path, stub.url, FORK, python)
    records = [record for request in stub.requests for record in request.records]
    ended = [record["run_id"] for record in records if record["status"] == "success"]
    assert sorted(ended) == ["child-0", "child-1", "child-2", "parents"]
    assert len({record["event_id"] for record in records}) == 4
    assert [*(tmp_path / "spool").glob("*/*")] == []


FORK_WITH_THREADS = """
stop = threading.Event()
def work():
    while not stop.is_set():
        client.end_run(client.start_run())
threads = [threading.Thread(target=work) for _ in range(4)]
[thread.start() for thread in threads]
def child(number):
    for _ in range(10):
        client.end_run(client.start_run(run_id=f"{number}-{_}"))
context = multiprocessing.get_context("fork")
for round in range(10):
    children = [context.Process(target=child, args=(f"{round}-{n}",)) for n in range(3)]
    [it.start() for it in children]
    [it.join(20) for it in children]
    assert [it.exitcode for it in children] == [0, 0, 0]
stop.set()
[thread.join() for thread in threads]
assert client.flush(20, leftovers=True)
print(client.counters["appended"])
"""


@pytest.mark.faults
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_forking_while_threads_record_blocks_nobody(tmp_path):
    with Stub() as stub:
        run_script(tmp_path, stub.url, FORK_WITH_THREADS, timeout=90)
    ended = {
        record["run_id"]
        for request in stub.requests
        for record in request.records
        if record["status"] == "success"
    }
    expected = {f"{r}-{n}-{i}" for r in range(10) for n in range(3) for i in range(10)}
    assert expected - ended == set()


FORK_CHANGES = """
run = client.begin_run(run_id="parents")
if os.fork() == 0:
    run.set_metrics(items_succeeded=3)
    run.associate_commit("abcdef0123", "llm")
    os._exit(0)
os.wait()
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_child_changes_a_run_whose_start_its_parent_did_not_send(make_client, service, tmp_path):
    with pytest.raises(AssertionError):
        run_script(tmp_path, service.url, FORK_CHANGES)
    client = make_client(service.url)
    assert client.flush(10, leftovers=True)
    (stored,) = service.client.get("/api/v1/runs").json()
    assert (stored["items_succeeded"], stored["git_commit_hash"]) == (3, "abcdef0123")
    assert "rejected" not in client.counters


POOL = """
import multiprocessing, os, sys
from telemetry.client import TelemetryClient
client = TelemetryClient(sys.argv[1], spool_dir=sys.argv[2], strict=True)
client.record_event("/a", 1)
assert client.flush(10)  # its thread looks for what others left half a minute later
def work():
    client.begin_run().end()
child = multiprocessing.get_context("fork").Process(target=work)
child.start()
child.join()
os._exit(0)
"""


def test_a_child_of_multiprocessing_sends_before_it_ends(service, tmp_path):
    subprocess.run(
        [sys.executable, "-W", "ignore", "-c", POOL, service.url, tmp_path / "spool"],
        env=environment(PYTHONPATH=str(PROJECT)),
        check=True,
        timeout=30,
    )
    assert len(service.client.get("/api/v1/runs?status=success").json()) == 1
