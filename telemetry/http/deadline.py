"""The deadline of a request: all its waits end together, 24 s after its last byte."""

from flask import Flask

from telemetry import time_limits


def init_app(app: Flask) -> None:
    """Start the clock of every request; stop it when the request's context ends.

    Reading the body restarts the clock, so that a slow upload does not count.
    """
    app.before_request(time_limits.start_request)
    app.teardown_request(time_limits.end_request)
