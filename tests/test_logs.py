"""Which lines are logged: by LOG_LEVEL, and of the connection pool."""

import json
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


@pytest.mark.long
@pytest.mark.parametrize("level", ["DEBUG", "INFO", "WARNING", "CRITICAL"])
def test_the_level_applies_to_gunicorn_and_the_persistence_is_always_logged(start_service, level):
    service = start_service(LOG_LEVEL=level, WEB_CONCURRENCY="1")
    service.client.get("/version")
    assert service.stop() == 0
    lines = [json.loads(line) for line in service.log.splitlines()]
    (start,) = [line for line in lines if line["message"].startswith("Persistence: ")]
    assert start["level"] == "INFO"
    lines.remove(start)
    least = logging.getLevelNamesMapping()[level]
    assert {line["level"] for line in lines if line["level"] != "INFO"} <= {"DEBUG"}
    for name in ("gunicorn.error", "telemetry.request"):
        found = {line["level"] for line in lines if line["logger"] == name}
        assert ("INFO" in found) == (least <= logging.INFO)
    assert any(line["level"] == "DEBUG" for line in lines) == (level == "DEBUG")
