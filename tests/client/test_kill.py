"""Agents are killed while the service and its database go away: nothing confirmed is lost.

``make test-client`` kills 200 agents, ``make test-faults`` a few.
"""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from telemetry.client import TelemetryClient
from tests.support.rights import serving
from tests.support.service import PROJECT, Service, environment, free_port
from tests.support.waiting import wait_until

AGENT = Path(__file__).with_name("agent.py")
KILLS = int(os.environ.get("CLIENT_KILLS", "15"))
AT_ONCE = 3


class Outages:
    """Kills and freezes the service and its database from time to time, and starts them again."""

    def __init__(self, server, folder):
        self._server, self._folder = server, folder
        self.port = free_port()
        self.counts = Counter()
        self.service = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._start_service()

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()

    def _run(self):
        while not self._stop.wait(random.uniform(0.1, 1.5)):
            kind = random.choice(["workers", "service", "database", "frozen database"])
            self.counts[kind] += 1
            if kind == "workers":  # others are started at once
                for worker in self.service.workers():
                    with suppress(ProcessLookupError):
                        os.kill(worker, signal.SIGKILL)
            elif kind == "service":
                self.service.kill()
                self._stop.wait(random.uniform(0, 2))
                self._start_service()
            elif kind == "database":
                self._server.kill()
                self._stop.wait(random.uniform(0, 2))
                self._server.start()
            else:
                self._server.freeze()
                self._stop.wait(random.uniform(0, 2))
                self._server.thaw()

    def _start_service(self):
        settings = {"DATABASE_URL": serving(self._server.url), "WEB_CONCURRENCY": "1"}
        self.service = Service(settings, self._folder, self.port)


def kill_agents(url, spool, folder):
    """Run some agents at once, and kill each after a time that nobody knows."""
    for number in range(-(-KILLS // AT_ONCE)):
        notes = [folder / f"{number}-{each}" for each in range(AT_ONCE)]
        agents = {start_agent(url, spool, file): file for file in notes}

        def has_begun(agent, agents=agents):
            return agent.poll() is not None or (
                agents[agent].exists() and agents[agent].stat().st_size
            )

        for agent in sorted(agents, key=lambda _: random.random()):
            if random.random() < 0.9:  # a few are killed before they report anything
                wait_until(lambda agent=agent: has_begun(agent), 60)
            time.sleep(random.uniform(0.05, 0.6))
            assert agent.poll() is None, agent.stderr.read()
            os.killpg(agent.pid, signal.SIGKILL)
        for agent in agents:
            agent.wait()
            agent.stderr.close()


def start_agent(url, spool, notes):
    return subprocess.Popen(
        [sys.executable, AGENT, url, spool, notes],
        env=environment(PYTHONPATH=str(PROJECT)),
        stderr=subprocess.PIPE,
        start_new_session=True,
        text=True,
    )


def read_notes(folder):
    """Return what was confirmed: words by event_id, by kind. A torn last line was not noted."""
    found = {"started": {}, "ended": {}, "committed": {}}
    for file in folder.iterdir():
        for line in file.read_text().split("\n")[:-1]:
            kind, event_id, *words = line.split()
            found[kind][event_id] = words
    return found


@pytest.mark.faults
def test_nothing_that_was_confirmed_is_lost(server, tmp_path):
    notes, spool = tmp_path / "notes", tmp_path / "spool"
    notes.mkdir()
    with Outages(server, tmp_path) as outages:
        url = f"http://127.0.0.1:{outages.port}"
        kill_agents(url, spool, notes)
    try:
        send_the_rest(url, spool)
    finally:
        outages.service.kill()

    confirmed = read_notes(notes)
    with psycopg.connect(server.url) as connection:
        rows = connection.execute(
            "SELECT event_id, status, items_succeeded::text, output_summary, git_commit_hash"
            " FROM agent_runs"
        ).fetchall()
    stored = {row[0]: row[1:] for row in rows}
    print({kind: len(words) for kind, words in confirmed.items()}, len(stored), outages.counts)
    assert len(stored) == len(rows)
    assert confirmed["started"].keys() - stored.keys() == set()
    wrong = {
        event_id: (words, stored[event_id])
        for event_id, words in confirmed["ended"].items()
        if [*stored[event_id][:2]] != words or stored[event_id][2] != words[0]
    }
    assert wrong == {}
    commits = {event_id: [stored[event_id][3]] for event_id in confirmed["committed"]}
    assert commits == confirmed["committed"]
    assert len(confirmed["ended"]) > KILLS


def send_the_rest(url, spool):
    """Take over what the agents have left, until the folder is empty."""
    client = TelemetryClient(url, agent_name="last", spool_dir=spool)
    assert client.flush(300, leftovers=True), client.counters
    client.close()
    # An agent may have been killed before its lock file had its name: it had recorded nothing.
    left = [file.name for file in client.spool_folder.iterdir() if file.suffix != ".new"]
    assert left == []
