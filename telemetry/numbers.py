"""The rules for numbers: which ones the service accepts, and how they keep their value.

- Integers are signed and have at most 64 bits, like ``bigint``. JSON has one kind of number, so a
  double without a fraction counts as an integer.
- Doubles are finite. PostgreSQL's ``numeric`` and ``jsonb`` store decimals: 1e23 comes back as the
  integer 100000000000000000000000, which is not the same number. So large doubles are written with
  a decimal point, and an integer of more than 64 bits is read as a double.
"""

from decimal import Decimal
from typing import Any

INT64_MIN = -(2**63)
INT64_MAX = 2**63 - 1

# Smaller doubles are written with a decimal point anyway, and all their digits are exact.
LARGE_DOUBLE = 1e15


def whole(value: Any) -> Any:
    """Return a float without a fraction as an integer, and any other value unchanged."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def is_int64(number: int) -> bool:
    """Return whether the integer fits in 64 bits."""
    return INT64_MIN <= number <= INT64_MAX


def with_point(number: Any) -> Any:
    """Return a large double as a Decimal with a decimal point, and any other value unchanged."""
    large = isinstance(number, float) and abs(number) >= LARGE_DOUBLE
    return Decimal(f"{number:.1f}") if large else number


def from_decimal(digits: str) -> int | float:
    """Return an integer that PostgreSQL wrote; one of more than 64 bits is returned as a double."""
    # int() refuses thousands of digits. 64 bits have at most 19 digits and a sign.
    number = float(digits) if len(digits) > 20 else int(digits)
    return number if isinstance(number, int) and is_int64(number) else float(digits)
