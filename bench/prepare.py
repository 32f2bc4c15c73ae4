"""Prepares the databases and the records before a turn."""

from pathlib import Path

import httpx
import psycopg

from bench import postgres, record, statements
from tests.support.databases import execute

LISTED = 10_000


def empty(url: str) -> None:
    """Delete all runs and runtime events. The ledger is append-only, so it grows."""
    execute(url, "TRUNCATE agent_runs, runtime_events")


def filled(url: str) -> None:
    """Store the runs that lists are measured on, with a hundred values of created_at."""
    if postgres.ask(url, "SELECT count(*) FROM agent_runs") == LISTED:
        return
    empty(url)
    template = record.Template(statements.copy_line(), "listed")
    with psycopg.connect(url, autocommit=True) as connection:
        for first in range(0, LISTED, 100):
            rows = b"".join(template.fill(number) for number in range(first, first + 100))
            with connection.cursor().copy(statements.COPY) as copy:
                copy.write(rows)


def devices(service_url: str) -> None:
    """Create the devices that the ledger's events belong to."""
    with httpx.Client(base_url=service_url) as client:
        for number in range(record.DEVICES):
            path = f"/api/v1/devices/device-{number:03}"
            client.put(path, json={"tenant_id": record.TENANT}).raise_for_status()


def templates(folder: Path) -> None:
    """Write the records for wrk, where the user that runs PostgreSQL's tools can read them."""
    record.write_templates(folder)
    folder.chmod(0o755)
