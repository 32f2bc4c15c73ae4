"""Following a table whose rows are numbered in lanes.

Within a lane rows become visible in the order of their numbers (migration 0016 says why). So a
follower that keeps the last number of each lane misses no row, however long the transaction of its
writer was open. The numbers come from a sequence, not from transaction ids, which start again after
a dump and restore; so a position stays valid there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from msgspec import UNSET

from telemetry.database.database import Database, Parameters
from telemetry.database.errors import DatabaseUnavailable
from telemetry.paging import Page

LANES = 64

# Where tables are distributed, the position of a lane is known when no writer holds it. Each
# attempt waits up to 30 ms for that.
ATTEMPTS = 50

# A numbered column holds lane * WIDTH + number.
WIDTH = 10**17


class Position(NamedTuple):
    """What a follower has seen.

    ``numbers`` holds the last number of each lane. ``mark`` is the key of the last row without a
    number: an empty text before the first of them, None when the follower has seen them all.
    """

    numbers: tuple[int, ...]
    mark: str | None = None


class Follower(NamedTuple):
    """What a follower asks for: the page after its position, or the position of this moment."""

    position: Position | None
    """None: at the beginning."""

    now: bool
    limit: int


class FeedPage(NamedTuple):
    """Rows, and the position after them."""

    rows: Sequence[Any]
    position: Position
    has_more: bool


@dataclass(frozen=True)
class Unnumbered:
    """The rows from before the column was added, which hold 0 in it.

    ``statement`` lists those whose ``key`` is above ``after``. ``before_all`` is below every key.
    """

    statement: bytes
    key: str
    before_all: str


@dataclass(frozen=True)
class Feed:
    """A table to follow: first its rows without a number, then the others.

    ``numbered`` lists the rows after ``positions``, with their number in ``column``. ``now``
    returns the highest ``positions``; NULL for a lane says to ask again. The caller fills the
    ``computed`` fields of the rows.
    """

    numbered: bytes
    now: bytes
    column: str
    unnumbered: Unnumbered | None = None
    computed: tuple[str, ...] = ()

    def page(self, database: Database, follower: Follower, parameters: Parameters) -> FeedPage:
        """Return the page that the follower asks for. Raises what Database.fetch_all raises."""
        if follower.now:
            return FeedPage([], Position(self._now(database, parameters)), has_more=False)

        def fetch(statement: bytes, **more: Any) -> Page[Any]:
            given = {**parameters, **more}
            return database.fetch_page(
                statement, given, limit=follower.limit, computed=self.computed
            )

        position = follower.position or self._beginning()
        if self.unnumbered and position.mark is not None:
            rows, more = fetch(
                self.unnumbered.statement, after=position.mark or self.unnumbered.before_all
            )
            if rows:
                mark = str(getattr(rows[-1], self.unnumbered.key)) if more else None
                # The next page shows whether numbered rows follow.
                return FeedPage(self._hidden(rows), position._replace(mark=mark), has_more=True)
        bounds = [lane * WIDTH + number for lane, number in enumerate(position.numbers)]
        rows, more = fetch(self.numbered, positions=bounds)
        numbers_after = [*position.numbers]
        for row in rows:
            lane, number = divmod(getattr(row, self.column), WIDTH)
            numbers_after[lane] = number
        return FeedPage(self._hidden(rows), Position((*numbers_after,)), more)

    def _now(self, database: Database, parameters: Parameters) -> tuple[int, ...]:
        """Return the last number of each lane, also of those that writers hold at times."""
        numbers: list[int | None] = [None] * LANES
        for _ in range(ATTEMPTS):
            (row,) = database.fetch_all(self.now, parameters, prepare=False)
            known = zip(numbers, row["positions"], strict=True)
            numbers = [later if number is None else number for number, later in known]
            found = tuple(number % WIDTH for number in numbers if number is not None)
            if len(found) == LANES:
                return found
        raise DatabaseUnavailable("rows that were numbered are not visible on all servers yet")

    def _beginning(self) -> Position:
        return Position((0,) * LANES, mark="" if self.unnumbered else None)

    def _hidden(self, rows: Sequence[Any]) -> Sequence[Any]:
        """Return the rows without the column, which no response has."""
        for row in rows:
            setattr(row, self.column, UNSET)
        return rows
