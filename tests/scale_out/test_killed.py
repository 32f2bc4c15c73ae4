"""A partition command that is killed at any step leaves a table that works, and is run again."""

import signal
import subprocess
import sys
import time

import psycopg
import pytest

from tests.support.command import telemetry
from tests.support.partitions import unmatched_ids
from tests.support.retention import add_events
from tests.support.runtime_events import URL, minimal_event
from tests.support.service import PROJECT, environment
from tests.support.waiting import locks_awaited, wait_until

pytestmark = pytest.mark.faults

EVENTS = 20_000
BOUNDARY = "SELECT FROM pg_constraint WHERE conname = 'runtime_events_boundary'"
# The lines after which the next step begins, and one line of the way back.
LINES = ["ids kept", "building the index", "checking that"]


@pytest.fixture
def database_url(plain_url):
    """The URL of a database that is not partitioned."""
    return plain_url


@pytest.fixture
def start(database_url):
    """Start the command in a process of its own."""
    processes = []

    def run(*arguments):
        process = subprocess.Popen(
            [sys.executable, "-u", "-m", "telemetry", "partition", *arguments],
            cwd=PROJECT,
            env=environment(DATABASE_URL=database_url),
            stderr=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        return process

    yield run
    for process in processes:
        process.kill()
        process.communicate()


def wait_for(process, line):
    for said in process.stderr:
        if line in said:
            return
    pytest.fail(f"it never said {line}")


def assert_it_serves(client, db, name):
    assert client.post(URL, json=minimal_event(id=name)).status_code == 201
    assert client.post(URL, json=minimal_event(id=name)).status_code == 200
    assert client.post(URL, json=minimal_event(id="old-7")).status_code == 200


def finish(client, db, database_url, *arguments):
    wait_until(lambda: not db.execute("SELECT FROM pg_locks WHERE objid = 7311").fetchall())
    done = telemetry("partition", *arguments, DATABASE_URL=database_url)
    assert done.returncode == 0, done.stderr
    assert_it_serves(client, db, "after")
    assert db.execute(BOUNDARY).fetchall() == []


@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("delay", [0.0, 0.05])
def test_on_the_way_there(start, client, db, database_url, line, number, delay):
    add_events(db, "old", "1 hour", count=EVENTS)
    process = start()
    wait_for(process, line)
    time.sleep(delay)
    process.send_signal(number)
    process.wait(timeout=30)
    assert_it_serves(client, db, "before")
    if number != signal.SIGKILL:
        assert db.execute(BOUNDARY).fetchall() == []
    finish(client, db, database_url)
    assert unmatched_ids(db) == []
    assert db.execute("SELECT FROM runtime_events").rowcount == EVENTS + 2


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_while_it_waits_for_the_table(start, client, db, database_url, number):
    add_events(db, "old", "1 hour", count=EVENTS)
    process = start()
    wait_for(process, "building the index")
    wait_until(lambda: db.execute(BOUNDARY).rowcount == 1)
    with psycopg.connect(database_url) as reader:
        reader.execute("LOCK TABLE runtime_events IN ACCESS SHARE MODE")
        wait_until(lambda: locks_awaited(db) > 0)
        process.send_signal(number)
        process.wait(timeout=30) if number == signal.SIGKILL else time.sleep(1)
    process.wait(timeout=30)
    assert process.returncode == (-number if number == signal.SIGKILL else 128 + number)
    assert_it_serves(client, db, "before")
    assert db.execute(BOUNDARY).rowcount <= (number == signal.SIGKILL)
    finish(client, db, database_url)
    assert unmatched_ids(db) == []


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
@pytest.mark.parametrize("delay", [0.2, 0.5, 0.8, 1.1, 1.4])
def test_on_the_way_back(start, client, db, database_url, number, delay):
    telemetry("partition", DATABASE_URL=database_url)
    add_events(db, "old", "1 hour", count=EVENTS)
    process = start("--undo")
    time.sleep(delay)
    process.send_signal(number)
    process.wait(timeout=30)
    assert_it_serves(client, db, "before")
    finish(client, db, database_url, "--undo")
    assert db.execute("SELECT FROM runtime_events").rowcount == EVENTS + 2
