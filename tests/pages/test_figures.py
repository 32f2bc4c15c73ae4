"""Every figure of the overview is what a person would count in SQL or by hand."""

import re
from datetime import UTC, datetime, timedelta
from random import Random

import psycopg
import pytest
from psycopg.rows import dict_row

from telemetry.pages import overview
from telemetry.pages.formats import as_time
from telemetry.pages.window import ORIGIN, SPANS, Window, window_of
from tests.support.audio_runtime import event
from tests.support.pages import open_page
from tests.support.runs import minimal_run

NOW = datetime(2026, 4, 1, 12, 34, 56, 789_000, tzinfo=UTC)
STATUSES = ("running", "success", "failure", "partial", "timeout", "cancelled")
INSERT = """
    INSERT INTO agent_runs (
        event_id, run_id, agent_name, job_type, status, environment, created_at, updated_at,
        start_time, duration_ms, error_summary
    )
    VALUES (
        %(event_id)s, 'r', %(agent_name)s, 'j', %(status)s, %(environment)s, %(created_at)s,
        %(updated_at)s, %(created_at)s, %(duration_ms)s, %(error_summary)s
    )
"""
ALL = "SELECT * FROM agent_runs ORDER BY created_at DESC, event_id DESC"


def edges():
    """Return moments at which a window of a range begins or ends, and their neighbours."""
    tick = timedelta(microseconds=1)
    starts = [NOW, *(NOW - n * span for span in SPANS.values() for n in (1, 2))]
    bars = [ORIGIN + (NOW - ORIGIN) // timedelta(hours=n) * timedelta(hours=n) for n in (1, 12)]
    return [moment + shift for moment in (*starts, *bars) for shift in (-tick, timedelta(), tick)]


def records():
    random = Random(1)
    spread = [NOW - timedelta(days=61 * random.random() ** 3) for _ in range(250)]
    for number, moment in enumerate([*edges(), *spread]):
        status = random.choice(STATUSES)
        yield {
            "event_id": f"run-{number:03}",
            "agent_name": f"agent-{random.randrange(4)}",
            "status": status,
            "environment": random.choice(("prod", "test", None)),
            "created_at": moment,
            "updated_at": datetime.now(UTC) - timedelta(minutes=random.choice((1, 59, 61, 9999))),
            "duration_ms": random.choice((0, 1, 2, 2**40, random.randrange(10**5))),
            "error_summary": random.choice(("KeyError", "TimeoutError", "e" * 300, None))
            if status in ("failure", "timeout")
            else None,
        }


@pytest.fixture(scope="module")
def filled(databases):
    """The URL of a database with runs around the edges of every window."""
    url = databases.take()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.cursor().executemany(INSERT, list(records()))
    yield url
    databases.give_back(url)


@pytest.fixture
def runs(filled):
    with psycopg.connect(filled, row_factory=dict_row, options="-c TimeZone=UTC") as connection:
        return connection.execute(ALL).fetchall()


WINDOWS = {
    **{name: Window(name, NOW - span, NOW, is_open=True) for name, span in SPANS.items()},
    "from-to": Window(None, NOW - timedelta(days=9), NOW - timedelta(hours=1), is_open=False),
    "a moment": Window(None, NOW, NOW + timedelta(microseconds=1), is_open=False),
    "nothing": Window(None, NOW + timedelta(days=1), NOW + timedelta(days=2), is_open=False),
    # Clocks change in Berlin on 29 March.
    "summer time": Window(
        None,
        datetime(2026, 3, 20, 22, tzinfo=UTC),
        datetime(2026, 3, 31, tzinfo=UTC),
        is_open=False,
    ),
    "years": Window(None, datetime(1900, 1, 1, tzinfo=UTC), NOW, is_open=True),
}
FILTERS = [(None, None), ("agent-1", None), (None, "prod"), ("agent-2", "test"), ("nobody", None)]


@pytest.fixture(params=WINDOWS)
def window(request):
    return WINDOWS[request.param]


@pytest.fixture(params=FILTERS, ids=str)
def shown(default_app, filled, request, window):
    """What the overview shows, and the runs of the filter that it shows it of."""
    agent_name, environment = request.param
    store = default_app(filled).extensions["pages"].runs
    asked = overview.Asked(window, agent_name, environment)
    read = {name: reader() for name, reader in overview.readers(store, asked).items()}
    return overview.collect(store, asked, read, NOW)


@pytest.fixture
def these(runs, shown, request):
    agent_name, environment = request.node.callspec.params["shown"]
    return [
        run
        for run in runs
        if agent_name in (None, run["agent_name"]) and environment in (None, run["environment"])
    ]


def inside(runs, window):
    return [run for run in runs if window.start <= run["created_at"] < window.until]


def is_stale(run):
    quiet = datetime.now(UTC) - run["updated_at"]
    return run["status"] == "running" and quiet > timedelta(hours=1)


def state(run):
    return "stale" if is_stale(run) else run["status"]


def test_figures_and_their_change(these, shown, window):
    before = [r for r in these if window.start - window.span <= r["created_at"] < window.start]
    now = inside(these, window)
    for figure in shown["figures"]:
        name = figure["state"]
        assert figure["count"] == sum(state(run) == name for run in now), name
        if name not in ("running", "stale"):
            change = figure["count"] - sum(run["status"] == name for run in before)
            assert figure["note"].replace("−", "-").replace("±", "") == (
                f"{change:+d}" if change else "0"
            )


def test_bars(these, shown, window):
    bars = shown["chart"]["bars"]
    for bar in bars:
        for name in STATUSES:
            counted = sum(
                run["status"] == name and bar["start"] <= run["created_at"] < bar["end"]
                for run in inside(these, window)
            )
            assert bar["counts"][name] == counted
    assert sum(bar["total"] for bar in bars) == len(inside(these, window))


def test_agents_and_their_strips(these, shown, window):
    now = inside(these, window)
    names = sorted({run["agent_name"] for run in now})
    assert sorted(row["agent_name"] for row in shown["agents"]) == names
    assert shown["agent_count"] == len(names)
    order = [(not row["is_low"], -row["runs"]) for row in shown["agents"]]
    assert order == sorted(order)
    for row in shown["agents"]:
        own = [run for run in now if run["agent_name"] == row["agent_name"]]
        ended = [run for run in own if run["status"] != "running"]
        # These runs have no end_time, so one without a duration_ms has an unknown duration.
        known = sorted(run["duration_ms"] for run in ended if run["duration_ms"])
        assert row["runs"] == len(own)
        assert row["ended"] == len(ended)
        assert row["succeeded"] == sum(run["status"] == "success" for run in own)
        assert as_time(row["last_created_at"]) == max(run["created_at"] for run in own)
        for share, name in ((50, "p50_ms"), (95, "p95_ms")):
            # The shortest that as many percent do not exceed.
            place = -(-share * len(known) // 100) - 1
            assert row[name] == (known[place] if known else None)
        latest = [run for run in these if run["agent_name"] == row["agent_name"]][:40]
        assert [cell.state for cell in row["strip"]] == [state(run) for run in reversed(latest)]


def test_failures(these, shown, window):
    failed = [run for run in inside(these, window) if run["status"] in ("failure", "timeout")]
    groups = {}
    for run in failed:
        groups.setdefault(run["error_summary"] and run["error_summary"][:200], []).append(run)
    assert {row["error"] for row in shown["failures"]} == groups.keys()
    for row in shown["failures"]:
        own = groups[row["error"]]
        assert row["runs"] == len(own)
        assert row["agents"] == len({run["agent_name"] for run in own})
        assert as_time(row["first_at"]) == own[-1]["created_at"]
        assert as_time(row["last_at"]) == own[0]["created_at"]
        assert row["event_id"] == own[0]["event_id"]
        assert row["kinds"] == len(groups)


def test_the_zone_of_the_database_makes_no_difference(make_app, database_url, db):
    db.execute(f"ALTER DATABASE {db.info.dbname} SET timezone = 'Europe/Berlin'")
    db.cursor().executemany(INSERT, list(records()))
    store = make_app().extensions["pages"].runs
    window = WINDOWS["summer time"]
    bars = {
        "created_before_window": window.start_before,
        "step": timedelta(days=1),
        "statuses": [*STATUSES],
    }
    names = {"agent_name": None, "environment": None}
    counted = store.states_over_time({**window.parameters, **names, **bars})
    db.execute(f"ALTER DATABASE {db.info.dbname} RESET timezone")
    assert {as_time(row["bucket"]).hour for row in counted if row["bucket"]} == {0}


def test_one_run_that_still_runs_has_no_success_rate(client):
    client.post("/api/v1/runs", json=minimal_run("r1"))
    text = open_page(client, "/").text
    assert re.search(r"agent-a crawl 1 – – – \d+ s ago", text)
    assert "Running 1 longest" in text


def test_devices_that_need_attention(client, db):
    for number in range(8):
        client.put(f"/api/v1/devices/d{number}", json={"tenant_id": "t"})
        fields = {"tenant_id": "t", "device_id": f"d{number}"}
        health = ("HEALTHY", "DEGRADED", "FAILED")[number % 3]
        client.post(
            "/api/v1/audio-runtime/events",
            json=event("DEVICE_STATE", **fields, device_health=health),
        )
    sql = "SELECT count(*) AS n FROM os_core.audio_runtime_current WHERE device_health <> 'HEALTHY'"
    needing = db.execute(sql).fetchone()["n"]
    assert needing == 5
    assert f"{needing} of 8 need attention" in open_page(client, "/").text


def test_the_largest_window_opens_with_its_links(client):
    client.post("/api/v1/runs", json=minimal_run("r1"))
    page = open_page(client, "/?created_after=1970-01-01&created_before=9999-12-31T23:59:59")
    assert "Running 1" in page.text
    for path in page.links():
        if path.startswith("/runs?"):
            open_page(client, path)


@pytest.mark.parametrize(
    "query",
    ["created_after=0001-01-01T00:00:00%2B14:00", "created_before=9999-12-31T23:59:59-14:00"],
)
def test_a_moment_that_no_calendar_has_has_a_message(client, query):
    assert "Must be a date or an ISO 8601 timestamp" in open_page(client, f"/?{query}", 422).text


def test_a_window_that_ends_before_it_begins_has_a_message(client):
    text = open_page(client, "/?created_after=2026-02-01&created_before=2026-02-01", 422).text
    assert "Must be later than the start" in text


def test_offsets_of_the_address_are_applied():
    after = datetime(2026, 3, 29, 3, tzinfo=UTC)
    window = window_of({"created_after": after}, NOW)
    assert (window.start, window.end, window.is_open) == (after, NOW, True)
