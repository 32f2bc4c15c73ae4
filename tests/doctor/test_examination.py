"""The doctor of a healthy deployment, its output and its exit status."""

import json

import pytest

from tests.doctor.support import SAFE, doctor
from tests.support.audio_runtime import event
from tests.support.command import telemetry, telemetry_process
from tests.support.databases import database
from tests.support.runs import minimal_run
from tests.support.runtime_events import minimal_event
from tests.support.service import PROJECT

CHECKS = [
    "configuration",
    "connection",
    "options",
    "pooler",
    "connections",
    "role",
    "migrations",
    "tables",
    "rights",
    "triggers",
    "ids",
    "definitions",
    "sequences",
    "clock",
    "write",
]


def test_it_works_as_a_process(database_url):
    done = telemetry_process("doctor", DATABASE_URL=database_url, **SAFE)
    assert (done.returncode, done.stderr) == (0, "1 warning(s)\n")
    lines = [line for line in done.stdout.splitlines() if "  fix: " not in line]
    assert [*dict.fromkeys(line.split()[1].rstrip(":") for line in lines)] == CHECKS
    assert {line.split()[0] for line in lines if " role: " not in line} == {"ok"}
    assert "fix: run serve as a role of its own" in done.stdout


def test_a_warning_counts_in_strict_mode_alone(database_url):
    assert doctor(DATABASE_URL=database_url).status == 0
    assert doctor("--strict", DATABASE_URL=database_url).status == 1


def test_json_has_every_finding(database_url):
    found = telemetry("doctor", "--json", DATABASE_URL=database_url, **SAFE)
    document = json.loads(found.stdout)
    assert document["status"] == "warning"
    assert [*dict.fromkeys(it["check"] for it in document["findings"])] == CHECKS
    assert document["findings"][0].keys() == {"level", "check", "says", "fix", "place"}


@pytest.mark.parametrize("option", ["--nonsense", "--json=1"])
def test_wrong_usage_has_a_status_of_its_own(option):
    assert telemetry("doctor", option).returncode == 2


def test_two_databases_are_named(postgres, database_url):
    found = doctor(DATABASE_URL=database_url, RUNTIME_DATABASE_URL=database(postgres, "template1"))
    assert found.status == 1
    places = [(it["check"], it["place"]) for it in found.findings if it["check"] == "connection"]
    assert places == [("connection", "agent_runs, audio_runtime"), ("connection", "runtime_events")]
    migrations = [*PROJECT.glob("migrations/*.rollback.sql")]
    assert found.problem.startswith(
        f"migrations: the database of runtime_events: {len(migrations)} mig"
    )
    assert len(found.problem) < 600
    said = [it["says"] for it in found.findings if it["check"] == "connections"]
    together = "2 workers open up to 20 in both databases of this server"
    assert len(said) == 2
    assert all(it.startswith(together) for it in said)


def test_without_a_backend_it_says_what_to_set():
    found = doctor()
    assert found.status == 1
    assert "set DATABASE_URL" in found.problem


def everything(db):
    """Return what the trial write could have left or changed."""
    tables = "agent_runs runtime_events agent_run_counts agent_run_count_changes os_core.devices"
    tables += " os_core.audio_runtime_events os_core.audio_runtime_heads audit.audit_events"
    tables += " os_core.audio_runtime_current rate_limit_clients audio_runtime_verifications"
    return {it: db.execute(f"SELECT * FROM {it} ORDER BY 1").fetchall() for it in tables.split()}


def test_the_trial_write_leaves_nothing(client, database_url, db):
    client.post("/api/v1/runs", json=minimal_run())
    client.post("/api/runtime/events", json=minimal_event())
    client.put("/api/v1/devices/device-1", json={"tenant_id": "tenant-1"})
    client.post("/api/v1/audio-runtime/events", json=event())
    before, token = everything(db), client.get("/api/runtime/change-token").json

    def follow(feed, after=None):
        tenant = {"tenant_id": "tenant-1"} if feed == "audio-runtime" else {}
        query = {**tenant, **({"after": after} if after else {})}
        return client.get(f"/api/v1/feed/{feed}", query_string=query).json

    ends = {it: follow(it)["next"] for it in ("runs", "runtime-events", "audio-runtime")}

    assert doctor(DATABASE_URL=database_url).status == 0

    assert everything(db) == before
    assert client.get("/api/runtime/change-token").json == token
    assert [follow(feed, after)["items"] for feed, after in ends.items()] == [[], [], []]
    assert client.get("/api/ready").status_code == 200
    assert telemetry("verify", DATABASE_URL=database_url).returncode == 0
    # Followers see what comes after the numbers that the trial drew.
    client.post("/api/v1/runs", json=minimal_run("late"))
    client.post("/api/runtime/events", json=minimal_event(id="late"))
    client.post("/api/v1/audio-runtime/events", json=event(idempotency_key="late"))
    assert [len(follow(feed, after)["items"]) for feed, after in ends.items()] == [1, 1, 1]
