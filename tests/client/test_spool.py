"""The spool: what is written survives, in order, within its bound."""

import errno
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest

from telemetry.client import segments
from tests.client.stub import Stub
from tests.support.service import PROJECT, environment

DIE = """
import os, signal, sys
from telemetry.client import TelemetryClient
client = TelemetryClient("{url}", agent_name="dying", spool_dir="{spool}", strict=True)
{body}
os.kill(os.getpid(), signal.SIGKILL)
"""


def die(spool, body, url="http://127.0.0.1:1", python=sys.executable, **environ):
    """Run code with a client in a process that kills itself."""
    script = DIE.format(url=url, spool=spool, body=body)
    done = subprocess.run(
        [python, "-c", script],
        env=environment(PYTHONPATH=str(PROJECT), **environ),
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    return done.stdout


def files(client, pattern="*"):
    return sorted(client.spool_folder.glob(pattern))


def run_ids(stub):
    return [record["run_id"] for request in stub.requests for record in request.records]


def older_python():
    """Return the oldest Python that the client supports, if it is installed."""
    done = subprocess.run(
        ["python3.9", "-c", "import sys; print(sys.executable)"],
        env={**os.environ, "PYENV_VERSION": "3.9"},
        check=False,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip() if done.returncode == 0 else None


PYTHONS = [sys.executable]
if shutil.which("python3.9") and (older := older_python()):
    PYTHONS.append(older)


@pytest.mark.parametrize("python", PYTHONS)
def test_what_a_killed_process_recorded_is_sent_by_the_next_one(make_client, tmp_path, python):
    body = "for n in range(5): client.end_run(client.start_run(run_id=f'run-{{n}}'))".replace(
        "{{n}}", "{n}"
    )
    with Stub() as stub:
        die(tmp_path / "spool", body, stub.url, python)
        client = make_client(stub.url)
        client.start_run(run_id="mine")
        assert client.flush(5, leftovers=True)
        client.close()
    assert {*run_ids(stub)} == {"mine", *(f"run-{number}" for number in range(5))}
    assert files(client) == []


@pytest.mark.parametrize("python", PYTHONS)
def test_the_client_imports_nothing_but_the_standard_library(tmp_path, python):
    body = (
        "client.track_run()\n"
        "print(*(name for name in sys.modules if name.startswith('telemetry.')"
        " and not name.startswith('telemetry.client')), 'flask' in sys.modules)\n"
        "sys.stdout.flush()"
    )
    assert die(tmp_path, body, python=python).split() == ["False"]


def test_records_are_sent_in_order_with_the_same_ids(make_client, tmp_path):
    body = "for n in range(5): client.start_run(run_id=str(n))"
    with Stub() as stub:
        die(tmp_path / "spool", body, stub.url)
        shutil.copytree(tmp_path / "spool", tmp_path / "copy")
        for name in ("spool", "copy"):
            client = make_client(stub.url, spool_dir=tmp_path / name)
            assert client.flush(5, leftovers=True)
            client.close()
    first, second = (
        [(record["run_id"], record["event_id"]) for record in request.records]
        for request in stub.requests
    )
    assert [run_id for run_id, _ in first] == ["0", "1", "2", "3", "4"]
    assert first == second


def test_a_torn_line_is_skipped(make_client, tmp_path):
    with Stub() as stub:
        die(tmp_path / "spool", "for n in range(3): client.start_run(run_id=str(n))", stub.url)
        (segment,) = (tmp_path / "spool").glob("*/*.jsonl")
        segment.write_bytes(segment.read_bytes()[:-20])
        client = make_client(stub.url)
        client.start_run(run_id="mine")
        assert client.flush(5, leftovers=True)
        client.close()
    assert {*run_ids(stub)} == {"0", "1", "mine"}
    assert client.counters["torn_lines"] == 1


def test_garbage_blocks_nothing(make_client, tmp_path):
    with Stub() as stub:
        die(tmp_path / "spool", "for n in range(3): client.start_run(run_id=str(n))", stub.url)
        (segment,) = (tmp_path / "spool").glob("*/*.jsonl")
        lines = segment.read_bytes().splitlines()
        noise = [b"\0" * 5000, b"{}", b'{"progress":7}', b'{"progress":{"a":1}}', b"", b'{"run":']
        segment.write_bytes(b"\n".join([*noise, *lines, b"\xff\xfe", b""]))
        client = make_client(stub.url)
        client.start_run(run_id="mine")
        assert client.flush(5, leftovers=True)
        client.close()
    assert {*run_ids(stub)} == {"0", "1", "2", "mine"}


def test_segments_are_rotated_and_deleted(make_client, monkeypatch):
    monkeypatch.setattr("telemetry.client.spool.SEGMENT_BYTES", 2000)
    with Stub() as stub:
        client = make_client(stub.url)
        for number in range(100):
            client.start_run(run_id=str(number))
        assert client.flush(10)
        assert len(files(client, "*.jsonl")) <= 2
        client.close()
    assert [*dict.fromkeys(run_ids(stub))] == [str(number) for number in range(100)]
    assert files(client) == []


def test_the_bound_is_kept_and_an_end_is_the_last_to_be_dropped(make_client, caplog):
    client = make_client(max_spool_bytes=100_000)
    started = [client.start_run(output_summary="x" * 100) for _ in range(20)]
    while "dropped" not in client.counters:
        client.log_event(started[0], "checkpoint", {"text": "x" * 100})
    events = client.counters["appended"]
    for run_id in started:
        client.end_run(run_id)
    assert client.counters["appended"] == events + len(started)
    assert client.counters["dropped"] == 1
    for _ in range(1000):
        client.end_run(client.start_run())
    assert client.counters["dropped"] > 1000
    assert sum(file.stat().st_size for file in files(client)) <= 100_000
    assert len([line for line in caplog.messages if "is full" in line]) == 1


def test_a_full_spool_takes_records_again_when_the_service_is_back(make_client):
    client = make_client(max_spool_bytes=50_000)
    while "dropped" not in client.counters:
        client.start_run()
    with Stub() as stub:
        client._channel.transport._port = int(stub.url.rpartition(":")[2])
        assert client.flush(10)
        time.sleep(1.1)
        dropped = client.counters["dropped"]
        for _ in range(20):
            client.end_run(client.start_run())
        assert client.counters["dropped"] == dropped
        assert client.flush(10)


def test_without_a_folder_records_are_sent_from_memory(make_client, tmp_path, caplog):
    (tmp_path / "file").write_text("")
    with Stub() as stub:
        client = make_client(stub.url, spool_dir=tmp_path / "file" / "spool")
        for number in range(10):
            client.start_run(run_id=str(number))
        assert client.flush(5)
    assert run_ids(stub) == [str(number) for number in range(10)]
    assert client.counters["kept_in_memory"] == 10
    assert len([line for line in caplog.messages if "cannot write" in line]) == 1


def test_memory_is_bounded_without_a_folder(make_client, tmp_path):
    (tmp_path / "file").write_text("")
    client = make_client(spool_dir=tmp_path / "file" / "spool", max_spool_bytes=20_000)
    for _ in range(200):
        client.start_run()
    assert client.counters["in_memory_bytes"] <= 20_000
    assert client.counters["dropped"] > 100


FULL = """
import errno, os, resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (3000, resource.RLIM_INFINITY))
for n in range(20):
    client.start_run(run_id=str(n))
assert client.counters["kept_in_memory"] > 5
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
client._channel.spool._retry_at = 0
for n in range(20, 30):
    client.start_run(run_id=str(n))
assert client.counters["in_memory_bytes"] == 0
"""


def test_a_disk_that_was_full_loses_nothing_and_the_order_stays(make_client, tmp_path):
    """The limit of a file's size makes the kernel write a part of a line, as a full disk does."""
    die(tmp_path / "spool", FULL, "http://127.0.0.1:9")
    with Stub() as stub:
        client = make_client("http://127.0.0.1:9")
        client._channel.transport._port = int(stub.url.rpartition(":")[2])
        client.start_run(run_id="mine")
        assert client.flush(5, leftovers=True)
        client.close()
    sent = [run_id for run_id in run_ids(stub) if run_id != "mine"]
    assert sent == [str(number) for number in range(30)]


def test_an_error_of_the_disk_is_counted_and_warned_of_once(make_client, monkeypatch, caplog):
    client = make_client()
    client.start_run()
    write = os.write

    def full(opened, data):
        if data.startswith(b'{"run"'):
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(opened, data)

    monkeypatch.setattr(os, "write", full)
    for _ in range(5):
        client.start_run()
    assert client.counters["kept_in_memory"] == 5
    assert len([line for line in caplog.messages if "No space left" in line]) == 1


def test_many_processes_share_a_folder(make_client, tmp_path):
    body = "for n in range(50): client.end_run(client.start_run(run_id=f'{os.getpid()}-{n}'))"
    with Stub() as stub:
        script = DIE.format(url=stub.url, spool=tmp_path / "spool", body=body)
        workers = [
            subprocess.Popen(
                [sys.executable, "-c", script], env=environment(PYTHONPATH=str(PROJECT))
            )
            for _ in range(4)
        ]
        for worker in workers:
            worker.wait()
        client = make_client(stub.url)
        client.start_run(run_id="mine")
        client.flush(10, leftovers=True)
        client.close()
    expected = {f"{worker.pid}-{number}" for worker in workers for number in range(50)}
    assert {*run_ids(stub)} - {"mine"} == expected
    assert files(client) == []


def test_a_stream_in_use_is_not_taken_over(make_client):
    client = make_client()
    client.start_run()
    assert [*segments.abandoned(client.spool_folder)] == []
    other = make_client()
    other.start_run()
    assert [*segments.abandoned(client.spool_folder)] == []
    assert len(files(client, "*.lock")) == 2


def test_records_for_one_service_never_reach_another(make_client):
    with Stub() as first, Stub() as second:
        clients = [make_client(stub.url) for stub in (first, second)]
        for client, run_id in zip(clients, "ab", strict=True):
            client.start_run(run_id=run_id)
            assert client.flush(5)
    assert (run_ids(first), run_ids(second)) == (["a"], ["b"])


def test_files_can_be_read_by_their_user_alone(make_client):
    client = make_client()
    client.start_run()
    for file in files(client):
        assert file.stat().st_mode & 0o077 == 0


def test_a_closed_client_can_be_used_again(make_client):
    with Stub() as stub:
        client = make_client(stub.url)
        for run_id in ("a", "b"):
            client.start_run(run_id=run_id)
            client.close()
            assert files(client) == []
    assert run_ids(stub) == ["a", "b"]


def test_a_durable_client_syncs_each_record(make_client, monkeypatch):
    synced = []
    monkeypatch.setattr(os, "fdatasync", synced.append)
    client = make_client(durable=True)
    client.end_run(client.start_run())
    assert len(synced) == 2
