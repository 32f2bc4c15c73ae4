"""Making the names of files durable."""

import os
from pathlib import Path


def sync_folder(folder: Path) -> None:
    """Make the names in the folder survive a loss of power: new files, and renamed ones."""
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
