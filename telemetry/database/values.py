"""Converting JSON values into parameters, and column values into JSON values.

So a row that a store returns can be sent as a response without any change.
"""

import string
from collections.abc import Iterable, Mapping, Sequence
from json import loads as loads_any_size
from types import MappingProxyType
from typing import Any, NamedTuple

import msgspec
from psycopg import Connection, adapters
from psycopg.adapt import Buffer, Dumper, Loader
from psycopg.types.json import set_json_loads

from telemetry.numbers import from_decimal
from telemetry.timestamps import parse_utc, utc_text

# A translation of all digits to 0 and all other bytes to blanks. With it, nineteen digits in a
# row are found in a fraction of the time that a regular expression takes.
_DIGITS = bytes(ord("0") if chr(byte) in string.digits else ord(" ") for byte in range(256))
_MANY_DIGITS = b"0" * 19

# Returns a value as JSON, a Decimal as a number.
encode = msgspec.json.Encoder(decimal_format="number").encode


class Json(bytes):
    """A JSON parameter of a statement, sent unchanged."""


class Keyed(NamedTuple):
    """A record as a JSON object, its unique key, and the values that the caller reads, too."""

    key: str
    json: Json
    values: Mapping[str, Any] = MappingProxyType({})


def as_json(value: Any) -> Json:
    """Return a value as a JSON parameter."""
    return Json(encode(value))


def json_array(records: Iterable[Keyed]) -> Json:
    """Return the JSON array of the records."""
    return Json(b"[%b]" % b",".join([record.json for record in records]))


def text_array(texts: Sequence[str]) -> Json | Sequence[str]:
    """Return texts as a parameter that the statement casts to text[].

    The driver takes over a microsecond for each text of a list. An array of PostgreSQL looks like
    one of JSON in other brackets, unless a text is escaped.
    """
    array = encode(texts)
    return [*texts] if b"\\" in array else Json(b"{%b}" % array[1:-1])


def register_loaders(connection: Connection[Any]) -> None:
    """Make the connection return timestamps as the contract's text, and exact JSON numbers."""
    connection.adapters.register_loader("timestamptz", _TimestampLoader)
    connection.adapters.register_loader("numeric", _NumericLoader)
    set_json_loads(load_json, connection)


class _JsonDumper(Dumper):
    # Without a type: the statement casts it to json or jsonb.
    def dump(self, obj: Json) -> Json:
        return obj


adapters.register_dumper(Json, _JsonDumper)


_WITH_MICROSECONDS = len("2026-01-31 12:00:00.123456+00")


class _TimestampLoader(Loader):
    """Rearranges the text, without making a datetime, when the time zone is UTC."""

    def load(self, data: Buffer) -> str:
        text = str(data, "ascii")
        if text.endswith("+00") and text[10:11] == " ":
            if len(text) == _WITH_MICROSECONDS:
                return f"{text[:10]}T{text[11:26]}Z"
            whole, _, fraction = text[11:-3].partition(".")
            return f"{text[:10]}T{whole}.{fraction:0<6}Z"
        try:
            return utc_text(parse_utc(text))
        except ValueError:
            return text  # infinity, or a year beyond ISO 8601, which only a DBA can write


class _NumericLoader(Loader):
    """Returns the JSON number that was stored: a fraction is a double."""

    def load(self, data: Buffer) -> int | float:
        text = bytes(data).decode()
        return from_decimal(text) if text.lstrip("-").isdecimal() else float(text)


def load_json(data: str | bytes) -> Any:
    """Decode jsonb, which writes the double 1e23 as 100000000000000000000000.

    The service accepts no integer beyond 64 bits, so a larger one stands for a double.
    """
    text = data if isinstance(data, bytes) else data.encode()
    if has_long_number(text):
        return loads_any_size(text, parse_int=from_decimal)
    return msgspec.json.decode(text)


def has_long_number(text: bytes) -> bool:
    """Return whether JSON text holds nineteen digits in a row, as integers beyond 64 bits do."""
    return _MANY_DIGITS in text.translate(_DIGITS)
