"""The examples of docs/agents.md report what the page says, also when the service was away."""

import inspect
import os
import re
import sys
from collections import Counter

import pytest

from telemetry.client import TelemetryClient
from tests.client.stub import Reply, Stub
from tests.support.documents import BASE, DOCUMENTS, RUN, blocks, run_examples
from tests.support.service import free_port

PAGE = "docs/agents.md"

# The lines of its crontabs.
WRAPPER, SCRIPT, SEND = range(3)

RUNS = {
    ("importer", "nightly", "success"): 1,
    ("translator", "translate", "success"): 1,
    ("translator", "glossary", "success"): 1,
    ("shop-sync", "orders", "partial"): 1,
    ("shop-sync", "prices", "failure"): 1,
    ("backup", "nightly", "success"): 1,
    ("older-agent", "process", "success"): 2,
    **({("thumbnails", "resize", "success"): 1} if "javascript" in RUN else {}),
}
EVENTS = {"/importer/page": 2, "/shop/orders": 1, "/backup/upload": 1, "/older-agent/checkpoint": 1}


def stored_runs(db):
    rows = db.execute("SELECT agent_name, job_type, status FROM agent_runs")
    return Counter((it["agent_name"], it["job_type"], it["status"]) for it in rows)


def test_every_example_reports_what_it_shows(start_service, shell, db, tmp_path):
    service = start_service()
    run_examples(PAGE, lambda **_: service.url, shell)
    # An example ends after two seconds even if its records are not sent yet.
    spool = tmp_path / ".local/state/telemetry/spool"
    with TelemetryClient(service.url, spool_dir=spool, strict=True) as client:
        assert client.flush(30, leftovers=True)
    assert stored_runs(db) == RUNS
    events = db.execute("SELECT endpoint FROM runtime_events")
    assert Counter(it["endpoint"] for it in events) == EVENTS
    [prices] = db.execute("SELECT * FROM agent_runs WHERE job_type = 'prices'")
    assert prices["error_summary"] == "TimeoutError: the shop does not respond"
    assert "Traceback" in prices["error_details"]


def test_ci_runs_the_examples_for_node():
    assert "javascript" in RUN or "CI" not in os.environ


if "javascript" in RUN:

    def test_node_keeps_what_it_cannot_send(start_service, shell, db, tmp_path):
        [(_, example)] = blocks(PAGE, "javascript")
        away = f"http://127.0.0.1:{free_port()}"
        output = shell(*RUN["javascript"], example.replace(BASE, away))
        assert output.count("records wait in") == 1, output
        spool = tmp_path / ".local/state/telemetry-node"
        assert len([*spool.iterdir()]) == 2
        assert shell(*RUN["javascript"], example.replace(BASE, start_service().url)) == ""
        assert [*spool.iterdir()] == []
        assert stored_runs(db) == {("thumbnails", "resize", "success"): 2}

    def test_node_sets_aside_what_is_refused(shell, tmp_path):
        [(_, example)] = blocks(PAGE, "javascript")
        with Stub(*[Reply(422, {"detail": []})] * 10) as stub:
            assert '{"detail": []}' in shell(*RUN["javascript"], example.replace(BASE, stub.url))
        spool = tmp_path / ".local/state/telemetry-node"
        suffixes = Counter(file.suffix for file in spool.iterdir())
        assert suffixes == {".refused": 2, ".reason": 2}


@pytest.fixture
def crontab(shell, tmp_path):
    """Run the lines of the crontab: (URL, number of the line, exit status of the job)."""
    programs = tmp_path / "bin"
    programs.mkdir()
    [(_, script)] = blocks(PAGE, "sh")
    crontabs = [lines for _, lines in blocks(PAGE, "crontab")]
    assert all(f"TELEMETRY_API_URL={BASE}\n" in lines for lines in crontabs)
    commands = re.findall(r"^(?:\S+ +){5}(.+)$", "".join(crontabs), re.MULTILINE)
    assert len(commands) == 3
    commands = [each.replace("/opt/agents/bin/python", sys.executable) for each in commands]

    def run(url, line, status=0):
        texts = {"report-run": script, "nightly-backup": f"#!/bin/sh\nexit {status}\n"}
        for name, text in texts.items():
            (programs / name).write_text(text)
            (programs / name).chmod(0o755)
        path = f"{programs}:{os.environ['PATH']}"
        return shell("sh", "-c", f"{commands[line]}; echo $?", PATH=path, TELEMETRY_API_URL=url)

    def report(*arguments):
        path = f"{programs}:{os.environ['PATH']}"
        run("http://127.0.0.1:9", SEND)  # installs the script
        return shell("sh", "-c", f"report-run {' '.join(arguments)}; echo $?", PATH=path)

    run.report = report

    return run


@pytest.fixture
def spool(tmp_path):
    """The folder in which the script keeps what it could not send."""
    return tmp_path / ".local/state/report-run"


def test_the_wrapper_reports_how_a_job_ends(start_service, crontab, db):
    url = start_service().url
    assert crontab(url, WRAPPER) == "0\n"
    assert crontab(url, WRAPPER, status=3) == "3\n"
    runs = db.execute("SELECT agent_name, trigger_type, status FROM agent_runs ORDER BY created_at")
    found = [(it["agent_name"], it["trigger_type"], it["status"]) for it in runs]
    assert found == [("backup", "scheduler", status) for status in ("success", "failure")]


def test_the_script_for_cron_says_how_it_is_called(crontab):
    assert crontab.report("backup") == "usage: report-run JOB COMMAND [ARGUMENT...]\n2\n"
    assert "a job has letters" in crontab.report("'my job'", "true")


@pytest.mark.long
def test_the_script_for_cron_reports_how_a_job_ends(start_service, crontab, spool, db):
    url = start_service().url
    assert crontab(url, SCRIPT) == "0\n"
    assert crontab(url, SCRIPT, status=3) == "3\n"
    runs = db.execute("SELECT status, error_summary, end_time FROM agent_runs ORDER BY created_at")
    ended = [(it["status"], it["error_summary"], it["end_time"] is not None) for it in runs]
    assert ended == [("success", None, True), ("failure", "exit status 3", True)]
    assert [*spool.iterdir()] == []


@pytest.mark.long
def test_the_script_for_cron_keeps_what_it_cannot_send(start_service, crontab, spool, db):
    output = crontab(f"http://127.0.0.1:{free_port()}", SCRIPT)
    assert output.endswith("0\n")
    assert "records wait in" in output
    assert len([*spool.iterdir()]) == 2
    assert crontab(start_service().url, SEND) == "0\n"
    assert [*spool.iterdir()] == []
    assert stored_runs(db) == {("cron", "backup", "success"): 1}


def test_the_script_for_cron_sets_aside_what_is_refused(crontab, spool):
    spool.mkdir(parents=True)
    for name in "abc":
        (spool / f"{name}.json").write_text("{}")
    with Stub(Reply(422, {"detail": []}), Reply(503, {"detail": "away"})) as stub:
        output = crontab(stub.url, SEND)
    assert '{"detail": []}' in output
    kept = ["a.json.reason", "a.json.refused", "b.json", "c.json"]
    assert sorted(it.name for it in spool.iterdir()) == kept
    assert len(stub.requests) == 2
    assert stub.requests[0].headers["authorization"] == "Bearer a-token"


def test_every_argument_of_the_client_is_in_the_table():
    names = inspect.signature(TelemetryClient).parameters.keys() - {"config"}
    assert [name for name in names if f"| `{name}` |" not in DOCUMENTS[PAGE]] == []
