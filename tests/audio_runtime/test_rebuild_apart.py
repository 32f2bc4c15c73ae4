"""A rebuild does what it can: one device that can't be rebuilt, or not yet, stops no other."""

from threading import Thread

import psycopg
import pytest

from tests.support.audio_runtime import event
from tests.support.command import telemetry, telemetry_process
from tests.support.waiting import count_everywhere

URL = "/api/v1/audio-runtime/events"
REBUILD = "/api/v1/audio-runtime/rebuild"
CURRENT = "os_core.audio_runtime_current"
HEADS = "os_core.audio_runtime_heads"


@pytest.fixture
def filled(client, cast, db):
    """Three devices with an event each, and no projection."""
    for device in ("device-1", "device-2"):
        client.post(URL, json=event(device_id=device, session_id=71))
    client.post(URL, json=event(tenant_id="tenant-2", device_id="device-3"))
    db.execute(f"TRUNCATE {CURRENT}")
    return cast


def run(url, *arguments):
    return telemetry("rebuild", *arguments, DATABASE_URL=url)


def rebuilt(ledger):
    return {name[1] for name in ledger.current()}


def test_the_command_tells_what_it_did(filled, database_url):
    done = run(database_url)
    assert done.returncode == 0
    assert done.stdout.startswith("rebuilt 3 devices in ")
    assert done.stdout.endswith(" ms, 3 differed\n")
    assert rebuilt(filled) == {"device-1", "device-2", "device-3"}


def test_contradictory_devices_are_named_and_left_out(client, filled, db, database_url):
    db.execute(f"UPDATE {HEADS} SET row_hash = sha256('') WHERE tenant_id = 'tenant-1'")
    done = run(database_url)
    assert done.returncode == 1
    for device in ("device-1", "device-2"):
        assert f"device_id={device} event_id=" in done.stderr
    assert "contradicts itself about 2 device(s)" in done.stderr.splitlines()[-1]
    assert done.stdout.startswith("rebuilt 1 devices")
    assert rebuilt(filled) == {"device-3"}
    answer = client.post(REBUILD, json={"tenant_id": "tenant-1"})
    assert (answer.status_code, answer.json["reason_code"]) == (409, "K_FAIL_REBUILD_INTEGRITY")
    assert "device-1" in answer.json["detail"]


def test_a_session_that_is_gone_is_a_contradiction(client, filled, db, database_url):
    db.execute("ALTER TABLE os_core.sessions DISABLE TRIGGER ALL")
    db.execute("DELETE FROM os_core.sessions WHERE session_id = 71")
    client.post(URL, json=event())
    answer = client.post(REBUILD, json={"tenant_id": "tenant-1"})
    assert (answer.status_code, answer.json["reason_code"]) == (409, "K_FAIL_REBUILD_INTEGRITY")
    done = run(database_url)
    assert done.returncode == 1
    assert done.stderr.count("problem=session_not_of_tenant") == 2
    assert "Traceback" not in done.stderr
    assert rebuilt(filled) == {"device-3"}


def test_what_a_constraint_refuses_stops_no_other(client, filled, db, database_url):
    db.execute(f"ALTER TABLE {CURRENT} ADD CONSTRAINT no_two CHECK (device_id <> 'device-2')")
    answer = client.post(REBUILD, json={"tenant_id": "tenant-1"})
    assert (answer.status_code, answer.json["reason_code"]) == (409, "K_FAIL_REBUILD_INTEGRITY")
    assert "device-2" in answer.json["detail"]
    assert "problem=refused_by_no_two" in run(database_url).stderr
    assert rebuilt(filled) == {"device-1", "device-3"}


@pytest.mark.faults
def test_a_device_that_is_being_written_holds_up_no_other(client, filled, db, database_url):
    """Its own rebuild waits, longer than a request's statement may, until the writer is done."""
    with psycopg.connect(database_url) as writer:
        of_device = "tenant_id = 'tenant-1' AND device_id = 'device-2'"
        writer.execute(f"SELECT 1 FROM {HEADS} WHERE {of_device} FOR UPDATE")
        done = []
        rebuild = Thread(
            target=lambda: done.append(telemetry_process("rebuild", DATABASE_URL=database_url))
        )
        rebuild.start()
        waiting = (
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            " AND datname = current_database() AND now() - query_start > '10.5 s'"
        )
        while not count_everywhere(db, waiting):
            assert rebuild.is_alive()
            db.execute("SELECT pg_sleep(0.1)")
        assert rebuilt(filled) == {"device-1", "device-3"}
        assert client.post(URL, json=event()).status_code == 201
    rebuild.join()
    assert done[0].returncode == 0
    assert rebuilt(filled) == {"device-1", "device-2", "device-3"}


@pytest.mark.parametrize("scope", [["--device", "typo"], ["--tenant", "typo"]])
def test_a_device_or_tenant_that_is_not_there_is_no_success(filled, database_url, scope):
    done = run(database_url, *scope)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.splitlines()[-1].startswith("Error: there is no device")


def test_a_database_that_is_down_is_one_line():
    done = run("postgresql://127.0.0.1:1/nowhere")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 2
    assert "\nError: " in done.stderr
