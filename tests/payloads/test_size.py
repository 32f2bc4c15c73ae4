"""How many values a record and a batch may have."""

import gzip
import json

import pytest

from telemetry.payloads.size import MAX_VALUES_A_BODY, MAX_VALUES_A_RECORD
from tests.support.audio_runtime import event
from tests.support.errors import assert_problems, problem_types
from tests.support.runs import minimal_run
from tests.support.runtime_events import minimal_event

RUNS = "/api/v1/runs"
EVENTS = "/api/runtime/events"
LEDGER = "/api/v1/audio-runtime/events"
FIELDS_INVALID = {"reason_code": "K_FAIL_EVENT_FIELDS_INVALID"}
COMMIT = {"commit_hash": "0123456", "commit_source": "ci"}
DEVICE = {"tenant_id": "tenant-1", "device_id": "device-1"}
MILLION = 1_000_000

# A method, a path, a valid body, and the status with one field more.
DOCUMENTS = [
    ("POST", RUNS, minimal_run("new"), 201),
    ("PATCH", f"{RUNS}/known", {"items_failed": 1}, 200),
    ("POST", f"{RUNS}/known/associate-commit", COMMIT, 200),
    ("POST", EVENTS, minimal_event(), 201),
    ("PUT", "/api/v1/devices/device-1", {"tenant_id": "tenant-1"}, 422),
    ("PUT", "/api/v1/sessions/7", DEVICE, 422),
    ("POST", LEDGER, event("VAD_EVENT"), 422),
    ("POST", "/api/v1/audio-runtime/rebuild", DEVICE, 422),
]
BATCHES = [
    (f"{RUNS}/batch", "runs", minimal_run("new"), 1),
    (f"{EVENTS}/batch", "events", minimal_event(), 1),
    (f"{LEDGER}/batch", "events", event("VAD_EVENT"), 0),
]
FORMS = ["array", "object", "lines"]


@pytest.fixture
def client(client):
    client.post(RUNS, json=minimal_run("known"))
    client.put("/api/v1/devices/device-1", json={"tenant_id": "tenant-1"})
    return client


def padded(record, more=0):
    """Return the record with an unknown field, and as many values as a record may have."""
    values = MAX_VALUES_A_RECORD - len(record) - 2 + more
    return {**record, "extra": [1] * values}


def batch(form, name, *records):
    if form == "lines":
        body = "\n".join(json.dumps(record) for record in records)
        return {"data": body, "content_type": "application/x-ndjson"}
    return {"json": {name: [*records]} if form == "object" else [*records]}


@pytest.mark.parametrize(("method", "path", "record", "status"), DOCUMENTS)
def test_a_document_has_at_most_so_many_values(client, method, path, record, status):
    at_limit = client.open(path, method=method, json=padded(record))
    assert at_limit.status_code == status
    assert b"too_many_values" not in at_limit.data
    above = client.open(path, method=method, json=padded(record, more=1))
    more = FIELDS_INVALID if status == 422 else {}
    assert_problems(above, {"extra": "too_many_values"}, **more)
    assert f"{MAX_VALUES_A_RECORD:,}" in above.json["detail"][0]["msg"]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("path", "name", "record", "inserted"), BATCHES)
def test_a_record_of_a_batch_has_at_most_so_many_values(client, path, name, record, inserted, form):
    records = [padded(record), padded(record, more=1)]
    body = client.post(path, **batch(form, name, *records)).json
    assert (body["inserted"], body["total"]) == (inserted, 2)
    error = body["errors"][-1]
    assert problem_types(error["detail"]) == {("body", 1, "extra"): "too_many_values"}
    if path == f"{RUNS}/batch":
        assert error["event_id"] == "new"


@pytest.mark.long
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("path", "name", "record", "inserted"), BATCHES)
def test_the_records_of_a_batch_have_at_most_so_many_values_together(
    client, path, name, record, inserted, form
):
    count = MAX_VALUES_A_BODY // MAX_VALUES_A_RECORD
    records = [padded(record) for _ in range(count + 1)]
    if path == f"{RUNS}/batch":
        records = [{**it, "event_id": f"e{number}"} for number, it in enumerate(records)]
    body = client.post(path, **batch(form, name, *records)).json
    assert body["inserted"] == inserted * count
    error = body["errors"][-1]
    assert problem_types(error["detail"]) == {("body", count): "too_many_values"}
    assert f"{MAX_VALUES_A_BODY:,}" in error["detail"][0]["msg"]


def test_a_batch_that_has_to_be_parsed_as_a_whole_has_the_same_limits(client):
    records = [padded(minimal_run("e1")), padded(minimal_run("e2"), more=1), float("nan")]
    body = client.post(f"{RUNS}/batch", json=records).json
    assert body["inserted"] == 1
    assert [problem_types(error["detail"]) for error in body["errors"]] == [
        {("body", 1, "extra"): "too_many_values"},
        {("body", 2): "object_type"},
    ]
    whole = client.post(
        f"{RUNS}/batch", data=b"[NaN" + b",1" * MILLION + b"]", content_type="application/json"
    )
    assert_problems(whole, {"body": "too_many_values"}, start=())


@pytest.mark.parametrize("records", [b'"runs":[],', b""])
def test_the_other_members_of_a_batch_are_few(client, records):
    members = b",".join(b'"m%d":0' % number for number in range(200_000))
    body = b"{" + records + members + b"}"
    response = client.post(f"{RUNS}/batch", data=body, content_type="application/json")
    assert_problems(response, {"body": "too_long"}, start=())


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("[{}, { }, [], [ ], [[1], {}]]", 9),
        ('{"a": "[,{", "b": "\\",[{", "c": [","]}', 5),
        ("7", 1),
    ],
)
def test_values_are_counted_as_json_has_them(client, text, values):
    """However they are written: white space, and brackets and commas in texts."""
    left = MAX_VALUES_A_RECORD - len(minimal_run()) - 3 - values
    for more, status in ((0, 201), (1, 422)):
        record = json.dumps(minimal_run("e1")).removesuffix("}")
        padding = "1," * (left + more)
        body = f'{record}, "extra": [{padding}1, {text}]}}' + " " * 100_000
        response = client.post(RUNS, data=body, content_type="application/json")
        assert response.status_code == status


@pytest.mark.parametrize(
    ("body", "loc", "kind"),
    [
        (b'{"a":' + b"[" * MILLION, ("body", "a"), "nesting_too_deep"),
        (b'{"a":{"b":[' + b"[" * 101 + b"1," * MILLION, ("body", "a"), "nesting_too_deep"),
        (b'{"\\u0061b":[' + b"{}," * MILLION, ("body", "ab"), "too_many_values"),
        (b'{"a\\ud800":[' + b"{}," * MILLION, ("body", "a\\ud800"), "too_many_values"),
        (b"[" + b"{}," * MILLION, ("body",), "too_many_values"),
        (b'{"x":0' + b',"x":0' * MILLION, ("body",), "too_many_values"),
    ],
)
def test_the_problem_names_the_field(client, body, loc, kind):
    for sent, headers in ((body, {}), (gzip.compress(body), {"Content-Encoding": "gzip"})):
        response = client.post(RUNS, data=sent, headers=headers, content_type="application/json")
        assert_problems(response, {loc[-1]: kind}, start=loc[:-1])


def test_the_unknown_fields_of_a_ledger_event_are_listed_up_to_a_limit(client):
    fields = {f"field{number}": 0 for number in range(50_000)}
    response = client.post(LEDGER, json=event("VAD_EVENT", **fields))
    assert response.status_code == 422
    assert len(response.json["detail"]) == 1001
    assert response.json["detail"][-1]["msg"] == "And 49,000 more problems"


def test_a_long_text_is_one_value(client):
    text = ',[{"\\' * 100_000
    assert client.post(RUNS, json=minimal_run("e1", input_summary=text)).status_code == 201
    assert client.get(f"{RUNS}/e1").json["input_summary"] == text
