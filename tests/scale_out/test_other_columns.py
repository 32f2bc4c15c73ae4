"""A DBA may add columns to a partitioned table and to its ids, too."""

import pytest

from telemetry.scale_out.partition import Conversion
from tests import test_other_columns
from tests.test_other_columns import add_columns, second_url

pytestmark = pytest.mark.long

__all__ = ["second_url"]

test_every_response_stays_the_same = test_other_columns.test_every_response_stays_the_same
test_every_command_works = test_other_columns.test_every_command_works


@pytest.fixture
def databases(partitioned_databases):
    """The databases to take are partitioned."""
    return partitioned_databases


def test_the_table_can_be_made_plain_and_partitioned_again(database_url, db):
    add_columns(database_url)
    conversion = Conversion(database_url, lambda _: None)
    assert conversion.undo() == "runtime_events is one plain table again"
    assert conversion.partition()
    assert db.execute("SELECT FROM runtime_events_partitions()").rowcount == 2
