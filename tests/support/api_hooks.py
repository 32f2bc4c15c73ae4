"""What schemathesis has to be shown: how a body of JSON Lines is sent."""

from typing import Any

import schemathesis

from telemetry.payloads.body import JSON_LINES


@schemathesis.serializer(*JSON_LINES)
def json_lines(_: Any, value: Any) -> bytes:
    """Return the bytes of a text that the document gives, or that was made."""
    return value if isinstance(value, bytes) else str(value).encode()
