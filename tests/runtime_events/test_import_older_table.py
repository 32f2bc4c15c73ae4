"""python -m telemetry import-events --table NAME."""

import json
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from telemetry.runtime_events import older_rows
from tests.support.command import telemetry, telemetry_process
from tests.support.runtime_events import URL

ASIDE = "runtime_events_before_migration"


@pytest.fixture
def make(db):
    """Make the table of an older service, with columns of the given types, filled with rows."""

    def make_table(*rows, metadata="metadata json", recorded_at="timestamptz", more=""):
        db.execute(
            f"CREATE TABLE {ASIDE} (id varchar PRIMARY KEY, source varchar, endpoint varchar,"
            f" method varchar, status_code integer, runtime_ms float, idea_id varchar, {metadata},"
            f" runtime_cost_estimate float, recorded_at {recorded_at} {more})"
        )
        for row in rows:
            columns = ", ".join(row)
            values = ", ".join(f"%({name})s" for name in row)
            db.execute(f"INSERT INTO {ASIDE} ({columns}) VALUES ({values})", row)

    return make_table


@pytest.fixture
def run(database_url):
    def run_command(*arguments, **environ):
        return telemetry("import-events", *arguments, **{"DATABASE_URL": database_url, **environ})

    return run_command


def row(event_id, **fields):
    return {
        "id": event_id,
        "source": "api",
        "endpoint": "/api/ideas?x=1",
        "method": "get",
        "status_code": 201,
        "runtime_ms": 0.1,
        "idea_id": "idea-1",
        "metadata": '{"a": 1, "b": "c"}',
        "runtime_cost_estimate": 0.5,
        "recorded_at": "2026-01-31T12:00:00.5Z",
        **fields,
    }


def event(event_id, **fields):
    return {
        **row(event_id),
        "endpoint": "/api/ideas",
        "raw_endpoint": "/api/ideas?x=1",
        "method": "GET",
        "origin_idea_id": "idea-1",
        "metadata": {"a": 1, "b": "c"},
        "recorded_at": "2026-01-31T12:00:00.500000Z",
        **fields,
    }


@pytest.mark.parametrize("kind", ["json", "jsonb", "text", "varchar"])
@pytest.mark.parametrize("recorded_at", ["timestamptz", "timestamp"])
def test_it_works(make, run, client, db, kind, recorded_at):
    make(row("a"), row("b"), metadata=f"metadata {kind}", recorded_at=recorded_at)
    before = db.execute(f"SELECT * FROM {ASIDE}").fetchall()
    done = run("--table", ASIDE)
    assert done.returncode == 0, done.stderr
    assert "2 imported, 0 already there, 0 unreadable" in done.stdout
    assert client.get(URL).json["items"] == [event("b"), event("a")]
    assert db.execute(f"SELECT * FROM {ASIDE}").fetchall() == before


def test_it_takes_every_column_that_a_release_of_the_older_service_had(make, run, client):
    fields = row("a", raw_endpoint="/raw", origin_idea_id="idea-0")
    fields["metadata_json"] = fields.pop("metadata")
    make(
        fields, metadata="metadata_json text", more=", raw_endpoint varchar, origin_idea_id varchar"
    )
    assert run("--table", ASIDE).returncode == 0
    kept = event("a", raw_endpoint="/raw", origin_idea_id="idea-0")
    assert client.get(URL).json["items"] == [kept]


@pytest.mark.parametrize("kind", ["json", "text"])
def test_nothing_is_the_same_as_no_metadata(make, run, client, kind):
    rows = [row("a", metadata=None, idea_id=None), row("b", metadata="{}")]
    make(*rows, *[row("c", metadata="")] * (kind == "text"), metadata=f"metadata {kind}")
    assert run("--table", ASIDE).returncode == 0
    assert {json.dumps(it["metadata"]) for it in client.get(URL).json["items"]} == {"{}"}


def test_it_changes_nothing_a_second_time(make, run, client):
    make(row("a"), row("b"))
    run("--table", ASIDE)
    before = client.get(URL).json
    again = run("--table", ASIDE)
    assert again.returncode == 0
    assert "0 imported, 2 already there, 0 unreadable" in again.stdout
    assert client.get(URL).json == before


BAD = {
    "time": {"recorded_at": "infinity"},
    "no time": {"recorded_at": None},
    "negative": {"runtime_ms": -1.0},
    "not a number": {"runtime_ms": float("nan")},
    "x" * 129: {},
    "line\nbreak": {"source": "nobody"},
    "deep": {"metadata": '{"a": {"b": 1}}'},
    "array": {"metadata": "[1]"},
    "torn": {"metadata": '{"a": '},
    "injected": {"metadata": '{}, "runtime_ms": 5, "x": {}'},
    "nul": {"metadata": '{"a": "\\u0000"}'},
    "large": {"metadata": '{"a": 1e999}'},
}


def test_it_names_unreadable_rows_and_takes_the_others(make, run, client):
    make(
        row("a"),
        *(row(event_id, **fields) for event_id, fields in BAD.items()),
        row("z"),
        metadata="metadata text",
    )
    done = run("--table", ASIDE)
    assert done.returncode == 1
    assert f"2 imported, 0 already there, {len(BAD)} unreadable" in done.stdout
    *named, last = done.stderr.splitlines()
    assert last.startswith("Error: ")
    for event_id in BAD:
        assert sum(line.startswith(f"id {json.dumps(event_id)}: ") for line in named) == 1
    assert len(named) == len(BAD)
    assert {it["id"] for it in client.get(URL).json["items"]} == {"a", "z"}


@pytest.mark.parametrize(("page_rows", "page_bytes"), [(7, 10**6), (1000, 1), (1000, 2000)])
def test_it_reads_page_by_page(make, run, db, monkeypatch, page_rows, page_bytes):
    monkeypatch.setattr(older_rows, "PAGE_ROWS", page_rows)
    monkeypatch.setattr(older_rows, "PAGE_BYTES", page_bytes)
    make(*(row(f"{number}") for number in range(50)))
    assert "50 imported" in run("--table", ASIDE).stdout
    assert db.execute("SELECT count(DISTINCT id) AS n FROM runtime_events").fetchone()["n"] == 50


def test_it_reports_progress(make, run, db):
    make()
    db.execute(
        f"INSERT INTO {ASIDE} SELECT n, 'api', '/a', 'GET', 200, 1, NULL, '{{}}', 0, now()"
        " FROM generate_series(1, 2500) AS n"
    )
    done = run("--table", ASIDE)
    assert [line.strip() for line in done.stdout.splitlines()][1:] == [
        "1,000 read",
        "2,000 read",
        "2,500 read",
        "2,500 imported, 0 already there, 0 unreadable",
    ]


def test_two_at_once_take_each_row_once(make, database_url, db):
    make(*(row(f"{number}") for number in range(100)))
    with ThreadPoolExecutor(2) as pool:
        done = [
            *pool.map(
                lambda _: telemetry_process(
                    "import-events", "--table", ASIDE, DATABASE_URL=database_url
                ),
                range(2),
            )
        ]
    assert [it.returncode for it in done] == [0, 0], [it.stderr for it in done]
    assert db.execute("SELECT count(*) AS n FROM runtime_events").fetchone()["n"] == 100


def test_it_takes_what_migrate_moved_aside(empty_database_url):
    with psycopg.connect(empty_database_url, autocommit=True) as connection:
        connection.execute(
            "CREATE TABLE runtime_events (id varchar PRIMARY KEY, source varchar, endpoint varchar,"
            " method varchar, status_code int, runtime_ms float, idea_id varchar, metadata text,"
            " runtime_cost_estimate float, recorded_at timestamptz)"
        )
        connection.execute(
            "INSERT INTO runtime_events"
            " VALUES ('a', 'api', '/a', 'GET', 200, 1, NULL, '{}', 0, now())"
        )
    environ = {"DATABASE_URL": empty_database_url}
    assert telemetry("migrate", **environ).returncode == 0
    assert "1 imported" in telemetry("import-events", "--table", ASIDE, **environ).stdout


def test_the_table_is_in_the_database_of_the_events(
    make, run, database_url, runtime_database_url, db
):
    make(row("a"))
    missing = run("--table", ASIDE, RUNTIME_DATABASE_URL=runtime_database_url)
    assert missing.returncode == 1
    assert missing.stderr == f"Error: the database has no table '{ASIDE}'\n"


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("nowhere", "has no table 'nowhere'"),
        ("agent_runs", "agent_runs is not the runtime_events of an older service: it has no col"),
        ("runtime_events", "runtime_events is not the runtime_events of an older service: it has"),
    ],
)
def test_it_refuses_another_table_with_one_line(run, table, said):
    refused = run("--table", table)
    assert refused.returncode == 1
    assert said in refused.stderr
    assert len(refused.stderr.splitlines()) == 1


def test_it_takes_either_a_file_or_a_table(run, tmp_path):
    (tmp_path / "file").touch()
    for arguments in ([], [str(tmp_path / "file"), "--table", ASIDE]):
        refused = run(*arguments)
        assert refused.returncode == 2
        assert "give either FILE or --table" in refused.stderr
