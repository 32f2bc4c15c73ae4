"""What schemathesis is missing: how a body of JSON Lines is sent, and a sign of progress."""

import os
import sys
from itertools import count
from typing import Any

import schemathesis

from telemetry.payloads.body import JSON_LINES
from tests.support.api_cases import PROGRESS

STEP = 500

_sent = count(1)


@schemathesis.serializer(*JSON_LINES)
def json_lines(_: Any, value: Any) -> bytes:
    """Return the bytes of a text that the document gives, or that was made."""
    return value if isinstance(value, bytes) else str(value).encode()


@schemathesis.hook
def after_call(_context: Any, _case: Any, _response: Any) -> None:
    """Say from time to time how many requests were sent."""
    if PROGRESS in os.environ and (number := next(_sent)) % STEP == 0:
        print(f"{number:,} requests", file=sys.stderr, flush=True)
