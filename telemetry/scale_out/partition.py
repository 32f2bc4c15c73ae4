"""Runtime events in a partition per day, and back, while writers write.

Each step commits by itself and can be repeated, so a command that was killed is run again. Only
the constraint that ``_swap`` needs must not stay: from its boundary on, three to four days ahead,
it refuses events. So everything that ends the step removes it.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from time import monotonic
from typing import NamedTuple

import psycopg
from psycopg import errors

from telemetry.database import statements
from telemetry.database.connection import Connection
from telemetry.database.database import Row
from telemetry.database.errors import LOCK_COLLISIONS
from telemetry.database.unlimited import connect_without_time_limit, transaction_without_time_limit
from telemetry.scale_out.locks import LOCK_TIMEOUT, until_locked
from telemetry.scale_out.obstacles import obstacles

ADD_CHECK = statements.load("scale_out/partition/add_check")
BEGIN = statements.load("scale_out/partition/begin")
CREATE_INDEX = statements.load("scale_out/partition/create_index")
DROP_CHECK = statements.load("scale_out/partition/drop_check")
DROP_INDEX = statements.load("scale_out/partition/drop_index")
FILL_IDS = statements.load("scale_out/partition/fill_ids")
FORGET_IDS = statements.load("scale_out/partition/forget_ids")
FUNCTIONS = statements.load("scale_out/partition/functions")
KEEP_IDS = statements.load("scale_out/partition/keep_ids")
OBSTACLES = statements.load("scale_out/partition/obstacles")
RIGHTS = statements.load("scale_out/partition/rights")
SESSION = statements.load("scale_out/partition/session")
STATE = statements.load("scale_out/partition/state")
SWAP = statements.load("scale_out/partition/swap")
UNDO_BEGIN = statements.load("scale_out/partition/undo_begin")
UNDO_CLEAN = statements.load("scale_out/partition/undo_clean")
UNDO_COMPARE = statements.load("scale_out/partition/undo_compare")
UNDO_COPY = statements.load("scale_out/partition/undo_copy")
UNDO_SWAP = statements.load("scale_out/partition/undo_swap")
VALIDATE_CHECK = statements.load("scale_out/partition/validate_check")

# Events of one transaction that fills the keys or copies.
ROWS = 5000

Say = Callable[[str], None]


class PartitionError(Exception):
    """The command can't go on; the message says why and what to do."""


class Plan(NamedTuple):
    """What the database is like: a row of state.sql, and what is in the way."""

    state: Row
    obstacles: list[str]

    @property
    def leftovers(self) -> str:
        """What a command in the other direction has left when it did not end; empty: nothing."""
        if self.state["is_partitioned"]:
            return "the copy of an --undo that did not end" if self.state["is_undone"] else ""
        left = any(self.state[it] for it in ("has_ids", "is_kept", "has_check", "has_index"))
        return "what a partition that did not end has left" if left else ""

    def refusal(self, *, undo: bool) -> str | None:
        """Why the table can't be changed in a direction; None when it can, or need not."""
        if self.state["is_partitioned"] != undo:
            return None
        if self.obstacles:
            return (
                f"runtime_events has what can't be carried over: {', '.join(self.obstacles)};"
                " drop it, and make it again afterwards"
            )
        later = self.state["later"]
        if later and not undo:
            return (
                f"{later}{' or more' if later == 1000 else ''} event(s) were recorded at or after"
                f" {self.state['boundary'][:10]}, in the future: delete or correct them"
            )
        return None


def read_plan(connection: Connection) -> Plan:
    """Return what the database is like.

    Raises PartitionError when its tables are distributed, or the role may not change them.
    """
    if connection.is_distributed:
        raise PartitionError(
            "the tables are distributed: run undistribute, then this command, then distribute"
        )
    state = connection.execute(STATE, prepare=False).fetchone()
    if state is None:
        raise PartitionError("the database has no table runtime_events: run migrate first")
    if not state["may_change"]:
        raise PartitionError(
            "the role does not own runtime_events: set TELEMETRY_OWNER_DATABASE_URL"
        )
    found = connection.execute(OBSTACLES, prepare=False).fetchall()
    on_the_table = obstacles(connection, ["runtime_events"])
    return Plan(state, [row["obstacle"] for row in found] + on_the_table)


class Conversion:
    """One run of the command on one database. Every method may raise PartitionError."""

    def __init__(self, url: str, say: Say) -> None:
        self._url, self._say = url, say

    @contextmanager
    def _session(self) -> Iterator[Connection]:
        """Connect as the only command of this kind. Raises psycopg.Error."""
        with connect_without_time_limit(self._url) as connection:
            row = connection.execute(SESSION, prepare=False).fetchone()
            if not (row and row["is_mine"]):
                raise PartitionError("another command partitions or distributes this database")
            yield connection

    def partition(self) -> bool:
        """Make the table a partitioned one; return False when it is one already."""
        with self._session() as connection:
            plan = read_plan(connection)
            if plan.state["is_partitioned"]:
                if plan.leftovers:
                    self._change(connection, UNDO_CLEAN)
                    self._say(f"removed {plan.leftovers}")
                self._change(connection, FUNCTIONS, RIGHTS)
                return False
            if refusal := plan.refusal(undo=False):
                raise PartitionError(refusal)
            if plan.state["has_check"]:
                self._change(connection, DROP_CHECK)
            self._change(connection, KEEP_IDS)
            self._walk(connection, FILL_IDS, "ids kept", plan.state["rows"])
            if not plan.state["has_index"]:
                self._index(connection)
            with self._without_check():
                self._swap(connection)
        return True

    def undo(self) -> str:
        """Make it one plain table again; return what was done."""
        with self._session() as connection:
            plan = read_plan(connection)
            if plan.state["is_partitioned"]:
                if refusal := plan.refusal(undo=True):
                    raise PartitionError(refusal)
                if not plan.state["is_undone"]:
                    self._change(connection, UNDO_BEGIN)
                self._walk(connection, UNDO_COPY, "events copied", plan.state["rows"])
                self._compare(connection)
                self._change(connection, UNDO_SWAP)
                return "runtime_events is one plain table again"
            if not plan.leftovers:
                return "runtime_events is one plain table; nothing to undo"
            self._change(connection, DROP_CHECK, FORGET_IDS)
            connection.execute(DROP_INDEX)
            return f"removed {plan.leftovers}"

    def _walk(self, connection: Connection, statement: bytes, done: str, total: int) -> None:
        """Run a statement on all events in the order of their ids, and report the progress."""
        after, walked, said_at = "", 0, monotonic()
        while True:
            parameters = {"after": after, "row_limit": ROWS}
            try:
                with self._transaction(connection, "0"):
                    row = connection.execute(statement, parameters, prepare=False).fetchone()
            except errors.SerializationFailure:
                continue  # a DBA has moved one of the events to another partition
            assert row is not None
            walked += row["walked"]
            if row["walked"] < ROWS:
                self._say(f"{walked:,} {done}")
                return
            after = row["last_id"]
            if monotonic() - said_at > 2:
                said_at = monotonic()
                self._say(f"{walked:,} of about {max(total, walked):,} {done}")

    def _compare(self, connection: Connection) -> None:
        """Raise PartitionError when the copy does not have what the table has."""
        self._say("comparing the copy")
        with self._transaction(connection, "0"):
            row = connection.execute(UNDO_COMPARE, prepare=False).fetchone()
        assert row is not None
        if not row["is_same"]:
            raise PartitionError(
                f"the copy differs from runtime_events ({row['copied']:,} and {row['events']:,}"
                " events): run it without --undo, which removes the copy, and with --undo again"
            )

    def _index(self, connection: Connection) -> None:
        """Build the index for the new primary key, in place of one that was not finished."""
        self._say("building the index for the primary key")
        connection.execute(DROP_INDEX)
        connection.execute(CREATE_INDEX)

    def _swap(self, connection: Connection) -> None:
        self._change(connection, ADD_CHECK)
        self._say("checking that no event is recorded in the future")
        with self._transaction(connection, "0"):
            connection.execute(VALIDATE_CHECK)
        self._change(connection, FUNCTIONS, SWAP, RIGHTS)

    @contextmanager
    def _without_check(self) -> Iterator[None]:
        """Remove the constraint when the block does not end well."""
        try:
            yield
        except BaseException:
            # On another connection: the first one may be what was lost.
            with (
                suppress(psycopg.Error, PartitionError),
                connect_without_time_limit(self._url) as connection,
            ):
                self._change(connection, DROP_CHECK)
            raise

    def _change(self, connection: Connection, *texts: bytes) -> None:
        """Run statements in one transaction that waits for no lock for long, until it has them."""

        def change() -> None:
            with self._transaction(connection, LOCK_TIMEOUT):
                for text in texts:
                    connection.execute(text)

        try:
            until_locked(change)
        except LOCK_COLLISIONS as error:
            raise PartitionError(
                "a transaction has runtime_events locked (pg_locks shows which):"
                f" {str(error).splitlines()[0]}; the same command goes on"
            ) from error

    @contextmanager
    def _transaction(self, connection: Connection, lock_timeout: str) -> Iterator[None]:
        with transaction_without_time_limit(connection):
            connection.execute(BEGIN, {"lock_timeout": lock_timeout}, prepare=False)
            yield
