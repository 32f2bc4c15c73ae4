"""Appending the current heads of chains to a file, completely or not at all."""

import fcntl
import os
import shutil
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from telemetry.audio_runtime.devices import Fetch, pages_by_name
from telemetry.audio_runtime.kept_heads import check_lines
from telemetry.database import statements
from telemetry.database.database import Row
from telemetry.database.values import as_json
from telemetry.files import sync_folder

LIST_ALL_HEADS = statements.load("audio_runtime/list_all_heads")

PAGE = 1000


def pages_of_heads(fetch: Fetch, tenant: str | None) -> Iterator[list[Row]]:
    """Return pages of the current heads: of every tenant, or of one."""
    return pages_by_name(fetch, LIST_ALL_HEADS, tenant, PAGE)


def append_heads(path: Path, pages: Iterable[list[Row]]) -> int:
    """Append the heads as lines that read_heads reads, one per page; return how many.

    The old content and the new lines are written to a second file, which takes the name when it
    is complete and durable: neither a full disk nor a killed process leaves a part. Raises
    BadHeads when the file has a line that read_heads could not read, or OSError.
    """
    real = Path(os.path.realpath(path))
    count = 0
    with _replacement(real) as new:
        if real.exists():
            check_lines(path)
            with real.open("rb") as old:
                shutil.copyfileobj(old, new)
            if new.tell() and not _ends_with_newline(real):
                new.write(b"\n")
        for page in pages:
            new.write(b'{"items":%b}\n' % as_json(page))
            count += len(page)
        if count:
            new.flush()
            os.fsync(new.fileno())
            os.replace(new.name, real)
            sync_folder(real.parent)
    return count


@contextmanager
def _replacement(path: Path) -> Iterator[BinaryIO]:
    """Open an empty file beside ``path``, with its rights. It is removed unless it was renamed.

    Its lock keeps other appenders out. One that waited for it finds the file renamed, and opens
    another.
    """
    if path.exists() and not stat.S_ISREG(path.stat().st_mode):
        raise OSError(f"{path} is not a regular file")
    name = f"{path}.new"
    while True:
        with open(name, "ab") as new:
            fcntl.flock(new, fcntl.LOCK_EX)
            if not _is_still(name, new):
                continue
            new.truncate(0)
            if path.exists():
                os.fchmod(new.fileno(), stat.S_IMODE(path.stat().st_mode))
            try:
                yield new
            finally:
                if _is_still(name, new):
                    os.unlink(name)
            return


def _is_still(name: str, file: BinaryIO) -> bool:
    with suppress(FileNotFoundError):
        return os.path.samestat(os.stat(name), os.fstat(file.fileno()))
    return False


def _ends_with_newline(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read() == b"\n"
