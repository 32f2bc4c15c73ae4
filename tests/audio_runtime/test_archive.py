"""An archive has the events of a device, and shows any change without the database."""

import json
import os
import shutil
import struct
import subprocess
import sys
from hashlib import sha256

import pytest

from telemetry.audio_runtime.proof.archive import main
from tests.support.audio_runtime import KINDS, event
from tests.support.command import telemetry, telemetry_process
from tests.support.ledger import guards_down
from tests.support.service import PROJECT

URL = "/api/v1/audio-runtime/events"
DEVICE = ("--tenant", "tenant-1", "--device", "device-1")

# As docs/database.md lists them: the fields of the hash in their order.
TEXTS = {
    *("tenant_id", "device_id", "event_kind", "idempotency_key", "processed_stream_id"),
    *("raw_stream_id", "selected_mic", "selected_speaker", "device_health", "phrase_text"),
}
DOUBLES = {"jitter_ms", "drift_ppm", "buffer_depth_ms"}
ORDER = (
    "event_id tenant_id device_id session_id event_kind created_at idempotency_key"
    " processed_stream_id raw_stream_id pre_roll_buffer_id selected_mic selected_speaker"
    " device_health jitter_ms drift_ppm buffer_depth_ms underruns overruns phrase_id phrase_text"
    " reason_code capture_degraded aec_unstable device_changed stream_gap_detected"
    " tts_playback_active"
).split()


@pytest.fixture
def ids(client, cast):
    """The ids of a device's events: every kind, and values that are hard to keep."""
    sent = [event(kind, session_id=71) for kind in KINDS]
    sent.append(event("TIMING_STATS", drift_ppm=-0.0, jitter_ms=5e-324, buffer_depth_ms=1e308))
    sent.append(event("STREAM_REFS", processed_stream_id=2**128 - 1))
    sent.append(event("INTERRUPT_CANDIDATE", phrase_text='"\\\u2028\x7f\tä🛰'))
    results = client.post(f"{URL}/batch", json=sent).json["results"]
    other = event(device_id="device-2")
    assert client.post(URL, json=other).status_code == 201
    return [result["event_id"] for result in results]


@pytest.fixture
def archive(ids, database_url, tmp_path):
    """The path of an archive of the device."""
    file = tmp_path / "device.jsonl"
    done = telemetry("archive", *DEVICE, str(file), DATABASE_URL=database_url)
    assert done.returncode == 0, done.stderr
    return file


def check(file, *arguments):
    return telemetry("archive", "--check", str(file), *arguments)


def test_it_can_be_checked_without_a_database(archive, ids):
    header, *lines = map(json.loads, archive.read_text().splitlines())
    assert header["format"], header["version"] == ("telemetry-archive", 1)
    assert [it["event_id"] for it in lines] == ids
    assert header["head"] == {"event_id": ids[-1], "row_hash": lines[-1]["row_hash"]}
    done = telemetry_process("archive", "--check", str(archive))
    assert done.returncode == 0
    assert f"nothing is wrong: {len(ids)} events of device device-1" in done.stdout


def test_the_description_is_enough_to_check_it(archive):
    """Nothing of the project computes these hashes."""

    def encoded(name, value):
        if value is None:
            return b"\0"
        if name in TEXTS:
            data = value.encode()
        elif name in DOUBLES:
            data = struct.pack(">d", float(value))
        elif isinstance(value, bool):
            data = bytes([value])
        else:
            data = struct.pack(">q", value)
        return b"\1" + struct.pack(">I", len(data)) + data

    with archive.open("rb") as file:
        header = json.loads(file.readline())
        previous, last, count = bytes(32), None, 0
        for line in file:
            row = json.loads(line)
            assert (row["tenant_id"], row["device_id"]) == (
                header["tenant_id"],
                header["device_id"],
            )
            assert last is None or row["event_id"] > last
            content = b"".join(encoded(name, row[name]) for name in ORDER)
            previous = sha256(previous + content).digest()
            assert previous.hex() == row["row_hash"]
            last, count = row["event_id"], count + 1
    assert count == header["events"]
    assert header["head"] == {"event_id": last, "row_hash": previous.hex()}


def test_it_ends_at_the_event_that_is_named(ids, database_url, tmp_path):
    file = tmp_path / "part.jsonl"
    done = telemetry(
        "archive", *DEVICE, "--up-to", str(ids[2]), str(file), DATABASE_URL=database_url
    )
    assert done.returncode == 0
    assert [json.loads(it)["event_id"] for it in file.read_text().splitlines()[1:]] == ids[:3]
    assert check(file).returncode == 0


def change(line, **values):
    return json.dumps({**json.loads(line), **values}, separators=(",", ":")) + "\n"


def with_capitals(line):
    """Write the hash in upper case."""
    row_hash = json.loads(line)["row_hash"]
    return line.replace(row_hash, row_hash.upper())


@pytest.mark.parametrize(
    ("tamper", "problem"),
    [
        (lambda it: [*it[:3], change(it[3], created_at=7), *it[4:]], "line 4: event_id="),
        (lambda it: [*it[:3], *it[4:]], "line 4: event_id="),
        (lambda it: [*it[:3], it[3], *it[3:]], "line 5: event_id="),
        (lambda it: it[:-1], "the header says"),
        (lambda it: it[:1], "the header says"),
        (lambda it: [*it[:-1], it[-1][:-1]], "the line is cut off"),
        (lambda it: [*it[:3], "{\n", *it[4:]], "line 4: no JSON"),
        (lambda it: it[1:], "line 1: no header"),
        (lambda _: [], "line 1: no header of an archive: format is missing"),
        (lambda it: [change(it[0], version=2), *it[1:]], "line 1: version 2"),
        (lambda it: [change(it[0], device_id="device-2"), *it[1:]], "line 2: the event is of"),
        (lambda it: [change(it[0], head={"event_id": 1, "row_hash": "00"}), *it[1:]], "head"),
        (lambda it: [*it[:2], change(it[2], row_hash="zz"), *it[3:]], "line 3: no event"),
        (lambda it: [*it[:2], change(it[2], note="added"), *it[3:]], "line 3: the line is not"),
        (lambda it: [change(it[0], note="added"), *it[1:]], "line 1: the line is not"),
        (lambda it: [it[0], it[1].replace("{", '{"created_at":1,'), *it[2:]], "line 2: the line"),
        (lambda it: [*it[:-1], with_capitals(it[-1])], "the line is not byte for byte"),
        (lambda it: [line.replace("\n", "\r\n") for line in it], "line 1: the line is not"),
    ],
)
def test_it_names_the_first_bad_line(archive, tamper, problem):
    lines = archive.read_text().splitlines(keepends=True)
    archive.write_text("".join(tamper(lines)))
    done = check(archive)
    assert done.returncode == 1
    assert problem in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_folder_that_does_not_exist_is_named(ids, database_url, tmp_path):
    file = tmp_path / "none" / "device.jsonl"
    done = telemetry("archive", *DEVICE, str(file), DATABASE_URL=database_url)
    assert done.returncode == 1
    line = done.stderr.splitlines()[-1]
    assert line == f"Error: {file}: No such file or directory; nothing was written"


def test_a_file_that_cannot_be_checked_has_another_status(tmp_path):
    (tmp_path / "latin").write_bytes(b"\xe4\n")
    assert check(tmp_path / "latin").returncode == 2
    assert check(tmp_path / "missing").returncode == 2


def test_kept_heads_show_an_archive_that_was_computed_again(archive, ids, database_url, tmp_path):
    kept = tmp_path / "heads.jsonl"
    telemetry("heads", "--append", str(kept), DATABASE_URL=database_url)
    assert check(archive, "--heads", str(kept)).returncode == 0
    kept.write_text(kept.read_text().replace('"row_hash":"', '"row_hash":"00')[:-1])
    text = json.loads(telemetry_heads(ids[-1]))
    kept.write_text(json.dumps(text))
    done = check(archive, "--heads", str(kept))
    assert done.returncode == 1
    assert "the kept head has another row_hash" in done.stderr


def telemetry_heads(event_id):
    head = {"tenant_id": "tenant-1", "device_id": "device-1", "event_id": event_id}
    return json.dumps({"items": [{**head, "row_hash": "00" * 32}]})


def test_a_file_that_exists_is_left_alone_unless_it_is_the_same(archive, ids, database_url):
    before = archive.read_bytes()
    assert telemetry("archive", *DEVICE, str(archive), DATABASE_URL=database_url).returncode == 0
    part = ("--up-to", str(ids[0]))
    done = telemetry("archive", *DEVICE, *part, str(archive), DATABASE_URL=database_url)
    assert done.returncode == 1
    assert "exists and holds something else" in done.stderr
    assert archive.read_bytes() == before
    assert os.listdir(archive.parent) == [archive.name]


def test_a_ledger_that_is_not_intact_is_not_archived(ids, db, database_url, tmp_path):
    with guards_down(db, "os_core.audio_runtime_events"):
        db.execute(
            "UPDATE os_core.audio_runtime_events SET created_at = 7 WHERE event_id = %s", [ids[2]]
        )
    file = tmp_path / "device.jsonl"
    done = telemetry("archive", *DEVICE, str(file), DATABASE_URL=database_url)
    assert done.returncode == 1
    assert "the ledger is not intact: line 4" in done.stderr
    assert not file.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--tenant", "tenant-2", "--device", "device-1"], "has no event"),
        ([*DEVICE, "--up-to", "999999"], "has no event 999999"),
        (["--tenant", "tenant-1"], "give --tenant and --device"),
    ],
)
def test_it_says_what_there_is_not(ids, database_url, tmp_path, arguments, message):
    file = tmp_path / "device.jsonl"
    done = telemetry("archive", *arguments, str(file), DATABASE_URL=database_url)
    assert done.returncode != 0
    assert message in done.stderr
    assert not file.exists()


def test_an_auditor_needs_python_alone(archive, tmp_path):
    folder = tmp_path / "auditor" / "telemetry"
    shutil.copytree(PROJECT / "telemetry/audio_runtime/proof", folder / "audio_runtime/proof")
    for name in ("__init__", "audio_runtime/__init__", "audio_runtime/finding"):
        shutil.copy(PROJECT / f"telemetry/{name}.py", folder / f"{name}.py")
    kept_heads = "audio_runtime/kept_heads.py"
    shutil.copy(PROJECT / "telemetry" / kept_heads, folder / kept_heads)
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", RUN, str(folder.parent), str(archive)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "nothing is wrong" in done.stdout


def test_the_check_alone_takes_one_file(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["archive"])
    assert main() == 2
    assert capsys.readouterr().err == "Error: name one FILE\n"


RUN = """
import runpy, sys
sys.path.insert(0, sys.argv.pop(1))
runpy.run_module("telemetry.audio_runtime.proof.archive", run_name="__main__")
"""
