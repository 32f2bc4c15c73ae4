import pytest

from telemetry import counters


@pytest.fixture(autouse=True)
def _no_agents():
    """Forget the agents of other tests: each of them would keep its series."""
    counters.AGENTS.clear()
