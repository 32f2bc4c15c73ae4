"""Pages show the same of runtime events in a JSON file as of those in the database."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from telemetry.runtime_events.events import event_to_store
from telemetry.runtime_events.file.stored import encode_line
from telemetry.timestamps import utc_text
from tests.runtime_events.test_weight import posted
from tests.support.pages import BROWSER, open_page
from tests.support.runtime_events import minimal_event

SORTS = ("errors", "rate", "events", "p50", "p95", "p99", "cost", "endpoint")
INSERT = """
    INSERT INTO runtime_events (
        id, source, endpoint, raw_endpoint, method, status_code, runtime_ms,
        runtime_cost_estimate, idea_id, origin_idea_id, metadata, recorded_at
    )
    SELECT id, source, endpoint, raw_endpoint, method, status_code, runtime_ms,
        runtime_cost_estimate, idea_id, origin_idea_id, metadata, recorded_at
    FROM jsonb_populate_record(NULL::runtime_events, %s::jsonb)
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "events.jsonl"


@pytest.fixture
def file_app(make_app, path):
    return make_app(database_url=None, runtime_events_path=path)


@pytest.fixture
def file_client(file_app):
    return file_app.test_client()


@pytest.fixture
def backends(default_app, database_url, file_app):
    return [it.extensions["pages"].events for it in (default_app(database_url), file_app)]


@pytest.fixture
def store(db, path):
    """Replace the events of both backends; each is an hour older than the one before it."""

    def write(events):
        db.execute("TRUNCATE runtime_events")
        with path.open("wb") as file:
            for age, sent in reversed([*enumerate(events)]):
                event = event_to_store(minimal_event(**sent), 0.002)
                at = utc_text(datetime.now(UTC) - timedelta(hours=age))
                line = encode_line({**event, "recorded_at": at})
                file.write(line)
                db.execute(INSERT, [line.decode()])

    return write


def same(rows, others):
    """Compare rows; sums may differ in their last digits."""
    assert len(rows) == len(others)
    for row, other in zip(rows, others, strict=True):
        shared = row.keys() & other.keys()
        assert {"events", *shared} == shared
        for name in shared:
            value = other[name]
            assert row[name] == (pytest.approx(value) if isinstance(value, float) else value), name


def compare(backends, **filters):
    database, file = backends
    now = datetime.now(UTC)
    window = {"recorded_from": now - timedelta(hours=9, minutes=30), "recorded_until": now}
    window |= {"source": None, **filters}
    plain = {name: window[name] for name in ("recorded_from", "recorded_until", "source")}
    for sort in SORTS:
        page = {"sort": sort, "row_offset": 1, "slow_limit": 1}
        same(database.endpoints(window, 2, **page), file.endpoints(window, 2, **page))
    for row in file.endpoints(window, 100):
        name = row["endpoint"]
        same([database.endpoint(plain, name)], [file.endpoint(plain, name)])
        for step in (timedelta(minutes=30), timedelta(days=1)):
            same(*(it.endpoint_over_time(plain, name, step) for it in backends))
    same([database.endpoint(plain, "/none")], [file.endpoint(plain, "/none")])
    for limit in (1, 100):
        same(database.ideas(plain, limit), file.ideas(plain, limit))
    same([database.rates()], [file.rates()])


EVENTS = [
    {
        "endpoint": f"/{n % 4}",
        "runtime_ms": n * 37 % 101 + 0.5,
        "status_code": 500 if n % 3 == 0 else 200,
        "source": "api" if n % 2 else "worker",
        "idea_id": f"idea-{n % 3}" if n % 5 else "",
        "metadata": {"event_count": n} if n % 4 == 1 else {},
    }
    for n in range(1, 13)
]


@pytest.mark.parametrize(
    "filters",
    [
        {},
        {"source": "api"},
        {"endpoint_prefix": "/1"},
        {"idea_id": "idea-1"},
        {"idea_id": "unmapped"},
        {"idea_id": "none"},
    ],
)
def test_both_backends_give_the_same_figures(backends, store, filters):
    store(EVENTS)
    compare(backends, **filters)


def test_no_event_gives_the_same_figures(backends, store):
    store([])
    compare(backends)


def test_whatever_is_stored_gives_the_same_figures(backends, store):
    @given(st.lists(posted, min_size=1, max_size=8))
    @settings(
        max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    def check(batch):
        store(batch)
        compare(backends)

    check()


def test_the_page_is_the_same(client, file_client, store):
    store([{"endpoint": "/a", "runtime_ms": 5}, {"endpoint": "/b", "status_code": 500}])
    for query in ("/runtime", "/runtime?sort=p95", "/runtime?idea_id=unmapped"):
        texts = [
            open_page(it, query).text.partition("click on a heading")[2]
            for it in (client, file_client)
        ]
        assert texts[0] == texts[1]
        assert "/a" in texts[0]
    assert "Events 1 last" in open_page(file_client, "/runtime?endpoint=/a").text


def test_the_overview_shows_the_endpoints_and_names_what_is_missing(file_client, store):
    store([{"endpoint": "/a", "runtime_ms": 5}])
    text = open_page(file_client, "/").text
    assert "Runs and devices need a database. Set DATABASE_URL" in text
    assert "slowest /a 1 0 % 5 ms" in text
    assert "JSON file, not durable" in text


def test_the_status_counts_the_events_of_the_file(file_client, store):
    store([{"endpoint": "/a"}, {"endpoint": "/b"}])
    text = open_page(file_client, "/status").text
    assert "Runtime events 1 in the last hour · 0.0 per minute · last" in text
    assert "Runtime events a JSON file not on a hosted platform" in text


def test_the_page_refreshes_when_the_file_grows(file_client, monkeypatch):
    monkeypatch.setattr("telemetry.pages.live.time", lambda: 1_800_000_000.0)

    def tag():
        return file_client.get("/runtime", headers=BROWSER).headers["ETag"]

    before = tag()
    assert tag() == before
    file_client.post("/api/runtime/events", json=minimal_event())
    assert tag() != before


def test_a_file_that_cannot_be_read_is_an_error_page(make_app, tmp_path):
    app = make_app(database_url=None, runtime_events_path=tmp_path)
    text = open_page(app.test_client(), "/runtime", status=503).text
    assert "RUNTIME_EVENTS_PATH can't be read" in text
