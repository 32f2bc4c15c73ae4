"""Whether this Python can run the server. It has to be readable for those that cannot."""

import sys

_OLDEST = (3, 11)


def check_python() -> None:
    """Exit with one line when this Python is too old for the server."""
    if sys.version_info < _OLDEST:
        found = ".".join(map(str, sys.version_info[:3]))
        sys.exit(
            f"telemetry: the server needs Python 3.11 or newer, and this is {found}; "
            "the client (telemetry.client) needs 3.9 or newer"
        )
