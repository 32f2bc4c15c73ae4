"""``prune`` deletes what is old, and nothing else."""

import pytest

from telemetry.cli import prune as command
from tests.support.audio_runtime import event
from tests.support.command import telemetry
from tests.support.feed import Follower
from tests.support.retention import add_events, add_runs, counts_are_right, names, state
from tests.support.rights import serving
from tests.support.runs import minimal_run


@pytest.fixture
def prune(database_url):
    """Run the command; it must succeed. Returns what it printed."""

    def run(*arguments, **environ):
        done = telemetry("prune", *arguments, DATABASE_URL=database_url, **environ)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def test_it_deletes_old_runs_and_events(prune, db):
    add_runs(db, "old", "91 days", count=3)
    add_runs(db, "young", "89 days")
    add_events(db, "old", "31 days", count=2)
    add_events(db, "young", "29 days")
    printed = prune("--runs-older-than", "90d", "--events-older-than", "720h")
    assert "3 runs older than 90d deleted" in printed
    assert "2 runtime events older than 30d deleted" in printed
    assert names(db, "agent_runs") == {"young"}
    assert names(db, "runtime_events") == {"young"}
    assert state(db)["deleted_total"] == 3
    assert state(db)["finished_at"]


def test_an_option_that_is_left_out_deletes_nothing(prune, db):
    add_runs(db, "old", "91 days")
    add_events(db, "old", "91 days")
    prune("--runs-older-than", "90d", TELEMETRY_RETENTION_EVENTS="1d")
    assert names(db, "agent_runs") == set()
    assert names(db, "runtime_events") == {"old"}


def test_without_options_it_does_what_the_variables_say(prune, db):
    add_runs(db, "old", "91 days")
    add_events(db, "old", "91 days")
    prune(TELEMETRY_RETENTION_EVENTS="90d")
    assert names(db, "agent_runs") == {"old"}
    assert names(db, "runtime_events") == set()


def test_a_dry_run_counts_and_deletes_nothing(prune, db):
    add_runs(db, "old", "91 days", count=3)
    add_runs(db, "running", "91 days", status="running", updated="1 minute")
    add_events(db, "old", "91 days", count=2)
    printed = prune("--runs-older-than", "90d", "--events-older-than", "90d", "--dry-run")
    assert "dry run: would delete 3 runs older than 90d" in printed
    assert "dry run: would delete 2 runtime events older than 90d" in printed
    assert names(db, "agent_runs") == {"old", "running"}
    assert names(db, "runtime_events") == {"old"}
    assert state(db) == {}


def test_a_dry_run_that_takes_long_counts_a_part(prune, db, monkeypatch):
    monkeypatch.setattr(command, "COUNT_SECONDS", -1.0)
    assert "at least 0 runs" in prune("--runs-older-than", "90d", "--dry-run")


def test_it_works_in_batches(prune, db, monkeypatch):
    monkeypatch.setattr(command, "ROWS", 7)
    add_runs(db, "old", "91 days", count=50)
    add_runs(db, "running", "92 days", status="running", updated="1 minute", count=20)
    add_events(db, "old", "91 days", count=50)
    assert "50 runs" in prune("--runs-older-than", "90d", "--events-older-than", "90d")
    assert names(db, "agent_runs") == {"running"}
    assert names(db, "runtime_events") == set()
    assert counts_are_right(db)


def test_a_run_that_is_at_work_is_kept(prune, db):
    add_runs(db, "at_work", "91 days", status="running", updated="1 minute")
    add_runs(db, "stale", "91 days", status="running", updated="2 hours")
    prune("--runs-older-than", "90d")
    assert names(db, "agent_runs") == {"at_work"}
    prune("--runs-older-than", "90d", TELEMETRY_STALE_AFTER="30s")
    assert names(db, "agent_runs") == set()


def test_a_run_of_a_clock_that_is_ahead_gets_old_too(prune, db):
    add_runs(db, "ahead_old", "-9999 days", updated="91 days")
    add_runs(db, "ahead_young", "-9999 days", updated="89 days")
    prune("--runs-older-than", "90d")
    assert names(db, "agent_runs") == {"ahead_young"}


def test_a_run_that_a_writer_has_locked_is_left_for_the_next_time(prune, db, database_url):
    add_runs(db, "old", "91 days", count=3)
    with db.transaction():
        db.execute("SELECT FROM agent_runs WHERE event_id = 'old-2' FOR UPDATE")
        assert "2 runs" in prune("--runs-older-than", "90d")
    assert "1 runs" in prune("--runs-older-than", "90d")


def test_children_stay_and_a_late_repeat_is_a_new_run(prune, db, client):
    add_runs(db, "old", "91 days")
    child = minimal_run("child", parent_run_id="run-1")
    assert client.post("/api/v1/runs", json=child).status_code == 201
    prune("--runs-older-than", "90d")
    assert client.get("/api/v1/runs/child").json["parent_run_id"] == "run-1"
    assert client.get("/runs/child", headers={"Accept": "text/html"}).status_code == 200
    assert client.post("/api/v1/runs", json=minimal_run("old-1")).status_code == 201


def test_metrics_count_what_is_left(prune, db, client):
    add_runs(db, "old", "91 days", count=30)
    add_runs(db, "young", "1 day", count=3)
    prune("--runs-older-than", "90d")
    found = client.get("/metrics").json
    assert found == {
        "total_runs": 3,
        "agents": {"agent-0": 1, "agent-1": 1, "agent-2": 1},
        "recent_24h": 0,
    }
    assert counts_are_right(db)


def test_a_follower_misses_no_run(prune, db, client):
    add_runs(db, "old", "91 days", count=30)
    add_runs(db, "young", "1 day", count=30)
    follower = Follower(
        lambda path, query: client.get(path, query_string=query).json, "/api/v1/feed/runs", limit=7
    )
    seen = [run["event_id"] for run in follower.poll()]
    prune("--runs-older-than", "90d")
    add_runs(db, "new", "0 days", count=3)
    seen += [run["event_id"] for run in follower.catch_up()]
    assert len(seen) == len({*seen})
    left = {row["event_id"] for row in db.execute("SELECT event_id FROM agent_runs")}
    assert left <= {*seen}


@pytest.mark.parametrize("young", [0, 3])
def test_the_change_token_stays_the_same(prune, db, client, young):
    def token():
        return client.get("/api/runtime/change-token").json

    add_events(db, "old", "31 days", count=3)
    add_events(db, "young", "1 day", count=young)
    before = token()
    assert "3 runtime events" in prune("--events-older-than", "30d")
    assert token() == before
    add_events(db, "new", "0 days")
    assert token() != before


@pytest.mark.one_node("no trigger looks whether the sequence is behind there: see docs/scale.md")
def test_a_number_of_a_pruned_event_is_not_given_again(prune, db, client):
    add_events(db, "old", "31 days", count=3)
    highest = db.execute("SELECT max(number) AS it FROM runtime_events").fetchone()["it"]
    prune("--events-older-than", "30d")
    db.execute("SELECT setval('runtime_events_number_seq', 1)")
    assert client.get("/api/ready").json["detail"]["error"] == "sequence_behind"
    db.execute("SET telemetry.numbers_are_above = 'no'")
    add_events(db, "new", "0 days")
    assert db.execute("SELECT number FROM runtime_events").fetchone()["number"] > highest


def test_events_of_two_databases_are_pruned_in_theirs(prune, db, databases):
    other = databases.take()
    add_runs(db, "old", "91 days")
    add_events(db, "old", "91 days")
    prune("--runs-older-than", "90d", "--events-older-than", "90d", RUNTIME_DATABASE_URL=other)
    databases.give_back(other)
    assert names(db, "agent_runs") == set()
    assert names(db, "runtime_events") == {"old"}
    assert state(db, "runtime_events") == {}


def test_ledgers_are_never_pruned(prune, db, client):
    client.put("/api/v1/devices/device-1", json={"tenant_id": "tenant-1"})
    client.post("/api/v1/audio-runtime/events", json=event())
    prune("--runs-older-than", "1d", "--events-older-than", "1d")
    for table in ("os_core.audio_runtime_events", "audit.audit_events"):
        assert db.execute(f"SELECT FROM {table}").rowcount == 1


@pytest.mark.parametrize(
    ("arguments", "environ", "line"),
    [
        ([], {}, "nothing says what is old: give --runs-older-than or --events-older-than"),
        (["--runs-older-than", "1h"], {}, "got '1h', takes a time such as 90d or 2160h, from 1d"),
        (["--events-older-than", "9999d"], {}, "--events-older-than"),
        ([], {"TELEMETRY_RETENTION_RUNS": "90"}, "TELEMETRY_RETENTION_RUNS: got '90', takes a"),
        ([], {"TELEMETRY_RETENTION_EVENTS": "60m"}, "TELEMETRY_RETENTION_EVENTS: got '60m'"),
    ],
)
def test_a_bad_value_is_one_line(arguments, environ, line):
    done = telemetry("prune", *arguments, **environ)
    assert done.returncode != 0
    assert line in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("arguments", [["--events-older-than", "1d"], []])
def test_a_file_is_not_pruned(tmp_path, arguments):
    file = tmp_path / "events.jsonl"
    variables = {"RUNTIME_EVENTS_PATH": str(file), "TELEMETRY_RETENTION_EVENTS": "1d"}
    done = telemetry("prune", *arguments, **variables)
    assert done.returncode == 1
    assert "runtime events are in a JSON file, which retention does not prune" in done.stderr


def test_without_a_database_it_says_what_to_set():
    done = telemetry("prune", "--runs-older-than", "90d")
    assert done.returncode == 1
    assert "set DATABASE_URL" in done.stderr


def test_it_works_as_the_owner(db, database_url):
    add_runs(db, "old", "91 days")
    urls = {"DATABASE_URL": serving(database_url), "TELEMETRY_OWNER_DATABASE_URL": database_url}
    done = telemetry("prune", "--runs-older-than", "90d", **urls)
    assert done.returncode == 0, done.stderr
    assert names(db, "agent_runs") == set()


def test_a_missing_right_is_named_and_recorded(db, database_url):
    add_runs(db, "old", "91 days")
    db.execute("CREATE ROLE pruner LOGIN")
    db.execute("GRANT SELECT, INSERT, UPDATE ON agent_runs, retention_passes TO pruner")
    url = database_url.replace("postgres:@", "pruner:@")
    done = telemetry("prune", "--runs-older-than", "90d", DATABASE_URL=url)
    db.execute("DROP OWNED BY pruner")
    db.execute("DROP ROLE pruner")
    assert done.returncode == 1
    assert "permission denied for table agent_runs" in done.stderr
    assert "grants --role NAME --retention" in done.stderr
    assert "permission denied for table agent_runs" in state(db)["error"]
    assert names(db, "agent_runs") == {"old"}
