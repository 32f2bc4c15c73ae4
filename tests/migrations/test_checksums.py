"""A migration is never edited after it has landed; checksums.txt says why."""

from pathlib import Path

from telemetry.migrations.files import DIRECTORY, checksum

CHECKSUMS = Path(__file__).with_name("checksums.txt")


def test_no_migration_has_been_edited():
    lines = CHECKSUMS.read_text(encoding="utf-8").splitlines()
    listed = {line for line in lines if not line.startswith("#")}
    found = {f"{checksum(file)}  {file.name}" for file in DIRECTORY.glob("*.sql")}
    names = {line.split()[1] for line in listed}
    edited = sorted(name for _, name in map(str.split, found - listed) if name in names)
    assert not edited, "write a new migration instead"
    assert found == listed, "add the lines of a new migration"
