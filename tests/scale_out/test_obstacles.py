"""What python -m telemetry partition can't carry over: it names it, and changes nothing."""

import pytest

from tests.support.command import telemetry
from tests.support.partitions import LEFTOVERS

pytestmark = pytest.mark.long


@pytest.fixture
def database_url(plain_url):
    """The URL of a database that is not partitioned."""
    return plain_url


@pytest.mark.parametrize(
    ("built", "named"),
    [
        ("CREATE UNIQUE INDEX only_one ON runtime_events (number)", "unique index only_one"),
        ("CREATE TABLE notes (id text REFERENCES runtime_events (id))", "notes_id_fkey"),
        ("CREATE MATERIALIZED VIEW kept AS SELECT id FROM runtime_events", "view kept"),
        ("CREATE PUBLICATION sent FOR TABLE runtime_events", "publication sent"),
        ("ALTER TABLE runtime_events ENABLE ROW LEVEL SECURITY", "row-level security"),
        (
            "CREATE TRIGGER own BEFORE INSERT ON runtime_events FOR EACH ROW"
            " EXECUTE FUNCTION number_runtime_event()",
            "trigger own",
        ),
        (
            "CREATE FUNCTION own(runtime_events) RETURNS text RETURN $1.id",
            "function own(runtime_events)",
        ),
        (
            "INSERT INTO runtime_events (id, recorded_at, source, endpoint, raw_endpoint,"
            " runtime_ms, runtime_cost_estimate) VALUES ('e', now() + interval '9 days', 'api',"
            " '/', '/', 1, 0)",
            "in the future",
        ),
    ],
)
def test_what_can_not_be_carried_over_is_named(db, database_url, built, named):
    db.execute(built)
    done = telemetry("partition", DATABASE_URL=database_url)
    assert done.returncode == 1
    assert named in done.stderr
    assert db.execute(LEFTOVERS).fetchall() == []


@pytest.mark.parametrize(
    "view",
    [
        "CREATE VIEW report AS SELECT id FROM runtime_events",
        "CREATE SCHEMA reports CREATE VIEW report AS SELECT id FROM runtime_events;"
        "ALTER VIEW reports.report OWNER TO telemetry_web",
    ],
    ids=["of another owner", "in a schema of another owner"],
)
def test_a_superuser_partitions_with_the_rights_of_the_owner(db, database_url, view):
    db.execute("GRANT CREATE ON SCHEMA public, telemetry_views TO telemetry_web")
    db.execute("""
        DO $$
        DECLARE name text;
        BEGIN
            EXECUTE 'ALTER TABLE runtime_events OWNER TO telemetry_web';
            FOR name IN SELECT relname FROM pg_class
                WHERE relnamespace = 'telemetry_views'::regnamespace AND relkind = 'v'
            LOOP
                EXECUTE format('ALTER VIEW telemetry_views.%I OWNER TO telemetry_web', name);
            END LOOP;
        END $$
    """)
    for statement in view.split(";"):
        db.execute(statement)
    done = telemetry("partition", DATABASE_URL=database_url)
    assert done.returncode == 1
    assert "can't be carried over: view " in done.stderr
    assert "report;" in done.stderr
    assert db.execute(LEFTOVERS).fetchall() == []
    db.execute("DROP SCHEMA reports CASCADE" if "SCHEMA" in view else "DROP VIEW report")
    done = telemetry("partition", DATABASE_URL=database_url)
    assert done.returncode == 0, done.stderr
