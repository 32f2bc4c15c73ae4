"""The figures on the pages are those of SQL that is written here, against the tables."""

from datetime import UTC, datetime, timedelta

import httpx
import psycopg
import pytest

from telemetry.pages import formats
from tests.browser.visit import visit
from tests.support.runs import minimal_run
from tests.support.runtime_events import minimal_event

STATES = ("success", "failure", "running", "stale", "partial", "timeout", "cancelled")


def texts(locator):
    return [" ".join(it.split()) for it in locator.all_inner_texts()]


def cells(page, table):
    """Return the texts of the cells of a table, row by row."""
    return [texts(row.locator("th, td")) for row in page.locator(f"{table} tbody tr").all()]


def shown(page):
    """Return the figures of a page by their names."""
    names = texts(page.locator("#figures .name, #figures dt"))
    values = texts(page.locator("#figures .value"))
    return dict(zip(names, values, strict=True))


@pytest.fixture(scope="module")
def connection(month_url):
    with psycopg.connect(month_url, autocommit=True) as opened:
        yield opened


@pytest.fixture(scope="module")
def days():
    """Two days of the month that have passed, so that no figure moves while a test reads it."""
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    return now - timedelta(days=4), now - timedelta(days=2)


def address(days, **others):
    start, end = days
    return f"/?created_after={start:%Y-%m-%dT%H:%M}&created_before={end:%Y-%m-%dT%H:%M}" + "".join(
        f"&{name}={value}" for name, value in others.items()
    )


@pytest.mark.parametrize("others", [{}, {"agent_name": "seo-auditor"}, {"environment": "staging"}])
def test_runs_by_state(browser, month, connection, days, others):
    conditions = "".join(f" AND {name} = '{value}'" for name, value in others.items())
    counted = dict(
        connection.execute(
            "SELECT status, count(*) FROM agent_runs"
            f" WHERE created_at >= %s AND created_at < %s{conditions} GROUP BY status",
            days,
        ).fetchall()
    )
    with visit(browser, month.url) as visited:
        figures = shown(visited.open(address(days, **others)))
    assert figures == {
        state.capitalize(): formats.number(counted.get(state, 0)) for state in STATES
    }
    assert sum(counted.values()) > 0


def test_the_chart_and_its_table_add_up(browser, month, connection, days):
    (whole,) = connection.execute(
        "SELECT count(*) FROM agent_runs WHERE created_at >= %s AND created_at < %s", days
    ).fetchone()
    with visit(browser, month.url) as visited:
        page = visited.open(address(days))
        page.locator("#chart summary").click()
        rows = cells(page, "#chart")
    assert sum(int(row[-1].replace(",", "")) for row in rows) == whole
    for row in rows:
        assert sum(int(it.replace(",", "")) for it in row[1:-1]) == int(row[-1])


def test_agents(browser, month, connection, days):
    rows = connection.execute(
        "SELECT agent_name, count(*), array_agg(duration_ms ORDER BY duration_ms)"
        " FILTER (WHERE status <> 'running'), count(*) FILTER (WHERE status = 'success')"
        " FROM agent_runs WHERE created_at >= %s AND created_at < %s"
        " GROUP BY agent_name ORDER BY count(*) DESC",
        days,
    ).fetchall()
    with visit(browser, month.url) as visited:
        found = cells(visited.open(address(days)), "#agents-panel")
    assert len(found) == len(rows) == 3
    for row, (name, runs, lengths, succeeded) in zip(found, rows, strict=True):
        # The smallest value that at least the share of all values does not exceed.
        p50, p95 = (lengths[-(-len(lengths) * share // 100) - 1] for share in (50, 95))
        assert row[0].startswith(name)
        assert row[2:6] == [
            formats.number(runs),
            formats.percent(succeeded, len(lengths)),
            formats.duration(p50),
            formats.duration(p95),
        ]


def test_failures(browser, month, connection, days):
    rows = connection.execute(
        "SELECT error_summary, count(*), to_char(min(created_at), 'FMDD Mon HH24:MI'),"
        " to_char(max(created_at), 'FMDD Mon HH24:MI') FROM agent_runs"
        " WHERE status IN ('failure', 'timeout') AND created_at >= %s AND created_at < %s"
        " GROUP BY error_summary ORDER BY count(*) DESC, max(created_at) DESC LIMIT 6",
        days,
    ).fetchall()
    assert rows
    with visit(browser, month.url) as visited:
        found = texts(visited.open(address(days)).locator("#failures li"))
    for text, (error, runs, first, last) in zip(found, rows, strict=True):
        assert text.startswith(f"{error} {runs} {first}")
        assert first == last or f"{first} – {last}" in text


def test_the_filtered_table_and_its_exports(browser, month, connection, days):
    start, end = days
    (whole,) = connection.execute(
        "SELECT count(*) FROM agent_runs WHERE status = 'partial' AND created_at > %s"
        " AND created_at < %s",
        days,
    ).fetchone()
    query = (
        f"status=partial&created_after={start:%Y-%m-%dT%H:%M}&created_before={end:%Y-%m-%dT%H:%M}"
    )
    with visit(browser, month.url) as visited:
        assert visited.open(f"/runs?{query}").locator("#runs tbody tr").count() == whole > 0
    lines = httpx.get(f"{month.url}/runs.jsonl?{query}").text.splitlines()
    assert len(lines) == whole


def test_devices(browser, month, connection):
    needing, all_of_them = connection.execute(
        "SELECT (SELECT count(*) FROM os_core.audio_runtime_current"
        " WHERE device_health <> 'HEALTHY' OR capture_degraded OR aec_unstable"
        " OR device_changed OR stream_gap_detected),"
        " (SELECT count(*) FROM os_core.devices)"
    ).fetchone()
    rows = connection.execute(
        "SELECT device_id, lower(device_health), jitter_ms, underruns, overruns"
        " FROM os_core.audio_runtime_current ORDER BY tenant_id, device_id"
    ).fetchall()
    with visit(browser, month.url) as visited:
        text = visited.open("/").locator("#devices").inner_text()
        found = cells(visited.open("/devices"), "#devices")
    assert f"{needing} of {all_of_them} need attention" in text
    for row, (device, health, jitter, underruns, overruns) in zip(found, rows, strict=True):
        assert row[0].startswith(device)
        assert row[1] == health
        assert row[3] == f"{jitter:.3g} ms"
        assert row[6] == f"{underruns} / {overruns}"


WEIGHTED = [
    *(minimal_event(endpoint="/a", runtime_ms=10 * n) for n in range(1, 11)),
    minimal_event(endpoint="/a", runtime_ms=500, status_code=500),
    minimal_event(
        endpoint="/b", runtime_ms=20, metadata={"event_count": 40, "total_runtime_ms": 800}
    ),
    minimal_event(endpoint="/b", runtime_ms=900, status_code=503, metadata={"sample_count": 10}),
    minimal_event(endpoint="/c", runtime_ms=7, idea_id="idea-1"),
]

# Each event as the events that it stands for: how many, and what each of them took.
EXPANDED = """
    SELECT endpoint, status_code, each_ms FROM runtime_events, LATERAL (
        SELECT coalesce(
            (metadata ->> 'event_count')::int, (metadata ->> 'sample_count')::int, 1
        ) AS number
    ) AS stands, LATERAL (
        SELECT coalesce(
            (metadata ->> 'total_runtime_ms')::float / stands.number, runtime_ms
        ) AS each_ms
    ) AS took, generate_series(1, stands.number)
"""


def test_endpoints_with_events_that_stand_for_several(browser, own, own_url):
    sent = httpx.post(f"{own.url}/api/runtime/events/batch", json={"events": WEIGHTED})
    assert sent.json()["inserted"] == len(WEIGHTED)
    with psycopg.connect(own_url) as connection:
        rows = connection.execute(
            "SELECT endpoint, count(*), count(*) FILTER (WHERE status_code >= 500),"
            " percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY each_ms)"
            f" FROM ({EXPANDED}) AS expanded GROUP BY endpoint ORDER BY endpoint"
        ).fetchall()
    expected = [
        [name, *map(formats.number, (events, errors)), formats.percent(errors, events)]
        + [formats.duration(it) for it in percentiles]
        for name, events, errors, percentiles in rows
    ]
    with visit(browser, own.url) as visited:
        found = cells(visited.open("/runtime?range=1h&sort=endpoint"), "#endpoints")
        # The cell of the bar has no text, the last one is the cost.
        assert [[it for it in row if it][:-1] for row in found] == expected
        for name, events, errors, *percentiles in (row[:3] + row[4:] for row in expected):
            figures = shown(visited.open(f"/runtime?range=1h&endpoint={name}"))
            assert figures["Events"] == events
            assert [figures[it] for it in ("p50", "p95", "p99")] == percentiles
            assert f"{errors} of {events}" in visited.page.locator("#figures").inner_text()


def test_the_change_from_the_day_before(browser, own):
    now = datetime.now(UTC)
    ago = [timedelta(hours=1), timedelta(hours=2), timedelta(hours=30)]
    runs = [
        minimal_run(f"{status}-{number}", status=status, created_at=(now - age).isoformat())
        for status, ages in (("failure", ago), ("success", ago[1:]), ("cancelled", ago[2:]))
        for number, age in enumerate(ages)
    ]
    assert httpx.post(f"{own.url}/api/v1/runs/batch", json=runs).json()["inserted"] == len(runs)
    with visit(browser, own.url) as visited:
        found = texts(visited.open("/").locator("#figures a"))
    assert found[0].startswith("Success 1 ±0")
    assert found[1] == "Failure 2 +1 since yesterday"
    assert found[-1].startswith("Cancelled 0 −1")
