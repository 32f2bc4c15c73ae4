"""What the schema accepts is stored and comes back equal; what it refuses never reaches SQL."""

import json
import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from telemetry.runs.schema import COMMIT_SOURCES, STATUSES
from tests.support.errors import assert_error, problem_types
from tests.support.runs import minimal_run

SETTINGS = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

text = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40)
visible = st.text(st.characters(min_codepoint=33, exclude_categories=["Z", "C"]), min_size=1)
names = visible.map(lambda value: value[:255]).filter(lambda value: value.strip() != "")
identifiers = names.map(lambda value: value.replace("/", "-")).filter(str.isprintable)
counts = st.integers(0, 2**63 - 1)
numbers = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    st.none() | st.booleans() | numbers | text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4),
    max_leaves=10,
)
objects = st.dictionaries(text, values, max_size=5)
moments = st.datetimes().map(lambda moment: moment.isoformat(timespec="microseconds") + "Z")

TEXTS = (
    "product product_family platform subdomain website website_section item_name git_repo"
    " git_branch git_commit_hash git_run_tag git_commit_author input_summary output_summary"
    " source_ref target_ref error_summary error_details host environment trigger_type"
    " insight_id parent_run_id"
).split()
COUNTS = (
    "duration_ms items_discovered items_succeeded items_failed items_skipped api_retry_count"
).split()

runs = st.fixed_dictionaries(
    {
        "run_id": names,
        "agent_name": names,
        "job_type": names,
        "start_time": moments,
    },
    optional={
        **dict.fromkeys(TEXTS, text),
        **dict.fromkeys(COUNTS, counts),
        "created_at": moments,
        "end_time": moments,
        "git_commit_timestamp": moments,
        "api_posted_at": moments,
        "api_posted": st.booleans(),
        "status": st.sampled_from(STATUSES),
        "git_commit_source": st.sampled_from(COMMIT_SOURCES),
        "metrics_json": objects,
        "context_json": objects,
    },
)


def same(one, other):
    """Equality of JSON values: true is not 1, and 1 is 1.0."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return isinstance(one, bool) == isinstance(other, bool) and one == other


@pytest.mark.long
@SETTINGS
@given(run=runs, event_id=identifiers)
def test_what_is_accepted_comes_back_equal(client, db, run, event_id):
    db.execute("DELETE FROM agent_runs")
    sent = {"event_id": event_id, **run}
    assert client.post("/api/v1/runs", json=sent).status_code == 201
    (stored,) = client.get("/api/v1/runs").json
    assert {name: stored[name] for name in sent if not same(stored[name], sent[name])} == {}
    # Sent again it is the same run, and sent in a batch as well.
    assert "differs" not in client.post("/api/v1/runs", json=sent).json
    assert "duplicate_differs" not in client.post("/api/v1/runs/batch", json=[sent]).json


@SETTINGS
@given(
    field=st.sampled_from(sorted(minimal_run()) + TEXTS + COUNTS + ["metrics_json"]), value=values
)
def test_any_value_in_any_field_is_stored_or_refused(client, db, field, value):
    db.execute("DELETE FROM agent_runs")
    response = client.post("/api/v1/runs", json=minimal_run(**{field: value}))
    stored = client.get("/api/v1/runs").json
    if response.status_code == 201:
        expected = {None: stored[0][field]}.get(value, value) if value is None else value
        assert same(stored[0][field], expected) or field == "start_time"
    else:
        assert [*problem_types(assert_error(response, 422))] == [("body", field)]
        assert stored == []


@SETTINGS
@given(body=st.binary(max_size=200) | text.map(str.encode) | values.map(json.dumps).map(str.encode))
def test_no_body_is_an_internal_error(client, db, body):
    for method, url in (
        ("POST", "/api/v1/runs"),
        ("POST", "/api/v1/runs/batch"),
        ("PATCH", "/api/v1/runs/x"),
        ("POST", "/api/v1/runs/x/associate-commit"),
    ):
        response = client.open(url, method=method, data=body, content_type="application/json")
        assert response.status_code in (200, 400, 404, 422)
    assert db.execute("SELECT count(*) AS n FROM agent_runs").fetchone()["n"] == 0


@pytest.mark.parametrize("number", [1e23, 1.7976931348623157e308, 5e-324, -0.0, 0.1, 2**63 - 1])
def test_numbers_keep_their_value(client, number):
    client.post("/api/v1/runs", json=minimal_run(metrics_json={"n": number}))
    stored = client.get("/api/v1/runs/event-1").json["metrics_json"]["n"]
    assert math.isclose(stored, number, rel_tol=0)
    assert stored == number
