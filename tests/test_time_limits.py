"""The time limits of a request add up, and gunicorn uses them."""

import subprocess
import sys

from telemetry.time_limits import (
    ANSWER_SECONDS,
    CANCEL_SECONDS,
    CONNECT_SECONDS,
    GRACEFUL_SECONDS,
    GROUP_SECONDS,
    IDLE_SECONDS,
    PLATFORM_SECONDS,
    READINESS_SECONDS,
    REQUEST_SECONDS,
    STATEMENT_SECONDS,
)
from tests.support.service import PROJECT, environment


def test_a_request_with_one_statement_ends_before_the_deadline():
    assert CONNECT_SECONDS + ANSWER_SECONDS < REQUEST_SECONDS


def test_the_deadline_comes_before_a_stopping_worker_and_the_platform_give_up():
    assert REQUEST_SECONDS + CANCEL_SECONDS < GRACEFUL_SECONDS < PLATFORM_SECONDS


def test_postgresql_cancels_a_statement_before_its_connection_is_thrown_away():
    assert STATEMENT_SECONDS < ANSWER_SECONDS


def test_a_record_waits_longer_than_any_group_takes():
    assert GROUP_SECONDS > CONNECT_SECONDS + ANSWER_SECONDS


def test_readiness_responds_within_3_seconds():
    assert READINESS_SECONDS < 3


def test_an_idle_connection_outlives_those_of_routers():
    assert IDLE_SECONDS > 90  # Heroku's


def test_gunicorn_uses_the_limits():
    command = [sys.executable, "-m", "gunicorn", "--print-config", "wsgi:app"]
    run = subprocess.run(
        command, cwd=PROJECT, env=environment(), capture_output=True, text=True, check=True
    )
    settings = dict(line.split("=", 1) for line in run.stdout.splitlines() if "=" in line)
    values = {name.strip(): value.strip() for name, value in settings.items()}
    assert values["graceful_timeout"] == str(GRACEFUL_SECONDS)
    assert values["keepalive"] == str(IDLE_SECONDS)
