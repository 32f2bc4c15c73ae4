"""A point-in-time recovery of a server under load, by the commands of docs/backup.md."""

import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from threading import Event

import httpx
import psycopg
import pytest

from tests.support.command import telemetry_process
from tests.support.databases import execute
from tests.support.followers import Followers, bodies, continue_with, followers, pages, write
from tests.support.restored import (
    Shell,
    assert_counts_are_exact,
    commands,
    names_stored,
    sequences_moved,
)
from tests.support.runtime_events import TOKEN_URL
from tests.support.waiting import wait_until

pytestmark = pytest.mark.faults

DEVICES = ("device-1", "device-2", "device-3")
# Of the records, those of one device: it has none after the moments.
QUIET = "device-3"
TIME = "recovery_target_time = '2026-01-31 12:00:00+00'"
NAME = "recovery_target_name = 'before-release'"
GIVEN = "SELECT schemaname || '.' || sequencename, last_value FROM pg_sequences"
ARCHIVED = "SELECT last_archived_wal >= %s FROM pg_stat_archiver"


class Load:
    """Writers that post records, each after the other, until they are stopped."""

    def __init__(self, url):
        self._client = httpx.Client(base_url=url, timeout=40)
        self._stopped = Event()
        self.begun, self.stored = [], []

    def write(self, device):
        for number in count():
            if self._stopped.is_set():
                return
            name = f"{device}-{number}"
            self.begun.append(name)
            for path, body in bodies(name, device).items():
                assert self._client.post(path, json=body).status_code == 201
            self.stored.append(name)

    def grows(self, by=15):
        target = len(self.stored) + by
        wait_until(lambda: len(self.stored) >= target)

    @contextmanager
    def running(self):
        with ThreadPoolExecutor(2) as writers:
            done = [writers.submit(self.write, device) for device in DEVICES if device != QUIET]
            try:
                yield self
            finally:
                self._stopped.set()
        for writer in done:
            writer.result()
        self._client.close()


def get_from(client):
    def get(path, query):
        response = client.get(path, params=query)
        assert response.status_code == 200, response.text
        return response.json()

    return get


def run(*arguments, url):
    return telemetry_process(*arguments, DATABASE_URL=url)


def query(url, statement, *parameters):
    with psycopg.connect(url) as connection:
        return connection.execute(statement, parameters).fetchone()[0]


def given(url):
    """Return the last value that each sequence gave."""
    with psycopg.connect(url) as connection:
        return dict(connection.execute(GIVEN).fetchall())


def missing(url, recovered_url):
    """Return the line of verify for each device that had events after the moment."""
    heads = "SELECT device_id, event_id FROM os_core.audio_runtime_heads WHERE event_id IS NOT NULL"
    with psycopg.connect(url) as later, psycopg.connect(recovered_url) as recovered:
        lost = {*later.execute(heads)} - {*recovered.execute(heads)}
    return [
        f"tenant_id=tenant-1 device_id={device} event_id={event_id} problem=kept_event_missing"
        for device, event_id in sorted(lost)
    ]


@pytest.fixture
def archiving(server):
    """A shell beside a server that archives its log; the recovered one has a socket of its own."""
    parent = server.data.parent
    recovered = parent / "srv"
    shell = Shell(
        parent,
        SUPERUSER_URL=server.url,
        NEW_DATABASE_URL=f"postgresql://postgres@/postgres?host={recovered}",
    )
    # Its command line wins over these, which are for the copy.
    execute(server.url, f"ALTER SYSTEM SET unix_socket_directories = '{recovered}'")
    execute(server.url, "ALTER SYSTEM SET listen_addresses = ''")
    shell.run(commands("## Point-in-time recovery")[0])
    server.stop()
    server.start()
    yield shell
    if (recovered / "recovered" / "postmaster.pid").exists():
        shell.run("pg_ctl --pgdata=/srv/recovered --mode=immediate stop")


def recover(shell, target):
    """Recover to a moment in a folder that may hold an earlier attempt."""
    if os.path.exists(f"{shell.folders['/srv']}/recovered"):
        shell.run("pg_ctl --pgdata=/srv/recovered --mode=fast stop && rm -r /srv/recovered")
    *_, start = commands("## Point-in-time recovery")
    assert TIME in start
    shell.run(start, **{TIME: target})
    return shell.environ["NEW_DATABASE_URL"]


def assert_is_the_moment(url, stored_by_then, begun_by_then):
    """What had its response by then is there, exactly once, and nothing that began later."""
    for names in names_stored(url).values():
        assert len(names) == len({*names})
        assert stored_by_then <= {*names} <= begun_by_then


@dataclass
class Incident:
    """What was known when the server was lost: who had seen what, and the moments before."""

    early: Followers
    already: dict[str, list[str]]
    late: Followers
    at_name: tuple[set[str], set[str]]
    at_time: tuple[set[str], set[str]]
    moment: str
    token: dict[str, str]
    heads: str


@pytest.fixture
def incident(server, archiving, start_service, tmp_path):
    """Write through the service while a base backup is taken, up to two moments and beyond."""
    _, base_backup, name_moment, rest_of_log, _ = commands("## Point-in-time recovery")
    service = start_service(DATABASE_URL=server.url)
    get, load = get_from(service.client), Load(service.url)
    for device in DEVICES:
        service.client.put(f"/api/v1/devices/{device}", json={"tenant_id": "tenant-1"})
    write(service.client, "quiet", device=QUIET)
    with load.running():
        load.grows()
        early = followers(get)
        already = pages(early)
        archiving.run(base_backup)
        load.grows()
        stored = {*load.stored, "quiet"}
        archiving.run(name_moment)
        at_name = stored, {*load.begun, "quiet"}
        load.grows()
        stored = {*load.stored, "quiet"}
        moment = query(server.url, "SELECT clock_timestamp()::text")
        at_time = stored, {*load.begun, "quiet"}
        # More than the 32 numbers by which PostgreSQL moves a sequence in a recovery.
        load.grows(50)
    late = followers(get)
    pages(late)
    token, heads = get(TOKEN_URL, {}), str(tmp_path / "heads.jsonl")
    assert run("heads", "--append", heads, url=server.url).returncode == 0
    wal = query(server.url, "SELECT pg_walfile_name(pg_current_wal_lsn())")
    archiving.run(rest_of_log)
    wait_until(lambda: query(server.url, ARCHIVED, wal))
    service.stop()
    return Incident(early, already, late, at_name, at_time, moment, token, heads)


def test_a_server_under_load_goes_back_to_a_moment(server, archiving, incident, start_service):
    url = recover(archiving, NAME)
    assert_is_the_moment(url, *incident.at_name)
    assert run("verify", url=url).returncode == 0

    url = recover(archiving, f"recovery_target_time = '{incident.moment}'")
    assert_is_the_moment(url, *incident.at_time)
    lost = missing(server.url, url)
    assert [line.split()[1] for line in lost] == ["device_id=device-1", "device_id=device-2"]
    before = given(server.url)
    server.kill()
    recovered = names_stored(url)
    assert all(given(url)[name] < value for name, value in before.items())
    execute(url, sequences_moved())
    assert all(given(url)[name] > value for name, value in before.items())
    assert run("migrate", "--status", url=url).returncode == 0
    assert run("verify", url=url).stdout == ""
    assert_names(incident.heads, lost, url)

    service = start_service(DATABASE_URL=url)
    get = get_from(service.client)
    assert get("/api/ready", {})["status"] == "ready"
    assert_counts_are_exact(get, url)
    assert get(TOKEN_URL, {}) != incident.token
    assert_followers_go_on(service.client, incident, recovered)
    assert_counts_are_exact(get, url)
    assert run("verify", url=url).stdout == ""
    assert_names(incident.heads, lost, url)


def assert_names(heads, lost, url):
    """Compare with heads that were kept later: verify names what is missing."""
    done = run("verify", "--heads", heads, url=url)
    assert (done.returncode, sorted(done.stdout.splitlines())) == (1, lost)


def assert_followers_go_on(client, incident, recovered):
    """Followers from before and after the moment miss nothing that is written from here on."""
    get = get_from(client)
    early, late = [continue_with(get, it) for it in (incident.early, incident.late)]
    assert all(names == [] for names in pages(late).values())
    new = [f"new-{number}" for number in range(5)]
    write(client, *new)
    write(client, "quiet-2", device=QUIET)
    new.append("quiet-2")
    for feed, names in pages(late).items():
        assert names == new, feed
    for feed, names in pages(early).items():
        assert sorted(names + incident.already[feed]) == sorted([*recovered[feed], *new])
