"""An export is checked without the service, its dependencies and its database."""

import json
import shutil
import subprocess
import sys

import pytest

from tests.support.audio_runtime import KINDS, event
from tests.support.command import telemetry
from tests.support.ledger import guards_down
from tests.support.service import PROJECT

URL = "/api/v1/audio-runtime/events"
LEDGER = "os_core.audio_runtime_events"
MODULES = (
    "telemetry/__init__.py",
    "telemetry/audio_runtime/__init__.py",
    "telemetry/audio_runtime/finding.py",
    "telemetry/audio_runtime/kept_heads.py",
    "telemetry/audio_runtime/proof",
)


@pytest.fixture
def ids(client, cast):
    sent = [
        event(kind, device_id=device, session_id=71)
        for kind in KINDS
        for device in ("device-1", "device-2")
    ]
    sent.append(event("TIMING_STATS", device_id="device-1", drift_ppm=-0.0, jitter_ms=5e-324))
    sent.append(event("STREAM_REFS", device_id="device-1", processed_stream_id=2**128 - 1))
    sent.append(event("INTERRUPT_CANDIDATE", device_id="device-1", phrase_text='"\\\u2028\x7f\t'))
    results = client.post(f"{URL}/batch", json=sent).json["results"]
    return [
        result["event_id"]
        for result, it in zip(results, sent, strict=True)
        if it["device_id"] == "device-1"
    ]


@pytest.fixture
def auditor(tmp_path):
    """A folder with the files that an auditor needs, and nothing else."""
    folder = tmp_path / "auditor"
    for name in MODULES:
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        source = PROJECT / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, target)
    return folder


@pytest.fixture
def file(tmp_path):
    return tmp_path / "export.jsonl"


def export(url, file, *options):
    return telemetry("verify", "--export", str(file), *options, DATABASE_URL=url)


def prove(auditor, *arguments, **options):
    """Run the proof by a Python without site-packages that sees the auditor's folder alone."""
    run = (
        "import runpy, sys; sys.path.insert(0, sys.argv.pop(1));"
        "runpy.run_module('telemetry.audio_runtime.proof', run_name='__main__', alter_sys=True)"
    )
    command = [sys.executable, "-I", "-S", "-c", run, str(auditor), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


def test_a_sound_export_is_sound(ids, database_url, file, auditor):
    assert export(database_url, file).returncode == 0
    done = prove(auditor, file)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "nothing is wrong\n")
    with file.open() as lines:
        assert prove(auditor, "-", stdin=lines).returncode == 0
    devices = [json.loads(line).get("device_id") for line in file.read_text().splitlines()]
    assert [it for it in devices if it] == ["device-1", "device-2", "device-3"]


def test_an_export_of_a_scope_has_its_devices(ids, database_url, file, auditor):
    assert export(database_url, file, "--tenant", "tenant-2").returncode == 0
    assert len(file.read_text().splitlines()) == 2
    assert prove(auditor, file).returncode == 0
    assert export(database_url, file, "--tenant", "nobody").returncode == 2
    assert len(file.read_text().splitlines()) == 2  # the one before stays
    assert [*file.parent.glob("*.part")] == []


@pytest.mark.parametrize(
    "statement",
    [
        f"UPDATE {LEDGER} SET created_at = 5 WHERE event_id = %s",
        f"UPDATE {LEDGER} SET drift_ppm = 0.0 WHERE drift_ppm = 0 AND event_id <> %s",
        f"DELETE FROM {LEDGER} WHERE event_id = %s",
        "DELETE FROM audit.audit_events WHERE source_event_id = %s",
        "UPDATE audit.audit_events SET severity = 'WARN', reason_codes = '{K_AEC_UNSTABLE}'"
        " WHERE source_event_id = %s",
        "UPDATE os_core.audio_runtime_current SET overruns = 5 WHERE last_event_id <> %s",
        "UPDATE os_core.audio_runtime_heads SET row_hash = sha256('') WHERE event_id <> %s",
        "DELETE FROM os_core.audio_runtime_heads WHERE event_id <> %s",
        "UPDATE os_core.sessions SET tenant_id = 'tenant-2' WHERE session_id = 71 + 0 * %s",
    ],
)
def test_it_finds_in_the_export_what_it_finds_in_the_database(
    cast, ids, db, database_url, file, auditor, statement
):
    for table in (LEDGER, "audit.audit_events", "os_core.audio_runtime_heads", "os_core.sessions"):
        db.execute(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
    assert db.execute(statement, [ids[2]]).rowcount
    found = cast.verify()
    assert found
    assert export(database_url, file).returncode == 0
    done = prove(auditor, file)
    assert (done.returncode, done.stdout.splitlines()) == (1, found)


def test_it_compares_with_kept_heads(client, ids, database_url, file, auditor, tmp_path):
    heads = tmp_path / "heads.json"
    kept = client.get("/api/v1/audio-runtime/heads?tenant_id=tenant-1").json["items"]
    heads.write_text(json.dumps(kept))
    export(database_url, file)
    assert prove(auditor, file, "--heads", heads).returncode == 0
    kept[0]["row_hash"] = "00" * 32
    kept[1]["event_id"] += 10**6
    heads.write_text(json.dumps([*kept, {**kept[0], "device_id": "device-9"}]))
    done = prove(auditor, file, "--heads", heads)
    assert [line.rpartition("=")[2] for line in done.stdout.splitlines()] == [
        "kept_row_hash_differs",
        "kept_event_missing",
        "kept_event_missing",
    ]
    heads.write_text("{")
    assert prove(auditor, file, "--heads", heads).returncode == 2


def without(key):
    def change(lines):
        document = json.loads(lines[1])
        del document["event"][key]
        lines[1] = json.dumps(document)

    return change


def replaced(number, text):
    def change(lines):
        lines[number] = text

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda lines: lines.pop(), "the last line is missing"),
        (lambda lines: lines.insert(-1, lines[0]), "the device is not after the one before"),
        (replaced(-1, '{"devices": 4}'), "there are 3 devices"),
        (replaced(1, "{"), "line 2: no JSON"),
        (replaced(1, "[" * 10**5), "line 2: no JSON"),
        (replaced(1, '{"event": {}, "audit_row": null}'), "line 2: no event"),
        (replaced(0, '{"tenant_id": 1, "device_id": "x"}'), "line 1: no device"),
        (without("row_hash"), "line 2: no event"),
        (without("device_id"), "line 2: no event"),
        (lambda lines: lines.insert(1, lines[2]), "came after event"),
    ],
)
def test_what_is_no_export_is_status_2(ids, database_url, file, auditor, change, said):
    export(database_url, file)
    lines = file.read_text().splitlines()
    change(lines)
    file.write_text("\n".join(lines) + "\n")
    done = prove(auditor, file)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("content", [None, b"", b"\xff\n"])
def test_what_can_not_be_read_is_status_2(auditor, file, content):
    if content is not None:
        file.write_bytes(content)
    done = prove(auditor, file)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("option", [["--fast"], ["--heads", "x"], ["--since", "x"]])
def test_an_export_checks_nothing(ids, database_url, file, option):
    assert export(database_url, file, *option).returncode == 2
    assert not file.exists()


def test_changes_after_an_export_do_not_matter(ids, db, database_url, file, auditor):
    export(database_url, file)
    with guards_down(db, LEDGER):
        db.execute(f"UPDATE {LEDGER} SET created_at = 5")
    assert prove(auditor, file).returncode == 0
