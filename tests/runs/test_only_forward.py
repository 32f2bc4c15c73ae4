"""A run is running or has ended, and only moves forward: one report after the other."""

import psycopg
import pytest

from tests.support.errors import assert_error, assert_problems
from tests.support.runs import full_run, minimal_run

URL = "/api/v1/runs"
BATCH = f"{URL}/batch"
RUN = f"{URL}/event-1"
END = {"status": "failed", "end_time": "2026-01-31T13:00:00.000000Z", "duration_ms": 5}
ENDED = {**END, "status": "failure"}
DUPLICATE = {
    "status": "duplicate",
    "event_id": "event-1",
    "message": "Event already exists (idempotent)",
}
COUNTS = ("inserted", "completed", "duplicates")


def stored(client, *names):
    run = client.get(RUN).json
    return {name: run[name] for name in names}


def counts(response):
    assert (response.status_code, response.json["errors"]) == (200, [])
    return tuple(response.json[name] for name in COUNTS)


def test_an_ended_record_completes_a_running_run(client, caplog):
    caplog.set_level("INFO")
    client.post(URL, json=minimal_run(host="h", product="p"))
    response = client.post(URL, json=minimal_run(**END, product="q", context_json={}, x=1))
    assert response.status_code == 200
    assert response.json == {
        "status": "completed",
        "event_id": "event-1",
        "run_id": "run-1",
        "fields_updated": ["context_json", "duration_ms", "end_time", "product", "status"],
        "ignored_fields": ["x"],
    }
    carried = {**ENDED, "product": "q", "context_json": {}, "host": "h"}
    assert stored(client, *carried) == carried
    assert "[OK] Completed run: event-1 (agent: agent-a)" in caplog.messages


def test_every_field_that_the_ended_record_carries_is_stored(client, db):
    client.post(URL, json=minimal_run(run_id="other", agent_name="other"))
    before = db.execute("SELECT updated_at FROM agent_runs").fetchone()["updated_at"]
    response = client.post(URL, json=full_run())
    assert sorted(response.json["fields_updated"]) == sorted(
        full_run().keys() - {"event_id", "job_type", "start_time"}
    )
    assert stored(client, *full_run()) == full_run()
    after = db.execute("SELECT updated_at FROM agent_runs").fetchone()["updated_at"]
    assert after > before
    assert client.get("/metrics").json["agents"] == {"agent-ä": 1}


def test_a_field_that_the_ended_record_does_not_carry_stays(client):
    client.post(URL, json=minimal_run(duration_ms=7, items_failed=3, api_posted=True))
    created_at = client.get(RUN).json["created_at"]
    client.post(URL, json=minimal_run(status="success", items_failed=None))
    assert stored(client, "duration_ms", "items_failed", "api_posted", "created_at") == {
        "duration_ms": 7,
        "items_failed": 3,
        "api_posted": True,
        "created_at": created_at,
    }


def test_a_start_after_the_end_is_a_duplicate_that_says_nothing_different(client):
    client.post(URL, json=minimal_run(**END, items_failed=2))
    before = client.get(RUN).json
    response = client.post(URL, json=minimal_run(status="running", duration_ms=0, items_failed=0))
    assert (response.status_code, response.json) == (200, DUPLICATE)
    assert client.get(RUN).json == before
    assert client.post(URL, json=minimal_run(job_type="x")).json["differs"] == ["job_type"]


def test_a_start_that_is_sent_again_says_nothing_different(client):
    start = minimal_run(status="running", product="p", duration_ms=0)
    client.post(URL, json=start)
    client.post(URL, json=minimal_run(**END, product="q", run_id="run-2"))
    assert client.post(URL, json=start).json == DUPLICATE
    other = client.post(URL, json={**start, "job_type": "x"})
    assert other.json["differs"] == ["job_type"]


def test_a_second_end_is_a_duplicate_that_names_what_differs(client):
    client.post(URL, json=minimal_run())
    client.patch(RUN, json={"duration_ms": 4, "output_summary": "patched"})
    end = minimal_run(**END)
    assert client.post(URL, json=end).json["status"] == "completed"
    assert client.post(URL, json=end).json == DUPLICATE
    second = {**end, "status": "success", "duration_ms": 6, "output_summary": "second"}
    assert client.post(URL, json=second).json["differs"] == ["duration_ms", "status"]
    assert stored(client, "status", "duration_ms") == {"status": "failure", "duration_ms": 5}


def test_an_end_says_what_a_patch_before_it_does_not(client):
    client.post(URL, json=minimal_run(items_failed=1))
    client.patch(RUN, json={"items_failed": 2})
    assert client.post(URL, json=minimal_run(**END, items_failed=3)).json["status"] == "completed"
    assert stored(client, "items_failed") == {"items_failed": 3}
    # The start, again: it differs in what was patched and then ended, which is not a conflict.
    assert client.post(URL, json=minimal_run(items_failed=1)).json == DUPLICATE


def test_a_slow_patch_does_not_undo_an_end(client):
    client.post(URL, json=minimal_run(**END))
    before = client.get(RUN).json
    response = client.patch(RUN, json={"status": "running", "items_failed": 9})
    assert "failure" in assert_error(response, 409)
    assert client.get(RUN).json == before


def test_a_patch_corrects_an_end(client):
    client.post(URL, json=minimal_run(**END))
    response = client.patch(RUN, json={"status": "success", "duration_ms": 6})
    assert response.json["fields_updated"] == ["status", "duration_ms"]
    assert stored(client, "status", "duration_ms") == {"status": "success", "duration_ms": 6}


@pytest.mark.parametrize("reopen", [True, 1])
def test_a_run_is_reopened_on_purpose_and_can_end_again(client, reopen):
    client.post(URL, json=minimal_run(**END))
    response = client.patch(RUN, json={"status": "running", "reopen": reopen})
    assert response.json == {
        "event_id": "event-1",
        "updated": True,
        "fields_updated": ["status", "end_time"],
    }
    assert stored(client, "status", "end_time") == {"status": "running", "end_time": None}
    again = client.post(URL, json=minimal_run(status="success", end_time=END["end_time"]))
    assert again.json["fields_updated"] == ["end_time", "status"]
    assert client.patch(RUN, json={"status": "running"}).status_code == 409


def test_reopen_changes_nothing_of_a_run_that_is_running(client):
    client.post(URL, json=minimal_run(end_time=END["end_time"]))
    response = client.patch(RUN, json={"status": "running", "reopen": True})
    assert response.json["fields_updated"] == ["status"]
    assert stored(client, "end_time") == {"end_time": END["end_time"]}


def test_reopen_with_an_end_time_is_refused(client):
    client.post(URL, json=minimal_run(**END))
    body = {"status": "running", "reopen": True, "end_time": END["end_time"]}
    assert_problems(client.patch(RUN, json=body), {"end_time": "reopened"})
    assert stored(client, "status") == {"status": "failure"}


@pytest.mark.parametrize(
    ("body", "status"),
    [({"reopen": True}, 400), ({"status": "running", "reopen": "yes"}, 422)],
)
def test_reopen_alone_or_of_another_type_is_refused(client, body, status):
    client.post(URL, json=minimal_run(**END))
    assert_error(client.patch(RUN, json=body), status)


def test_reopen_is_no_field_of_a_run(client):
    response = client.post(URL, json=minimal_run(reopen=True))
    assert response.json["ignored_fields"] == ["reopen"]


def test_the_database_refuses_to_undo_an_end(client, db):
    client.post(URL, json=minimal_run(**END))
    with pytest.raises(psycopg.errors.CheckViolation, match="has ended with status failure"):
        db.execute("UPDATE agent_runs SET status = 'running'")
    db.execute("UPDATE agent_runs SET status = 'running', end_time = NULL, reopened_at = now()")
    db.execute("UPDATE agent_runs SET status = 'success'")
    with pytest.raises(psycopg.errors.CheckViolation):
        db.execute("UPDATE agent_runs SET status = 'running'")


def test_a_batch_completes_what_is_running(client):
    client.post(BATCH, json=[minimal_run("event-1"), minimal_run("b"), minimal_run("c", **END)])
    batch = [
        minimal_run("event-1", **END),
        minimal_run("b"),
        minimal_run("c", **END),
        minimal_run("d", **END),
    ]
    assert counts(client.post(BATCH, json=batch)) == (1, 1, 2)
    assert stored(client, *ENDED) == ENDED
    again = client.post(BATCH, json=batch)
    assert counts(again) == (0, 0, 4)
    assert "duplicate_differs" not in again.json


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("known", [[], [minimal_run("other")], [minimal_run()]])
def test_a_batch_may_hold_the_start_and_the_end_of_a_run(client, known, order):
    client.post(BATCH, json=known)
    start = minimal_run(status="running", product="p", items_failed=0, duration_ms=0)
    end = minimal_run(**END, items_failed=2, metrics_json={"a": '"\\\n'})
    response = client.post(BATCH, json=[*known, *[start, end][::order]])
    inserted = known != [minimal_run()]
    assert counts(response) == (inserted, not inserted, 1 + len(known))
    assert response.json.get("duplicate_differs", []) == ([] if inserted else ["event-1"])
    carried = {**ENDED, "items_failed": 2, "metrics_json": {"a": '"\\\n'}}
    assert stored(client, *carried) == carried
    # Of the start, what the end does not carry; a run that exists got its own start before.
    assert stored(client, "product") == {"product": "p" if inserted else None}


def test_of_two_ends_in_a_batch_the_first_wins(client):
    ends = [minimal_run(**END), minimal_run(**END | {"duration_ms": 6}), minimal_run()]
    response = client.post(BATCH, json=ends)
    assert counts(response) == (1, 0, 2)
    assert response.json["duplicate_differs"] == ["event-1"]
    assert stored(client, "duration_ms") == {"duration_ms": 5}


@pytest.mark.parametrize("known", [[], [minimal_run("a")]])
def test_a_constraint_of_the_dba_refuses_only_the_end(client, db, known):
    client.post(BATCH, json=[*known, minimal_run("b")])
    db.execute("ALTER TABLE agent_runs ADD CONSTRAINT short CHECK (duration_ms < 5)")
    response = client.post(
        BATCH,
        json=[minimal_run("a"), minimal_run("a", **END), minimal_run("b", status="success")],
    )
    assert tuple(response.json[name] for name in COUNTS) == (not known, 1, len(known))
    assert [error["index"] for error in response.json["errors"]] == [1]
    assert_error(
        client.post(URL, json=minimal_run("a", **END)), 400, "Database integrity error: short"
    )
