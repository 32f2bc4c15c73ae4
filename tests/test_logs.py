"""What the log tells, and how often."""

import logging

import pytest

from telemetry.logs import NoConnection


@pytest.fixture
def told():
    """A function that tells whether the pool may say at a time why it has no connection."""
    no_connection = NoConnection()

    def told(cause, seconds):
        record = logging.LogRecord(
            "psycopg.pool",
            logging.WARNING,
            "f",
            1,
            "error connecting in 'telemetry': %s",
            (cause,),
            None,
        )
        record.created = 1_800_000_000 + seconds
        return no_connection.filter(record)

    return told


def test_each_cause_is_told_once_a_minute(told):
    for seconds in (0, 61):
        assert told("a", seconds)
        assert told("b", seconds + 1)
        assert not told("a", seconds + 2)
        assert not told("b", seconds + 59)


def test_a_clock_that_is_set_back_silences_nothing(told):
    assert told("a", 0)
    assert told("a", -3600)
    assert not told("a", -3599)


def test_nothing_else_of_the_pool_is_told():
    record = logging.LogRecord("psycopg.pool", logging.WARNING, "f", 1, "rolled back", (), None)
    assert not NoConnection().filter(record)
