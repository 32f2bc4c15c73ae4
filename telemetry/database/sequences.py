"""Where tables are distributed: numbers that the coordinator has forgotten in a crash.

One node needs none of this: a commit flushes what its sequences gave. A write to one shard commits
on the worker first. Every connection is lost in a crash, so that each new one looks is enough.
"""

from contextlib import suppress

import psycopg
from psycopg import errors
from psycopg.rows import DictRow

from telemetry.database import statements

ARE_CHECKED = statements.load("scale_out/database/sequences_checked")
CHECK = statements.load("scale_out/database/check_sequences")
DRAW_NUMBERS = statements.load("scale_out/database/draw_numbers")
SEQUENCES_BEHIND = statements.load("database/sequences_behind")

# PostgreSQL writes down every 32nd number, and a few transactions end at once. A sequence that is
# further behind was not in a crash: readiness says so.
MOST = 10_000


def catch_up(connection: psycopg.Connection[DictRow]) -> None:
    """Draw the numbers that rows on workers have already.

    Raises psycopg.Error, also when a worker does not respond after a crash of the coordinator.
    """
    try:
        row = connection.execute(ARE_CHECKED, prepare=False).fetchone()
    except errors.UndefinedTable:
        return  # a worker, or distribute has not made it: then the command has to connect
    except errors.FeatureNotSupported:
        return  # a hot standby, which has no unlogged tables and draws no numbers
    if row and row["are_checked"]:
        return
    # While the database is read-only, nothing draws a number.
    with suppress(errors.ReadOnlySqlTransaction):
        for behind in connection.execute(SEQUENCES_BEHIND, prepare=False).fetchall():
            how_many = behind["highest"] - (behind["given"] or 0)
            if how_many <= MOST:
                parameters = {"sequence": behind["sequence"], "how_many": how_many}
                connection.execute(DRAW_NUMBERS, parameters, prepare=False)
        connection.execute(CHECK, prepare=False)
