"""A dump of a partitioned database, restored by the commands of docs/backup.md."""

import pytest

from tests.database import test_dump
from tests.database.test_dump import filled

pytestmark = pytest.mark.long

__all__ = ["filled"]

test_after_a_dump_and_restore_into_a_new_cluster = (
    test_dump.test_after_a_dump_and_restore_into_a_new_cluster
)


@pytest.fixture(autouse=True)
def transactions(db):
    """Use up more transaction ids than a restore does, which makes more tables here."""
    for _ in range(500):
        db.execute("SELECT pg_current_xact_id()")
