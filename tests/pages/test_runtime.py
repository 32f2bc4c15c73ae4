"""The page of runtime events."""

import pytest

from telemetry.database import statements
from tests.support.pages import HOSTILE, open_page
from tests.support.runtime_events import minimal_event


@pytest.fixture
def post(client):
    def create(*events):
        body = client.post("/api/runtime/events/batch", json={"events": events}).json
        assert body["inserted"] == len(events), body

    return create


def test_an_empty_page_says_what_to_do_next(client):
    assert "curl -X POST http://localhost/api/runtime/events" in open_page(client, "/runtime").text


def test_it_adds_up_endpoints_and_ideas(client, post):
    post(
        *(minimal_event(runtime_ms=n, idea_id="idea-1") for n in range(1, 101)),
        minimal_event(endpoint="/api/bad", status_code=500, runtime_ms=2000, source="worker"),
    )
    text = open_page(client, "/runtime").text
    assert "/api/bad 1 1 100 % 2.0 s 2.0 s 2.0 s $0.004" in text
    assert "/api/ideas 100 0 0 % 50 ms 95 ms 99 ms $0.01" in text
    assert "idea-1 100 5.0 s" in text
    assert "unmapped 1 2.0 s" in text
    assert "/api/bad" not in open_page(client, "/runtime?source=api").text


def test_one_endpoint_over_time(client, post):
    post(
        *(minimal_event(runtime_ms=n) for n in range(1, 101)),
        minimal_event(status_code=500, runtime_ms=101),
        minimal_event(endpoint="/api/ideas/2", runtime_ms=9999),
    )
    page = open_page(client, "/runtime?endpoint=/api/ideas&range=1h")
    assert "Events 101 last 0 s ago" in page.text
    assert "1 of 101" in page.text
    assert "p50 51 ms" in page.text
    assert "p95 96 ms" in page.text


def test_an_endpoint_without_events_says_so(client):
    page = open_page(client, "/runtime?endpoint=/nothing")
    assert "No event of this endpoint in this time" in page.text


def test_one_endpoint_does_not_read_the_events_of_the_others(client, db, post):
    post(*(minimal_event(endpoint=f"/api/{n % 50}") for n in range(5000)))
    db.execute("VACUUM ANALYZE runtime_events")
    parameters = {
        "endpoint": "/api/7",
        "recorded_from": "2000-01-01",
        "recorded_until": "2100-01-01",
        "step": "1 hour",
        "source": None,
    }
    for name in ("pages/endpoint", "pages/endpoint_over_time"):
        plan = db.execute(b"EXPLAIN ANALYZE " + statements.load(name), parameters).fetchall()
        assert "ix_runtime_events_endpoint_recorded_at" in str(plan)


@pytest.mark.parametrize("query", ["range=2h", "source=other", "x=1", "endpoint=%00"])
def test_a_filter_that_makes_no_sense_has_a_message(client, query):
    open_page(client, f"/runtime?{query}", status=422)


def test_events_in_a_file_are_named(make_app, tmp_path):
    app = make_app(database_url=None, runtime_events_path=tmp_path / "events.jsonl")
    assert "not in PostgreSQL" in open_page(app.test_client(), "/runtime").text


def test_what_was_posted_is_only_text(client, post):
    post(*(minimal_event(endpoint="/" + text[:4000], idea_id=text[:200]) for text in HOSTILE))
    page = open_page(client, "/runtime")
    for path in page.links():
        if "endpoint=" in path:
            open_page(client, path)
    open_page(client, "/")


@pytest.mark.parametrize(
    ("sort", "first"),
    [("errors", "/c"), ("rate", "/b"), ("events", "/a"), ("p95", "/a"), ("endpoint", "/a")],
)
def test_endpoints_are_sorted_by_any_column(client, post, sort, first):
    post(
        *(minimal_event(endpoint="/a", runtime_ms=900) for _ in range(5)),
        minimal_event(endpoint="/b", runtime_ms=5, status_code=500),
        *(minimal_event(endpoint="/c", runtime_ms=6, status_code=500) for _ in range(2)),
        minimal_event(endpoint="/c", runtime_ms=6),
    )
    page = open_page(client, f"/runtime?sort={sort}")
    named = [link for link in page.links() if "endpoint=" in link]
    assert f"endpoint=%2F{first[1:]}" in named[0]
    ordered = [
        attributes["aria-sort"] for _, attributes in page.elements if "aria-sort" in attributes
    ]
    assert ordered == ["ascending" if sort == "endpoint" else "descending"]


def test_a_column_that_does_not_exist_is_named(client):
    assert "Must be one of: errors, rate" in open_page(client, "/runtime?sort=x", status=422).text
