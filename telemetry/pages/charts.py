"""Where the bars of charts stand. Widths are percentages, so that a chart fits every screen."""

from collections.abc import Sequence
from typing import Any, NamedTuple

# The part of the width that bars take; the labels of the axis have the rest.
PLOT = 91.0
HEIGHT = 150

# A strip is 40 cells of 5 units; below its bars, a mark shows what colour alone would.
STRIP_HEIGHT = 20


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


class Value(NamedTuple):
    """A line of the grid with the value that it stands for."""

    y: float
    value: float


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
    return [Line(line.y, short(line.value)) for line in grid_values(largest, height)]


def grid_values(largest: float, height: int = HEIGHT) -> list[Value]:
    """Return the lines of an axis, from 0 up."""
    top, step = scale(largest)
    return [
        Value(round(height - height * number * step / top, 1), number * step)
        for number in range(int(top / step) + 1)
    ]


def stack(bars: Sequence[Sequence[tuple[str, int]]], height: int = HEIGHT) -> list[list[Segment]]:
    """Return the segments of stacked bars: each bar is the counts of its states, from below."""
    top = scale(max((sum(count for _, count in bar) for bar in bars), default=0))[0]
    slot = PLOT / max(1, len(bars))
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
    """Return single bars: each value with the class of its bar. A value of 0 has no height."""
    if largest is None:
        largest = max((value for _, value in values), default=0)
    top = scale(largest)[0]
    slot = PLOT / max(1, len(values))
    heights = [max(1.5, height * value / top) if value else 0 for _, value in values]
    return [
        _segment(state, number, slot, height - tall, tall)
        for number, ((state, _), tall) in enumerate(zip(values, heights, strict=True))
    ]


def strip(runs: Sequence[tuple[str, float]], cells: int = 40) -> list[Segment]:
    """Return the cells of a strip, the newest at the right: state and duration of each run.

    The longest tenth has the same height, so that one long run does not flatten all others. ``x``
    and ``width`` are units, 5 to a cell.
    """
    ordered = sorted(duration for _, duration in runs)
    largest = ordered[(len(ordered) - 1) * 9 // 10] or ordered[-1] if ordered else 0
    first = cells - len(runs)
    placed = []
    for number, (state, duration) in enumerate(runs):
        tall = 3 + (STRIP_HEIGHT - 3) * (min(duration, largest) / largest if largest else 0)
        placed.append(
            Segment(state, (first + number) * 5, round(STRIP_HEIGHT - tall, 1), 4, round(tall, 1))
        )
    return placed


def labels(texts: Sequence[str], count: int = 5) -> list[tuple[float, str, str]]:
    """Return about ``count`` of the texts below bars: percentage, text-anchor and text."""
    last = len(texts) - 1
    if last < 1:
        return [(0, "start", text) for text in texts]
    picked = sorted({round(last * number / (count - 1)) for number in range(count)})
    anchors = {0: "start", last: "end"}
    slot = PLOT / len(texts)
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


def _segment(state: str, number: int, slot: float, y: float, tall: float) -> Segment:
    gap = min(0.3, slot * 0.15)
    return Segment(
        state, round(slot * number + gap, 3), round(y, 1), round(slot - 2 * gap, 3), round(tall, 1)
    )
