"""The states of runs on pages: the statuses of the API, and stale."""

from collections.abc import Mapping
from typing import Any

# In the order of the figures of the overview. A run that is stale counts as that alone.
STATES = ("success", "failure", "running", "stale", "partial", "timeout", "cancelled")

# Those of a run that failed: runs are grouped by their error, and found by it.
FAILED = ("failure", "timeout")

# From the bottom of a bar up, so that what needs attention stands on top.
STACK = ("success", "running", "cancelled", "partial", "timeout", "failure")


def state_of(run: Mapping[str, Any]) -> str:
    """Return the state that a page shows for a run: its status, or stale."""
    return "stale" if run["stale"] else str(run["status"])
