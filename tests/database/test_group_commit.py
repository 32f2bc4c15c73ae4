"""What arrives together is committed together, and nobody suffers for another."""

import json
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Thread

import pytest

from telemetry.database import group_commit
from telemetry.database.errors import DatabaseUnavailable, IntegrityViolation
from telemetry.database.group_commit import GroupCommit, insert_keyed
from telemetry.database.values import Keyed, as_json
from tests.support.waiting import wait_until


class Table:
    """Takes records by key; can be held up, and refuses what it is told to."""

    def __init__(self, *refused, error=IntegrityViolation):
        self.rows = {}
        self.inserts = []
        self.open, self.busy = Event(), Event()
        self.open.set()
        self._refused, self._error = refused, error

    def commit(self, records):
        return insert_keyed(self.insert, records)

    def insert(self, records):
        sent = [each["id"] for each in json.loads(records)]
        self.inserts.append(sent)
        self.busy.set()
        assert self.open.wait(10)
        for key in sent:
            if key in self._refused:
                raise self._error("refused_check")
        new = {key: {"id": key} for key in sent if key not in self.rows}
        self.rows.update(new)
        return new


def record(key):
    return (Keyed(key, as_json({"id": key})),)


def held(table, group, *keys):
    """Hold the first record up until the others have arrived; return what became of each."""
    table.open.clear()
    with ThreadPoolExecutor(len(keys)) as threads:
        first = threads.submit(group.submit, *record(keys[0]))
        assert table.busy.wait(10)
        rest = []
        for key in keys[1:]:
            rest.append(threads.submit(group.submit, *record(key)))
            wait_until(lambda: len(group._queue) == len(rest))
        table.open.set()
        return [each.exception() or each.result() for each in [first, *rest]]


@pytest.fixture(autouse=True)
def patient(monkeypatch):
    monkeypatch.setattr(group_commit, "SOON_SECONDS", 20)


def test_it_works():
    table = Table()
    group = GroupCommit(table.commit, max_groups=4)
    assert group.submit(*record("a")) == {"id": "a"}
    assert group.submit(*record("a")) is None
    assert table.inserts == [["a"], ["a"]]


def test_what_arrives_meanwhile_goes_together():
    table = Table()
    group = GroupCommit(table.commit, max_groups=4)
    assert held(table, group, "a", "b", "c", "d") == [{"id": key} for key in "abcd"]
    assert table.inserts == [["a"], ["b", "c", "d"]]


def test_of_one_key_the_first_is_the_record():
    table = Table()
    group = GroupCommit(table.commit, max_groups=4)
    assert held(table, group, "a", "b", "b", "a") == [{"id": "a"}, {"id": "b"}, None, None]


def test_a_record_that_is_refused_does_not_harm_the_others():
    table = Table("bad")
    group = GroupCommit(table.commit, max_groups=4)
    first, good, bad, better = held(table, group, "a", "b", "bad", "c")
    assert (first, good, better) == ({"id": "a"}, {"id": "b"}, {"id": "c"})
    assert isinstance(bad, IntegrityViolation)
    assert sorted(table.rows) == ["a", "b", "c"]


def test_when_the_database_is_gone_nobody_tries_again():
    table = Table("b", error=DatabaseUnavailable)
    group = GroupCommit(table.commit, max_groups=4)
    first, *rest = held(table, group, "a", "b", "c")
    assert first == {"id": "a"}
    assert [type(each) for each in rest] == [DatabaseUnavailable] * 2
    assert table.inserts == [["a"], ["b", "c"]]
    assert group.submit(*record("d")) == {"id": "d"}


def test_a_group_that_is_stuck_does_not_stop_the_next(monkeypatch):
    monkeypatch.setattr(group_commit, "SOON_SECONDS", 0.01)
    stuck, table = Table(), Table()
    stuck.open.clear()
    group = GroupCommit(
        lambda records: (stuck if records[0].key == "stuck" else table).commit(records),
        max_groups=2,
    )
    thread = Thread(target=group.submit, args=record("stuck"))
    thread.start()
    assert stuck.busy.wait(10)
    assert group.submit(*record("a")) == {"id": "a"}
    assert stuck.rows == {}
    stuck.open.set()
    thread.join(10)
    assert list(stuck.rows) == ["stuck"]


def test_nobody_waits_for_ever(monkeypatch):
    monkeypatch.setattr(group_commit, "CONNECT_SECONDS", 0.05)
    monkeypatch.setattr(group_commit, "SOON_SECONDS", 0.01)
    table = Table()
    table.open.clear()
    group = GroupCommit(table.commit, max_groups=1)
    thread = Thread(target=group.submit, args=record("a"))
    thread.start()
    assert table.busy.wait(10)
    with pytest.raises(DatabaseUnavailable):
        group.submit(*record("b"))
    table.open.set()
    thread.join(10)
    assert list(table.rows) == ["a"]
    assert group.submit(*record("b")) == {"id": "b"}


def test_so_many_may_wait_and_no_more(monkeypatch):
    monkeypatch.setattr(group_commit, "MAX_WAITING", 1)
    table = Table()
    table.open.clear()
    group = GroupCommit(table.commit, max_groups=1)
    threads = [Thread(target=group.submit, args=record(key)) for key in "ab"]
    threads[0].start()
    assert table.busy.wait(10)
    threads[1].start()
    wait_until(lambda: len(group._queue) == 1)
    with pytest.raises(DatabaseUnavailable, match="too many"):
        group.submit(*record("c"))
    table.open.set()
    for thread in threads:
        thread.join(10)
    assert sorted(table.rows) == ["a", "b"]


def test_a_group_has_its_limits(monkeypatch):
    monkeypatch.setattr(group_commit, "MAX_RECORDS", 2)
    table = Table()
    group = GroupCommit(table.commit, max_groups=1)
    held(table, group, "a", "b", "c", "d")
    assert table.inserts == [["a"], ["b", "c"], ["d"]]


def test_a_long_record_goes_alone():
    table = Table()
    group = GroupCommit(table.commit, max_groups=1)
    table.open.clear()
    thread = Thread(target=group.submit, args=record("a"))
    thread.start()
    assert table.busy.wait(10)
    table.open.set()
    text = as_json({"id": "long", "text": "x" * group_commit.MAX_BYTES})
    assert group.submit(Keyed("long", text), len(text)) == {"id": "long"}
    thread.join(10)
    assert table.inserts == [["a"], ["long"]]
