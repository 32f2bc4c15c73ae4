"""Looking into the ledger's tables, and checking all that must always hold of them."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import psycopg

from telemetry.audio_runtime.devices import Scope
from telemetry.audio_runtime.rebuild import rebuild
from telemetry.audio_runtime.verify import verify
from telemetry.database.database import Database
from telemetry.database.unlimited import connect_without_time_limit
from tests.support.replay import replay

TABLES = (
    "os_core.audio_runtime_events",
    "os_core.audio_runtime_current",
    "os_core.audio_runtime_heads",
    "audit.audit_events",
)


class Ledger:
    """The tables of one database."""

    def __init__(self, url: str, db: psycopg.Connection[dict[str, Any]]) -> None:
        self.url = url
        self.db = db
        # Which of its two ways verify goes, where a test does not say.
        self.fast = False

    def bind(self, devices: dict[str, str]) -> None:
        for device, tenant in devices.items():
            self.db.execute(
                "INSERT INTO os_core.devices (device_id, tenant_id) VALUES (%s, %s)",
                [device, tenant],
            )
            # The trigger that makes the head exists on one node alone.
            self.db.execute(
                "INSERT INTO os_core.audio_runtime_heads (device_id, tenant_id) VALUES (%s, %s)"
                " ON CONFLICT DO NOTHING",
                [device, tenant],
            )

    def open(self, sessions: dict[int, tuple[str, str]]) -> None:
        for session, names in sessions.items():
            self.db.execute(
                "INSERT INTO os_core.sessions (session_id, tenant_id, device_id)"
                " VALUES (%s, %s, %s)",
                [session, *names],
            )

    def new_device(self) -> str:
        """Bind one more device to tenant-1 and return its name. Session 71 is on the first one."""
        device = f"device-{len(self.rows('os_core.devices'))}"
        self.bind({device: "tenant-1"})
        if not self.rows("os_core.sessions"):
            self.open({71: ("tenant-1", device)})
        return device

    def rows(self, table: str) -> list[dict[str, Any]]:
        return self.db.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall()

    def events(self) -> list[dict[str, Any]]:
        """Return the rows that the hashes cover: without the number for the feed."""
        rows = self.rows("os_core.audio_runtime_events")
        return [{name: it for name, it in row.items() if name != "feed_number"} for row in rows]

    def audit(self) -> list[dict[str, Any]]:
        return self.rows("audit.audit_events")

    def current(self) -> dict[tuple[str, str], dict[str, Any]]:
        rows = self.rows("os_core.audio_runtime_current")
        return {(row["tenant_id"], row["device_id"]): row for row in rows}

    def everything(self) -> dict[str, list[dict[str, Any]]]:
        return {table: self.rows(table) for table in TABLES}

    def rebuild(self, **scope: str) -> tuple[int, int]:
        """Rebuild as the command does; return how many devices there were, and differed."""
        database = Database(self.url, pool_size=1, prepared_statements=True)
        try:
            return rebuild(database.transact, Scope(**scope))[:2]
        finally:
            database.close()

    def verify(self, *, kept=None, since=None, fast=None, **scope: str) -> list[str]:
        """Verify rows as the command does; return the lines that it prints for them."""
        found = verify(
            partial(connect_without_time_limit, self.url),
            Scope(**scope),
            kept=kept or {},
            since=since or {},
            jobs=2,
            fast=self.fast if fast is None else fast,
        )
        return [str(finding) for finding in found]

    def assert_sound(self) -> None:
        """Everything that must hold at any time, whatever has happened before."""
        assert self.verify(fast=False) == []
        assert self.verify(fast=True) == []
        events = self.events()
        assert self.current() == replay(events)
        before = self.everything()
        assert self.rebuild()[1] == 0
        assert self.everything() == before
        audited = Counter(row["source_event_id"] for row in self.audit())
        assert audited == Counter(row["event_id"] for row in events)


@contextmanager
def guards_down(db: psycopg.Connection[dict[str, Any]], table: str) -> Iterator[None]:
    """Let a table of the ledger be changed as a superuser can, and leave no trace of that."""
    db.execute(f"ALTER TABLE {table} DISABLE TRIGGER ALL")  # type: ignore[call-overload]
    yield
    db.execute(f"ALTER TABLE {table} ENABLE TRIGGER ALL")  # type: ignore[call-overload]
    for trigger in ("refuse_change", "refuse_truncate"):
        db.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {trigger}")  # type: ignore[call-overload]
