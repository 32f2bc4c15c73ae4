"""The statements to send where tables are distributed over several servers, by Citus.

A file ``sql/scale_out/<room>/<name>.sql`` replaces ``sql/<room>/<name>.sql`` there. It returns the
same columns, and may take a parameter more: the constant that names the shard. With a header line
``limits`` its subqueries have a LIMIT that holds per shard. With a header line ``in doubt`` it is
refused while a transaction is in doubt (``sql/scale_out/database/in_doubt.sql``).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import NamedTuple, Self

import psycopg
from psycopg import errors
from psycopg.abc import Params, Query, QueryNoTemplate
from psycopg.pq import TransactionStatus
from psycopg.rows import DictRow, TupleRow, tuple_row

from telemetry.database import statements

IN_DOUBT = statements.load("scale_out/database/in_doubt")
LIMITS_PER_SHARD = statements.load("database/limits_per_shard")

# The folder of the variants.
FOLDER = "scale_out"

# Header lines: the LIMITs hold per shard; what a follower reads, which may not miss a row.
PER_SHARD = "\n-- limits: "
FOLLOWED = "\n-- in doubt: "


class Variant(NamedTuple):
    """What is sent for a statement, and how."""

    statement: bytes
    limits_per_shard: bool
    is_followed: bool


@cache
def variants() -> dict[bytes, Variant]:
    """Return the statements for which more or something else is sent, and what that is."""
    found = {}
    for path in statements.ROOT.glob("*/*.sql"):
        name = f"{path.parent.name}/{path.stem}"
        replacement = statements.ROOT / FOLDER / f"{name}.sql"
        sent = replacement if replacement.exists() else path
        text = sent.read_text(encoding="utf-8")
        if sent is replacement or FOLLOWED in text:
            statement = statements.load(str(sent.relative_to(statements.ROOT).with_suffix("")))
            found[statements.load(name)] = Variant(statement, PER_SHARD in text, FOLLOWED in text)
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
        with self._nothing_in_doubt(variant), self._limits(variant):
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
        with self._nothing_in_doubt(variant), self._limits(variant):
            yield from super().stream(variant.statement, params, binary=binary, size=size)

    @contextmanager
    def _nothing_in_doubt(self, variant: Variant) -> Iterator[None]:
        """Raise CannotConnectNow when a row that a follower should read may be hidden."""
        if variant.is_followed:
            self._refuse_in_doubt()
        try:
            yield
        except GeneratorExit:
            # The page has ended before the rows did.
            if variant.is_followed:
                self._refuse_in_doubt()
            raise
        if variant.is_followed:
            self._refuse_in_doubt()

    def _refuse_in_doubt(self) -> None:
        row = self._plain().execute(IN_DOUBT, prepare=False).fetchone()
        if not row or row[0] is None:
            raise errors.CannotConnectNow("a worker does not say which transactions are in doubt")
        if row[0]:
            raise errors.CannotConnectNow(f"{row[0]} transaction(s) in doubt hide rows")

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
        self._plain().execute(LIMITS_PER_SHARD, {"state": state}, prepare=False)

    def _plain(self) -> psycopg.Cursor[TupleRow]:
        return psycopg.Cursor(self.connection, row_factory=tuple_row)


def _variant(query: Query) -> Variant | None:
    return variants().get(query) if isinstance(query, bytes) else None
