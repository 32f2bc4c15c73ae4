"""GET /api/v1/feed/runs: a follower sees every change of a run once."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import psycopg
import pytest

from tests.support.errors import assert_problems
from tests.support.feed import Follower, get_with
from tests.support.runs import DRAW_NUMBER, DRAWN_NUMBER, full_run, minimal_run
from tests.support.waiting import locks_awaited, wait_until

URL = "/api/v1/feed/runs"
RUNS = "/api/v1/runs"
INSERT = """
    INSERT INTO agent_runs (event_id, run_id, agent_name, job_type, start_time)
    VALUES (%s, 'run-1', 'agent-a', 'crawl', '2026-01-31T12:00:00Z')
"""


@pytest.fixture
def follower(client):
    return Follower(get_with(client), URL)


def names(items):
    return [run["event_id"] for run in items]


def test_it_works(client, follower):
    assert follower.catch_up() == []
    client.post(RUNS, json=full_run("a"))
    client.post(RUNS, json=minimal_run("b"))
    items = follower.catch_up()
    assert items == [client.get(f"{RUNS}/{name}").json for name in "ab"]
    assert follower.catch_up() == []


def test_a_run_appears_again_after_each_change(client, follower):
    client.post(RUNS, json=minimal_run("a"))
    assert names(follower.catch_up()) == ["a"]
    client.patch(f"{RUNS}/a", json={"items_failed": 1})
    assert [run["items_failed"] for run in follower.catch_up()] == [1]
    commit = {"commit_hash": "abcdef0", "commit_source": "ci"}
    client.post(f"{RUNS}/a/associate-commit", json=commit)
    assert [run["git_commit_hash"] for run in follower.catch_up()] == ["abcdef0"]
    client.post(RUNS, json=minimal_run("a", status="success"))
    assert [run["status"] for run in follower.catch_up()] == ["success"]
    for duplicate in (minimal_run("a"), minimal_run("a", status="failure")):
        client.post(RUNS, json=duplicate)
    assert follower.catch_up() == []


def test_several_changes_appear_as_one(client, follower):
    client.post(RUNS, json=minimal_run("a"))
    client.post(RUNS, json=minimal_run("b"))
    client.patch(f"{RUNS}/a", json={"items_failed": 1})
    assert [(run["event_id"], run["items_failed"]) for run in follower.catch_up()] == [
        ("b", 0),
        ("a", 1),
    ]


def test_a_batch_is_in_the_feed_and_so_are_the_runs_that_it_completes(client, follower):
    client.post(f"{RUNS}/batch", json=[minimal_run("a"), minimal_run("b")])  # by COPY
    assert names(follower.catch_up()) == ["a", "b"]
    batch = [minimal_run("c"), minimal_run("a", status="success")]
    assert client.post(f"{RUNS}/batch", json=batch).json["completed"] == 1
    found = [(run["event_id"], run["status"]) for run in follower.catch_up()]
    assert sorted(found) == [("a", "success"), ("c", "running")]


@pytest.mark.one_node("no trigger numbers it there: the client draws a number")
def test_a_change_by_another_client_of_the_database_appears(client, db, follower):
    client.post(RUNS, json=minimal_run("a"))
    follower.catch_up()
    db.execute("UPDATE agent_runs SET agent_name = 'renamed'")
    assert [run["agent_name"] for run in follower.catch_up()] == ["renamed"]


def test_a_change_by_a_client_that_draws_a_number_appears(client, database_url, follower):
    client.post(RUNS, json=minimal_run("a"))
    follower.catch_up()
    with psycopg.connect(database_url) as other:
        other.execute(DRAW_NUMBER)
        other.execute(
            f"UPDATE agent_runs SET agent_name = 'renamed', change_number = {DRAWN_NUMBER}"
        )
    assert [run["agent_name"] for run in follower.catch_up()] == ["renamed"]


@pytest.mark.parametrize("limit", [1, 7, 1000])
def test_pages_hold_every_run_once(client, limit):
    runs = [minimal_run(f"e{number}") for number in range(100)]
    client.post(f"{RUNS}/batch", json=runs)
    follower = Follower(get_with(client), URL, limit=limit)
    pages = [follower.poll()]
    while follower.has_more:
        pages.append(follower.poll())
    assert {len(page) for page in pages[:-1]} <= {limit}
    assert sorted(name for page in pages for name in names(page)) == sorted(
        run["event_id"] for run in runs
    )


def test_now_is_an_empty_page_and_the_cursor_of_this_moment(client, follower):
    client.post(RUNS, json=minimal_run("a"))
    assert follower.poll(after="now") == []
    assert not follower.has_more
    client.post(RUNS, json=minimal_run("b"))
    assert names(follower.catch_up()) == ["b"]


@pytest.mark.parametrize("start", [None, "now"])
def test_it_waits_for_a_writer_whose_transaction_is_open(client, db, database_url, start):
    follower = Follower(get_with(client), URL)
    if start:
        follower.poll(after=start)
    with psycopg.connect(database_url) as slow:
        slow.execute(INSERT, ("slow",))
        for number in range(5):
            client.post(RUNS, json=minimal_run(f"e{number}"))
            client.post(f"{RUNS}/batch", json=[minimal_run(f"b{number}")])
            assert names(follower.catch_up()) == [f"e{number}", f"b{number}"]
            if number == 2 and not start:
                slow.execute("SAVEPOINT before")
                slow.execute(INSERT, ("undone",))
                slow.execute("ROLLBACK TO before")
                slow.execute(INSERT, ("later",))
    assert names(follower.catch_up()) == (["slow"] if start else ["slow", "later"])
    db.execute("BEGIN")
    db.execute(INSERT, ("rolled-back",))
    db.execute("ROLLBACK")
    assert follower.catch_up() == []


def test_a_run_from_before_the_numbers_appears_first_and_once(client, db):
    client.post(f"{RUNS}/batch", json=[minimal_run(f"old-{number}") for number in range(5)])
    # The trigger that numbers a change does not fire then.
    db.execute("SET session_replication_role = replica")
    db.execute("UPDATE agent_runs SET change_number = 0")
    db.execute("RESET session_replication_role")
    client.post(RUNS, json=minimal_run("new"))
    follower = Follower(get_with(client), URL, limit=2)
    assert names(follower.poll()) == ["old-0", "old-1"]
    for name in ("old-1", "old-4"):
        client.patch(f"{RUNS}/{name}", json={"items_failed": 1})
    assert names(follower.catch_up()) == ["old-2", "old-3", "new", "old-1", "old-4"]
    assert Follower(get_with(client), URL).poll(after="now") == []


@pytest.fixture
def lanes_taken(db):
    """Every lane is held by the transaction of ``db``, which is open."""
    db.execute("BEGIN")
    db.execute("SELECT pg_advisory_xact_lock(7308, lane) FROM generate_series(0, 63) AS lane")


def wait_for_waiter(database_url):
    with psycopg.connect(database_url, autocommit=True) as other:
        wait_until(lambda: locks_awaited(other))


def last_number(db):
    row = db.execute("SELECT last_value, is_called FROM agent_runs_change_seq").fetchone()
    return row["last_value"] if row["is_called"] else 0


def test_a_writer_without_a_lane_waits_and_then_draws_its_number(
    client, database_url, db, lanes_taken
):
    before = last_number(db)
    with ThreadPoolExecutor(1) as pool:
        posted = pool.submit(client.post, RUNS, json=minimal_run("a"))
        wait_for_waiter(database_url)
        assert last_number(db) == before, "a number drawn before its lane may be missed"
        db.execute("COMMIT")
        assert posted.result().status_code == 201
    assert names(Follower(get_with(client), URL).catch_up()) == ["a"]


def test_the_wait_for_a_lane_ends_with_the_statement_timeout(database_url, lanes_taken):
    with (
        psycopg.connect(database_url, options="-c statement_timeout=300ms") as waiting,
        pytest.raises(psycopg.errors.QueryCanceled),
    ):
        waiting.execute(INSERT, ("a",))


@pytest.mark.parametrize(
    ("ended", "timeout"),
    [
        pytest.param(
            "holder",
            "1ms",
            marks=pytest.mark.one_node("a writer draws its number before it locks the run there"),
        ),
        ("writer", "1min"),
    ],
)
def test_a_writer_that_waits_for_a_lane_and_blocks_its_holder_is_a_deadlock_that_ends(
    client, database_url, db, ended, timeout
):
    client.post(RUNS, json=minimal_run("a"))
    db.execute(f"SET deadlock_timeout = '{timeout}'")
    db.execute("BEGIN")
    db.execute("SELECT pg_advisory_xact_lock(7308, lane) FROM generate_series(0, 63) AS lane")
    with ThreadPoolExecutor(1) as pool:
        patched = pool.submit(client.patch, f"{RUNS}/a", json={"items_failed": 1})
        wait_for_waiter(database_url)
        with suppress(psycopg.errors.DeadlockDetected):
            db.execute("UPDATE agent_runs SET items_failed = 2")
            assert ended == "writer"
        db.execute("ROLLBACK")
        assert patched.result().status_code == 200


@pytest.mark.long
def test_a_poller_sees_every_run_of_many_writers_once_and_every_change(start_service, db):
    service = start_service()

    def get(path, query):
        return service.client.get(path, params=query).json()

    def write(number):
        if number % 10 == 0:
            runs = [minimal_run(f"w{number}-{place}") for place in range(30)]
            assert service.client.post(f"{RUNS}/batch", json=runs).status_code == 200
        else:
            assert service.client.post(RUNS, json=minimal_run(f"w{number}")).status_code == 201
        if number % 10 == 1:
            changed = service.client.patch(f"{RUNS}/w{number}", json={"status": "success"})
            assert changed.status_code == 200

    seen, done = [], threading.Event()

    def poll():
        follower = Follower(get, URL, limit=50)
        while not done.is_set():
            seen.extend(follower.poll())
        seen.extend(follower.catch_up())

    with ThreadPoolExecutor(33) as pool:
        poller = pool.submit(poll)
        for task in [pool.submit(write, number) for number in range(1000)]:
            task.result()
        done.set()
        poller.result()
    stored = db.execute("SELECT event_id, status FROM agent_runs").fetchall()
    assert len(stored) == 900 + 100 * 30
    versions = [(run["event_id"], run["updated_at"]) for run in seen]
    assert len(versions) == len({*versions}), "a version of a run appears once"
    newest = {run["event_id"]: run["status"] for run in seen}
    assert newest == {row["event_id"]: row["status"] for row in stored}


@pytest.mark.parametrize(
    "after",
    ["x", "NOW", "a" * 5000, "_" * 8, "lHKRcnVucw==", "kw==", "é", "%00"],
)
def test_a_bad_cursor_is_422(client, after):
    response = client.get(URL, query_string={"after": after.replace("%00", "\0")})
    assert_problems(
        response, {"after": "text_not_storable" if after == "%00" else "cursor"}, ("query",)
    )


def test_a_cursor_of_another_feed_is_422(client):
    other = client.get("/api/v1/feed/runtime-events").json["next"]
    assert_problems(client.get(f"{URL}?after={other}"), {"after": "cursor"}, ("query",))


@pytest.mark.parametrize("limit", ["0", "1001", "x"])
def test_a_bad_limit_is_422(client, limit):
    response = client.get(f"{URL}?limit={limit}")
    assert [it["loc"] for it in response.json["detail"]] == [["query", "limit"]]
    assert response.status_code == 422


def test_an_unknown_parameter_is_422(client):
    assert_problems(client.get(f"{URL}?agent_name=a"), {"agent_name": "unknown"}, ("query",))


@pytest.mark.parametrize("settings", [{}, {"runtime_events_path": "events.jsonl"}])
def test_without_a_database_it_is_503(make_app, tmp_path, settings):
    paths = {name: tmp_path / path for name, path in settings.items()}
    client = make_app(database_url=None, **paths).test_client()
    assert client.get(URL).status_code == 503
    assert client.get("/api/v1/feed/audio-runtime?tenant_id=a").status_code == 503
    expected = 200 if settings else 503
    assert client.get("/api/v1/feed/runtime-events").status_code == expected
