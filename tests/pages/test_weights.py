"""Events that stand for several count on pages as they do in the summaries of the API."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.runtime_events.test_weight import HUGE, posted
from tests.support.pages import open_page
from tests.support.runtime_events import BATCH_URL, IDEAS_URL, SUMMARY_URL, minimal_event

MONTH = 2_592_000
# Adds up each event as many times as it stands for, which is how a person would check it.
ONE_BY_ONE = """
    SELECT endpoint, count(*) AS events, count(*) FILTER (WHERE status_code >= 500) AS errors,
        percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY runtime_ms::float8) AS ms
    FROM runtime_events, generate_series(1, coalesce((metadata ->> 'event_count')::int, 1))
    GROUP BY endpoint
"""


@pytest.fixture
def post(client):
    def create(*events):
        body = client.post(BATCH_URL, json=[minimal_event(**it) for it in events]).json
        assert body["inserted"] == len(events), body

    return create


@pytest.fixture
def pages(default_app, database_url):
    return default_app(database_url).extensions["pages"].events


def window(**changes):
    now = datetime.now(UTC)
    whole = {"recorded_from": now - timedelta(days=30), "recorded_until": now + timedelta(hours=1)}
    return {**whole, "source": None, **changes}


def by_name(rows):
    return {row["endpoint"]: row for row in rows}


def assert_same(row, other):
    """Compare a row of a page with one of the API."""
    names = {
        "events": "event_count",
        "errors": "error_count",
        "p50_ms": "p50_ms",
        "p95_ms": "p95_ms",
        "p99_ms": "p99_ms",
        "cost": "runtime_cost_estimate",
        "runtime_ms": "total_runtime_ms",
    }
    for name, its_name in names.items():
        if name in row and its_name in other:
            assert row[name] == pytest.approx(other[its_name], rel=1e-12, abs=1.1e-8), name


def compare(client, pages, source=None):
    """Compare every figure of the page of runtime events with the summaries of the API."""
    asked = {"seconds": MONTH, "limit": 2000, **({"source": source} if source else {})}
    summary = by_name(client.get(SUMMARY_URL, query_string=asked).json["endpoints"])
    shown = pages.endpoints(window(source=source), 100)
    assert by_name(shown).keys() == summary.keys()
    assert [row["errors"] for row in shown] == sorted((it["errors"] for it in shown), reverse=True)
    for row in shown:
        name = row["endpoint"]
        assert row["endpoints"] == len(summary)
        assert_same(row, summary[name])
        one = pages.endpoint(window(source=source), name)
        assert_same(one, summary[name])
        (bar,) = pages.endpoint_over_time(window(source=source), name, timedelta(days=36500))
        assert_same(bar, summary[name])
        assert one["last_at"] is not None
    if source is None:
        ideas = client.get(IDEAS_URL, query_string={**asked}).json["ideas"]
        shown = pages.ideas(window(), 100)
        assert [row["idea_id"] for row in shown] == [it["idea_id"] for it in ideas]
        for row, idea in zip(shown, ideas, strict=True):
            assert_same(row, idea)


@pytest.mark.parametrize(
    "metadata",
    [
        {"event_count": 2.0},
        {"event_count": 4, "sample_count": 9},
        {"event_count": None, "sample_count": 9, "total_runtime_ms": 7.5},
        {"event_count": 10**9, "total_runtime_cost_estimate": HUGE},
        {"event_count": 10**9 + 1},
        {"event_count": 1e300},
        {"event_count": "5"},
        {"event_count": True},
        {"event_count": -1, "sample_count": 0},
        {"event_count": 3, "total_runtime_ms": "NaN", "total_runtime_cost_estimate": -1},
        {"event_count": 3, "total_runtime_ms": HUGE, "total_runtime_cost_estimate": 0},
        {"total_runtime_ms": 500, "total_runtime_cost_estimate": 0.25},
    ],
)
def test_hostile_metadata_counts_as_in_the_api(client, pages, post, metadata):
    post(
        {"runtime_ms": 10, "metadata": metadata, "status_code": 500, "idea_id": "a"},
        {"runtime_ms": 30, "idea_id": ""},
        {"runtime_ms": 70, "source": "worker", "idea_id": "a", "metadata": metadata},
        {"endpoint": "/one", "metadata": {"other": 2}},
    )
    compare(client, pages)
    compare(client, pages, "api")


def test_whatever_is_posted_counts_as_in_the_api(client, db, pages):
    @given(st.lists(posted, min_size=1, max_size=12))
    @settings(
        max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    def check(batch):
        db.execute("TRUNCATE runtime_events")
        assert client.post(BATCH_URL, json=batch).json["inserted"] == len(batch)
        compare(client, pages)

    check()


def test_it_is_equal_to_as_many_events_one_by_one(db, pages, post):
    post(
        *(
            {
                "endpoint": f"/{n % 3}",
                "runtime_ms": n * 37 % 101 + 0.5,
                "status_code": 500 if n % 7 == 0 else 200,
                **({"metadata": {"event_count": n % 11 + 1}} if n % 3 else {}),
            }
            for n in range(60)
        )
    )
    expected = by_name(db.execute(ONE_BY_ONE))
    shown = by_name(pages.endpoints(window(), 5))
    assert shown.keys() == expected.keys() == {"/0", "/1", "/2"}
    for name, row in shown.items():
        sql = expected[name]
        assert (row["events"], row["errors"]) == (sql["events"], sql["errors"])
        assert [row["p50_ms"], row["p95_ms"], row["p99_ms"]] == pytest.approx(sql["ms"])


def test_each_bar_has_percentiles_of_its_own(db, pages, post):
    post({"id": "old", "runtime_ms": 5, "metadata": {"event_count": 3}})
    post({"id": "new", "runtime_ms": 9}, {"id": "newer", "runtime_ms": 11})
    db.execute("UPDATE runtime_events SET recorded_at = now() - interval '2 d' WHERE id = 'old'")
    rows = pages.endpoint_over_time(window(), "/api/ideas", timedelta(days=1))
    assert [(row["events"], row["p50_ms"]) for row in rows] == [(3, 5), (2, 10)]


def test_the_page_shows_the_weight(client, post):
    post({"runtime_ms": 60, "status_code": 503, "metadata": {"event_count": 10}}, {"runtime_ms": 5})
    assert "/api/ideas 11 10 90.9 %" in open_page(client, "/runtime").text
    assert "/api/ideas 11 90.9 %" in open_page(client, "/").text
    text = open_page(client, "/runtime?endpoint=/api/ideas").text
    assert "Events 11" in text
    assert "10 of 11" in text


def test_what_is_dated_in_the_future_is_left_out(client, db, pages, post):
    post({"id": "now"}, {"id": "later"})
    db.execute("UPDATE runtime_events SET recorded_at = now() + interval '2 m' WHERE id = 'later'")
    compare(client, pages)
    assert pages.endpoints(window(), 5)[0]["events"] == 1


def test_equal_endpoints_at_the_end_of_the_page_are_sorted_by_p95(pages, post):
    post(*({"endpoint": f"/{n}", "runtime_ms": n} for n in range(1, 30)))
    post({"endpoint": "/error", "status_code": 500})
    rows = pages.endpoints(window(), 5)
    assert [row["endpoint"] for row in rows] == ["/error", "/29", "/28", "/27", "/26"]
    assert rows[0]["endpoints"] == 30
