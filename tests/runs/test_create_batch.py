"""POST /api/v1/runs/batch."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.errors import assert_batch_errors, assert_error, assert_problems, problem_types
from tests.support.runs import full_run, minimal_run

URL = "/api/v1/runs/batch"


def stored(db):
    return [row["event_id"] for row in db.execute("SELECT event_id FROM agent_runs ORDER BY 1")]


def test_it_works(client, db):
    response = client.post(URL, json=[minimal_run("a"), full_run("b")])
    assert response.status_code == 200
    assert response.json == {
        "inserted": 2,
        "duplicates": 0,
        "completed": 0,
        "errors": [],
        "total": 2,
    }
    assert stored(db) == ["a", "b"]


def test_it_accepts_an_object(client, db):
    assert client.post(URL, json={"runs": [minimal_run("a")]}).json["inserted"] == 1
    assert stored(db) == ["a"]


def test_it_accepts_json_lines(client, db):
    lines = "\n".join(json.dumps(minimal_run(name)) for name in "ab") + "\r\n\n"
    response = client.post(URL, data=lines, content_type="application/x-ndjson")
    assert response.json == {
        "inserted": 2,
        "duplicates": 0,
        "completed": 0,
        "errors": [],
        "total": 2,
    }
    assert stored(db) == ["a", "b"]


def test_it_stores_every_field(client):
    client.post(URL, json=[full_run()])
    run = client.get("/api/v1/runs/event-1").json
    assert {name: run[name] for name in full_run()} == full_run()


def test_a_bad_record_blocks_no_other(client, db):
    records = [minimal_run("a"), {"event_id": "b"}, 7, minimal_run("c", status="nope")]
    response = client.post(URL, json=records)
    assert response.status_code == 200
    assert (response.json["inserted"], response.json["total"]) == (1, 4)
    details = assert_batch_errors(response.json, "event_id", {1: "b", 2: None, 3: "c"})
    assert problem_types(details[3]) == {("body", 3, "status"): "enum"}
    assert stored(db) == ["a"]


def test_a_malformed_line_is_one_error(client, db):
    lines = f"{json.dumps(minimal_run('a'))}\n{{oops\n{json.dumps(minimal_run('b'))}"
    response = client.post(URL, data=lines, content_type="application/x-ndjson")
    assert response.status_code == 200
    details = assert_batch_errors(response.json, "event_id", {1: None})
    assert problem_types(details[1]) == {("body", 1): "json_invalid"}
    assert stored(db) == ["a", "b"]


@pytest.mark.parametrize(
    ("form", "content_type"),
    [(b"[%b, %b, %b]", "application/json"), (b"%b\n%b\n%b", "application/x-ndjson")],
)
def test_a_record_that_is_not_utf_8_is_one_error(client, db, form, content_type):
    good = [json.dumps(minimal_run(name)).encode() for name in "ab"]
    bad = json.dumps(minimal_run("x", product="?")).encode().replace(b"?", b"\xff")
    response = client.post(URL, data=form % (good[0], bad, good[1]), content_type=content_type)
    assert response.status_code == 200
    details = assert_batch_errors(response.json, "event_id", {1: None})
    assert problem_types(details[1]) == {("body", 1): "utf8"}
    assert stored(db) == ["a", "b"]


@pytest.mark.parametrize("fields", [{}, {"output_summary": "x" * 300_000}, {"status": "\ud800"}])
@pytest.mark.parametrize(
    ("other", "kind"),
    [
        (b'"\xff"', "utf8"),
        (b"NaN", "number_not_finite"),
        (b"[1e999]", "number_not_finite"),
        (b'{"a": "\\ud800"}', "text_not_storable"),
        (b"[" * 101 + b"]" * 101, "nesting_too_deep"),
    ],
)
def test_the_extra_members_of_a_batch_are_checked_too(client, db, fields, other, kind):
    runs = json.dumps([minimal_run("a"), minimal_run("b", **fields)]).encode()
    body = b'{"runs": %b, "other": %b}' % (runs, other)
    response = client.post(URL, data=body, content_type="application/json")
    ((loc, found),) = problem_types(assert_error(response, 422)).items()
    assert found == kind
    assert loc[:2] in (("body",), ("body", "other"))
    assert stored(db) == []


def test_a_batch_without_a_valid_run_is_422_in_the_same_shape(client, db):
    response = client.post(URL, json=[{}, {"event_id": "x"}])
    assert response.status_code == 422
    assert (response.json["inserted"], response.json["total"]) == (0, 2)
    assert_batch_errors(response.json, "event_id", {0: None, 1: "x"})
    assert stored(db) == []


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ("[]", "application/json"),
        ('{"runs": []}', "application/json"),
        ("", "application/x-ndjson"),
    ],
)
def test_an_empty_batch_is_fine(client, body, content_type):
    response = client.post(URL, data=body, content_type=content_type)
    assert response.status_code == 200
    assert response.json == {
        "inserted": 0,
        "duplicates": 0,
        "completed": 0,
        "errors": [],
        "total": 0,
    }


def test_it_counts_duplicates_and_names_those_that_differ(client, db):
    client.post("/api/v1/runs", json=minimal_run("old"))
    records = [
        minimal_run("old"),
        minimal_run("new", agent_name="first"),
        minimal_run("new", agent_name="second"),
        minimal_run("old", agent_name="other"),
    ]
    response = client.post(URL, json=records)
    assert response.json == {
        "inserted": 1,
        "duplicates": 3,
        "completed": 0,
        "errors": [],
        "total": 4,
        "duplicate_differs": ["new", "old"],
    }
    names = db.execute("SELECT event_id, agent_name FROM agent_runs ORDER BY 1").fetchall()
    assert [row["agent_name"] for row in names] == ["first", "agent-a"]


def test_it_names_ignored_fields(client):
    response = client.post(URL, json=[minimal_run("a", x=1), minimal_run("b", y=1, x=2)])
    assert response.json["ignored_fields"] == ["x", "y"]


def test_it_accepts_10000_runs_and_no_more(client, db):
    runs = [minimal_run(f"e{number}") for number in range(10_000)]
    assert client.post(URL, json=runs).json["inserted"] == 10_000
    response = client.post(URL, json=[*runs, minimal_run("one-more")])
    assert_problems(response, {"body": "too_long"}, start=())
    assert len(stored(db)) == 10_000


@pytest.mark.parametrize(
    ("body", "loc"),
    [('{"rows": []}', ("body", "runs")), ('{"runs": {}}', ("body", "runs")), ("7", ("body",))],
)
def test_a_document_that_is_not_a_batch_is_422(client, body, loc):
    response = client.post(URL, data=body, content_type="application/json")
    assert [*problem_types(assert_error(response, 422))] == [loc]


def test_a_constraint_of_the_dba_refuses_only_its_own_records(client, db):
    db.execute("ALTER TABLE agent_runs ADD CONSTRAINT no_demo CHECK (job_type <> 'demo')")
    runs = [minimal_run(f"e{n}", job_type="demo" if n in (3, 8) else "x") for n in range(10)]
    response = client.post(URL, json=[*runs, minimal_run("e3", job_type="demo")])
    assert response.status_code == 200
    assert response.json["inserted"] == 8
    details = assert_batch_errors(response.json, "event_id", {3: "e3", 8: "e8", 10: "e3"})
    assert problem_types(details[3]) == {("body", 3): "integrity"}
    assert "no_demo" in details[3][0]["msg"]
    assert len(stored(db)) == 8


def test_a_batch_is_logged_once(client, caplog):
    caplog.set_level("INFO")
    client.post(URL, json=[minimal_run("a"), minimal_run("b", run_id=7)])
    assert [message for message in caplog.messages if "OK" in message] == [
        "[OK] Batch of 2 runs: 1 created, 0 completed, 0 duplicates, 1 errors: run_id (string_type)"
    ]


def test_batches_that_cross_never_deadlock(client, db):
    app = client.application
    runs = [minimal_run(f"e{number}") for number in range(200)]

    def post(number: int) -> int:
        order = runs if number % 2 else runs[::-1]
        return app.test_client().post(URL, json=order).json["inserted"]

    with ThreadPoolExecutor(4) as clients:
        inserted = sum(clients.map(post, range(12)))
    assert inserted == 200
    assert len(stored(db)) == 200
