"""The migration files of this release."""

import hashlib
from pathlib import Path

DIRECTORY = Path(__file__).resolve().parent.parent.parent / "migrations"


def known_migrations() -> list[str]:
    """Return the names of the migrations, in order."""
    files = DIRECTORY.glob("[0-9]*.sql")
    return sorted(file.stem for file in files if not file.name.endswith(".rollback.sql"))


def checksum(file: Path | str) -> str:
    """Return the hex SHA-256 of a migration's file, the same with CRLF and LF line ends."""
    return hashlib.sha256(Path(file).read_bytes().replace(b"\r\n", b"\n")).hexdigest()
