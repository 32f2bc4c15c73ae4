"""Bodies that are not a payload, for every endpoint of runs that takes one."""

import json

import pytest

from tests.support.errors import assert_batch_errors, assert_error, assert_problems, problem_types
from tests.support.runs import minimal_run

ENDPOINTS = [
    ("POST", "/api/v1/runs", minimal_run("new")),
    ("POST", "/api/v1/runs/batch", {"runs": [minimal_run("new")]}),
    ("PATCH", "/api/v1/runs/event-1", {"status": "success"}),
    (
        "POST",
        "/api/v1/runs/event-1/associate-commit",
        {"commit_hash": "abcdef0", "commit_source": "ci"},
    ),
]

NOT_JSON = {
    "empty": b"",
    "cut off": b'{"event_id": "a"',
    "trailing comma": b'{"event_id": "a",}',
    "single quotes": b"{'event_id': 'a'}",
    "two documents": b"{} {}",
    "comment": b"{} // x",
    "bare word": b"nope",
    "control character in a string": b'{"event_id": "a\nb"}',
    "bad escape": b'{"event_id": "\\x"}',
    "not UTF-8": b'{"event_id": "\xff"}',
    "UTF-16": '{"event_id": "a"}'.encode("utf-16"),
    "encoded surrogate": b'{"event_id": "\xed\xa0\x80"}',
    "100,000 brackets": b"[" * 100_000 + b"]" * 100_000,
}

UNSTORABLE = {
    "NaN": (b"NaN", "number_not_finite"),
    "Infinity": (b"-Infinity", "number_not_finite"),
    "1e400": (b"1e400", "number_not_finite"),
    "2^63": (b"9223372036854775808", "int_out_of_range"),
    "5,000 digits": (b"9" * 5000, "int_out_of_range"),
    "NUL": (b'"a\\u0000b"', "text_not_storable"),
    "NUL in a deep key": (b'{"a": [{"b\\u0000": 1}]}', "text_not_storable"),
    "lone surrogate": (b'"\\ud800"', "text_not_storable"),
    "lone surrogate in a list": (b'["\\udfff"]', "text_not_storable"),
    "NaN in a list": (b'[1, {"x": NaN}]', "number_not_finite"),
    "200 brackets": (b"[" * 200 + b"]" * 200, "nesting_too_deep"),
    "100,000 brackets": (b"[" * 100_000 + b"]" * 100_000, "nesting_too_deep"),
}


@pytest.fixture
def unchanged(client, db):
    """A stored run; after the test the table must be unchanged."""
    assert client.post("/api/v1/runs", json=minimal_run("event-1")).status_code == 201
    before = db.execute("SELECT * FROM agent_runs").fetchall()
    yield
    assert db.execute("SELECT * FROM agent_runs").fetchall() == before


@pytest.mark.parametrize(("method", "url", "good"), ENDPOINTS)
@pytest.mark.parametrize("body", NOT_JSON.values(), ids=NOT_JSON.keys())
def test_a_body_that_is_not_json_is_422(client, unchanged, method, url, good, body):
    response = client.open(url, method=method, data=body, content_type="application/json")
    for loc in problem_types(assert_error(response, 422)):
        assert loc[0] == "body"


@pytest.mark.parametrize(("method", "url", "good"), [ENDPOINTS[0], *ENDPOINTS[2:]])
@pytest.mark.parametrize(("value", "kind"), UNSTORABLE.values(), ids=UNSTORABLE.keys())
def test_a_value_that_cannot_be_stored_is_located_at_its_field(
    client, unchanged, method, url, good, value, kind
):
    body = json.dumps(good).encode()[:-1] + b', "context_json": ' + value + b"}"
    response = client.open(url, method=method, data=body, content_type="application/json")
    assert_problems(response, {"context_json": kind})


@pytest.mark.parametrize(("value", "kind"), UNSTORABLE.values(), ids=UNSTORABLE.keys())
def test_a_record_that_cannot_be_stored_blocks_no_other(client, db, value, kind):
    good = json.dumps(minimal_run("good")).encode()
    bad = json.dumps(minimal_run("bad")).encode()[:-1] + b', "context_json": ' + value + b"}"
    response = client.post(
        "/api/v1/runs/batch", data=bad + b"\n" + good, content_type="application/x-ndjson"
    )
    assert response.status_code == 200
    assert response.json["inserted"] == 1
    name = None if bad.count(b"[") > 10_000 else "bad"  # nesting too deep to find the name
    details = assert_batch_errors(response.json, "event_id", {0: name})
    assert problem_types(details[0]) == {("body", 0, "context_json"): kind}
    assert [row["event_id"] for row in db.execute("SELECT event_id FROM agent_runs")] == ["good"]


def test_a_key_that_cannot_be_stored_is_escaped(client, unchanged):
    body = json.dumps(minimal_run("new")).encode()[:-1] + b', "bad\\ud800": 1}'
    response = client.post("/api/v1/runs", data=body, content_type="application/json")
    assert_problems(response, {"bad\\ud800": "text_not_storable"})


@pytest.mark.parametrize(("method", "url", "good"), ENDPOINTS)
@pytest.mark.parametrize("document", ['"text"', "1", "null", "true"])
def test_a_document_that_is_not_an_object_is_422(client, unchanged, method, url, good, document):
    response = client.open(url, method=method, data=document, content_type="application/json")
    assert [*problem_types(assert_error(response, 422))] == [("body",)]


@pytest.mark.parametrize(("method", "url", "good"), ENDPOINTS)
@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/x-www-form-urlencoded", "", "application/json; charset=latin-1"],
)
def test_another_content_type_is_415(client, unchanged, method, url, good, content_type):
    response = client.open(url, method=method, data=json.dumps(good), content_type=content_type)
    assert "application/json" in assert_error(response, 415)


@pytest.mark.parametrize(("method", "url", "good"), ENDPOINTS)
def test_an_encoding_other_than_gzip_is_415(client, unchanged, method, url, good):
    response = client.open(url, method=method, json=good, headers={"Content-Encoding": "br"})
    assert_error(response, 415)


@pytest.mark.parametrize(("method", "url", "good"), ENDPOINTS)
def test_a_body_over_the_limit_is_413(make_app, method, url, good):
    client = make_app(max_body_bytes=1000).test_client()
    response = client.open(url, method=method, json={**good, "x": "y" * 1000})
    assert "TELEMETRY_MAX_BODY_BYTES" in assert_error(response, 413)


def test_a_bad_status_lists_what_is_accepted_and_its_aliases(client, unchanged):
    expected = (
        "Must be one of: running, success, failure, partial, timeout, cancelled;"
        " aliases: failed, completed, succeeded"
    )
    bad = minimal_run("new", status="done")
    created = client.post("/api/v1/runs", json=bad).json["detail"]
    updated = client.patch("/api/v1/runs/event-1", json={"status": "done"}).json["detail"]
    batches = [
        client.post("/api/v1/runs/batch", json=records).json["errors"][0]["detail"]
        for records in ([bad], {"runs": [bad]})
    ]
    for detail in (created, updated, *batches):
        assert [problem["msg"] for problem in detail] == [expected]
    listed = client.get("/api/v1/runs?status=done")
    assert (listed.status_code, listed.json["detail"]) == (400, f"Invalid status: {expected}")
