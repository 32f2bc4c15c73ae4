"""The counts beside a shard of runs: what a fold moves and removes."""

import psycopg

from tests.support.citus import Cluster

# A shard of the counts on this worker, and that of the changes beside it.
SHARDS = """
    SELECT shard_name(counts.logicalrelid, counts.shardid),
        shard_name(changes.logicalrelid, changes.shardid)
    FROM pg_dist_shard AS counts
    JOIN pg_dist_placement AS placement ON placement.shardid = counts.shardid
    JOIN pg_dist_shard AS changes ON changes.shardminvalue = counts.shardminvalue
    WHERE counts.logicalrelid = 'agent_run_counts'::regclass
        AND changes.logicalrelid = 'agent_run_count_changes'::regclass
        AND placement.groupid = (SELECT groupid FROM pg_dist_local_group)
    LIMIT 1
"""


def test_a_fold_looks_for_empty_counts_when_it_made_one(citus: Cluster) -> None:
    with psycopg.connect(citus.workers[0].url) as worker:
        worker.execute("SET citus.enable_manual_changes_to_shards = on")
        worker.execute("SET citus.override_table_visibility = off")
        counts, changes = worker.execute(SHARDS).fetchone() or ()

        def fold(runs: int) -> list[tuple[str, int]]:
            worker.execute(f"INSERT INTO {changes} VALUES ('folded', '2026-01-01Z', {runs}, '')")
            worker.execute("SELECT fold_counts_of_shard(%s, %s, 10)", [counts, changes])
            query = f"SELECT agent_name, runs FROM {counts} ORDER BY 1, 2"
            return worker.execute(query).fetchall()

        worker.execute(f"INSERT INTO {counts} VALUES ('2026-01-01Z', 'empty', 0, '')")
        assert fold(2) == [("empty", 0), ("folded", 2), ("folded", 2)]
        assert fold(-2) == []
        worker.rollback()
