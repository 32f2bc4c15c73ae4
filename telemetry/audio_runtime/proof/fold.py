"""The row of the projection that a device's events give."""

from typing import Any

from telemetry.audio_runtime.proof.declaration import (
    CURRENT_COLUMNS,
    FIELDS,
    KINDS,
    PLACE,
    Type,
)

_COLUMNS = {field.name: field.current or field.name for field in FIELDS}
# For each kind, the place of a field in an event and of its column in the projection.
_SETS = {
    name: [(PLACE[field], CURRENT_COLUMNS.index(_COLUMNS[field])) for field in kind.fields]
    for name, kind in KINDS.items()
}
_FLAGS = {field.name for field in FIELDS if field.type is Type.BOOLEAN}
_START = [False if column in _FLAGS else None for column in CURRENT_COLUMNS]
_ID, _KIND = PLACE["event_id"], PLACE["event_kind"]
_SESSION, _CREATED_AT = PLACE["session_id"], PLACE["created_at"]
_NAMES = slice(PLACE["tenant_id"], PLACE["device_id"] + 1)


class Fold:
    """What remains of a device's events, added in the order of ``event_id``.

    An event sets all columns of its kind, so only the latest of each kind has an effect.
    """

    def __init__(self) -> None:
        self.newest: tuple[Any, ...] | None = None
        self._latest: dict[str, tuple[Any, ...]] = {}
        self._session_id: int | None = None

    def add(self, event: tuple[Any, ...]) -> None:
        """Add an event that is newer than all before."""
        self.newest = self._latest[event[_KIND]] = event
        if event[_SESSION] is not None:
            self._session_id = event[_SESSION]

    def current(self) -> tuple[Any, ...] | None:
        """Return the row, in the order of CURRENT_COLUMNS; None: there are no events."""
        newest = self.newest
        if newest is None:
            return None
        row: list[Any] = [*_START]
        row[:3] = *newest[_NAMES], self._session_id
        row[-2:] = newest[_ID], newest[_CREATED_AT]
        for event in sorted(self._latest.values(), key=lambda it: it[_ID]):
            for place, column in _SETS.get(event[_KIND], ()):
                row[column] = event[place]
        return tuple(row)
