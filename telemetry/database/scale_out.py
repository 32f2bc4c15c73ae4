"""The statements to send where tables are distributed over several servers, by Citus.

A file ``sql/scale_out/<room>/<name>.sql`` replaces ``sql/<room>/<name>.sql`` there. It returns the
same columns, and may take a parameter more: the constant that names the shard. With a header line
``limits`` its subqueries have a LIMIT that holds per shard.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import NamedTuple, Self

import psycopg
from psycopg.abc import Params, Query, QueryNoTemplate
from psycopg.pq import TransactionStatus
from psycopg.rows import DictRow

from telemetry.database import statements

LIMITS_PER_SHARD = statements.load("database/limits_per_shard")

# The folder of the variants, and the header line of those whose LIMITs hold per shard.
FOLDER = "scale_out"
PER_SHARD = "\n-- limits: "


class Variant(NamedTuple):
    """What is sent instead of a statement."""

    statement: bytes
    limits_per_shard: bool


@cache
def variants() -> dict[bytes, Variant]:
    """Return the variants by the statements that they replace."""
    found = {}
    for path in (statements.ROOT / FOLDER).glob("*/*.sql"):
        name = f"{path.parent.name}/{path.stem}"
        if not (statements.ROOT / f"{name}.sql").exists():
            continue
        per_shard = PER_SHARD in path.read_text(encoding="utf-8")
        found[statements.load(name)] = Variant(statements.load(f"{FOLDER}/{name}"), per_shard)
    return found


class ScaleOutCursor(psycopg.Cursor[DictRow]):
    """A cursor that sends the variants."""

    def execute(  # type: ignore[override] # no statement is a template
        self,
        query: QueryNoTemplate,
        params: Params | None = None,
        *,
        prepare: bool | None = None,
        binary: bool | None = None,
    ) -> Self:
        """Execute the variant of the statement. Raises psycopg.Error."""
        if not (variant := _variant(query)):
            return super().execute(query, params, prepare=prepare, binary=binary)
        with self._limits(variant):
            plan = False if variant.limits_per_shard else prepare
            return super().execute(variant.statement, params, prepare=plan, binary=binary)

    def stream(
        self,
        query: Query,
        params: Params | None = None,
        *,
        binary: bool | None = None,
        size: int = 1,
    ) -> Iterator[DictRow]:
        """Stream the rows of the variant of the statement. Raises psycopg.Error."""
        if not (variant := _variant(query)):
            yield from super().stream(query, params, binary=binary, size=size)
            return
        with self._limits(variant):
            yield from super().stream(variant.statement, params, binary=binary, size=size)

    @contextmanager
    def _limits(self, variant: Variant) -> Iterator[None]:
        if not variant.limits_per_shard:
            yield
            return
        self._set_limits_per_shard("on")
        try:
            yield
        finally:
            # The rollback of a failed transaction takes the setting back.
            if self.connection.info.transaction_status != TransactionStatus.INERROR:
                self._set_limits_per_shard("off")

    def _set_limits_per_shard(self, state: str) -> None:
        plain = psycopg.Cursor(self.connection)
        plain.execute(LIMITS_PER_SHARD, {"state": state}, prepare=False)


def _variant(query: Query) -> Variant | None:
    return variants().get(query) if isinstance(query, bytes) else None
