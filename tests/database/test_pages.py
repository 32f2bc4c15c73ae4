"""The bytes of a page: fewer rows than the limit when they are large, in every room."""

import re
from pathlib import Path

import psutil
import pytest

from telemetry import paging
from tests.support.audio_runtime import event
from tests.support.runs import minimal_run
from tests.support.runtime_events import minimal_event

TENANT = "tenant_id=tenant-1"
DEVICE = f"{TENANT}&device_id=device-1"
LEDGER = "/api/v1/audio-runtime"
MEGABYTE = 1024 * 1024

# A list, and the key of its rows.
LISTS = {
    "runs": ("/api/v1/runs?limit=10", "event_id"),
    "runtime events": ("/api/runtime/events?limit=10&source=api", "id"),
    "ledger events": (f"{LEDGER}/events?{DEVICE}&limit=10", "event_id"),
    "current": (f"{LEDGER}/current?{TENANT}&limit=10", "device_id"),
    "heads": (f"{LEDGER}/heads?{TENANT}&limit=10", "device_id"),
    "audit": (f"/api/v1/audit/events?{DEVICE}&limit=10", "audit_event_id"),
}


def fill(client):
    """Store five rows in each list."""
    for number in range(5):
        client.put(f"/api/v1/devices/device-{number}", json={"tenant_id": "tenant-1"})
    for number in range(5):
        device = f"device-{number}"
        client.post("/api/v1/runs", json=minimal_run(f"e{number}", host="h" * 500))
        client.post("/api/runtime/events", json=minimal_event(id=device, metadata={"m": "m" * 500}))
        for name in {device, "device-1"}:
            response = client.post(f"{LEDGER}/events", json=event("DEVICE_STATE", device_id=name))
            assert response.status_code == 201


def follow(client, url):
    """Return the pages from this URL on, and their Link headers."""
    found, links = [], []
    while url:
        response = client.get(url)
        assert response.status_code == 200
        body = response.json if hasattr(response, "get_data") else response.json()
        rows = body if isinstance(body, list) else body["items"]
        link = response.headers.get("Link")
        if isinstance(body, dict):
            assert body["has_more"] == (link is not None)
        found.append(rows)
        links.append(link)
        url = link and re.fullmatch('<(?:http://localhost)?(/.*)>; rel="next"', link)[1]
    return found, links


@pytest.mark.parametrize(("url", "key"), LISTS.values(), ids=LISTS)
def test_a_page_ends_early_and_the_next_one_continues(client, monkeypatch, url, key):
    fill(client)
    (whole,), _ = follow(client, url)
    assert len(whole) >= 5
    monkeypatch.setattr(paging, "MAX_PAGE_BYTES", 400)
    found, _ = follow(client, url)
    assert len(found) > 1
    assert [row[key] for rows in found for row in rows] == [row[key] for row in whole]


@pytest.mark.parametrize(("url", "key"), LISTS.values(), ids=LISTS)
def test_a_row_that_is_larger_is_a_page_of_its_own(client, monkeypatch, url, key):
    fill(client)
    (whole,), _ = follow(client, url)
    monkeypatch.setattr(paging, "MAX_PAGE_BYTES", 1)
    found, _ = follow(client, url)
    assert [len(rows) for rows in found] == [1] * len(whole)


@pytest.mark.parametrize(("url", "key"), LISTS.values(), ids=LISTS)
def test_each_page_that_is_full_links_to_the_next(client, url, key):
    fill(client)
    (whole,), _ = follow(client, url)
    found, _ = follow(client, url.replace("limit=10", "limit=2"))
    assert [row[key] for rows in found for row in rows] == [row[key] for row in whole]


@pytest.mark.parametrize("url", [f"{LEDGER}/events?{TENANT}", f"/api/v1/audit/events?{TENANT}"])
def test_the_rows_of_a_whole_tenant_have_no_next_page(client, url):
    fill(client)
    response = client.get(f"{url}&limit=2")
    assert (response.json["has_more"], "Link" in response.headers) == (True, False)


def test_a_page_that_ends_early_leaves_the_connection_usable(make_app, monkeypatch):
    client = make_app(db_pool_size=1).test_client()
    fill(client)
    monkeypatch.setattr(paging, "MAX_PAGE_BYTES", 1)
    for _ in range(20):
        assert len(client.get("/api/v1/runs?limit=10").json) == 1
        assert client.get("/api/v1/runs/e1").status_code == 200


def test_a_page_that_ends_early_works_without_a_session(make_app, monkeypatch):
    client = make_app(db_pool_size=1, db_prepared_statements=False).test_client()
    fill(client)
    monkeypatch.setattr(paging, "MAX_PAGE_BYTES", 1)
    for _ in range(3):
        assert len(client.get("/api/v1/runs?limit=10").json) == 1
        assert client.get("/api/v1/runs/e1").status_code == 200


@pytest.mark.long
@pytest.mark.one_node("the coordinator reads all rows of a page before it sends the first")
def test_a_list_of_large_rows_takes_little_memory(start_service, db):
    """A thousand rows of a megabyte, which PostgreSQL compresses to little."""
    db.execute(
        "INSERT INTO agent_runs (event_id, run_id, agent_name, job_type, start_time, context_json)"
        " SELECT 'e' || n, 'r', 'a', 'j', now(), jsonb_build_object('text', repeat('x', %s))"
        " FROM generate_series(1, 1000) AS n",
        [MEGABYTE],
    )
    service = start_service(WEB_CONCURRENCY="1")
    service.client.get("/api/v1/runs?limit=1")
    (worker,) = psutil.Process(service.process.pid).children()
    response = service.client.get("/api/v1/runs?limit=1000")
    assert (response.status_code, len(response.json())) == (200, 15)
    assert 'rel="next"' in response.headers["Link"]
    status = Path(f"/proc/{worker.pid}/status").read_text()
    peak = int(re.search(r"VmHWM:\s*(\d+) kB", status)[1]) * 1024
    assert peak < 200 * MEGABYTE
