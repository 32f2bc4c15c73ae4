"""Every table can be published: CREATE PUBLICATION … FOR ALL TABLES changes nothing."""

from contextlib import contextmanager

import psycopg
import pytest

from tests.support.everything import play
from tests.support.runs import minimal_run

WITHOUT_IDENTITY = """
    SELECT relation.oid::regclass::text AS name
    FROM pg_class AS relation
    WHERE
        relation.relkind IN ('r', 'p')
        AND relation.relnamespace::regnamespace::text !~ '^pg_|^information'
        AND NOT CASE relation.relreplident
            WHEN 'f' THEN TRUE
            WHEN 'n' THEN FALSE
            ELSE EXISTS (
                SELECT FROM pg_index
                WHERE
                    pg_index.indrelid = relation.oid
                    AND pg_index.indisvalid
                    AND CASE relation.relreplident
                        WHEN 'd' THEN pg_index.indisprimary ELSE pg_index.indisreplident
                    END
            )
        END
"""


@contextmanager
def everything_published(db):
    db.execute("CREATE PUBLICATION everything FOR ALL TABLES")
    yield db
    db.execute("DROP PUBLICATION everything")


@pytest.fixture
def published(db):
    with everything_published(db):
        yield db


def test_every_table_has_a_primary_key_or_a_replica_identity(db):
    assert db.execute(WITHOUT_IDENTITY).fetchall() == []


def test_every_response_stays_the_same(make_app, databases):
    expected = play(make_app(), range(2))
    url = databases.take()
    with psycopg.connect(url, autocommit=True) as db, everything_published(db):
        assert play(make_app(database_url=url), range(2)) == expected
    databases.give_back(url)


@pytest.mark.one_node("folds and recounts the counts of one node")
def test_runs_are_counted_folded_and_emptied(client, published):
    for number in range(20):
        assert client.post("/api/v1/runs", json=minimal_run(f"run-{number}")).status_code == 201
    folded = published.execute("SELECT fold_agent_run_counts(1000) AS n").fetchone()
    assert folded["n"] <= 20
    published.execute("UPDATE agent_runs SET agent_name = 'other' WHERE event_id = 'run-1'")
    published.execute("DELETE FROM agent_runs WHERE event_id = 'run-2'")
    published.execute("SELECT fold_agent_run_counts(1000)")
    assert client.get("/metrics").json["agents"] == {"agent-a": 18, "other": 1}
    assert published.execute("SELECT recount_agent_runs() AS n").fetchone()["n"] == 19
    published.execute("TRUNCATE agent_runs")
    assert client.get("/metrics").json["total_runs"] == 0
