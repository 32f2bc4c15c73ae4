"""A spool that is full, and folders that cannot be written."""

import errno
import os
import re
import time

from tests.client.processes import die, files, run_ids
from tests.client.stub import Stub


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


def test_a_position_that_cannot_be_written_holds_nothing_up(make_client, monkeypatch):
    write = os.write

    def full(opened, data):
        if re.fullmatch(rb"\d{8} \d{16}\n", data):
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(opened, data)

    with Stub() as stub:
        client = make_client(stub.url)
        monkeypatch.setattr(os, "write", full)
        client.start_run()
        assert client.flush(1)


def test_a_sync_that_fails_loses_nothing(make_client, monkeypatch):
    def fail(_):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fdatasync", fail)
    monkeypatch.setattr(os, "fsync", fail)
    with Stub() as stub:
        client = make_client(stub.url, durable=True)
        client.start_run(run_id="mine")
        assert client.flush(1)
    assert run_ids(stub) == ["mine"]
    assert client.counters["sync_errors"] >= 1


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
