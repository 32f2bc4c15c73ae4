"""A batch of new runs is copied: the same rows as by an insert, and never in place of one."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from psycopg.conninfo import make_conninfo

from tests.support.runs import full_run, minimal_run
from tests.support.waiting import locks_awaited, wait_until

URL = "/api/v1/runs/batch"
STORED = 'SELECT * FROM agent_runs ORDER BY event_id COLLATE "C"'

HOSTILE = [
    *map(chr, range(1, 0x21)),
    *['"', "'", "\\", "/", ",", "null", "NULL", "\\N", "\\.", "", "\x7f", "\x85", "\u2028"],
    *['"null"', 'a"b', '",', ',"', '\\"', '"\\', "\\\\", "\\n", "\\\n", "\\\\n", "\\\\\n"],
    *["\\u001b", "\n\\.\n", "\r\n", "\n\r", "\t\\t\t", "\x1b[31mred\x1b[0m", "\\u0041"],
    *["é\n\\日\t🛰\\n", "{}", "}{", '{"a": "\\n"}', "\\" * 7 + "n", "\\" * 8 + "n"],
    *["x" * 70_000 + "\n", "now", "2\t3\\b\b", '\n\\n\x1b\t\\\r"' * 20_000],
]


def rows(db):
    """Return the stored runs without what tells two of them apart."""
    own = ("event_id", "created_at", "updated_at", "change_number")
    return [
        {name: value for name, value in row.items() if name not in own}
        for row in db.execute(STORED).fetchall()
    ]


def test_every_text_is_stored_as_it_is(client):
    runs = [
        minimal_run(
            f"e{number}",
            product=text,
            error_details=f"{text}{text}",
            metrics_json={f"k{text}": text, "list": [text, {"deep": text}]},
            parent_run_id=text,
        )
        for number, text in enumerate(HOSTILE)
    ]
    answer = client.post(URL, json=runs)
    assert answer.json == {
        "inserted": len(runs),
        "duplicates": 0,
        "completed": 0,
        "errors": [],
        "total": len(runs),
    }
    for run in runs:
        stored = client.get(f"/api/v1/runs/{run['event_id']}").json
        assert {name: stored[name] for name in run} == {
            **run,
            "start_time": "2026-01-31T12:00:00.000000Z",
        }
    # The rows say the same when they have to be JSON again.
    again = client.post(URL, json=[*runs, minimal_run("new")])
    assert again.json == {
        "inserted": 1,
        "duplicates": len(runs),
        "completed": 0,
        "errors": [],
        "total": len(runs) + 1,
    }


@pytest.mark.parametrize(
    "run",
    [minimal_run(), full_run(), {**dict.fromkeys(full_run()), **minimal_run()}],
    ids=["minimal", "full", "nulls"],
)
def test_a_run_is_the_same_alone_and_in_a_batch(client, db, run):
    client.post("/api/v1/runs", json={**run, "event_id": "alone"})
    client.post(URL, json=[{**run, "event_id": "copied"}])
    client.post(URL, json=[{**run, "event_id": "inserted"}, {**run, "event_id": "alone"}])
    alone, copied, inserted = rows(db)
    assert alone == copied == inserted


def test_it_is_created_when_it_is_stored(client, db):
    client.post(URL, json=[minimal_run("a"), minimal_run("b")])
    first, second = db.execute(STORED).fetchall()
    assert first["created_at"] == first["updated_at"] == second["created_at"]


def test_what_was_not_sent_does_not_differ(client):
    same = {name: full_run()[name] for name in minimal_run() if name != "event_id"}
    client.post("/api/v1/runs", json=full_run("a"))
    assert "duplicate_differs" not in client.post(URL, json=[minimal_run("a", **same)]).json
    answer = client.post(URL, json=[minimal_run("a", **same, status="failure"), minimal_run("b")])
    assert answer.json["duplicate_differs"] == ["a"]


def test_text_is_utf_8_whatever_the_url_says(make_app, database_url, db):
    url = make_conninfo(database_url, client_encoding="latin1")
    client = make_app(database_url=url).test_client()
    client.post("/api/v1/runs", json=minimal_run("alone-é", product="日本語"))
    client.post(URL, json=[minimal_run("copied-é", product="日本語")])
    stored = db.execute(STORED).fetchall()
    assert [row["event_id"] for row in stored] == ["alone-é", "copied-é"]
    assert {row["product"] for row in stored} == {"日本語"}


def test_where_nothing_can_be_copied_it_is_inserted(make_app, database_url, db):
    db.execute("CREATE ROLE some_service LOGIN")
    try:
        db.execute("GRANT ALL ON ALL TABLES IN SCHEMA public TO some_service")
        db.execute("ALTER TABLE agent_runs ENABLE ROW LEVEL SECURITY")
        db.execute("CREATE POLICY everything ON agent_runs USING (TRUE)")
        app = make_app(database_url=make_conninfo(database_url, user="some_service"))
        answer = app.test_client().post(URL, json=[minimal_run("a"), minimal_run("b")])
        assert answer.json["inserted"] == 2
    finally:
        db.execute("DROP OWNED BY some_service; DROP ROLE some_service")


@pytest.mark.parametrize(("end", "inserted"), [("COMMIT", 2999), ("ROLLBACK", 3000)])
def test_a_run_that_another_creates_meanwhile_is_a_duplicate(client, db, end, inserted):
    runs = [minimal_run(f"e{number}") for number in range(3000)]
    db.execute("BEGIN")
    db.execute(
        "INSERT INTO agent_runs (event_id, run_id, agent_name, job_type, start_time)"
        " VALUES ('e2500', 'run-1', 'agent-a', 'crawl', '2026-01-31T12:00:00Z')"
    )
    with ThreadPoolExecutor(1) as pool:
        posted = pool.submit(client.post, URL, json=runs)
        wait_until(lambda: locks_awaited(db) > 0)
        db.execute(end)
        answer = posted.result().json
    assert (answer["inserted"], answer["duplicates"]) == (inserted, 3000 - inserted)
    assert "duplicate_differs" not in answer
    assert len(rows(db)) == 3000
