"""The field types of every payload.

A string is not a number and a boolean is not an integer. But JSON has one kind of number, so
1.0 is the integer 1. The kind of an error is the ``type`` of the problem in the response.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from math import isfinite
from typing import Any

from marshmallow import ValidationError, fields

from telemetry.numbers import INT64_MAX, INT64_MIN, whole, with_point
from telemetry.timestamps import NoOffset, parse_utc

_NAME = re.compile(r"[A-Za-z0-9._:-]+", re.ASCII)

# Clients and proxies resolve these in a URL's path, so nobody could request what has such a name.
_DOTS = (".", "..")


class Message(str):
    """An error message with its kind: marshmallow passes on nothing but the message."""

    kind: str

    def __new__(cls, text: str, kind: str) -> "Message":
        """Return the message."""
        message = super().__new__(cls, text)
        message.kind = kind
        return message


class PayloadField(fields.Field[Any]):
    """The base of all fields: its errors have a kind."""

    def make_error(self, key: str, **_: Any) -> ValidationError:
        """Return marshmallow's own errors (``required``, ``null``) in this service's words."""
        if key == "required":
            return field_error("missing", "Field required")
        return field_error(key, "May not be null")


def field_error(kind: str, text: str) -> ValidationError:
    """Return the error to raise for a value that a field does not accept."""
    return ValidationError(Message(text, kind))


class Text(PayloadField):
    """A string of ``min`` to ``max`` characters; not all white space with ``blank=False``."""

    def __init__(
        self, *, min: int = 0, max: int | None = None, blank: bool = True, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.min, self.max, self.blank = min, max, blank

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> str:
        if not isinstance(value, str):
            raise field_error("string_type", "Must be a string")
        if len(value) < self.min:
            raise field_error("string_too_short", f"Must have at least {self.min} character(s)")
        if self.max is not None and len(value) > self.max:
            raise field_error("string_too_long", f"Must have at most {self.max} characters")
        if not self.blank and not value.strip():
            raise field_error("string_blank", "Must not be blank")
        return value


class Identifier(Text):
    """Printable characters without white space or ``/``, so that it fits in a URL's path."""

    def __init__(self, *, max: int = 255, **kwargs: Any) -> None:
        super().__init__(min=1, max=max, **kwargs)

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> str:
        text = super()._deserialize(value)
        if not self.fits(text):
            raise field_error(
                "identifier",
                "Must be printable characters without white space or '/', and not '.' or '..'",
            )
        return text

    @staticmethod
    def fits(text: str) -> bool:
        """Return whether the text can be a part of a URL's path."""
        # The only printable white space is the space.
        return text.isprintable() and " " not in text and "/" not in text and text not in _DOTS


class Name(Text):
    """A name of ASCII letters, digits and ``. _ : -``."""

    def __init__(self, *, max: int, **kwargs: Any) -> None:
        super().__init__(min=1, max=max, **kwargs)

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> str:
        text = super()._deserialize(value)
        if not self.fits(text):
            raise field_error(
                "name", "Must be letters, digits, '.', '_', ':' and '-', and not '.' or '..'"
            )
        return text

    @staticmethod
    def fits(text: str) -> bool:
        """Return whether the text can be a part of a URL's path, unescaped."""
        return _NAME.fullmatch(text) is not None and text not in _DOTS


class Choice(PayloadField):
    """One of ``values``, or an alias of one."""

    def __init__(
        self, values: tuple[str, ...], aliases: Mapping[str, str] | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.meanings = {value: value for value in values} | dict(aliases or {})
        self.accepted = ", ".join(values)
        if aliases:
            self.accepted += f"; aliases: {', '.join(aliases)}"

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> str:
        if not isinstance(value, str):
            raise field_error("string_type", "Must be a string")
        if value not in self.meanings:
            raise field_error("enum", f"Must be one of: {self.accepted}")
        return self.meanings[value]


class Integer(PayloadField):
    """A whole JSON number from ``min`` to ``max``: 3 and 3.0 are the integer 3."""

    def __init__(self, *, min: int = INT64_MIN, max: int = INT64_MAX, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.min, self.max = min, max

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> int:
        value = whole(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise field_error("int_type", "Must be an integer")
        if value < self.min:
            raise field_error("greater_than_equal", f"Must be at least {self.min}")
        if value > self.max:
            raise field_error("less_than_equal", f"Must be at most {self.max}")
        return value


class LongInteger(PayloadField):
    """A field that accepts integers beyond 64 bits; it gets them as the Defect of the parser."""


class Number(PayloadField):
    """A finite JSON number, integer or not: at least ``min``, greater than ``above``."""

    def __init__(
        self, *, min: float | None = None, above: float | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.min, self.above = min, above

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> int | float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise field_error("number_type", "Must be a number")
        if not isfinite(value):
            raise field_error("number_not_finite", "Must be a finite number")
        if self.min is not None and value < self.min:
            raise field_error("greater_than_equal", f"Must be at least {self.min}")
        if self.above is not None and value <= self.above:
            raise field_error("greater_than", f"Must be greater than {self.above}")
        return value


class Flag(PayloadField):
    """true or false."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> bool:
        if not isinstance(value, bool):
            raise field_error("bool_type", "Must be true or false")
        return value


class NumericFlag(Flag):
    """true or false, or 1 or 0 from clients that keep their records in SQLite."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> bool:
        if not isinstance(value, int | float) or value not in (0, 1):
            raise field_error("bool_type", "Must be true or false, or 1 or 0")
        return bool(value)


class Timestamp(PayloadField):
    """An ISO 8601 date and time with an offset, loaded as a datetime in UTC."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> datetime:
        if not isinstance(value, str):
            raise field_error("datetime_type", "Must be a string with an ISO 8601 timestamp")
        try:
            return parse_utc(value)
        except NoOffset:
            raise field_error("timezone_aware", "Must have an offset such as Z or +00:00") from None
        except ValueError:
            raise field_error(
                "datetime_parsing", "Must be an ISO 8601 timestamp such as 2026-01-31T12:00:00Z"
            ) from None


class JsonObject(PayloadField):
    """Any JSON object."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise field_error("object_type", "Must be a JSON object")
        _keep_doubles(value)
        return value


class ScalarObject(JsonObject):
    """A JSON object whose values are strings, numbers, booleans or null."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> dict[str, Any]:
        scalars = super()._deserialize(value)
        if any(isinstance(each, dict | list) for each in scalars.values()):
            raise field_error("scalar_type", "Values must be strings, numbers, booleans or null")
        return scalars


def _keep_doubles(container: Any) -> None:
    """Replace, in place, each large double by the Decimal that keeps its decimal point."""
    for key, value in container.items() if isinstance(container, dict) else enumerate(container):
        if isinstance(value, dict | list):
            _keep_doubles(value)
        else:
            container[key] = with_point(value)
