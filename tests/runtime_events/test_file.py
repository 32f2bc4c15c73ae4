"""Faults that only a file has: lines cut off, other writers, full disks, missing folders."""

import json
import os
import resource
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from filelock import FileLock

from telemetry.runtime_events.file import journal
from tests.support.runtime_events import (
    BATCH_URL,
    SUMMARY_URL,
    TOKEN_URL,
    URL,
    full_event,
    minimal_event,
)

UNREADABLE = "/api/health/persistence"


@pytest.fixture
def other_client(make_app, events_file):
    """A client of another application with the same file, like that of another process."""
    return make_app(database_url=None, runtime_events_path=events_file).test_client()


@contextmanager
def full_disk(left: int, file) -> Iterator[None]:
    """Let the file grow by ``left`` bytes and no more, like a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (file.stat().st_size + left, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def no_privileges() -> Iterator[None]:
    """Give up the privileges of root for a while: root may write everywhere."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(before)


def listed(client):
    return [event["id"] for event in client.get(URL).json["items"]]


def unreadable(client):
    return client.get(UNREADABLE).json["domains"]["runtime_events"]["unreadable_lines"]


def refusal(response):
    assert response.status_code == 503
    assert response.headers["Retry-After"]
    assert "RUNTIME_EVENTS_PATH" in response.json["detail"]
    return response.json["detail"]


def test_it_writes_one_line_for_each_event(file_client, events_file):
    file_client.post(URL, json=full_event(id="a", metadata={"text": "one\ntwo"}))
    file_client.post(BATCH_URL, json=[full_event(id="b"), full_event(id="c")])
    lines = events_file.read_bytes().splitlines()
    assert [json.loads(line)["id"] for line in lines] == ["a", "b", "c"]


def test_it_appends_only(file_client, events_file):
    file_client.post(URL, json=full_event(id="a"))
    before, inode = events_file.read_bytes(), events_file.stat().st_ino
    file_client.post(URL, json=full_event(id="b"))
    assert events_file.read_bytes().startswith(before)
    assert events_file.stat().st_ino == inode


def test_it_shares_the_file_with_other_processes(file_client, other_client):
    def post(number):
        client = (file_client, other_client)[number % 2]
        return client.application.test_client().post(URL, json=minimal_event(id=f"{number // 4}"))

    with ThreadPoolExecutor(8) as pool:
        statuses = [response.status_code for response in pool.map(post, range(80))]
    assert sorted(statuses) == [200] * 60 + [201] * 20
    assert sorted(listed(file_client)) == sorted(map(str, range(20)))


def test_it_recognises_a_duplicate_after_a_restart(file_client, other_client):
    file_client.post(URL, json=full_event())
    assert other_client.post(URL, json=full_event()).status_code == 200


def test_it_recognises_the_last_events_and_may_forget_older_ones(
    file_client, other_client, monkeypatch
):
    monkeypatch.setattr(journal, "REMEMBERED", 3)
    for event_id in "abcde":
        file_client.post(URL, json=full_event(id=event_id))
    for client in (file_client, other_client):
        repeated = [client.post(URL, json=full_event(id=it)).status_code for it in "cde"]
        assert repeated == [200, 200, 200]


def test_it_remembers_100_000_events(file_client, other_client, events_file):
    file_client.post(URL, json=full_event(id="first"))
    [line] = events_file.read_text().splitlines()
    with events_file.open("a") as file:
        file.writelines(line.replace("first", f"id-{it}") + "\n" for it in range(99_999))
    for client in (file_client, other_client):
        assert client.post(URL, json=full_event(id="first")).status_code == 200


NESTED = f'{{"x": {"[" * 2000}{"]" * 2000}}}\n'


@pytest.mark.parametrize(
    "torn", ['{"id": "torn", "sour', '{"id": "tor\u00e4'.encode()[:-1], "x\n", NESTED]
)
def test_it_skips_a_last_line_that_is_cut_off(file_client, other_client, events_file, torn):
    file_client.post(URL, json=full_event(id="a"))
    before = file_client.get(TOKEN_URL).json
    with events_file.open("ab") as file:
        file.write(torn if isinstance(torn, bytes) else torn.encode())
    assert listed(file_client) == ["a"]
    assert file_client.get(TOKEN_URL).json == before
    assert [unreadable(client) for client in (file_client, other_client)] == [1, 1]
    assert other_client.post(URL, json=full_event(id="b")).status_code == 201
    assert file_client.post(URL, json=full_event(id="c")).status_code == 201
    assert file_client.post(URL, json=full_event(id="b")).status_code == 200
    assert listed(file_client) == ["c", "b", "a"]
    assert [unreadable(client) for client in (file_client, other_client)] == [1, 1]


def test_it_logs_a_warning_for_a_line_that_is_cut_off(file_client, events_file, caplog):
    events_file.write_text('{"id": "torn')
    file_client.post(URL, json=full_event())
    assert "RUNTIME_EVENTS_PATH: no event at byte 0, skipped" in caplog.messages


def test_it_adds_up_the_long_integers_of_other_programs(file_client, events_file):
    file_client.post(URL, json=full_event(id="a"))
    event = json.loads(events_file.read_text())
    longer = [{**event, "id": f"{number}", "runtime_ms": number} for number in (10**30, 10**400)]
    longest = [{**event, "id": f"c{number}", "runtime_ms": 10**308} for number in range(20)]
    with events_file.open("a") as file:
        file.writelines(f"{json.dumps(each)}\n" for each in longer + longest)
    [endpoint] = file_client.get(SUMMARY_URL).json["endpoints"]
    assert endpoint["event_count"] == 22
    assert unreadable(file_client) == 1


def test_it_reads_a_complete_last_line_without_a_newline(file_client, events_file):
    file_client.post(URL, json=full_event(id="a"))
    events_file.write_bytes(events_file.read_bytes().removesuffix(b"\n"))
    assert file_client.post(URL, json=full_event(id="a")).status_code == 200
    assert file_client.post(URL, json=full_event(id="b")).status_code == 201
    assert listed(file_client) == ["b", "a"]
    assert unreadable(file_client) == 0


@pytest.mark.parametrize("left", [0, 1, 100, 700])
def test_it_leaves_no_part_of_a_batch_on_a_full_disk(file_client, events_file, left):
    file_client.post(URL, json=full_event(id="a"))
    before = events_file.read_bytes()
    with full_disk(left, events_file):
        refusal(file_client.post(BATCH_URL, json=[full_event(id=it) for it in "bcde"]))
        assert events_file.read_bytes() == before
        assert listed(file_client) == ["a"]
    response = file_client.post(BATCH_URL, json=[full_event(id=it) for it in "bcde"])
    assert response.json["inserted"] == 4


def test_it_reports_a_missing_folder(make_app, tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    path = folder / "events"
    client = make_app(database_url=None, runtime_events_path=path).test_client()
    assert client.post(URL, json=full_event()).status_code == 201
    shutil.rmtree(folder)
    for response in (
        client.post(URL, json=full_event()),
        client.post(BATCH_URL, json=[full_event()]),
        client.get(URL),
        client.get(SUMMARY_URL),
        client.get(TOKEN_URL),
    ):
        refusal(response)
    assert unreadable(client) is None
    folder.mkdir()
    assert client.post(URL, json=full_event()).status_code == 201
    assert listed(client) == ["event-1"]


def test_it_reports_a_path_that_is_a_folder(make_app, tmp_path):
    path = tmp_path / "events"
    client = make_app(database_url=None, runtime_events_path=path).test_client()
    path.mkdir()
    assert "directory" in refusal(client.post(URL, json=full_event()))


def test_it_reports_a_missing_permission(make_app, tmp_path):
    path = tmp_path / "events"
    client = make_app(database_url=None, runtime_events_path=path).test_client()
    tmp_path.chmod(0o500)
    with no_privileges():
        assert "ermission" in refusal(client.post(URL, json=full_event()))
    assert not path.exists()


def test_it_reports_a_lock_that_another_process_holds(file_client, events_file, monkeypatch):
    monkeypatch.setattr(journal, "FILE_LOCK_SECONDS", 0.05)
    with FileLock(f"{events_file}.lock"):
        assert "locked" in refusal(file_client.post(URL, json=full_event()))
        assert file_client.get(URL).status_code == 200
        assert unreadable(file_client) == 0
    assert file_client.post(URL, json=full_event()).status_code == 201


@pytest.mark.parametrize("same_inode", [True, False])
def test_it_notices_that_the_file_was_replaced(file_client, events_file, same_inode):
    file_client.post(BATCH_URL, json=[full_event(id=it) for it in "abc"])
    [line, *_] = events_file.read_bytes().replace(b'"a"', b'"x"').splitlines(keepends=True)
    if not same_inode:
        os.rename(events_file, f"{events_file}.old")
    events_file.write_bytes(line)
    assert file_client.post(URL, json=full_event(id="x")).status_code == 200
    assert file_client.post(URL, json=full_event(id="a")).status_code == 201
    assert listed(file_client) == ["a", "x"]


def test_only_events_are_served_without_a_database(file_client):
    response = file_client.get("/api/v1/runs")
    assert response.status_code == 503
    assert "DATABASE_URL" in response.json["detail"]
