"""The disk of the JSON file of runtime events."""

import subprocess
from pathlib import Path

import pytest

from telemetry.config import MIB
from telemetry.doctor.events_file import file_system, space
from tests.doctor.support import doctor


def examined(path):
    found = doctor(RUNTIME_EVENTS_PATH=str(path))
    return found.status, [it for it in found.findings if it["check"] == "events file"]


def test_a_file_that_can_be_appended_to_is_well(tmp_path):
    status, [found, *_] = examined(tmp_path / "events.jsonl")
    assert status == 0
    assert found["level"] == "ok"
    assert [*tmp_path.iterdir()] == []


def test_events_that_exist_stay(tmp_path):
    file = tmp_path / "events.jsonl"
    file.write_text('{"events": []}')
    assert examined(file)[0] == 0
    assert file.read_text() == '{"events": []}'


def test_a_missing_folder_is_named(tmp_path):
    status, [found] = examined(tmp_path / "missing" / "events.jsonl")
    assert status == 1
    assert f"the folder {tmp_path}/missing does not exist" in found["says"]


def test_a_device_is_named():
    status, [found] = examined("/dev/full")
    assert (status, found["says"]) == (1, "/dev/full is not a regular file")


def test_a_lock_file_that_is_a_folder_is_named(tmp_path):
    (tmp_path / "events.jsonl.lock").mkdir()
    status, [found] = examined(tmp_path / "events.jsonl")
    assert status == 1
    assert "can't be written to: Is a directory" in found["says"]


@pytest.fixture
def small_disk(tmp_path):
    """A folder in memory that holds 64 KiB."""
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(tmp_path)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("this machine lets nobody mount a disk")
    yield tmp_path
    subprocess.run(["umount", str(tmp_path)], check=True)


def test_a_full_disk_is_named(small_disk):
    (small_disk / "everything").write_bytes(b"x" * 65536)
    status, [found] = examined(small_disk / "events.jsonl")
    assert status == 1
    assert "can't be written to: No space left on device" in found["says"]


def test_a_small_disk_in_memory_is_named(small_disk):
    status, [full, wiped] = examined(small_disk / "events.jsonl")
    assert status == 1
    assert "only 0 MiB are free" in full["says"]
    assert "is a tmpfs, which is in memory" in wiped["says"]


@pytest.mark.parametrize(
    ("free", "level"), [(0, "problem"), (100 * MIB, "warning"), (1024 * MIB, "ok")]
)
def test_free_space_has_a_level(free, level):
    assert space(free, Path("/data")).level == level


def test_the_file_system_is_that_of_the_nearest_mount(tmp_path):
    mounts = tmp_path / "mounts"
    mounts.write_text("disk / ext4 rw 0 0\nshm /dev/my\\040shm tmpfs rw 0 0\n")
    assert file_system(Path("/dev/my shm/folder"), mounts) == "tmpfs"
    assert file_system(Path("/data"), mounts) == "ext4"
    assert file_system(Path("/data"), tmp_path / "missing") is None
