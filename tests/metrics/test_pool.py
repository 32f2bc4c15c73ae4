"""What is counted of the pool of connections."""

from time import monotonic

import pytest

from telemetry.database.errors import DatabaseUnavailable
from tests.support.command import telemetry
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


UP = "telemetry_database_up"


@pytest.mark.faults
def test_a_database_whose_pool_is_in_use_is_up(pool_of_one):
    client, database = pool_of_one
    found = {}
    database.transact(lambda _: found.update(samples(client)))
    assert value(found, UP, **RECORDS) == 1
    assert value(found, "telemetry_database_writable", **RECORDS) == 1
    assert "telemetry_runs" not in found


def test_a_locked_table_hides_only_itself(client, database_url, db):
    telemetry("verify", DATABASE_URL=database_url)
    with db.transaction():
        db.execute("LOCK TABLE agent_runs")
        started = monotonic()
        found = samples(client)
        took = monotonic() - started
    assert value(found, UP, **RECORDS) == 1
    assert "telemetry_ledger_verify_findings" in found
    assert "telemetry_runs" not in found
    assert took < 8, "it waits for a statement that is canceled after ten seconds"


def test_a_database_without_the_table_of_verifies_is_up(client, db):
    db.execute("ALTER TABLE audio_runtime_verifications RENAME TO elsewhere")
    found = samples(client)
    assert value(found, UP, **RECORDS) == 1
    assert "telemetry_ledger_verify_findings" not in found


def test_a_read_only_database_is_up_and_takes_no_writes(make_app, database_url, db):
    db.execute(f"ALTER DATABASE {db.info.dbname} SET default_transaction_read_only = on")
    found = samples(make_app().test_client())
    db.execute(f"ALTER DATABASE {db.info.dbname} RESET default_transaction_read_only")
    assert value(found, UP, **RECORDS) == 1
    assert found["telemetry_database_writable"] == {frozenset(RECORDS.items()): 0}


def test_the_size_of_the_pools_is_that_of_the_workers(make_app):
    most = "telemetry_db_pool_connections_max"
    found = samples(make_app(db_pool_size=3, web_concurrency=4).test_client())
    assert value(found, most, database="records") == 3
    found = samples(make_app(database_url=None).test_client())
    assert value(found, most, database="records") == 0
