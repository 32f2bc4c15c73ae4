"""Axes and bars of charts, and the figures beside them."""

import pytest

from telemetry.pages import charts, formats, render


@pytest.mark.parametrize(
    ("largest", "labels"),
    [
        (0, ["0", "1 ms"]),
        (38, ["0", "10 ms", "20 ms", "30 ms", "40 ms"]),
        (4_200, ["0", "2 s", "4 s", "6 s"]),
        (110_000, ["0", "30 s", "1 m", "90 s", "2 m"]),
        (1_000_000, ["0", "5 m", "10 m", "15 m", "20 m"]),
        (7_000_000, ["0", "30 m", "1 h", "90 m", "2 h"]),
        (9 * 86_400_000, ["0", "3 d", "6 d", "9 d"]),
    ],
)
def test_an_axis_of_time_has_the_steps_of_a_clock(largest, labels):
    assert [line.label for line in charts.time_grid(largest)] == labels


@pytest.mark.parametrize("largest", [0, 1, 5, 999, 86_400_000, 1e13, 1e18])
def test_an_axis_of_time_shows_its_largest_value_in_few_lines(largest):
    top, step = charts.time_scale(largest)
    assert top >= largest
    assert 1 <= top / step <= 4


def test_a_value_above_the_axis_is_as_tall_as_the_axis():
    bars = charts.columns([("plain", 5.0), ("plain", 5000.0), ("plain", 0.0)], 90, largest=10)
    assert [bar.height for bar in bars] == [45, 90, 0]
    assert [bar.y for bar in bars] == [45, 0, 90]


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (0.42, "$0.42"),
        (0.004397, "$0.0044"),
        (0.000964, "$0.00096"),
        (0, "$0.00"),
        (1e-9, "<$0.000001"),
    ],
)
def test_an_amount_below_a_cent_has_two_digits(amount, text):
    assert formats.money(amount) == text


def test_an_id_is_cut_in_its_middle_and_whole_on_hover():
    assert render.split_tag("short-id") == "<bdi>short-id</bdi>"
    tag = render.split_tag("20261126T181227Z-hugo-translator-9df9")
    assert 'title="20261126T181227Z-hugo-translator-9df9"' in tag
    assert "<span>tor-9df9</span>" in tag
    assert "<b>" not in render.split_tag("<b>" * 200)
    assert len(render.split_tag("<b>" * 10_000)) < 5_000
