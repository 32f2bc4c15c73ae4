"""What an agent logs becomes a part of its run."""

import json
import logging
import subprocess
import sys
import threading

import pytest

from telemetry.client.logs import TelemetryHandler
from tests.support.service import PROJECT, environment


@pytest.fixture
def log():
    """A logger that pytest does not know, because it fails when a message cannot be formatted."""
    return logging.Logger("agent", logging.DEBUG)


@pytest.fixture
def recorded(make_client, log):
    """A client with a handler, and a function that returns the records it has appended."""
    client, lines = make_client(), []
    client._channel.append = lambda line, share: not lines.append(json.loads(line))
    log.addHandler(TelemetryHandler(client))

    def take(kind):
        return [line[kind] for line in lines if kind in line]

    return client, take


def test_an_error_becomes_an_event_and_a_part_of_the_run(make_client, service, log):
    client = make_client(service.url)
    log.addHandler(TelemetryHandler(client))
    with client.track_run("importer", "nightly") as run:
        log.warning("not an error")
        log.error("no such %s\nsecond line", "file")
        try:
            int("a bug")
        except ValueError:
            log.exception("item 7 failed")
    assert client.flush(10)
    stored = service.client.get(f"/api/v1/runs/{run.event_id}").json()
    assert (stored["status"], stored["error_summary"]) == ("success", "item 7 failed")
    assert "not an error" not in stored["error_details"]
    assert "ERROR agent: no such file\nsecond line" in stored["error_details"]
    assert "invalid literal" in stored["error_details"]
    items = service.client.get("/api/runtime/events").json()["items"]
    by_message = {item["metadata"]["message"]: item for item in items}
    event = by_message["item 7 failed"]
    assert (event["endpoint"], event["status_code"]) == ("/importer/log/error", 500)
    assert event["metadata"]["run_id"] == run.run_id
    assert event["metadata"]["exception"] == "ValueError"
    assert event["metadata"]["file"].startswith("test_logs.py:")
    assert len(items) == 2


def test_an_exception_that_ends_the_run_says_the_last_word(recorded, log):
    client, take = recorded

    def fail():
        with client.track_run():
            log.error("first")
            raise ValueError("a bug")

    with pytest.raises(ValueError, match="a bug"):
        fail()
    assert take("end")[0]["error_summary"] == "ValueError: a bug"
    assert "Traceback" in take("end")[0]["error_details"]


def test_the_only_run_in_progress_is_found_from_any_thread(recorded, log):
    client, take = recorded
    run = client.begin_run()
    thread = threading.Thread(target=log.error, args=("in a thread",))
    thread.start()
    thread.join()
    assert take("event")[0]["metadata"]["run_id"] == run.run_id
    client.begin_run()
    log.error("of which run?")
    assert "run_id" not in take("event")[1]["metadata"]
    assert take("event")[1]["endpoint"] == "/tester/log/error"


def test_a_run_that_has_ended_is_not_changed(recorded, log):
    client, take = recorded
    with client.track_run() as run:
        run.end()
        log.error("too late")
    assert take("change") == []
    assert "run_id" not in take("event")[0]["metadata"]


def test_less_than_errors_are_events_alone(recorded, log):
    client, take = recorded
    log.handlers[0].setLevel(logging.INFO)
    with client.track_run():
        log.info("so far")
    assert [(it["endpoint"], it["status_code"]) for it in take("event")] == [
        ("/tester/log/info", 200)
    ]
    assert "error_summary" not in take("end")[0]


def test_error_details_keep_the_newest(recorded, log):
    client, take = recorded
    run = client.begin_run()
    for number in range(50):
        log.error("record %d: %s", number, "x" * 10_000)
    run.end()
    details = take("end")[0]["error_details"]
    assert len(run.logged) == 20
    assert len(details) < 20 * 3100
    assert "record 29:" not in details
    assert "record 30:" in details
    assert "record 49:" in details


def test_a_flood_is_bounded_and_counted(recorded, log):
    client, take = recorded
    for _ in range(500):
        log.error("again")
    assert len(take("event")) == 100
    assert client.counters["log_records_dropped"] == 400


class Logs:
    """A value that logs when it is formatted."""

    def __init__(self, log):
        self.log = log

    def __str__(self):
        self.log.error("within")
        return "outer"


class Fails:
    """A value that cannot be formatted."""

    def __str__(self):
        raise RuntimeError("a bug")


def test_it_never_recurses_and_never_raises(recorded, log):
    client, take = recorded
    log.error("%s", Logs(log))
    log.error("%s", Fails())
    log.error("%d", "no number")
    log.error(Fails())
    messages = [it["metadata"]["message"] for it in take("event")]
    assert messages == ["outer", "%s", "%d", "<Fails that cannot be printed>"]
    client._channel.append = lambda *_: 1 / 0
    client.strict = False
    log.error("lost")
    assert client.counters["failures"] == 1


def test_what_the_client_logs_is_not_reported(make_client, log):
    client = make_client()
    handler = TelemetryHandler(client, logging.DEBUG)
    for name in ("telemetry.client", "telemetry.client.spool"):
        logger = logging.getLogger(name)
        logger.addHandler(handler)
        logger.error("cannot write")
        logger.removeHandler(handler)
    assert client.counters["appended"] == 0


def test_a_filter_may_refuse_a_record(recorded, log):
    _, take = recorded
    log.handlers[0].addFilter(lambda record: "secret" not in record.getMessage())
    log.error("a secret")
    log.error("no problem")
    assert len(take("event")) == 1


DEADLOCK = """
import logging, threading, sys
from telemetry.client import TelemetryClient
from telemetry.client import logs
logs._MOST_AT_ONCE = 10**6
client = TelemetryClient("http://127.0.0.1:9", spool_dir=sys.argv[1])
logging.getLogger().addHandler(logs.TelemetryHandler(client, logging.DEBUG))
run = client.begin_run()
def warn():
    for number in range(300):
        client.notices.again("field odd")
        run.set_metrics(odd=number)
def log():
    for number in range(300):
        logging.getLogger("agent").error("x")
threads = [threading.Thread(target=each) for each in (warn, log, warn, log)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
"""


@pytest.mark.long
def test_the_client_and_the_handler_never_wait_for_each_other(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", DEADLOCK, tmp_path / "spool"],
        env=environment(PYTHONPATH=str(PROJECT)),
        check=False,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert (done.returncode, done.stderr) == (0, "")
