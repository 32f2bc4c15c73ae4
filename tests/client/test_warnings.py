"""What an agent's author reads in the log: about mistakes, and about records that wait."""

import re
import signal
import subprocess
import sys

import pytest

from telemetry.client.sending import sender
from tests.client.stub import Reply, Stub
from tests.support.service import PROJECT, environment
from tests.support.waiting import wait_until

MISTAKES = [
    (lambda run: run.set_metrics(items_succeded=1), "did you mean items_succeeded?"),
    (lambda run: run.set_metrics(items_failed="none"), "items_failed='none' is no whole number"),
    (lambda run: run.set_metrics(git_commit_timestamp="soon"), "no time"),
    (lambda run: run.set_metrics(status="partial"), "run.end('partial'"),
    (lambda run: run.set_metrics(job_type="other"), "set when the run starts"),
    (lambda run: run.end("odd"), "a run cannot end as 'odd'"),
    (lambda run: run.client.end_run("unknown"), "Run ID not found: 'unknown'"),
    (lambda run: run.client.start_run(run_id="a/b"), "'a/b' is not a run_id"),
    (lambda run: run.client.start_run(event_id="a b"), "'a b' is not an event_id"),
    (lambda run: run.client.record_event("/a", "12ms"), "'12ms' is no duration in ms"),
    (lambda run: run.client.record_event("/a", -5), "-5 is no duration in ms"),
    (lambda run: run.client.record_event("/a", 1, source="agent"), "'agent' is no source"),
    (lambda run: run.client.record_event("/a", 1, status_code=7), "7 is no status code"),
]


@pytest.mark.parametrize(("make", "message"), MISTAKES)
def test_a_mistake_is_raised_in_the_tests_of_an_agent_and_logged_once_elsewhere(
    make_client, caplog, make, message
):
    with pytest.raises(ValueError, match=re.escape(message)):
        make(make_client().begin_run())
    client = make_client(strict=False)
    for _ in range(2):
        make(client.begin_run())
    assert len([line for line in caplog.messages if message in line]) == 1


def test_a_run_that_has_ended_is_not_unknown(make_client):
    client = make_client()
    run = client.begin_run()
    run.end()
    with pytest.raises(ValueError, match="has already ended"):
        run.end()


@pytest.mark.parametrize("url", ["127.0.0.1:8765", "ftp://a", "http://a:b/", "http://"])
def test_a_url_that_cannot_be_one_is_named_at_once(make_client, caplog, url):
    make_client(url, strict=False)
    assert any("must begin with http:// or https://" in line for line in caplog.messages)
    with pytest.raises(ValueError, match="is no URL of a service"):
        make_client(url)


def test_records_that_wait_are_counted_and_warned_of(make_client, caplog, monkeypatch):
    monkeypatch.setattr(sender, "WARN_SECONDS", 0.0)
    with Stub(Reply(503, {"detail": "away"}), Reply(503, {"detail": "away"})) as stub:
        client = make_client(stub.url)
        client.begin_run()
        assert client.counters["waiting"] == 1
        assert client.flush(10)
    assert (client.counters["waiting"], client.counters["failed_tries"]) == (0, 2)
    warnings = [line for line in caplog.messages if "takes no records (status 503)" in line]
    assert len(warnings) == 1
    assert str(client.spool_folder) in warnings[0]


def test_the_end_of_an_agent_says_what_waits(make_client, caplog):
    client = make_client()
    client.begin_run()
    wait_until(lambda: client.counters.get("failed_tries"), 10)
    client.close(0.1)
    assert any("takes no records" in line for line in caplog.messages)


@pytest.mark.parametrize(("token", "text"), [(None, "needs a token"), ("x", "refuses the token")])
def test_a_token_that_is_missing_is_told_from_a_wrong_one(make_client, caplog, token, text):
    with Stub(Reply(401, {"detail": "no"})) as stub:
        client = make_client(stub.url, token)
        client.begin_run()
        wait_until(lambda: any(text in line for line in caplog.messages), 10)


def test_a_run_inside_another_one_is_its_child(make_client):
    client = make_client()
    with client.track_run(job_type="outer") as outer:
        with client.track_run(job_type="inner") as inner:
            pass
        with client.track_run(job_type="other", parent_run_id="given") as other:
            pass
    assert f'"{outer.run_id}"' in inner.members["parent_run_id"]
    assert '"given"' in other.members["parent_run_id"]


def test_a_run_may_fail_for_a_reason_in_words(make_client):
    run = make_client().begin_run()
    run.fail("the disk is full")
    assert run.members["error_summary"] == '"error_summary":"the disk is full"'


SIGTERM = """
import signal, sys, time
from telemetry.client import TelemetryClient
signal.signal(signal.SIGTERM, signal.default_int_handler)
client = TelemetryClient(sys.argv[1], agent_name="agent", spool_dir=sys.argv[2])
with client.track_run(job_type="job"):
    print("begun", flush=True)
    time.sleep(60)
"""


def test_sigterm_cancels_a_run_when_it_interrupts_python(service, tmp_path):
    agent = subprocess.Popen(
        [sys.executable, "-c", SIGTERM, service.url, tmp_path / "spool"],
        env=environment(PYTHONPATH=str(PROJECT)),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert agent.stdout.readline() == b"begun\n"
    agent.send_signal(signal.SIGTERM)
    agent.communicate(timeout=20)
    [stored] = service.client.get("/api/v1/runs").json()
    assert stored["status"] == "cancelled"


def test_runs_that_never_end_are_forgotten_at_a_bound(make_client, caplog, monkeypatch):
    monkeypatch.setattr("telemetry.client.client._MOST_RUNS", 3)
    client = make_client()
    first, *_, last = [client.begin_run() for _ in range(5)]
    assert client.counters["forgotten_runs"] == 2
    assert any("the oldest can no longer be ended" in line for line in caplog.messages)
    last.end()
    with pytest.raises(ValueError, match="Run ID not found"):
        first.end()


HANDLER = """
import logging, sys, threading
from telemetry.client import TelemetryClient
client = TelemetryClient("http://127.0.0.1:9", spool_dir=sys.argv[1], max_spool_bytes=2000)
class Handler(logging.Handler):
    def emit(self, record):  # with the lock of the handler
        client.record_event("/log", 1, metadata={"message": record.getMessage()})
logging.getLogger().addHandler(Handler())
def log():
    for number in range(500):
        logging.getLogger("agent").error("x")
def report():
    for number in range(500):
        client.notices.again("full")  # a warning for each record that is dropped
        client.record_event("/a", 1)
threads = [threading.Thread(target=each) for each in (log, report, log, report)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
"""


def test_a_handler_of_the_agent_may_report_through_the_client(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", HANDLER, tmp_path / "spool"],
        env=environment(PYTHONPATH=str(PROJECT)),
        check=False,
        capture_output=True,
        timeout=30,
    )
    assert done.returncode == 0, done.stderr
