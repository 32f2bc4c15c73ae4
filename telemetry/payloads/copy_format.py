"""Valid records as rows of COPY, and rows as JSON again for statements that take JSON."""

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema
from msgspec import Raw

from telemetry.database.copy import CopyRow
from telemetry.database.values import Keyed, as_json, encode
from telemetry.payloads.fields import JsonObject


class CopyFormat:
    """Converts the records of a schema to rows, which have a column per field of the schema."""

    def __init__(self, schema: Schema, *, key: str, unsent: Mapping[str, Any]) -> None:
        """``key`` is the field that makes a record unique.

        ``unsent`` holds what is stored for a field that was not sent, where that is not NULL.
        """
        self.columns = (*schema.fields,)
        self._key = self.columns.index(key)
        self._unsent = [(self.columns.index(name), value) for name, value in unsent.items()]
        self._objects = [
            index
            for index, field in enumerate(schema.fields.values())
            if isinstance(field, JsonObject)
        ]

    def row(self, values: list[Any], *, may_escape: bool = True) -> CopyRow:
        """Return the row of a record, given its values by column, None for those not sent.

        Changes the list. ``may_escape=False`` asserts that no value needs a JSON escape.
        """
        for index in self._objects:
            if values[index] is not None:
                values[index] = encode(values[index]).decode()
        unsent = []
        for index, value in self._unsent:
            if values[index] is None:
                values[index] = value
                unsent.append(index)
        return CopyRow(values[self._key], encode(values)[1:-1], (*unsent,), may_escape)

    def keyed(self, row: CopyRow) -> Keyed:
        """Return the fields of the row's record that were sent, as JSON."""
        values = row.values()
        for index in self._objects:
            if values[index] is not None:
                values[index] = Raw(values[index])
        for index in row.unsent:
            values[index] = None
        named = zip(self.columns, values, strict=True)
        return Keyed(row.key, as_json({name: it for name, it in named if it is not None}))
