"""The one rule for numbers: which ones the service takes, and how they keep their value.

- An integer has at most 64 bits, signed, as ``bigint`` has. JSON has one kind of number, so a
  double without a fraction is that integer.
- A double is finite. PostgreSQL's ``numeric`` and ``jsonb`` keep decimals, not doubles: 1e23 sent
  as such comes back as the integer 100000000000000000000000, which is not the same number. So a
  large double is written with a decimal point, and a longer integer that comes back is a double.
"""

from decimal import Decimal
from typing import Any

INT64_MIN = -(2**63)
INT64_MAX = 2**63 - 1

# Every double below is written with a decimal point anyway, and is exact to the last digit.
LARGE_DOUBLE = 1e15


def whole(value: Any) -> Any:
    """Return a float without a fraction as the integer that it is; any other value unchanged."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def is_int64(number: int) -> bool:
    """Return whether the integer fits in 64 bits."""
    return INT64_MIN <= number <= INT64_MAX


def with_point(number: Any) -> Any:
    """Return a large double as a Decimal that is written with a point; anything else unchanged."""
    large = isinstance(number, float) and abs(number) >= LARGE_DOUBLE
    return Decimal(f"{number:.1f}") if large else number


def from_decimal(digits: str) -> int | float:
    """Return the number that PostgreSQL wrote as an integer: a double, when it exceeds 64 bits."""
    # int() refuses thousands of digits; 64 bits have at most 19, and a sign.
    number = float(digits) if len(digits) > 20 else int(digits)
    return number if isinstance(number, int) and is_int64(number) else float(digits)
