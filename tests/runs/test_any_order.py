"""In any order of the same reports, from several connections, a run ends as its end says."""

import random
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.runs import full_run, minimal_run
from tests.support.waiting import locks_awaited, wait_until

URL = "/api/v1/runs"
STATUSES = ("success", "failure", "partial", "timeout", "cancelled")
RUNS = 30


def start(number):
    """Return the record of a run that starts; another field of each is one that its end lacks."""
    return minimal_run(
        f"run-{number}",
        status="running",
        items_discovered=0,
        duration_ms=0,
        product="start",
        created_at="2026-01-31T12:00:00.000000Z",
    )


def end(number, chance):
    """Return the record of a run that has ended: the required fields, and any of the others."""
    full = full_run(f"run-{number}", status=chance.choice(STATUSES), agent_name="agent-a")
    kept = chance.sample(sorted(full), chance.randint(0, len(full)))
    needed = (*minimal_run(), "status")
    return {name: value for name, value in full.items() if name in needed or name in kept}


def reports(number, ended, chance):
    """Return what is sent about a run, in a random order: records, retries and PATCHes.

    A PATCH that says running is refused after the end. One of a field that no record carries can
    come at any time.
    """
    sent = [("POST", start(number))] * chance.randint(0, 2)
    sent += [("POST", ended)] * chance.randint(1, 2)
    sent += [("PATCH", {"status": "running", "duration_ms": 1, "items_failed": 1})]
    chance.shuffle(sent)
    return [(f"run-{number}", *report) for report in sent]


def send(client, queue, chance):
    """Send reports: PATCHes alone, records alone or in batches of any size."""
    while queue:
        size = chance.choice([1, 1, 2, 5, 20])
        part, queue = queue[:size], queue[size:]
        for event_id in [event_id for event_id, method, _ in part if method == "PATCH"]:
            changes = {"status": "running", "duration_ms": 1, "items_failed": 1}
            status = client.patch(f"{URL}/{event_id}", json=changes).status_code
            assert status in (200, 404, 409)
        records = [body for _, method, body in part if method == "POST"]
        if len(records) == 1:
            assert client.post(URL, json=records[0]).status_code in (200, 201)
        elif records:
            response = client.post(f"{URL}/batch", json=records)
            assert (response.status_code, response.json["errors"]) == (200, [])


@pytest.mark.parametrize("seed", range(6))
def test_a_run_ends_as_its_ended_record_says(client, seed):
    chance = random.Random(seed)
    ends = {f"run-{number}": end(number, chance) for number in range(RUNS)}
    sent = [it for number in range(RUNS) for it in reports(number, ends[f"run-{number}"], chance)]
    chance.shuffle(sent)
    app = client.application
    with ThreadPoolExecutor(4) as clients:
        tasks = [
            clients.submit(send, app.test_client(), sent[part::4], random.Random(seed + part))
            for part in range(4)
        ]
        for task in tasks:
            task.result()
    for event_id, ended in ends.items():
        stored = client.get(f"{URL}/{event_id}").json
        expected = {**ended, "start_time": "2026-01-31T12:00:00.000000Z"}
        assert {name: stored[name] for name in ended} == expected


def test_two_ends_that_race_agree_on_the_first(start_service, db):
    service = start_service()

    def post(number):
        body = minimal_run("run", status="success", duration_ms=number)
        return service.client.post(URL, json=body).json()["status"]

    for _ in range(5):
        db.execute("TRUNCATE agent_runs")
        service.client.post(URL, json=minimal_run("run"))
        with ThreadPoolExecutor(20) as clients:
            outcomes = sorted(clients.map(post, range(20)))
        assert outcomes == ["completed"] + ["duplicate"] * 19


def test_start_and_end_that_share_a_commit_are_both_reported(start_service, db):
    service = start_service()

    def post(body):
        return service.client.post(URL, json=body).json()["status"]

    bodies = [
        minimal_run(f"run-{number}", status=status)
        for number in range(40)
        for status in ("running", "success")
    ]
    with ThreadPoolExecutor(40) as clients:
        outcomes = [*clients.map(post, bodies)]
    for pair in zip(outcomes[::2], outcomes[1::2], strict=True):
        assert pair in [("created", "completed"), ("duplicate", "created")]
    statuses = db.execute("SELECT DISTINCT status FROM agent_runs").fetchall()
    assert statuses == [{"status": "success"}]


@pytest.mark.parametrize("alone", [True, False])
def test_an_end_waits_for_the_start_that_is_being_stored(client, db, alone):
    db.execute("BEGIN")
    db.execute(
        "INSERT INTO agent_runs (event_id, run_id, agent_name, job_type, start_time)"
        " VALUES ('event-1', 'run-1', 'agent-a', 'crawl', '2026-01-31T12:00:00Z')"
    )
    body = minimal_run(status="success")
    with ThreadPoolExecutor(1) as pool:
        url, sent = (URL, body) if alone else (f"{URL}/batch", [body])
        posted = pool.submit(client.post, url, json=sent)
        wait_until(lambda: locks_awaited(db) > 0)
        db.execute("COMMIT")
        response = posted.result().json
    assert response["status" if alone else "completed"] == ("completed" if alone else 1)
    assert client.get(f"{URL}/event-1").json["status"] == "success"


def test_an_end_sees_the_patch_that_it_waits_for(client, db):
    client.post(URL, json=minimal_run())
    db.execute("BEGIN")
    db.execute("UPDATE agent_runs SET items_failed = 2, host = 'h', status = 'timeout'")
    with ThreadPoolExecutor(1) as pool:
        posted = pool.submit(client.post, URL, json=minimal_run(status="success", items_failed=1))
        wait_until(lambda: locks_awaited(db) > 0)
        db.execute("COMMIT")
        response = posted.result().json
    assert response["status"] == "duplicate"
    assert response["differs"] == ["items_failed", "status"]
    run = client.get(f"{URL}/event-1").json
    assert (run["status"], run["items_failed"], run["host"]) == ("timeout", 2, "h")


def test_batches_that_complete_the_same_runs_never_deadlock(client, db):
    app = client.application
    runs = [minimal_run(f"run-{number}") for number in range(300)]
    client.post(f"{URL}/batch", json=runs[::2])
    ends = [{**run, "status": "success"} for run in runs]

    def post(number):
        order = ends if number % 2 else ends[::-1]
        body = app.test_client().post(f"{URL}/batch", json=order).json
        return body["inserted"], body["completed"]

    with ThreadPoolExecutor(4) as clients:
        counted = [*clients.map(post, range(8))]
    assert [sum(column) for column in zip(*counted, strict=True)] == [150, 150]
