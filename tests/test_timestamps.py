"""Parsing timestamps."""

from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from telemetry import timestamps
from telemetry.timestamps import parse_utc

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)

parts = st.sampled_from(
    [
        *"0123456789TtZz-+:., ",
        "2026-01-31",
        "12:00:00",
        "+00:00",
        "00",
        ".1234567",
        "\u0662",
        "\ud800",
    ]
)
texts = st.builds(
    lambda text, start, cut, put: text[:start] + put + text[start + cut :],
    st.datetimes().map(lambda it: it.isoformat() + "Z") | st.just("2026-01-31T12:00:00+00:00"),
    st.integers(0, 30),
    st.integers(0, 10),
    st.lists(parts, max_size=3).map("".join),
)


def parsed(text):
    try:
        return parse_utc(text)
    except ValueError as error:
        return type(error)


@pytest.mark.parametrize(
    ("text", "microsecond"),
    [
        ("2026-01-31T12:00:00Z", 0),
        ("2026-01-31T12:00:00+00:00", 0),
        ("2026-01-31T12:00Z", 0),
        ("2026-01-31t12:00:00z", 0),
        ("2026-01-31T17:30:00+05:30", 0),
        ("2026-01-31 04:00:00-0800", 0),
        ("2026-01-31T12:00:00.5Z", 500_000),
        ("2026-01-31T12:00:00,5Z", 500_000),
        ("2026-01-31T12:00:00.123456Z", 123_456),
        ("2026-01-31T12:00:00.1234569Z", 123_456),
        (f"2026-01-31T12:00:00.{'123456' * 10}Z", 123_456),
    ],
)
def test_it_returns_the_timestamp_in_utc(text, microsecond):
    moment = parse_utc(text)
    assert moment == NOON.replace(microsecond=microsecond)
    assert moment.tzinfo is UTC


@given(text=texts)
@example("2026-13-31T12:00:00Z")
@example("0000-01-01T00:00:00Z")
@example("2026-01-31T12:00:00-00:00")
def test_the_look_up_of_usual_timestamps_never_changes_the_result(text):
    with_look_up = parsed(text)
    usual, timestamps._USUAL = timestamps._USUAL, frozenset()
    try:
        assert parsed(text) == with_look_up
    finally:
        timestamps._USUAL = usual
