"""The spool: what is written survives, in order, and is taken over."""

import json
import os
import shutil
import subprocess
import sys

import pytest

from telemetry.client.config import default_root
from telemetry.client.notices import Notices
from telemetry.client.spool import segments
from telemetry.client.spool.rejected import Rejected
from tests.client.processes import DIE, PYTHONS, die, files, run_ids
from tests.client.stub import Stub
from tests.support.service import PROJECT, environment


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


def test_a_stream_that_cannot_be_read_blocks_no_other(make_client):
    with Stub() as stub:
        client = make_client(stub.url)
        (client.spool_folder / "1-1-a-00000001.jsonl").mkdir(parents=True)
        client.start_run(run_id="mine")
        assert client.flush(1)
    assert run_ids(stub) == ["mine"]


def test_the_file_of_rejected_records_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr("telemetry.client.spool.rejected.MAX_BYTES", 50)
    rejected = Rejected(tmp_path, Notices())
    close, closed = os.close, []
    monkeypatch.setattr(os, "close", lambda opened: (closed.append(opened), close(opened)))
    (tmp_path / "rejected.1.jsonl").mkdir()  # so that it cannot be replaced
    for _ in range(2):
        rejected.add(b"{}", 422, "bad")
    assert len(closed) == 1  # a second time could close a file of the agent
    (tmp_path / "rejected.1.jsonl").rmdir()
    for number in range(3):
        rejected.add(b"%d" % number, 422, "bad")
    lines = rejected.file.read_text().splitlines()
    assert [json.loads(line)["record"] for line in lines] == ["2"]


def test_segments_are_rotated_and_deleted(make_client, monkeypatch):
    monkeypatch.setattr("telemetry.client.spool.writer.SEGMENT_BYTES", 2000)
    with Stub() as stub:
        client = make_client(stub.url)
        for number in range(100):
            client.start_run(run_id=str(number))
        assert client.flush(10)
        assert len(files(client, "*.jsonl")) <= 2
        client.close()
    assert [*dict.fromkeys(run_ids(stub))] == [str(number) for number in range(100)]
    assert files(client) == []


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


def test_a_stream_whose_segment_begins_while_its_lock_is_taken_is_not_missed(
    make_client, tmp_path, monkeypatch
):
    """The owner lived while the folder was listed, and recorded something before it died."""
    with Stub() as stub:
        die(tmp_path / "spool", "client.start_run(run_id='late')", stub.url)
        client = make_client(stub.url)
        (segment,) = files(client, "*.jsonl")
        hidden = segment.rename(tmp_path / "hidden")
        take = segments._take

        def begin_and_take(file):
            if hidden.exists():
                hidden.rename(segment)
            return take(file)

        monkeypatch.setattr(segments, "_take", begin_and_take)
        assert client.flush(5, leftovers=True)
        client.close()
    assert run_ids(stub) == ["late"]
    assert files(client) == []


def test_a_stream_without_its_lock_file_is_sent(make_client, tmp_path):
    with Stub() as stub:
        die(tmp_path / "spool", "client.start_run(run_id='a')", stub.url)
        client = make_client(stub.url)
        for lock in files(client, "*.lock"):
            lock.unlink()
        assert client.flush(5, leftovers=True)
        client.close()
    assert run_ids(stub) == ["a"]
    assert files(client) == []


def test_records_for_one_service_never_reach_another(make_client):
    with Stub() as first, Stub() as second:
        clients = [make_client(stub.url) for stub in (first, second)]
        for client, run_id in zip(clients, "ab", strict=True):
            client.start_run(run_id=run_id)
            assert client.flush(5)
    assert (run_ids(first), run_ids(second)) == (["a"], ["b"])


def test_without_a_home_the_spool_is_in_a_temporary_folder_of_the_user(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("HOME", "/")
    environ = {}
    root = default_root(environ)
    assert root == tmp_path / f"telemetry-spool-{os.getuid()}" == default_root(environ)
    root.rmdir()
    (tmp_path / "elsewhere").mkdir()
    root.symlink_to(tmp_path / "elsewhere")
    assert default_root(environ) not in (root, tmp_path / "elsewhere")


def test_without_any_folder_records_are_in_memory(make_client, monkeypatch):
    def fail():
        raise FileNotFoundError("no usable temporary directory found")

    monkeypatch.setattr("tempfile.gettempdir", fail)
    monkeypatch.setenv("HOME", "/")
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    client = make_client(spool_dir=None)
    client.start_run()
    assert client.counters["kept_in_memory"] == 1


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
