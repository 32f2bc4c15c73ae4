"""The disk of the JSON file of runtime events."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from telemetry.config import MIB
from telemetry.doctor.finding import Finding, ok, problem, warning

CHECK = "events file"

# A body may take 16 MiB. Some thousand events take a megabyte.
TOO_LITTLE, LITTLE = 32 * MIB, 512 * MIB

IN_MEMORY = ("tmpfs", "ramfs")

MOUNTS = Path("/proc/self/mounts")


def check_events_file(path: Path) -> Iterator[Finding]:
    """Yield whether events can be appended to the file, and stay there."""
    real = Path(os.path.realpath(path))
    folder = real.parent
    if not folder.is_dir():
        says = f"the folder {folder} does not exist; it is never created"
        yield problem(CHECK, says, "mount its disk or create it, or correct RUNTIME_EVENTS_PATH")
        return
    if real.exists() and not real.is_file():
        yield problem(CHECK, f"{real} is not a regular file", "correct RUNTIME_EVENTS_PATH")
        return
    try:
        for file in (real, Path(f"{real}.lock")):
            if file.exists():
                file.open("r+b").close()
        with tempfile.TemporaryFile(dir=folder) as trial:
            trial.write(b"\n" * 4096)
            trial.flush()
            os.fsync(trial.fileno())
    except OSError as error:
        says = f"{real} can't be written to: {error.strerror or error}"
        fix = "let the user of the service write to the file and its folder, and free disk space"
        yield problem(CHECK, says, fix)
        return
    yield space(shutil.disk_usage(folder).free, folder)
    if (kind := file_system(folder)) in IN_MEMORY:
        says = f"{folder} is a {kind}, which is in memory: a restart of the machine wipes the file"
        yield warning(CHECK, says, "put the file on a disk, or use a database")


def space(free: int, folder: Path) -> Finding:
    """Return what the free space of the folder, in bytes, means."""
    says = f"{free / MIB:,.0f} MiB are free in {folder}"
    fix = "free disk space, or move the events into a database with import-events"
    if free < TOO_LITTLE:
        return problem(CHECK, f"only {says}: a batch may not fit, and gets 503", fix)
    if free < LITTLE:
        return warning(CHECK, f"only {says}", fix)
    return ok(CHECK, f"it can be appended to; {says}")


def file_system(folder: Path, mounts: Path = MOUNTS) -> str | None:
    """Return the type of the file system that holds the folder; None where it is not known."""
    try:
        lines = [line.split(" ") for line in mounts.read_text(encoding="utf-8").splitlines()]
    except OSError:
        return None
    # A blank in the name of a mount point is written as \040.
    at = {point.replace("\\040", " "): kind for _, point, kind, *_ in lines}
    return next((at[str(it)] for it in (folder, *folder.parents) if str(it) in at), None)
