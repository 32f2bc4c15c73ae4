"""Making any value one that the service accepts, as JSON text.

Nothing is dropped: what JSON cannot say becomes text.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import date, datetime, timezone
from functools import lru_cache
from json.encoder import encode_basestring_ascii
from typing import Any

MAX_TEXT = 64 * 1024
MAX_OBJECT = 512 * 1024
# The service accepts 100 levels in a body.
MAX_DEPTH = 64
_INT64 = 2**63
_CUT = "…"
_TIME = re.compile(
    r"(?P<date>\d{4}-\d\d-\d\d)[T ](?P<time>\d\d:\d\d:\d\d)([.,](?P<fraction>\d+))?"
    r"(?P<offset>[Zz]|[+-]\d\d:?\d\d)?"
)
_LONG_NUMBER = re.compile(r"\d{19}")

_encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


def text(value: str) -> str:
    """Return a string as JSON, with nothing in it that the service refuses."""
    if len(value) > MAX_TEXT:
        return encode_basestring_ascii(storable(value))
    encoded = encode_basestring_ascii(value)
    # Surrogates begin with d. Most are pairs, which are fine.
    if len(encoded) > MAX_TEXT or "\\u0000" in encoded or "\\ud" in encoded:
        return encode_basestring_ascii(storable(value))
    return encoded


def name(value: object) -> str:
    """Return a short text as JSON: 1 to 255 characters, not blank."""
    return _name(value if type(value) is str else shown(value))


@lru_cache(1024)
def _name(value: str) -> str:
    return _encode(storable(value).strip()[:255].strip() or "unknown")


def shown(value: object) -> str:
    """Return any value as a string, whatever its ``__str__`` does."""
    try:
        return value if isinstance(value, str) else str(value)
    except Exception:
        return f"<{type(value).__name__} that cannot be printed>"


def encode(value: Mapping[str, Any]) -> str:
    """Return an object as JSON that the service accepts."""
    try:
        encoded = _encode(value)
    except (TypeError, ValueError, RecursionError):
        return _encode_clean(value)
    if (
        len(encoded) > MAX_OBJECT
        or "\\u0000" in encoded
        or "\\ud" in encoded
        or encoded.count("{") + encoded.count("[") > MAX_DEPTH
        or _LONG_NUMBER.search(encoded)
    ):
        return _encode_clean(value)
    return encoded


def parse_object(value: object) -> Mapping[str, Any]:
    """Return an object for a field that holds one. Clients of older services send it as JSON."""
    if type(value) is dict or isinstance(value, Mapping):
        return value
    if isinstance(value, str):
        try:
            parsed = json.loads(value)
        except (ValueError, RecursionError):
            parsed = value
        return parsed if isinstance(parsed, dict) else {"value": parsed}
    return {"value": value}


def timestamp(value: object) -> str | None:
    """Return a time as ISO 8601 in UTC; None when the value is not a time.

    A time without an offset is read as local time.
    """
    try:
        moment = value if isinstance(value, datetime) else _parse_time(str(value))
        return moment.astimezone(timezone.utc).isoformat()[:-6] + "Z"
    except (ValueError, OverflowError, OSError):
        return None


def _parse_time(value: str) -> datetime:
    """Parse ISO 8601. Older Pythons accept neither Z nor every length of a fraction."""
    found = _TIME.fullmatch(value.strip())
    if found is None:
        raise ValueError(value)
    fraction, offset = found["fraction"] or "", found["offset"] or ""
    offset = "+00:00" if offset in ("Z", "z") else offset
    if len(offset) == 5:
        offset = f"{offset[:3]}:{offset[3:]}"
    return datetime.fromisoformat(
        f"{found['date']}T{found['time']}.{fraction[:6].ljust(6, '0')}{offset}"
    )


def whole(value: object) -> int | None:
    """Return a count as a non-negative 64-bit integer; None when the value is not one."""
    try:
        number = int(value)  # type: ignore[call-overload]
        if isinstance(value, float) and number != value:
            return None
    except Exception:
        return None
    return number if 0 <= number < _INT64 else None


def _encode_clean(value: Mapping[str, Any]) -> str:
    cleaner = _Cleaner()
    clean = cleaner.clean(value, 1)
    encoded = _encode(clean if isinstance(clean, dict) else {"value": clean})
    if cleaner.is_full or len(encoded) > MAX_OBJECT:
        return _encode({"truncated": encoded[:MAX_TEXT]})
    return encoded


class _Cleaner:
    """Makes a value of the types of JSON, as much of it as a record can hold.

    Objects that refer to each other would make a value without an end.
    """

    def __init__(self) -> None:
        self._left = MAX_OBJECT
        self._around: set[int] = set()  # the containers that the current value is in

    @property
    def is_full(self) -> bool:
        """Whether something was left out."""
        return self._left < 0

    def clean(self, value: Any, depth: int) -> Any:
        """Return the value in the types of JSON."""
        self._left -= 2  # the least that a value and its comma take
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int):
            return int(value) if -_INT64 <= value < _INT64 else shown(value)
        if isinstance(value, float):
            return float(value) if math.isfinite(value) else str(value)
        if isinstance(value, (Mapping, list, tuple, set, frozenset)):
            return self._container(value, depth)
        if not isinstance(value, str):
            with suppress(Exception):
                return self._other(value, depth)
        return self._text(value)

    def _text(self, value: object) -> str:
        text = storable(shown(value))
        self._left -= len(text)
        return text

    def _container(self, value: Any, depth: int) -> Any:
        if depth > MAX_DEPTH or id(value) in self._around:
            return _CUT
        self._around.add(id(value))
        try:
            if isinstance(value, Mapping):
                pairs = self._some(value.items())
                return {self._text(key): self.clean(each, depth + 1) for key, each in pairs}
            return [self.clean(each, depth + 1) for each in self._some(value)]
        except Exception:
            return f"<{type(value).__name__} that cannot be read>"
        finally:
            self._around.discard(id(value))

    def _some(self, values: Iterable[Any]) -> Iterator[Any]:
        """Yield the values, which another thread may change, while there is room."""
        for each in [*values]:
            if self.is_full:
                return
            yield each

    def _other(self, value: Any, depth: int) -> Any:
        if isinstance(value, (date, datetime)):
            return value.isoformat()
        if isinstance(value, (bytes, bytearray)):
            return self._text(bytes(value).decode("utf-8", "backslashreplace"))
        # Numbers and arrays of numerical libraries.
        if depth <= MAX_DEPTH and callable(getattr(value, "tolist", None)):
            return self.clean(value.tolist(), depth + 1)
        return self._text(value)


def storable(value: str) -> str:
    """Return a string without NUL and lone surrogates, not too long: its end says the most."""
    sound = _shortened(value).encode("utf-8", "backslashreplace").decode().replace("\0", "\\0")
    return _shortened(sound)


def _shortened(value: str) -> str:
    if len(value) <= MAX_TEXT:
        return value
    return value[: MAX_TEXT // 4] + _CUT + value[1 - 3 * MAX_TEXT // 4 :]
