"""Databases whose runtime events are partitioned, with partitions of the last days too."""

from typing import Any

import psycopg

from telemetry.scale_out.partition import Conversion

PAST_DAYS = 5

# It has the time before the conversion.
DROP_FIRST = """
DO $$
DECLARE
    first regclass := (
        SELECT partition FROM runtime_events_partitions() WHERE recorded_from = '-infinity'
    );
BEGIN
    EXECUTE format('DROP TABLE %s', first);
END $$
"""

# The partitions that are missing.
ADD_DAYS = f"""
DO $$
DECLARE
    day timestamptz := date_trunc('day', now(), 'UTC');
    name text;
BEGIN
    SET LOCAL timezone = 'UTC';
    FOR ago IN 1..{PAST_DAYS} LOOP
        name := to_char(day - ago * interval '1 day', '"runtime_events_p"YYYYMMDD');
        EXECUTE format(
            'CREATE TABLE IF NOT EXISTS %I PARTITION OF runtime_events'
            ' FOR VALUES FROM (%L) TO (%L)',
            name, day - ago * interval '1 day', day - (ago - 1) * interval '1 day'
        );
    END LOOP;
    WHILE add_runtime_events_partition(7) IS NOT NULL LOOP END LOOP;
END $$
"""

# What is left of a partitioned table, or of a command that did not end.
LEFTOVERS = """
    SELECT relname FROM pg_class
    WHERE relname ~ 'runtime_event(s_(until|plain|p2|default|parts)|_ids)|_until_|_plain'
    UNION ALL
    SELECT proname FROM pg_proc
    WHERE proname ~ 'runtime_events?_(partition|id)|(mirror|copy)_runtime_event'
    UNION ALL
    SELECT conname FROM pg_constraint WHERE conname = 'runtime_events_boundary'
    UNION ALL
    SELECT tgname FROM pg_trigger WHERE tgname ~ 'keep_runtime|mirror_|record_runtime'
"""


def partition_by_day(url: str) -> None:
    """Partition the events of an empty database, with a partition for each of the last days."""
    assert Conversion(url, lambda _: None).partition()
    with psycopg.connect(url, autocommit=True) as db:
        db.execute(DROP_FIRST)
        db.execute(ADD_DAYS)


def partitions(db: psycopg.Connection[Any]) -> list[str]:
    """Return the names of the partitions, the oldest first, and the default one last."""
    rows = db.execute(
        "SELECT partition::text AS name FROM runtime_events_partitions()"
        " ORDER BY recorded_until NULLS LAST"
    ).fetchall()
    return [row["name"] for row in rows]


def unmatched_ids(db: psycopg.Connection[Any]) -> list[str]:
    """Return the ids that events have without a key, or twice, or with the key of another time."""
    rows = db.execute("""
        SELECT event.id FROM runtime_events AS event
        LEFT JOIN runtime_event_ids AS known
        ON event.id = known.id COLLATE "default" AND event.recorded_at = known.recorded_at
        WHERE known.id IS NULL
        UNION ALL
        SELECT id FROM runtime_events GROUP BY id HAVING count(*) > 1
    """).fetchall()
    return [row["id"] for row in rows]
