"""Statements for tables that are distributed over several servers.

A file ``sql/scale_out/<room>/<name>.sql`` takes the place of ``sql/<room>/<name>.sql`` there. A file
that begins with ``-- PUSH`` has a LIMIT in a subquery that holds for each shard; the rest of the
statement joins what the shards return.
"""

from collections.abc import Iterator
from functools import cache
from typing import Any

import psycopg
from psycopg.rows import DictRow

from telemetry.database import statements

LIMITS_PER_SHARD = statements.load("database/limits_per_shard")


@cache
def variants() -> dict[bytes, tuple[bytes, bool]]:
    """Return, by statement, what is sent instead, and whether its LIMITs hold for each shard."""
    found: dict[bytes, tuple[bytes, bool]] = {}
    for path in statements.ROOT.rglob("*.sql"):
        name = str(path.relative_to(statements.ROOT))[: -len(".sql")]
        text = path.read_text(encoding="utf-8")
        if name.startswith(("scale_out/distribute/", "scale_out/undistribute/")):
            continue
        if name.startswith("scale_out/"):
            original = statements.load(name.removeprefix("scale_out/"))
            found[original] = (statements.load(name), text.startswith("-- PUSH"))
        elif text.startswith("-- PUSH"):
            statement = statements.load(name)
            found.setdefault(statement, (statement, True))
    return found


class ScaleOutCursor(psycopg.Cursor[DictRow]):
    """A cursor that sends the variants."""

    def execute(self, query: Any, params: Any = None, **more: Any) -> "ScaleOutCursor":  # type: ignore[override]
        """Execute the variant of the statement."""
        sent, pushed = variants().get(query, (query, False)) if isinstance(query, bytes) else (query, False)
        if not pushed:
            return super().execute(sent, params, **more)
        more["prepare"] = False
        self._limits_per_shard("on")
        try:
            return super().execute(sent, params, **more)
        finally:
            self._limits_per_shard("off")

    def stream(self, query: Any, params: Any = None, **more: Any) -> Iterator[Any]:  # type: ignore[override]
        """Stream the rows of the variant of the statement."""
        sent, pushed = variants().get(query, (query, False)) if isinstance(query, bytes) else (query, False)
        if pushed:
            self._limits_per_shard("on")
        try:
            yield from super().stream(sent, params, **more)
        finally:
            if pushed:
                self._limits_per_shard("off")

    def _limits_per_shard(self, state: str) -> None:
        if self.connection.info.transaction_status != psycopg.pq.TransactionStatus.INERROR:
            psycopg.Cursor(self.connection).execute(LIMITS_PER_SHARD, {"state": state}, prepare=False)
