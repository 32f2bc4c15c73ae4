"""Runtime events to post."""

from typing import Any

URL = "/api/runtime/events"
BATCH_URL = f"{URL}/batch"
SUMMARY_URL = "/api/runtime/endpoints/summary"
IDEAS_URL = "/api/runtime/ideas/summary"
TOKEN_URL = "/api/runtime/change-token"


def minimal_event(**fields: Any) -> dict[str, Any]:
    """Return an event with its required fields, and ``fields``."""
    return {"source": "api", "endpoint": "/api/ideas", "runtime_ms": 12.5, **fields}


def full_event(**fields: Any) -> dict[str, Any]:
    """Return an event with every field of the contract, and ``fields``."""
    return {
        "id": "event-1",
        "source": "web_api",
        "endpoint": "/api/ideas?page=2",
        "raw_endpoint": "https://example.org/api/ideas?page=2",
        "method": "post",
        "status_code": 503,
        "runtime_ms": 1500,
        "idea_id": "idea-ä",
        "metadata": {"text": "日本", "whole": 3, "real": 0.1, "yes": True, "nothing": None},
        **fields,
    }
