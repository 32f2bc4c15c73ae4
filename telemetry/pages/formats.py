"""Numbers and times as people read them. Every function returns text, with its unit."""

import math
import re
from datetime import UTC, datetime, timedelta
from typing import Any

from telemetry.timestamps import parse_utc, utc_text

SECOND = 1000.0
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

NOTHING = "–"

# From here on a double is shown with an exponent: all of its digits can be as wide as a page.
LARGE = 1e15

# Characters that reorder or hide the text around them, and controls other than tab and newline.
# Scripts and emoji need U+200C and U+200D.
_INVISIBLE = re.compile(
    "[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f"
    "\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)


def visible(text: str) -> str:
    """Return the text with each character that reorders or hides others as ``[U+202E]``."""
    return _INVISIBLE.sub(lambda match: f"[U+{ord(match[0]):04X}]", text)


def as_time(value: datetime | str | None) -> datetime | None:
    """Return the time of a column; None for one that no calendar has, such as infinity."""
    if isinstance(value, str):
        try:
            return parse_utc(value)
        except ValueError:
            return None
    return value


def number(value: float | None) -> str:
    """Return a count with separated thousands, such as ``18,234``."""
    if value is None:
        return NOTHING
    if isinstance(value, int):
        # Not through a double, which has 53 bits.
        return f"{value:,}"
    return f"{value:,.0f}" if value.is_integer() and abs(value) < LARGE else f"{value:,.6g}"


def change(before: int, after: int) -> str:
    """Return by how much a count changed, such as ``+31`` or ``−6``."""
    difference = after - before
    sign = "+" if difference > 0 else "−" if difference < 0 else "±"
    return f"{sign}{abs(difference):,}"


def percent(part: float, whole: float) -> str:
    """Return a share such as ``98.9 %``. Only all is ``100 %``, and only nothing is ``0 %``."""
    if not whole:
        return NOTHING
    if part in (0, whole):
        return "100 %" if part else "0 %"
    return f"{min(max(part / whole * 100, 0.1), 99.9):.1f} %"


def duration(ms: float | None) -> str:
    """Return milliseconds as ``38 ms``, ``1.2 s``, ``2 m 10 s``, ``3 h 05 m`` or ``2 d 4 h``."""
    if ms is None:
        return NOTHING
    if ms < SECOND - 0.5:
        return f"{ms:.0f} ms" if ms >= 10 or ms == int(ms) else f"{ms:.2g} ms"
    if ms < 9.95 * SECOND:
        return f"{ms / SECOND:.1f} s"
    return _long(round(ms / SECOND))


def _long(seconds: int) -> str:
    if seconds < 60:
        return f"{seconds} s"
    minutes, seconds = divmod(seconds, 60)
    if minutes < 60:
        return f"{minutes} m {seconds:02} s"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {minutes:02} m"
    days = hours // 24
    if days < 1000:
        return f"{days} d {hours % 24} h"
    years = days / 365.25
    if days < 100_000:
        return f"{days:,} d"
    return f"{years:,.0f} y" if years < 100_000 else f"{years:.1e} y"


def shifted(moment: datetime, by: timedelta) -> datetime | None:
    """Return the moment so much later or earlier; None where the calendar ends."""
    try:
        return moment + by
    except OverflowError:
        return None


def ago(moment: datetime, now: datetime) -> str:
    """Return how long ago a moment is, in its largest unit, such as ``12 s ago``."""
    seconds = (now - moment).total_seconds()
    text = _rough(abs(seconds))
    return f"in {text}" if seconds < -1 else f"{text} ago"


def _rough(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.0f} s"
    if seconds < 3600:
        return f"{seconds // 60:.0f} m"
    if seconds < 48 * 3600:
        return f"{seconds // 3600:.0f} h"
    return f"{seconds // 86400:,.0f} d"


def moment(value: datetime) -> str:
    """Return a time such as ``Thu 26 Nov 08:22:14 UTC``, with the year when it is another one."""
    value = value.astimezone(UTC)
    year = "" if value.year == datetime.now(UTC).year else f" {value.year:04}"
    return f"{value:%a} {value.day} {value:%b}{year} {value:%H:%M:%S} UTC"


def exact(value: datetime) -> str:
    """Return a time as the API writes it."""
    return utc_text(value)


def of_nanoseconds(nanoseconds: int) -> datetime | None:
    """Return the time of a device's clock; None when no calendar has it."""
    try:
        return datetime.fromtimestamp(nanoseconds / 1e9, UTC)
    except (OverflowError, ValueError, OSError):
        return None


def money(value: float | None) -> str:
    """Return an amount in dollars, such as ``$0.42``; below a cent with two digits."""
    if value is None:
        return NOTHING
    if value and abs(value) < 0.01:
        places = 3 - math.floor(math.log10(abs(value))) - 2
        return f"${value:.{places}f}" if abs(value) >= 1e-6 else "<$0.000001"
    return f"${value:,.2f}" if abs(value) < LARGE else f"${value:.3g}"


def size(count: float | None) -> str:
    """Return a number of bytes, such as ``12 MB``."""
    if count is None:
        return NOTHING
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if count >= 10 or unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:,.1f} TB"


def cut(value: Any, length: int) -> str:
    """Return the text, cut at its end when it is longer than ``length``."""
    text = str(value)
    return text if len(text) <= length else text[: length - 1] + "…"


def cut_middle(value: Any, length: int) -> str:
    """Return the text, cut in its middle when it is longer than ``length``, as ids are."""
    text = str(value)
    if len(text) <= length:
        return text
    tail = (length - 1) // 2
    return f"{text[: length - 1 - tail]}…{text[-tail:]}"
