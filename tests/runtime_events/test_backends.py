"""Each row of the resolver's table, with the web process of the Procfile."""

import psycopg
import pytest

from tests.support.runs import minimal_run
from tests.support.runtime_events import URL, minimal_event

# RUNTIME_DATABASE_URL, DATABASE_URL, RUNTIME_EVENTS_PATH: where events are kept, where runs
ROWS = [
    (True, True, True, "runtime", "main"),
    (True, True, False, "runtime", "main"),
    (True, False, True, "runtime", "runtime"),
    (True, False, False, "runtime", "runtime"),
    (False, True, True, "main", "main"),
    (False, True, False, "main", "main"),
    (False, False, True, "file", None),
    (False, False, False, None, None),
]


def rows(url, table):
    with psycopg.connect(url) as connection:
        return connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]


@pytest.mark.parametrize("row", ROWS)
def test_it_writes_where_the_table_says(
    start_service, runtime_database_url, database_url, events_file, row
):
    runtime, main, file, events_in, runs_in = row
    service = start_service(
        RUNTIME_DATABASE_URL=runtime_database_url if runtime else "",
        DATABASE_URL=database_url if main else "",
        RUNTIME_EVENTS_PATH=str(events_file) if file else "",
        WEB_CONCURRENCY="1",
    )
    event = service.client.post(URL, json=minimal_event())
    run = service.client.post("/api/v1/runs", json=minimal_run())
    ready = service.client.get("/api/ready")
    assert event.status_code == (201 if events_in else 503)
    assert run.status_code == (201 if runs_in else 503)
    assert ready.status_code == (200 if events_in else 503)
    kept = {
        "runtime": rows(runtime_database_url, "runtime_events"),
        "main": rows(database_url, "runtime_events"),
        "file": len(events_file.read_text().splitlines()) if events_file.exists() else 0,
    }
    assert kept == {"runtime": 0, "main": 0, "file": 0} | ({events_in: 1} if events_in else {})
    assert rows(runtime_database_url, "agent_runs") == (runs_in == "runtime")
    assert rows(database_url, "agent_runs") == (runs_in == "main")
    backend = {None: "none", "file": "json_file"}.get(events_in, "postgresql")
    health = service.client.get("/api/health/persistence").json()
    assert health["domains"]["runtime_events"]["backend"] == backend
    assert health["domains"]["runtime_events"]["events_file_override"] == file
    assert health["pass_contract"] == (events_in is not None)
    assert f"runtime_events={backend}" in service.log
    for path, kept_in in (("/api/v1/runs/batch", runs_in), (f"{URL}/batch", events_in)):
        empty, wrong = [service.client.post(path, json=sent).status_code for sent in ([], 7)]
        assert (empty, wrong) == ((200, 422) if kept_in else (503, 503))
    if not events_in:
        assert ready.json()["detail"]["error"] == "persistence_contract_failed"
        assert "DATABASE_URL" in event.json()["detail"]
    if not runs_in:
        assert "DATABASE_URL" in run.json()["detail"]
