"""What the difference between two clocks means."""

from datetime import timedelta

import pytest

from telemetry.doctor.clock import explained
from tests.doctor.support import doctor


@pytest.mark.parametrize(
    ("seconds", "uncertainty", "level", "words"),
    [
        (0, 0.001, "ok", "agree within 1 ms"),
        (-1.9, 0.001, "ok", "agree within 1900 ms"),
        (3, 1.5, "ok", "agree within 3000 ms"),
        (5, 0.01, "warning", "the database is 5 s ahead of this machine"),
        (-5, 0.01, "warning", "the database is 5 s behind this machine"),
        (-3600, 0.01, "problem", "the database is 3600 s behind this machine"),
    ],
)
def test_it_says_which_clock_is_ahead(seconds, uncertainty, level, words):
    found = explained(timedelta(seconds=seconds), timedelta(seconds=uncertainty))
    assert found.level == level
    assert words in found.says


def test_one_machine_agrees_with_itself(database_url):
    found = doctor(DATABASE_URL=database_url)
    assert any("this machine and the database agree" in it for it in found.of("ok"))
