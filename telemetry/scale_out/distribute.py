"""The tables on the workers of a Citus cluster, and back, while writers write.

Each step commits by itself, so a command that was stopped does what is left when it is run again.
"""

from collections.abc import Callable
from pathlib import Path
from time import monotonic, sleep
from typing import Literal

import sqlparse

from telemetry.database import statements
from telemetry.database.connection import Connection
from telemetry.database.errors import LOCK_COLLISIONS
from telemetry.database.unlimited import transaction_without_time_limit
from telemetry.scale_out.locks import until_locked
from telemetry.scale_out.obstacles import obstacles

ROOT = statements.ROOT / "scale_out"
CHECKS = statements.load("scale_out/distribute/checks")
NODES = statements.load("scale_out/distribute/nodes")
SESSION = statements.load("scale_out/partition/session")

# What the commands place: on the workers, or on every node.
TABLES = [
    *("agent_runs", "agent_run_counts", "agent_run_count_changes"),
    *("runtime_events", "runtime_event_ids"),
    *("os_core.devices", "os_core.sessions", "os_core.audio_runtime_events"),
    *("os_core.audio_runtime_heads", "os_core.audio_runtime_current", "audit.audit_events"),
]

# In every step of either command; the connections end where tables were placed elsewhere.
BEGIN = ROOT / "distribute/begin.sql"
END_CONNECTIONS = ROOT / "distribute/end_connections.sql"
KEEP = [ROOT / f"distribute/keep_{what}.sql" for what in ("comments", "rights")]
RESTORE = [ROOT / f"distribute/restore_{what}.sql" for what in ("comments", "rights")]
PLACES_NO_TABLE = ("00_lanes", "04_settings", "05_balance")

# The step of runtime events, for a plain table and for a partitioned one. Before the second one,
# the functions of partitions are those of this release.
PLAIN, PARTITIONED = "02_runtime_events", "02_runtime_events_partitioned"
FUNCTIONS = statements.load("scale_out/partition/functions").decode()

ALONE_SECONDS = 10.0

Say = Callable[[str], None]


class DistributeError(Exception):
    """The command can't run, or can't go on; the message says why and what to do."""


class Distribution:
    """One run of either command on one database."""

    def __init__(
        self, connection: Connection, command: Literal["distribute", "undistribute"], say: Say
    ) -> None:
        """Check that the command can run. Raises DistributeError when it can't."""
        self._connection, self._command, self._say = connection, command, say
        self._is_partitioned = self._check()

    def _check(self) -> bool:
        """Return whether runtime_events is partitioned. Raises DistributeError."""
        found = self._connection.execute(CHECKS).fetchone() or {}
        if not found["has_extension"]:
            raise DistributeError(
                "refused: the database has no extension citus; run CREATE EXTENSION citus on every"
                " node, then add the workers with citus_add_node"
            )
        if not found["is_superuser"]:
            raise DistributeError(
                f"refused: the role {found['role']} is no superuser, which Citus asks for to carry"
                " triggers and settings to the workers; set TELEMETRY_OWNER_DATABASE_URL"
            )
        if found["is_unfinished"]:
            raise DistributeError(
                "refused: a `partition` of runtime_events did not end; run it again, or with --undo"
            )
        if not self._is_alone():
            raise DistributeError(
                "refused: another command partitions or distributes this database"
            )
        node = self._connection.execute(NODES).fetchone() or {}
        if not node["is_coordinator"]:
            raise DistributeError("refused: this node is a worker; connect to the coordinator")
        if self._command == "distribute" and not node["workers"]:
            raise DistributeError(
                "refused: the cluster has no worker that takes shards; add one with citus_add_node"
            )
        self._refuse_obstacles()
        return bool(found["is_partitioned"])

    def _is_alone(self) -> bool:
        """Return whether no other command changes the tables; one that was killed may end late."""
        deadline = monotonic() + ALONE_SECONDS
        while True:
            session = self._connection.execute(SESSION, prepare=False).fetchone() or {}
            if session["is_mine"] or monotonic() > deadline:
                return bool(session["is_mine"])
            sleep(0.2)

    def _refuse_obstacles(self) -> None:
        """Raise DistributeError when Citus would change what others have put on the tables."""
        if found := obstacles(self._connection, TABLES):
            raise DistributeError(
                f"refused: Citus would not keep {', '.join(found)}; run"
                " the SQL of `reader --role NAME --undo` for each reader of one tenant, and drop"
                " the others"
            )

    def steps_left(self) -> list[Path]:
        """Return the files of the steps that are not done, in order."""
        statement = statements.load(f"scale_out/{self._command}/done")
        done = {row["step"] for row in self._connection.execute(statement)}
        done.add(PLAIN if self._is_partitioned else PARTITIONED)
        steps = sorted((ROOT / self._command).glob("[0-9]*.sql"))
        left = [step for step in steps if step.stem not in done]
        # A distribution places shards on all workers.
        fresh = self._command == "distribute" and "01_runs" not in done
        return [step for step in left if not (fresh and step.stem == "05_balance")]

    def take(self, step: Path) -> None:
        """Take a step, again while others hold its locks. Raises DistributeError after a while."""
        self._say(f"{step.stem} …")
        began = monotonic()
        try:
            until_locked(
                lambda: self._run(step), lambda: self._say(f"{step.stem} waits for its locks …")
            )
        except LOCK_COLLISIONS as error:
            raise DistributeError(
                f"a transaction has tables of {step.stem} locked (pg_locks shows which):"
                f" {str(error).splitlines()[0]}; the same command goes on"
            ) from error
        self._say(f"{step.stem} done in {monotonic() - began:.1f} s")

    def _run(self, step: Path) -> None:
        with transaction_without_time_limit(self._connection):
            for text in texts(step):
                # Citus passes on the text of what it is sent, as one statement.
                for statement in sqlparse.split(text):
                    self._connection.execute(statement.encode(), prepare=False)


def texts(step: Path) -> list[str]:
    """Return what a step runs in its transaction."""
    files = [step]
    if step.stem not in PLACES_NO_TABLE:
        files = [BEGIN, *KEEP, step, *RESTORE, END_CONNECTIONS]
    found = [file.read_text(encoding="utf-8") for file in files]
    if step.stem == PARTITIONED:
        found.insert(files.index(step), FUNCTIONS)
    return found
