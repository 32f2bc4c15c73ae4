"""Prunes beside each other, beside writers, and stopped or killed at any moment."""

import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import psycopg
import pytest

from telemetry.config import Config
from telemetry.database.unlimited import UnlimitedTransactions, connect_without_time_limit
from telemetry.retention.kinds import RUNS
from telemetry.retention.prune import Batches, Pass
from telemetry.spans import parse_retention
from tests.support.command import telemetry
from tests.support.retention import add_runs, counts_are_right, names, state
from tests.support.runs import minimal_run
from tests.support.service import PROJECT, environment
from tests.support.waiting import wait_until

AGE = parse_retention("90d")


def prune_in_batches(url, *, rows=20, pause=0.0, stop=lambda: False):
    """Prune runs as the command does; return how many were deleted."""

    def is_stopped(seconds):
        time.sleep(seconds)
        return stop()

    with connect_without_time_limit(url) as connection:
        transact = UnlimitedTransactions(connection).transact
        work = Pass(transact, RUNS, AGE, Config().stale_after)
        work.claim(is_command=True)
        if work.run(Batches(rows, lambda _: pause, is_stopped)):
            work.end()
        return work.deleted


@pytest.fixture
def start(database_url):
    """Start the command in a process of its own."""
    processes = []

    def start():
        process = subprocess.Popen(
            [sys.executable, "-m", "telemetry", "prune", "--runs-older-than", "90d"],
            cwd=PROJECT,
            env=environment(DATABASE_URL=database_url),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        return process

    yield start
    for process in processes:
        with suppress(ProcessLookupError):
            process.kill()
        process.communicate()


def test_two_prunes_delete_each_run_once(db, database_url):
    add_runs(db, "old", "91 days", count=1000)
    with ThreadPoolExecutor() as pool:
        deleted = [*pool.map(prune_in_batches, [database_url] * 2)]
    assert sum(deleted) == state(db)["deleted_total"] == 1000
    assert names(db, "agent_runs") == set()
    assert counts_are_right(db)


def test_writers_go_on_and_every_count_is_right(db, database_url, make_app):
    add_runs(db, "old", "91 days", count=400)
    app, stopped = make_app(), []

    def write(number):
        client, written = app.test_client(), 0
        while not stopped:
            written += 1
            run = minimal_run(f"new{number}-{written}", created_at="2020-01-01T00:00:00Z")
            assert client.post("/api/v1/runs", json=run).status_code in (200, 201)
            done = client.patch(f"/api/v1/runs/old-{written}", json={"status": "failure"})
            assert done.status_code in (200, 404)
        return written

    with ThreadPoolExecutor() as pool:
        writers = [pool.submit(write, number) for number in range(2)]
        prune_in_batches(database_url, rows=20, pause=0.01)
        stopped.append(True)
        assert all(it.result() for it in writers)
    prune_in_batches(database_url)  # those that a writer had locked
    assert "old" not in names(db, "agent_runs")
    assert counts_are_right(db)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_it_after_the_batch_and_it_goes_on_later(db, database_url, start, number):
    add_runs(db, "old", "91 days", count=6000)
    with psycopg.connect(database_url) as other:
        other.execute("SELECT pg_advisory_xact_lock(7310, 1)")  # another prune has its turn
        process = start()
        wait_until(lambda: "started_at" in state(db))
        process.send_signal(number)
        _, printed = process.communicate()
    assert process.returncode == 128 + number
    database, line = printed.splitlines()
    assert database.startswith("database postgresql://")
    assert line == "Error: stopped: 0 runs older than 90d deleted; the same command goes on"
    found = state(db)
    assert (found["error"], found["failed_at"], found["finished_at"]) == (None, None, None)
    done = telemetry("prune", "--runs-older-than", "90d", DATABASE_URL=database_url)
    assert "6,000 runs older than 90d deleted" in done.stdout
    assert state(db)["error"] is None


@pytest.mark.faults
def test_a_prune_that_is_killed_leaves_right_counts(db, database_url, start):
    add_runs(db, "old", "91 days", count=30_000)
    for after in (0, 5000, 10_000):
        process = start()
        wait_until(lambda after=after: state(db).get("deleted_total", -1) >= after)
        process.kill()
        process.communicate()
    left = db.execute("SELECT count(*) AS it FROM agent_runs").fetchone()["it"]
    assert state(db)["deleted_total"] == 30_000 - left
    assert counts_are_right(db)
    prune_in_batches(database_url, rows=5000)
    assert names(db, "agent_runs") == set()
    assert counts_are_right(db)
