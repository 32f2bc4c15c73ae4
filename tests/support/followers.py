"""Followers of all three feeds, and records of the same name in each."""

from typing import Any

from tests.support.audio_runtime import event
from tests.support.feed import Follower
from tests.support.runs import minimal_run
from tests.support.runtime_events import minimal_event

# The query of each feed, and the field that has the name of a record.
FEEDS: dict[str, tuple[dict[str, str], str]] = {
    "runs": ({}, "event_id"),
    "runtime-events": ({}, "id"),
    "audio-runtime": ({"tenant_id": "tenant-1"}, "idempotency_key"),
}

Followers = dict[str, Follower]


def followers(get: Any, limit: int = 3) -> Followers:
    """Return a follower of each feed, from its beginning; ``get`` is that of Follower."""
    return {
        name: Follower(get, f"/api/v1/feed/{name}", limit=limit, **query)
        for name, (query, _) in FEEDS.items()
    }


def continue_with(get: Any, following: Followers) -> Followers:
    """Return followers that ask elsewhere, from where these are."""
    moved = followers(get)
    for name, follower in moved.items():
        follower.cursor = following[name].cursor
    return moved


def bodies(name: str, device: str = "device-1") -> dict[str, dict[str, Any]]:
    """Return a record of each feed with this name, by the path to post it to."""
    tenant = {"tenant_id": "tenant-1", "device_id": device}
    return {
        "/api/v1/runs": minimal_run(name),
        "/api/runtime/events": minimal_event(id=name),
        "/api/v1/audio-runtime/events": event(idempotency_key=name, **tenant),
    }


def write(client: Any, *names: str, device: str = "device-1") -> None:
    """Post a record of each feed for each name."""
    for name in names:
        for path, body in bodies(name, device).items():
            assert client.post(path, json=body).status_code == 201


def pages(following: Followers) -> dict[str, list[str]]:
    """Return the names that each follower has seen since its last page."""
    return {
        name: [item[FEEDS[name][1]] for item in follower.catch_up()]
        for name, follower in following.items()
    }


def seen(following: Followers) -> list[str]:
    """Return the names that every follower has seen since its last page, the same for all."""
    found = pages(following)
    assert found["runs"] == found["runtime-events"] == found["audio-runtime"]
    return found["runs"]
