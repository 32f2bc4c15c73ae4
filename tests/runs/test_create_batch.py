"""POST /api/v1/runs/batch."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.runs import full_run, minimal_run

URL = "/api/v1/runs/batch"


def stored(db):
    return [row["event_id"] for row in db.execute("SELECT event_id FROM agent_runs ORDER BY 1")]


def test_it_works(client, db):
    answer = client.post(URL, json=[minimal_run("a"), full_run("b")])
    assert answer.status_code == 200
    assert answer.json == {"inserted": 2, "duplicates": 0, "errors": [], "total": 2}
    assert stored(db) == ["a", "b"]


def test_it_takes_an_object(client, db):
    assert client.post(URL, json={"runs": [minimal_run("a")]}).json["inserted"] == 1
    assert stored(db) == ["a"]


def test_it_takes_json_lines(client, db):
    lines = "\n".join(json.dumps(minimal_run(name)) for name in "ab") + "\r\n\n"
    answer = client.post(URL, data=lines, content_type="application/x-ndjson")
    assert answer.json == {"inserted": 2, "duplicates": 0, "errors": [], "total": 2}
    assert stored(db) == ["a", "b"]


def test_it_stores_every_field(client):
    client.post(URL, json=[full_run()])
    run = client.get("/api/v1/runs/event-1").json
    assert {name: run[name] for name in full_run()} == full_run()


def test_a_bad_record_blocks_no_other(client, db):
    records = [minimal_run("a"), {"event_id": "b"}, 7, minimal_run("c", status="nope")]
    answer = client.post(URL, json=records)
    assert answer.status_code == 200
    assert (answer.json["inserted"], answer.json["total"]) == (1, 4)
    errors = answer.json["errors"]
    assert [(error["index"], error["event_id"]) for error in errors] == [
        (1, "b"),
        (2, None),
        (3, "c"),
    ]
    assert errors[2]["detail"][0]["loc"] == ["body", 3, "status"]
    assert stored(db) == ["a"]


def test_a_malformed_line_is_one_error(client, db):
    lines = f"{json.dumps(minimal_run('a'))}\n{{oops\n{json.dumps(minimal_run('b'))}"
    answer = client.post(URL, data=lines, content_type="application/x-ndjson")
    assert answer.status_code == 200
    assert [error["index"] for error in answer.json["errors"]] == [1]
    assert stored(db) == ["a", "b"]


@pytest.mark.parametrize(
    ("form", "content_type"),
    [(b"[%b, %b, %b]", "application/json"), (b"%b\n%b\n%b", "application/x-ndjson")],
)
def test_a_record_that_is_not_utf_8_is_one_error(client, db, form, content_type):
    good = [json.dumps(minimal_run(name)).encode() for name in "ab"]
    bad = json.dumps(minimal_run("x", product="?")).encode().replace(b"?", b"\xff")
    answer = client.post(URL, data=form % (good[0], bad, good[1]), content_type=content_type)
    (error,) = answer.json["errors"]
    assert (answer.status_code, error["index"], error["event_id"]) == (200, 1, None)
    assert [(it["loc"], it["type"]) for it in error["detail"]] == [(["body", 1], "utf8")]
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
def test_what_is_beside_the_records_is_json_as_well(client, db, fields, other, kind):
    runs = json.dumps([minimal_run("a"), minimal_run("b", **fields)]).encode()
    body = b'{"runs": %b, "other": %b}' % (runs, other)
    answer = client.post(URL, data=body, content_type="application/json")
    (found,) = answer.json["detail"]
    assert (answer.status_code, found["type"]) == (422, kind)
    assert found["loc"][:2] in (["body"], ["body", "other"])
    assert stored(db) == []


def test_it_answers_422_in_the_same_shape_when_nothing_is_valid(client, db):
    answer = client.post(URL, json=[{}, {"event_id": "x"}])
    assert answer.status_code == 422
    assert (answer.json["inserted"], answer.json["total"], len(answer.json["errors"])) == (0, 2, 2)
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
    answer = client.post(URL, data=body, content_type=content_type)
    assert answer.status_code == 200
    assert answer.json == {"inserted": 0, "duplicates": 0, "errors": [], "total": 0}


def test_it_counts_duplicates_and_names_those_that_differ(client, db):
    client.post("/api/v1/runs", json=minimal_run("old"))
    records = [
        minimal_run("old"),
        minimal_run("new", agent_name="first"),
        minimal_run("new", agent_name="second"),
        minimal_run("old", agent_name="other"),
    ]
    answer = client.post(URL, json=records)
    assert answer.json == {
        "inserted": 1,
        "duplicates": 3,
        "errors": [],
        "total": 4,
        "duplicate_differs": ["new", "old"],
    }
    names = db.execute("SELECT event_id, agent_name FROM agent_runs ORDER BY 1").fetchall()
    assert [row["agent_name"] for row in names] == ["first", "agent-a"]


def test_it_names_ignored_fields(client):
    answer = client.post(URL, json=[minimal_run("a", x=1), minimal_run("b", y=1, x=2)])
    assert answer.json["ignored_fields"] == ["x", "y"]


def test_it_takes_10000_runs_and_no_more(client, db):
    runs = [minimal_run(f"e{number}") for number in range(10_000)]
    assert client.post(URL, json=runs).json["inserted"] == 10_000
    answer = client.post(URL, json=[*runs, minimal_run("one-more")])
    assert answer.status_code == 422
    assert answer.json["detail"][0]["type"] == "too_long"
    assert len(stored(db)) == 10_000


@pytest.mark.parametrize(
    ("body", "loc"),
    [('{"rows": []}', ["body", "runs"]), ('{"runs": {}}', ["body", "runs"]), ("7", ["body"])],
)
def test_it_rejects_a_document_that_is_no_batch(client, body, loc):
    answer = client.post(URL, data=body, content_type="application/json")
    assert answer.status_code == 422
    assert [problem["loc"] for problem in answer.json["detail"]] == [loc]


def test_a_constraint_of_the_dba_refuses_only_its_own_records(client, db):
    db.execute("ALTER TABLE agent_runs ADD CONSTRAINT no_demo CHECK (job_type <> 'demo')")
    runs = [minimal_run(f"e{n}", job_type="demo" if n in (3, 8) else "x") for n in range(10)]
    answer = client.post(URL, json=[*runs, minimal_run("e3", job_type="demo")])
    assert answer.status_code == 200
    assert answer.json["inserted"] == 8
    assert [error["index"] for error in answer.json["errors"]] == [3, 8, 10]
    assert "no_demo" in answer.json["errors"][0]["detail"][0]["msg"]
    assert len(stored(db)) == 8


def test_it_logs_once(client, caplog):
    caplog.set_level("INFO")
    client.post(URL, json=[minimal_run("a"), {}])
    assert [message for message in caplog.messages if "OK" in message] == [
        "[OK] Batch of 2 runs: 1 created, 0 duplicates, 1 errors"
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
