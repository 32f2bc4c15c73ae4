"""The failure of the JSON file."""

from telemetry.failures import Unavailable


class EventsFileUnavailable(Unavailable):
    """The JSON file cannot be used at the moment; the message says why."""
