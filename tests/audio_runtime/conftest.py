"""The cast: device-1 and device-2 of tenant-1, device-3 of tenant-2, a session for each tenant."""

import pytest

from tests.support.ledger import Ledger


@pytest.fixture
def ledger(database_url, db):
    """The tables, to look into and to check."""
    return Ledger(database_url, db)


@pytest.fixture
def cast(ledger):
    ledger.bind({"device-1": "tenant-1", "device-2": "tenant-1", "device-3": "tenant-2"})
    ledger.open({71: ("tenant-1", "device-1"), 72: ("tenant-2", "device-3")})
    return ledger
