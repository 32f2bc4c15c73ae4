"""What is counted of the pool of connections."""

import pytest

from telemetry.database.errors import DatabaseUnavailable
from tests.support.samples import samples, value

RECORDS = {"database": "records"}


@pytest.fixture
def pool_of_one(make_app):
    app = make_app(db_pool_size=1)
    return app.test_client(), app.extensions["databases"][0]


def test_a_wait_that_ends_without_a_connection_is_counted(pool_of_one):
    client, database = pool_of_one
    before = samples(client)

    def ask_for_another(_):
        with pytest.raises(DatabaseUnavailable):
            database.fetch_one(b"SELECT 1", within=0.2)

    database.transact(ask_for_another)
    after = samples(client)

    def growth(name, **labels):
        return value(after, name, **labels) - value(before, name, **labels)

    assert growth("telemetry_db_pool_failed_waits_total", **RECORDS) == 1
    slow = growth("telemetry_db_pool_wait_seconds_count", **RECORDS) - growth(
        "telemetry_db_pool_wait_seconds_bucket", **RECORDS, le="0.1"
    )
    assert slow == 1
