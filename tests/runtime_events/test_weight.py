"""Events that stand for several in the summaries, the same on both backends."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.runtime_events import BATCH_URL, IDEAS_URL, SUMMARY_URL, minimal_event

HUGE = 1.7976931348623157e308
TOTALS = {"total_runtime_ms": 500, "total_runtime_cost_estimate": 0.25}
AGGREGATE = {"event_count": 10, **TOTALS}


def post(events, *batch):
    response = events.post(BATCH_URL, json=[minimal_event(**fields) for fields in batch])
    assert response.json["inserted"] == len(batch), response.json


def only_endpoint(events):
    (endpoint,) = events.get(SUMMARY_URL).json["endpoints"]
    return endpoint


def only_idea(events):
    (idea,) = events.get(IDEAS_URL).json["ideas"]
    return idea


def test_it_counts_as_many_events(events):
    post(
        events,
        {"runtime_ms": 60, "status_code": 503, "source": "worker", "metadata": AGGREGATE},
        {"runtime_ms": 5},
        {"runtime_ms": 10, "metadata": {"sample_count": 3}},
    )
    found = only_endpoint(events)
    assert found == {
        "endpoint": "/api/ideas",
        "methods": ["GET"],
        "event_count": 14,
        "error_count": 10,
        "total_runtime_ms": 500 + 5 + 30,
        "average_runtime_ms": pytest.approx(535 / 14),
        "p50_ms": 60,
        "p95_ms": 60,
        "p99_ms": 60,
        "runtime_cost_estimate": pytest.approx(0.25 + 35 / 1000 * 0.002),
        "by_source": {"api": 4, "worker": 10},
        "status_counts": {"200": 4, "503": 10},
    }
    common = ("event_count", "total_runtime_ms", "average_runtime_ms", "by_source")
    expected = {name: found[name] for name in (*common, "runtime_cost_estimate")}
    assert only_idea(events) == {"idea_id": "unmapped", **expected}


def test_percentiles_are_those_of_as_many_events(events):
    post(events, {"runtime_ms": 10, "metadata": {"event_count": 3}}, {"runtime_ms": 20})
    weighted = only_endpoint(events)
    post(events, *[{"endpoint": "/one-by-one", "runtime_ms": it} for it in (10, 10, 10, 20)])
    one_by_one = events.get(SUMMARY_URL).json["endpoints"][-1]
    assert one_by_one["endpoint"] == "/one-by-one"
    for name in ("event_count", "total_runtime_ms", "p50_ms", "p95_ms", "p99_ms"):
        assert weighted[name] == one_by_one[name]
    assert weighted["p95_ms"] == pytest.approx(18.5)


def test_the_busiest_endpoint_has_the_most_events(events):
    post(
        events,
        *[{"endpoint": "/three"}] * 3,
        {"endpoint": "/four", "metadata": {"event_count": 4}},
    )
    found = [it["endpoint"] for it in events.get(SUMMARY_URL).json["endpoints"]]
    assert found == ["/four", "/three"]


@pytest.mark.parametrize(
    ("metadata", "count", "total_ms", "cost"),
    [
        ({"event_count": 2.0}, 2, 20, 0.00004),
        ({"event_count": 4, "sample_count": 9}, 4, 40, 0.00008),
        ({"event_count": None, "sample_count": 9}, 9, 90, 0.00018),
        ({"event_count": 10**9}, 10**9, 10**10, 20_000),
        *(
            ({"event_count": wrong, **TOTALS}, 1, 10, 0.00002)
            for wrong in (0, -1, 1.5, 10**9 + 1, 2**63 - 1, 1e300, True, "5", "NaN", None)
        ),
        *(
            ({"event_count": 2, "total_runtime_ms": wrong}, 2, 20, 0.00004)
            for wrong in (0, -1, -1e300, True, "5", "NaN", "Infinity", None)
        ),
        *(
            ({"event_count": 2, "total_runtime_cost_estimate": wrong}, 2, 20, 0.00004)
            for wrong in (-0.1, False, "5", "NaN", None)
        ),
        ({"event_count": 2, "total_runtime_cost_estimate": 0}, 2, 20, 0),
        ({"event_count": 2, "total_runtime_ms": 0.5}, 2, 0.5, 0.00004),
        ({"event_count": 2, "total_runtime_ms": HUGE}, 2, HUGE, 0.00004),
        (TOTALS, 1, 10, 0.00002),
    ],
)
def test_it_ignores_what_is_not_a_number_in_its_range(events, metadata, count, total_ms, cost):
    post(events, {"runtime_ms": 10, "metadata": metadata})
    for found in (only_endpoint(events), only_idea(events)):
        assert found["event_count"] == count
        assert found["total_runtime_ms"] == total_ms
        assert found["average_runtime_ms"] == pytest.approx(total_ms / count)
        assert found["runtime_cost_estimate"] == pytest.approx(cost)


def test_sums_that_exceed_a_double_are_cut(events):
    post(events, *[{"runtime_ms": HUGE, "metadata": {"event_count": 10**9}}] * 3)
    for found in (only_endpoint(events), only_idea(events)):
        assert found["event_count"] == 3 * 10**9
        assert found["total_runtime_ms"] == HUGE
        assert found["average_runtime_ms"] == pytest.approx(HUGE / 1e9)


scalars = (
    st.none()
    | st.booleans()
    | st.text("5eN ä", max_size=3)
    | st.integers(-3, 20)
    | st.floats(-9, 99)
)
counts = st.integers(1, 9) | st.sampled_from([10**9, 10**9 + 1, 2**63 - 1, 1e300]) | scalars
metadata = st.fixed_dictionaries(
    {},
    optional={
        "event_count": counts,
        "sample_count": counts,
        "total_runtime_ms": st.floats(1e-9, 1e9) | scalars,
        "total_runtime_cost_estimate": st.floats(0, 1e9) | scalars,
        "other": scalars,
    },
)
posted = st.fixed_dictionaries(
    {
        "source": st.sampled_from(["api", "web", "web_api", "worker"]),
        "endpoint": st.sampled_from(["/a", "/b", "/ä"]),
        "method": st.sampled_from(["GET", "POST"]),
        "status_code": st.sampled_from([200, 404, 500, 503]),
        "runtime_ms": st.integers(1, 9) | st.floats(0.001, 1e6) | st.just(HUGE),
        "idea_id": st.sampled_from(["", "i", "ü", "unmapped"]) | st.none(),
    },
    optional={"metadata": metadata},
)


@pytest.mark.long
def test_both_backends_agree(client, file_client, events_file, db):
    @given(st.lists(posted, min_size=1, max_size=12))
    @settings(max_examples=150, deadline=None)
    def compare(batch):
        db.execute("TRUNCATE runtime_events")
        events_file.unlink(missing_ok=True)
        for backend in (client, file_client):
            assert backend.post(BATCH_URL, json=batch).json["inserted"] == len(batch)
        for url in (SUMMARY_URL, f"{SUMMARY_URL}?source=api&limit=1"):
            assert_same(client.get(url).json["endpoints"], file_client.get(url).json["endpoints"])
        assert_same(*(ideas_by_name(backend) for backend in (client, file_client)))

    compare()


def ideas_by_name(client):
    """Return the ideas, after a look at their order and at a page of them.

    Each backend adds up doubles in its own way, so ideas whose costs differ in the last digits may
    change places.
    """
    ideas = client.get(IDEAS_URL).json["ideas"]
    assert ideas == sorted(ideas, key=lambda it: (-it["runtime_cost_estimate"], it["idea_id"]))
    assert client.get(f"{IDEAS_URL}?limit=1&offset=1").json["ideas"] == ideas[1:2]
    return sorted(ideas, key=lambda it: it["idea_id"])


def assert_same(rows, others):
    """Compare the rows of a summary: the sums of doubles may differ in the last digits."""
    assert len(rows) == len(others)
    for row, other in zip(rows, others, strict=True):
        for name, value in row.items():
            if isinstance(value, float):
                assert other[name] == pytest.approx(value, rel=1e-12, abs=1.1e-8), name
            else:
                assert other[name] == value, name
        assert row.keys() == other.keys()
