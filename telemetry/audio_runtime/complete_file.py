"""Writing a file completely or not at all."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from telemetry.files import sync_folder


@contextmanager
def complete(
    path: Path, replaces: Callable[[Path, Path], None] = lambda _, __: None
) -> Iterator[TextIO]:
    """Open a file that takes the place of ``path`` when everything is written to disk.

    ``replaces`` gets the path and that file before, and raises when it must not.
    """
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with part.open("w", encoding="utf-8") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        replaces(path, part)
        part.replace(path)
        sync_folder(path.parent)
    finally:
        part.unlink(missing_ok=True)
