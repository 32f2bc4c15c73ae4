"""The field type that only stream ids have."""

from typing import Any

from telemetry.numbers import whole
from telemetry.payloads.fields import LongInteger, Text, field_error
from telemetry.payloads.storable import Defect

BITS = 128


class StreamId(Text, LongInteger):
    """A string of 1 to 64 characters, or a non-negative integer of up to 128 bits.

    The integer is loaded as its decimal string.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min=1, max=64, **kwargs)

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> str:
        if isinstance(value, Defect) and value.digits:
            return _decimal(int(value.digits))
        if isinstance(value, int | float) and not isinstance(value, bool):
            number = whole(value)
            if isinstance(number, int):
                return _decimal(number)
        return super()._deserialize(value)


def _decimal(number: int) -> str:
    if number < 0:
        raise field_error("greater_than_equal", "Must be at least 0")
    if number >= 2**BITS:
        raise field_error("int_out_of_range", f"An integer must have at most {BITS} bits")
    return str(number)
