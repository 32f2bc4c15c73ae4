"""Where the bars of charts stand. Widths are percentages, so that a chart fits every screen."""

from collections.abc import Sequence
from typing import Any, NamedTuple

HEIGHT = 150

# A strip is 40 cells of 4 units; below its bars, a mark shows what colour alone would.
CELL = 4
STRIP_HEIGHT = 20

# The distances of the lines of an axis of time, in milliseconds: those of clocks, not of decimals.
DAY = 86_400_000.0
TIME_STEPS = (
    *(1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0),
    *(1000.0 * seconds for seconds in (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800)),
    *(3_600_000.0 * hours for hours in (1, 2, 6, 12)),
)
TIME_UNITS = ((DAY, "d"), (3_600_000.0, "h"), (60_000.0, "m"), (1000.0, "s"), (1.0, "ms"))


class Segment(NamedTuple):
    """A part of a bar, or a bar: ``state`` is its class. ``x`` and ``width`` are percentages."""

    state: str
    x: float
    y: float
    width: float
    height: float


class Line(NamedTuple):
    """A line of the grid with its label."""

    y: float
    label: str


def scale(largest: float) -> tuple[float, float]:
    """Return the top of an axis that shows ``largest``, and the distance of its lines."""
    if largest <= 4:
        return 4, 1
    magnitude = 1.0
    while magnitude * 10 <= largest / 4:
        magnitude *= 10
    step = next(magnitude * it for it in (1, 2, 2.5, 5, 10) if magnitude * it * 4 >= largest)
    if step != int(step):
        step = magnitude * 5
    return -(-largest // step) * step, step


def grid(largest: float, height: int = HEIGHT) -> list[Line]:
    """Return the lines of an axis of counts, from 0 up."""
    return [Line(y, short(value)) for y, value in _lines(*scale(largest), height)]


def time_scale(largest: float) -> tuple[float, float]:
    """Return the top of an axis of milliseconds that shows ``largest``, and its lines' distance."""
    step = next((it for it in TIME_STEPS if it * 4 >= largest), DAY * -(-largest // (4 * DAY)))
    return max(1, -(-largest // step)) * step, step


def time_grid(largest: float, height: int = HEIGHT) -> list[Line]:
    """Return the lines of an axis of milliseconds, from 0 up."""
    return [Line(y, time_label(value)) for y, value in _lines(*time_scale(largest), height)]


def time_label(ms: float) -> str:
    """Return the label of a line in its largest whole unit, such as ``5 m`` or ``90 s``."""
    if not ms:
        return "0"
    size, unit = next((it for it in TIME_UNITS if ms % it[0] == 0), TIME_UNITS[-1])
    return f"{ms / size:,.3g} {unit}" if ms < 1000 * size else f"{ms / size:,.0f} {unit}"


def stack(bars: Sequence[Sequence[tuple[str, int]]], height: int = HEIGHT) -> list[list[Segment]]:
    """Return the segments of stacked bars: each bar is the counts of its states, from below."""
    top = scale(max((sum(count for _, count in bar) for bar in bars), default=0))[0]
    slot = 100 / max(1, len(bars))
    stacked = []
    for number, bar in enumerate(bars):
        y = float(height)
        segments = []
        for state, count in bar:
            if count:
                # Never thinner than a line: one failure among a thousand runs has to be seen.
                tall = max(1.5, height * count / top)
                y -= tall
                segments.append(_segment(state, number, slot, y, tall))
        stacked.append(segments)
    return stacked


def columns(
    values: Sequence[tuple[str, float]], height: int = HEIGHT, largest: float | None = None
) -> list[Segment]:
    """Return single bars of milliseconds, each with its class. A value of 0 has no height.

    A value above the axis that shows ``largest`` is as tall as the axis.
    """
    if largest is None:
        largest = max((value for _, value in values), default=0)
    top = time_scale(largest)[0]
    slot = 100 / max(1, len(values))
    heights = [min(max(1.5, height * it / top), height) if it else 0 for _, it in values]
    return [
        _segment(state, number, slot, height - tall, tall)
        for number, ((state, _), tall) in enumerate(zip(values, heights, strict=True))
    ]


def strip(runs: Sequence[tuple[str, float]], cells: int = 40) -> list[Segment]:
    """Return the cells of a strip, the newest at the right: state and duration of each run.

    The longest tenth has the same height, so that one long run does not flatten all others. ``x``
    and ``width`` are units, 4 to a cell.
    """
    largest = most([duration for _, duration in runs])
    first = cells - len(runs)
    placed = []
    for number, (state, duration) in enumerate(runs):
        tall = 3 + (STRIP_HEIGHT - 3) * (min(duration, largest) / largest if largest else 0)
        placed.append(
            Segment(
                state, (first + number) * CELL, round(STRIP_HEIGHT - tall, 1), 3, round(tall, 1)
            )
        )
    return placed


def most(values: Sequence[float]) -> float:
    """Return the largest value but for the longest tenth; 0 without values."""
    ordered = sorted(values)
    return ordered[(len(ordered) - 1) * 9 // 10] or ordered[-1] if ordered else 0


def labels(texts: Sequence[str], count: int = 5) -> list[tuple[float, str, str]]:
    """Return about ``count`` of the texts below bars: percentage, text-anchor and text."""
    last = len(texts) - 1
    if last < 1:
        return [(0, "start", text) for text in texts]
    picked = sorted({round(last * number / (count - 1)) for number in range(count)})
    anchors = {0: "start", last: "end"}
    slot = 100 / len(texts)
    return [
        (round(slot * (it + (it == last)), 2), anchors.get(it, "middle"), texts[it])
        for it in picked
    ]


def short(value: float) -> str:
    """Return the label of an axis, such as ``1.5k``."""
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= limit:
            return f"{value / limit:.3g}{unit}"
    return f"{value:.3g}"


def spread(start: Any, end: Any, first: Any, whole: float) -> tuple[float, float]:
    """Return where a run lies on a timeline from ``first`` for ``whole`` seconds, in percent."""
    left = (start - first).total_seconds() / whole * 100 if whole else 0.0
    width = (end - start).total_seconds() / whole * 100 if whole else 100.0
    left = min(max(left, 0.0), 99.0)
    return round(left, 2), round(min(max(width, 0.7), 100 - left), 2)


def _lines(top: float, step: float, height: int) -> list[tuple[float, float]]:
    """Return the place and the value of each line of an axis, from 0 up."""
    return [
        (round(height - height * number * step / top, 1), number * step)
        for number in range(round(top / step) + 1)
    ]


def _segment(state: str, number: int, slot: float, y: float, tall: float) -> Segment:
    gap = min(0.3, slot * 0.15)
    return Segment(
        state, round(slot * number + gap, 3), round(y, 1), round(slot - 2 * gap, 3), round(tall, 1)
    )
