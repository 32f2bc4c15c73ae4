"""Records that arrive together are committed together, and none fails because of another."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from telemetry.group_commit import GroupCommit, Limits
from tests.support.waiting import wait_until


class Unavailable(Exception):
    """The table can't be written at the moment."""


class Refused(Exception):
    """The table refuses a record."""


class Table:
    """Keeps the groups it commits. Can be blocked, and fails for the records in ``fails``."""

    def __init__(self, fails=(), error=Refused):
        self.groups = []
        self.unblocked, self.entered = Event(), Event()
        self.unblocked.set()
        self._fails, self._error = fails, error

    def block(self):
        self.unblocked.clear()
        self.entered.clear()

    def commit(self, records):
        self.groups.append([*records])
        self.entered.set()
        assert self.unblocked.wait(10)
        if {*records} & {*self._fails}:
            raise self._error(str(records))
        return [record.upper() for record in records]


def group_commit(table, groups=1, **limits):
    return GroupCommit(table.commit, Limits(groups, **limits), unavailable=Unavailable)


def submit_together(table, group, first, *others):
    """Submit the others while the first is being committed; return the outcome of each."""
    table.block()
    with ThreadPoolExecutor(1 + len(others)) as threads:
        submitted = [threads.submit(group.submit, first)]
        assert table.entered.wait(10)
        for number, record in enumerate(others, 1):
            submitted.append(threads.submit(group.submit, record))
            wait_until(lambda number=number: group.waiting == number)
        table.unblocked.set()
        return [each.exception() or each.result() for each in submitted]


def test_a_record_is_committed_at_once_when_no_other_is():
    table = Table()
    group = group_commit(table)
    assert [group.submit(record) for record in "ab"] == ["A", "B"]
    assert table.groups == [["a"], ["b"]]


def test_records_that_arrive_during_a_commit_share_the_next():
    table = Table()
    assert submit_together(table, group_commit(table), *"abcd") == ["A", "B", "C", "D"]
    assert table.groups == [["a"], ["b", "c", "d"]]


def test_a_leader_waits_for_others_to_join():
    table = Table()
    group = group_commit(table, join_seconds=0.5)
    with ThreadPoolExecutor(2) as threads:
        assert [*threads.map(group.submit, "ab")] == ["A", "B"]
    assert [sorted(records) for records in table.groups] == [["a", "b"]]


def test_a_record_that_fails_does_not_fail_the_others():
    table = Table(fails="c")
    outcomes = submit_together(table, group_commit(table), *"abcd")
    assert isinstance(outcomes.pop(2), Refused)
    assert outcomes == ["A", "B", "D"]
    assert table.groups[:2] == [["a"], ["b", "c", "d"]]
    assert sorted(table.groups[2:]) == [["b"], ["c"], ["d"]]


def test_no_record_is_tried_again_when_the_table_is_unavailable():
    table = Table(fails="c", error=Unavailable)
    group = group_commit(table)
    first, *others = submit_together(table, group, *"abc")
    assert first == "A"
    assert [type(each) for each in others] == [Unavailable, Unavailable]
    assert table.groups == [["a"], ["b", "c"]]
    assert group.submit("d") == "D"


def test_the_others_are_unavailable_when_the_leader_is_killed():
    table = Table(fails="c", error=SystemExit)
    group = group_commit(table)
    _, *others = submit_together(table, group, *"abc")
    assert {type(each) for each in others} == {SystemExit, Unavailable}
    assert group.submit("d") == "D"


def test_another_group_starts_while_one_is_stuck():
    stuck, table = Table(), Table()
    stuck.block()
    group = GroupCommit(
        lambda records: (stuck if "a" in records else table).commit(records),
        Limits(groups=2, overtake_seconds=0.01),
        unavailable=Unavailable,
    )
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(group.submit, "a")
        assert stuck.entered.wait(10)
        assert group.submit("b") == "B"
        assert not first.done()
        stuck.unblocked.set()
        assert first.result() == "A"


def test_a_record_does_not_wait_for_ever():
    table = Table()
    table.block()
    group = group_commit(table, overtake_seconds=0.01, turn_seconds=0.05)
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(group.submit, "a")
        assert table.entered.wait(10)
        with pytest.raises(Unavailable, match="too long"):
            group.submit("b")
        assert group.waiting == 0
        table.unblocked.set()
        assert first.result() == "A"
    assert group.submit("b") == "B"


def test_a_record_is_refused_when_too_many_wait():
    table = Table()
    table.block()
    group = group_commit(table, waiting=1)
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(group.submit, "a")
        assert table.entered.wait(10)
        second = threads.submit(group.submit, "b")
        wait_until(lambda: group.waiting == 1)
        with pytest.raises(Unavailable, match="too many"):
            group.submit("c")
        table.unblocked.set()
        assert (first.result(), second.result()) == ("A", "B")


def test_a_group_has_a_largest_size():
    table = Table()
    submit_together(table, group_commit(table, records=2), *"abcd")
    assert table.groups == [["a"], ["b", "c"], ["d"]]


def test_a_large_record_is_committed_without_waiting_for_others():
    small, large = Table(), Table()
    small.block()
    group = GroupCommit(
        lambda records: (large if "large" in records else small).commit(records),
        Limits(groups=1, record_bytes=10),
        unavailable=Unavailable,
    )
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(group.submit, "a")
        assert small.entered.wait(10)
        assert group.submit("large", size=11) == "LARGE"
        assert not first.done()
        small.unblocked.set()
        assert first.result() == "A"


def test_each_commit_is_observed_once_it_has_succeeded():
    sizes = []
    table = Table(fails=["bad"])
    group = GroupCommit(
        table.commit, Limits(1, record_bytes=100), unavailable=Unavailable, observe=sizes.append
    )
    group.submit("first")
    group.submit("large", 101)
    assert sizes == [1, 1]
    submit_together(table, group, "a", "b", "bad")
    assert sizes == [1, 1, 1, 1]  # "a", and "b" by itself after the group of "bad" has failed
