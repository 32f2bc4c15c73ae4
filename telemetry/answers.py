"""JSON answers."""

from collections.abc import Mapping
from typing import Any

import msgspec
from flask import Response


def answer(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return ``body`` as a JSON response."""
    return Response(
        msgspec.json.encode(body), status, headers=headers, content_type="application/json"
    )
