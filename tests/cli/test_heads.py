"""python -m telemetry heads --append FILE."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from telemetry.audio_runtime import heads_file
from tests.support.audio_runtime import event
from tests.support.command import telemetry, telemetry_process
from tests.support.service import PROJECT, environment

NAMES = [("tenant-1", "a"), ("tenant-1", "b"), ("tenant-2", "a")]


@pytest.fixture
def file(tmp_path):
    return tmp_path / "heads.jsonl"


@pytest.fixture
def run(database_url, file):
    def run_command(*arguments):
        return telemetry("heads", "--append", str(file), *arguments, DATABASE_URL=database_url)

    return run_command


@pytest.fixture
def send(client):
    """Append an event of a device to the ledger."""

    def send_event(tenant_id, device_id, key="1"):
        device = {"tenant_id": tenant_id, "device_id": device_id}
        client.put(f"/api/v1/devices/{device_id}", json={"tenant_id": tenant_id})
        sent = event(**device, session_id=None, idempotency_key=key)
        sent.pop("session_id")
        response = client.post("/api/v1/audio-runtime/events", json=sent)
        assert response.status_code == 201, response.json

    return send_event


@pytest.fixture
def devices(send):
    """Three devices of two tenants, with an event each. Device ids are unique."""
    for tenant, name in NAMES:
        send(tenant, f"{tenant}.{name}")


def kept(file):
    """Return the tenant and device of each head in the file, line by line."""
    return [
        [(head["tenant_id"], head["device_id"].rpartition(".")[2]) for head in page["items"]]
        for page in map(json.loads, file.read_text().splitlines())
    ]


def verify(database_url, option, file):
    return telemetry("verify", option, str(file), DATABASE_URL=database_url)


@pytest.mark.parametrize("option", ["--heads", "--since"])
def test_what_it_appends_is_what_verify_reads(devices, run, file, send, database_url, option):
    done = run()
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"3 heads appended to {file}\n"
    assert kept(file) == [NAMES]
    send("tenant-1", "tenant-1.a", "2")
    assert run().returncode == 0
    assert kept(file) == [NAMES, NAMES]
    checked = verify(database_url, option, file)
    assert checked.returncode == 0, checked.stderr


def test_it_is_what_the_endpoint_returns(devices, run, file, client):
    run("--tenant", "tenant-1")
    found = client.get("/api/v1/audio-runtime/heads?tenant_id=tenant-1").json["items"]
    assert json.loads(file.read_text())["items"] == found


def test_it_appends_the_heads_of_one_tenant(devices, run, file):
    assert run("--tenant", "tenant-2").returncode == 0
    assert kept(file) == [NAMES[2:]]
    unknown = run("--tenant", "tenant-3")
    assert unknown.returncode == 1
    assert unknown.stderr.endswith("Error: tenant tenant-3 has no events; nothing was appended\n")
    assert kept(file) == [NAMES[2:]]


def test_it_reads_page_by_page(devices, run, file, monkeypatch):
    monkeypatch.setattr(heads_file, "PAGE", 2)
    done = run()
    assert done.stderr.splitlines()[1:] == ["2 heads read", "3 heads read"]
    assert kept(file) == [NAMES[:2], NAMES[2:]]


def test_a_database_without_devices_makes_no_file(run, file):
    done = run()
    assert (done.returncode, done.stdout) == (0, f"0 heads appended to {file}\n")
    assert not file.exists()


def test_it_keeps_what_the_file_holds(devices, run, file):
    run()
    text = file.read_text().rstrip("\n")  # without the end of its last line
    file.write_text(text)
    file.chmod(0o640)
    link = file.with_name("link")
    file.rename(file.with_name("real"))
    link.symlink_to("real")
    file.symlink_to("link")
    assert run().returncode == 0
    assert file.is_symlink()
    assert kept(file) == [NAMES, NAMES]
    assert file.read_text().startswith(text + "\n")
    assert file.stat().st_mode & 0o777 == 0o640
    assert sorted(it.name for it in file.parent.iterdir()) == ["heads.jsonl", "link", "real"]


def failing(*_):
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_nothing_is_appended_when_it_fails(devices, run, file, monkeypatch, call):
    run()
    before = file.read_text()
    monkeypatch.setattr(heads_file.os, call, failing)
    failed = run()
    assert failed.returncode == 1
    assert failed.stderr.splitlines()[-1] == (
        f"Error: {file}: No space left on device; nothing was appended"
    )
    assert file.read_text() == before
    assert [*file.parent.iterdir()] == [file]


def test_nothing_is_appended_when_the_database_fails_after_a_page(devices, run, file, monkeypatch):
    pages = heads_file.pages_of_heads

    def one_page(*arguments):
        yield next(pages(*arguments))
        failing()

    monkeypatch.setattr("telemetry.cli.heads.pages_of_heads", one_page)
    assert run().returncode == 1
    assert [*file.parent.iterdir()] == []


KILLED = """
import os, sys
from telemetry.audio_runtime import heads_file
from telemetry.cli import main
heads_file.os.replace = lambda *_: os.kill(os.getpid(), 9)
main()
"""


def test_nothing_is_appended_when_it_is_killed(devices, run, file, database_url):
    run()
    before = file.read_text()
    command = [sys.executable, "-c", KILLED, "heads", "--append", str(file)]
    environ = environment(DATABASE_URL=database_url)
    killed = subprocess.run(command, cwd=PROJECT, env=environ, check=False, capture_output=True)
    assert killed.returncode == -9
    assert file.read_text() == before
    assert run().returncode == 0
    assert kept(file) == [NAMES, NAMES]
    assert [*file.parent.iterdir()] == [file]


@pytest.mark.long
def test_several_at_once_lose_no_line(devices, file, database_url):
    arguments = ("heads", "--append", str(file))
    with ThreadPoolExecutor(4) as pool:
        done = [
            *pool.map(lambda _: telemetry_process(*arguments, DATABASE_URL=database_url), range(4))
        ]
    assert [it.returncode for it in done] == [0] * 4, [it.stderr for it in done]
    assert kept(file) == [NAMES] * 4


BAD_LINE = '{"detail": "Invalid authentication token"}'


@pytest.mark.parametrize("line", [BAD_LINE, "<html>", '{"items": [{}]}', "\udcff"])
@pytest.mark.parametrize("option", ["--heads", "--since"])
def test_a_line_that_cannot_be_read_is_named(devices, run, file, database_url, option, line):
    run()
    with file.open("a", errors="surrogateescape") as lines:
        lines.write(f"\n{line}\n")
    run_before = file.read_bytes()
    refused = verify(database_url, option, file)
    assert refused.returncode == 2
    assert f"{file}:3: " in refused.stderr
    assert len(refused.stderr.splitlines()) == 1
    again = run()
    assert again.returncode == 1
    assert f"{file}:3: " in again.stderr
    assert again.stderr.endswith("nothing was appended\n")
    assert file.read_bytes() == run_before


def test_a_document_over_several_lines_is_not_appended_to(devices, run, file, database_url):
    run()
    file.write_text(json.dumps(json.loads(file.read_text()), indent=2))
    assert verify(database_url, "--heads", file).returncode == 0
    before = file.read_text()
    refused = run()
    assert refused.returncode == 1
    assert f"{file}:1: " in refused.stderr
    assert file.read_text() == before
    file.write_text(before.replace("[", "[,"))
    assert f"{file}:2: not JSON" in verify(database_url, "--heads", file).stderr


def test_only_a_regular_file_is_appended_to(devices, run, file):
    os.mkfifo(file)
    refused = run()
    assert refused.returncode == 1
    assert "is not a regular file" in refused.stderr
