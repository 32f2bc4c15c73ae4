"""The commands where another role than theirs owns the tables: what they make has its rights."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from tests.support.citus import Cluster, cluster, command
from tests.support.databases import execute
from tests.support.rights import create_serving_role, serving

OWNER = "telemetry_owner"

# What another role owns, as kind, name and owner. settled_lanes reads what a superuser alone sees.
OF_OTHERS = """
    WITH made AS (
        SELECT relkind::text AS kind, oid::regclass::text AS name, relowner AS owner,
            relnamespace AS schema, oid, 'pg_class'::regclass AS class
        FROM pg_class WHERE relkind <> 'i'
        UNION ALL
        SELECT 'function', oid::regprocedure::text, proowner, pronamespace, oid, 'pg_proc'::regclass
        FROM pg_proc
    )
    SELECT kind, name, owner::regrole::text FROM made
    WHERE schema::regnamespace::text IN ('public', 'os_core', 'audit', 'telemetry_views')
        AND owner <> 'telemetry_owner'::regrole
        AND name NOT LIKE 'settled_lanes(%'
        AND NOT EXISTS (
            SELECT FROM pg_depend
            WHERE classid = made.class AND objid = made.oid AND deptype = 'e'
        )
"""

# What Citus has made known to the workers, and may refuse to change.
KNOWN = """
    SELECT identity FROM pg_dist_object
    CROSS JOIN LATERAL pg_identify_object(classid, objid, objsubid) AS object
    WHERE object.type <> 'role'
"""

# A shard of runs on this worker, and that of the changes of its counts.
SHARDS = """
    SELECT shard_name(runs.logicalrelid, runs.shardid),
        shard_name(changes.logicalrelid, changes.shardid)
    FROM pg_dist_shard AS runs
    JOIN pg_dist_placement AS placement ON placement.shardid = runs.shardid
    JOIN pg_dist_shard AS changes ON changes.shardminvalue = runs.shardminvalue
    WHERE runs.logicalrelid = 'agent_runs'::regclass
        AND changes.logicalrelid = 'agent_run_count_changes'::regclass
        AND placement.groupid = (SELECT groupid FROM pg_dist_local_group)
    LIMIT 1
"""

# Any role may turn them.
BEHIND_CITUS = """
    SET citus.enable_manual_changes_to_shards = on;
    SET citus.override_table_visibility = off;
    SET citus.enable_ddl_propagation = off
"""

INSERT_RUN = """
    INSERT INTO {} (event_id, run_id, agent_name, job_type, start_time, change_number)
    VALUES ('forged', 'forged', 'agent', 'job', now(), 1)
"""


def of_the_owner(url: str) -> str:
    """Return the URL with the role that owns the tables."""
    return url.replace("://postgres:@", f"://{OWNER}:@")


@pytest.fixture(scope="module")
def owned() -> Iterator[Cluster]:
    """A cluster whose tables belong to a role with no other rights; a superuser distributes."""
    with cluster() as started:
        execute(started.url, f"CREATE ROLE {OWNER} LOGIN")
        execute(started.url, f"ALTER DATABASE telemetry OWNER TO {OWNER}")
        command(of_the_owner(started.url), "migrate")
        create_serving_role(started.url)
        yield started


def of_others(url: str) -> list[Any]:
    with psycopg.connect(url) as connection:
        connection.execute("SET citus.override_table_visibility = off")
        return connection.execute(OF_OTHERS).fetchall()


def known(url: str) -> set[Any]:
    with psycopg.connect(url) as connection:
        return {*connection.execute(KNOWN).fetchall()}


def test_what_they_make_belongs_to_the_owner_of_the_tables(owned: Cluster) -> None:
    before = known(owned.url)
    command(owned.url, "distribute")
    for url in (owned.url, *(worker.url for worker in owned.workers)):
        assert of_others(url) == []
    command(owned.url, "undistribute")
    assert of_others(owned.url) == []
    assert known(owned.url) == before


def test_partition_follows_undistribute(owned: Cluster) -> None:
    command(of_the_owner(owned.url), "partition")
    command(of_the_owner(owned.url), "partition", "--undo")
    command(owned.url, "distribute")


@pytest.fixture
def intruder(owned: Cluster) -> Iterator[psycopg.Connection[Any]]:
    """The role that serves, on a worker, with a trigger function that says as whom it runs."""
    with psycopg.connect(serving(owned.workers[0].url), autocommit=True) as connection:
        connection.execute(BEHIND_CITUS)
        connection.execute("CREATE TEMP TABLE seen (who text)")
        connection.execute("GRANT ALL ON seen TO public")
        connection.execute("""
            CREATE FUNCTION pg_temp.see() RETURNS trigger LANGUAGE plpgsql
            AS 'BEGIN INSERT INTO pg_temp.seen VALUES (current_user); RETURN NULL; END'
        """)
        yield connection


def test_a_table_of_a_role_takes_no_place_of_a_shard(intruder: psycopg.Connection[Any]) -> None:
    runs, changes = intruder.execute(SHARDS).fetchone() or ()
    intruder.execute(f"CREATE TEMP TABLE {changes} (LIKE public.{changes})")
    intruder.execute(f"GRANT ALL ON pg_temp.{changes} TO public")
    intruder.execute(f"""
        CREATE TRIGGER see AFTER INSERT ON pg_temp.{changes}
        FOR EACH STATEMENT EXECUTE FUNCTION pg_temp.see()
    """)
    intruder.execute(INSERT_RUN.format(runs))
    assert intruder.execute("SELECT who FROM seen").fetchall() == []


def test_no_other_role_puts_a_function_of_shards_behind_its_trigger(
    intruder: psycopg.Connection[Any],
) -> None:
    runs, _ = intruder.execute(SHARDS).fetchone() or ()
    own = runs.replace("agent_runs", "own")
    intruder.execute(f"CREATE TEMP TABLE {own} (agent_name text, created_at timestamptz)")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        intruder.execute(f"""
            CREATE TRIGGER count AFTER INSERT ON pg_temp.{own} REFERENCING NEW TABLE AS changed
            FOR EACH STATEMENT EXECUTE FUNCTION count_runs_of_shard()
        """)


def test_the_functions_of_shards_reach_a_new_worker_with_their_rights(owned: Cluster) -> None:
    worker = owned.add_worker()
    assert "04_settings done" in command(owned.url, "distribute").stderr
    assert of_others(worker.url) == []
    for name in ("count_runs()", "count_runs_of_shard()"):
        with psycopg.connect(serving(worker.url)) as connection:
            query = "SELECT has_function_privilege(%s, 'EXECUTE')"
            assert connection.execute(query, [name]).fetchone() == (False,)
