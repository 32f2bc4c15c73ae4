"""GET /metrics on a logical replica: exact, or made exact by recount_agent_runs().

Publisher and subscriber are two databases of one server; the slot is made first, because CREATE
SUBSCRIPTION would wait for itself.
"""

import psycopg
import pytest
from psycopg.rows import dict_row

from tests.support.databases import database, execute
from tests.support.runs import minimal_run
from tests.support.waiting import wait_until

pytestmark = pytest.mark.faults

URL = "/api/v1/runs"
# A replica has these from its own migrate.
RECORDS = "migration_checksums, _yoyo_migration, _yoyo_log, _yoyo_version"
ONE_BY_ONE = "SELECT agent_name, count(*) AS n FROM agent_runs GROUP BY agent_name"
COPIED = "SELECT count(*) AS n FROM pg_subscription_rel WHERE srsubstate <> 'r'"
CAUGHT_UP = "SELECT confirmed_flush_lsn >= %s AS yes FROM pg_replication_slots"


@pytest.fixture
def pair(server):
    """The publisher's database and the subscriber's, both migrated."""
    execute(server.url, "ALTER SYSTEM SET wal_level = logical")
    server.stop()
    server.start()
    execute(server.url, "CREATE DATABASE replica TEMPLATE postgres")
    urls = server.url, database(server.url, "replica")
    with (
        psycopg.connect(urls[0], autocommit=True, row_factory=dict_row) as publisher,
        psycopg.connect(urls[1], autocommit=True, row_factory=dict_row) as subscriber,
    ):
        subscriber.execute(f"TRUNCATE {RECORDS}")
        yield publisher, subscriber
        subscriber.execute("ALTER SUBSCRIPTION following DISABLE")
        subscriber.execute("ALTER SUBSCRIPTION following SET (slot_name = NONE)")
        subscriber.execute("DROP SUBSCRIPTION following")


def write(client, prefix):
    """Create, complete, rename, delete and fold."""
    for number in range(40):
        run = minimal_run(f"{prefix}-{number}", agent_name=f"agent-{number % 3}")
        assert client.post(URL, json=run).status_code == 201
    batch = [minimal_run(f"{prefix}-batch-{n}", status="success") for n in range(100)]
    assert client.post(f"{URL}/batch", json=batch).json["inserted"] == 100


def change(publisher, prefix):
    publisher.execute("SELECT fold_agent_run_counts(1000)")
    publisher.execute(
        "UPDATE agent_runs SET agent_name = 'renamed' WHERE event_id LIKE %s", [f"{prefix}-1%"]
    )
    publisher.execute("DELETE FROM agent_runs WHERE event_id LIKE %s", [f"{prefix}-2%"])
    publisher.execute("SELECT fold_agent_run_counts(1)")


def follow(publisher, subscriber, tables):
    publisher.execute(f"CREATE PUBLICATION everything FOR {tables}")
    publisher.execute("SELECT pg_create_logical_replication_slot('following', 'pgoutput')")
    info = publisher.info
    source = f"host={info.host} port={info.port} user={info.user} dbname={info.dbname}"
    subscriber.execute(
        f"CREATE SUBSCRIPTION following CONNECTION '{source}' PUBLICATION everything"
        " WITH (create_slot = false, slot_name = following)"
    )
    wait_until(lambda: subscriber.execute(COPIED).fetchone()["n"] == 0)


def wait_for(publisher):
    row = publisher.execute("SELECT pg_current_wal_lsn() AS lsn").fetchone()
    wait_until(lambda: publisher.execute(CAUGHT_UP, [row["lsn"]]).fetchone()["yes"])


def counted(client):
    metrics = client.get("/metrics").json
    assert sum(metrics["agents"].values()) == metrics["total_runs"]
    return metrics["agents"]


def one_by_one(db):
    return {row["agent_name"]: row["n"] for row in db.execute(ONE_BY_ONE)}


def clients(make_app, publisher, subscriber):
    urls = [
        database(url, db.info.dbname)
        for db in (publisher, subscriber)
        for url in [f"postgresql://postgres:@/postgres?host={db.info.host}"]
    ]
    return [make_app(database_url=url).test_client() for url in urls]


def test_with_all_tables_it_is_exact(make_app, pair):
    publisher, subscriber = pair
    source, replica = clients(make_app, publisher, subscriber)
    write(source, "before")
    change(publisher, "before")
    follow(publisher, subscriber, "ALL TABLES")
    write(source, "while")
    change(publisher, "while")
    wait_for(publisher)
    assert counted(replica) == one_by_one(subscriber) == one_by_one(publisher) == counted(source)
    publisher.execute("TRUNCATE agent_runs")
    wait_for(publisher)
    assert counted(replica) == one_by_one(subscriber) == {}


def test_with_the_runs_alone_a_recount_makes_it_exact(make_app, pair):
    publisher, subscriber = pair
    source, replica = clients(make_app, publisher, subscriber)
    write(source, "before")
    follow(publisher, subscriber, "TABLE agent_runs")
    write(source, "while")
    change(publisher, "while")
    wait_for(publisher)
    assert one_by_one(subscriber) == one_by_one(publisher) == counted(source)
    assert counted(replica) == {}
    subscriber.execute("SELECT recount_agent_runs()")
    assert counted(replica) == one_by_one(subscriber)
    # The replica takes over.
    subscriber.execute("ALTER SUBSCRIPTION following DISABLE")
    write(replica, "after")
    change(subscriber, "after")
    assert counted(replica) == one_by_one(subscriber)
