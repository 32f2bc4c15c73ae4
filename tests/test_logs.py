"""Which of the connection pool's messages are logged, and how often."""

import logging

import pytest

from telemetry.logs import PoolFailureFilter


def record(message, *arguments):
    return logging.LogRecord("psycopg.pool", logging.WARNING, "f", 1, message, arguments, None)


@pytest.fixture
def is_logged():
    """Return whether the reason for a failed connection is logged at a time."""
    pool_failures = PoolFailureFilter()

    def is_logged(reason, seconds):
        failure = record("error connecting in 'telemetry': %s", reason)
        failure.created = 1_800_000_000 + seconds
        return pool_failures.filter(failure)

    return is_logged


def test_each_reason_is_logged_once_per_minute(is_logged):
    for seconds in (0, 61):
        assert is_logged("a", seconds)
        assert is_logged("b", seconds + 1)
        assert not is_logged("a", seconds + 2)
        assert not is_logged("b", seconds + 59)


def test_a_clock_that_is_set_back_silences_nothing(is_logged):
    assert is_logged("a", 0)
    assert is_logged("a", -3600)
    assert not is_logged("a", -3599)


def test_no_other_message_of_the_pool_is_logged():
    assert not PoolFailureFilter().filter(record("rolled back"))
