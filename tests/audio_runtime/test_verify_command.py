"""What ``python -m telemetry verify`` prints, and how it ends."""

import json
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import psutil
import psycopg
import pytest

from telemetry.audio_runtime.check import check
from telemetry.audio_runtime.checkers import CheckerLost, process_checker
from telemetry.database.connection import connect
from tests.support.audio_runtime import event
from tests.support.command import telemetry
from tests.support.ledger import guards_down
from tests.support.service import PROJECT, environment
from tests.support.waiting import locks_awaited, wait_until

HEAD = {"tenant_id": "tenant-1", "device_id": "device-1", "event_id": 1, "row_hash": "00" * 32}


def run(url, *arguments):
    return telemetry("verify", *arguments, DATABASE_URL=url)


@pytest.fixture
def event_id(client, cast):
    return client.post("/api/v1/audio-runtime/events", json=event()).json["event_id"]


def test_it_prints_a_line_for_each_finding(cast, event_id, db, database_url):
    good = run(database_url)
    assert (good.returncode, good.stdout) == (0, "")
    assert good.stderr.endswith("nothing is wrong\n")
    with guards_down(db, "audit.audit_events"):
        db.execute("DELETE FROM audit.audit_events")
    for scope in ([], ["--tenant", "tenant-1"], ["--device", "device-1", "--jobs", "1"]):
        bad = run(database_url, *scope)
        assert bad.returncode == 1
        assert bad.stdout == (
            f"tenant_id=tenant-1 device_id=device-1 event_id={event_id} problem=audit_row_missing\n"
        )


def test_what_it_found_and_could_not_print_is_no_finding(cast, event_id, db, database_url):
    with guards_down(db, "audit.audit_events"):
        db.execute("DELETE FROM audit.audit_events")
    with open("/dev/full", "w") as full:
        verify = start_verify(database_url, stdout=full)
        _, said = verify.communicate()
    assert (verify.returncode, said.count("Traceback")) == (2, 0)
    assert "No space left on device" in said


@pytest.mark.parametrize(("options", "status"), [([], 0), (["--tenant", "typo"], 2), (["--no"], 2)])
def test_what_it_can_not_say_changes_no_exit_status(event_id, database_url, options, status):
    with open("/dev/full", "w") as full:
        assert start_verify(database_url, full, *options, stderr=full).wait() == status


@pytest.mark.parametrize("options", [[], ["--fast"]])
@pytest.mark.parametrize("devices", [0, 60], ids=["here", "in processes"])
@pytest.mark.parametrize("table", ["os_core.audio_runtime_events", "os_core.sessions"])
def test_it_checked_nothing_when_it_is_interrupted(
    cast, event_id, db, database_url, table, devices, options
):
    cast.bind({f"more-{number}": "tenant-1" for number in range(devices)})
    with psycopg.connect(database_url) as holder:
        holder.execute(f"LOCK TABLE {table}")
        verify = start_verify(database_url, subprocess.PIPE, *options)
        wait_until(lambda: locks_awaited(holder) > 0)
        verify.send_signal(signal.SIGINT)
        _, said = verify.communicate(timeout=60)
        # Also the statement that waited is gone.
        wait_until(lambda: locks_awaited(holder) == 0)
    assert (verify.returncode, said.splitlines()[-1]) == (2, "Error: interrupted")
    assert "Traceback" not in said


@pytest.mark.long
def test_many_devices_are_checked_by_processes(cast, event_id, db, database_url):
    cast.bind({f"more-{number}": "tenant-1" for number in range(120)})
    assert run(database_url).returncode == 0
    with guards_down(db, "audit.audit_events"):
        db.execute("DELETE FROM audit.audit_events")
    for options in ([], ["--jobs", "1"], ["--jobs", "3"], ["--fast"]):
        bad = run(database_url, *options)
        assert bad.stdout.endswith(f" event_id={event_id} problem=audit_row_missing\n")
        assert (bad.returncode, bad.stdout.count("\n")) == (1, 1)


def test_a_process_that_is_killed_is_an_error(cast, database_url):
    wanted = {"tenant_id": "tenant-1", "device_id": "device-1", "row_hash": "00" * 32}
    wanted |= dict.fromkeys(("after", "kept_event_id", "kept_row_hash"))
    connection = partial(connect, database_url)
    with (
        psycopg.connect(database_url) as holder,
        ThreadPoolExecutor() as pool,
        process_checker(connection, check) as checker,
    ):
        assert checker.check([wanted]) == []
        holder.execute("LOCK TABLE os_core.sessions")
        checked = pool.submit(checker.check, [wanted])
        wait_until(lambda: locks_awaited(holder) > 0)
        for process in psutil.Process().children():
            if "spawn_main" in " ".join(process.cmdline()):
                process.kill()
        with pytest.raises(CheckerLost):
            checked.result(timeout=60)


def test_an_error_of_a_process_is_raised_here(cast, database_url):
    with (
        process_checker(partial(connect, "postgresql://127.0.0.1:1/nowhere"), check) as checker,
        pytest.raises(psycopg.OperationalError, match="refused"),
    ):
        checker.check([])


def start_verify(url, stdout, *options, stderr=subprocess.PIPE):
    return subprocess.Popen(
        [sys.executable, "-m", "telemetry", "verify", *options],
        cwd=PROJECT,
        env=environment(DATABASE_URL=url),
        stdout=stdout,
        stderr=stderr,
        text=True,
        # It is ignored when the tests run in the background.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )


def assert_it_could_not(done, said):
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("scope", [["--tenant", "typo"], ["--device", "typo"]])
def test_a_scope_that_names_nothing_is_no_success(event_id, database_url, scope):
    assert_it_could_not(run(database_url, *scope), "there is no device")


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ([], "holds no head"),
        ([{**HEAD, "tenant_id": "tenant-2"}], "holds no head of a device of tenant tenant-1"),
        ({"items": [{"tenant_id": "t"}]}, "a head needs tenant_id"),
        ([{**HEAD, "event_id": True}], "a head needs tenant_id"),
        ([{**HEAD, "event_id": 2**63}], "a head needs tenant_id"),
        ([{**HEAD, "tenant_id": "a\nb"}], "a head needs tenant_id"),
        ("x", "takes what GET"),
    ],
)
def test_heads_that_compare_with_nothing_are_no_success(
    event_id, database_url, tmp_path, document, said
):
    file = tmp_path / "heads.json"
    file.write_text(json.dumps(document))
    assert_it_could_not(run(database_url, "--tenant", "tenant-1", "--heads", str(file)), said)


@pytest.mark.parametrize("option", ["--heads", "--since"])
@pytest.mark.parametrize(
    "content", [b'[{"tenant_id": "\xff"}]', b"[" * 100_000 + b"]" * 100_000, b"{"]
)
def test_a_file_that_cannot_be_read_is_status_2(empty_database_url, tmp_path, content, option):
    file = tmp_path / "heads.json"
    file.write_bytes(content)
    assert_it_could_not(run(empty_database_url, option, str(file)), f"{file}:1: not JSON")


def test_what_cannot_be_checked_is_status_2(empty_database_url):
    assert_it_could_not(run(empty_database_url), "does not exist")
    assert_it_could_not(run("postgresql://127.0.0.1:1/nowhere"), "refused")
    assert_it_could_not(run(empty_database_url, "--since", "/nowhere"), "No such file")
    assert_it_could_not(run("nonsense:"), "DATABASE_URL")
