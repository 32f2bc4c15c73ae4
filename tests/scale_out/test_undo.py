"""What happens beside python -m telemetry partition --undo: changes, retention, and other roles."""

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from psycopg.rows import dict_row

from telemetry.database.connection import connect
from telemetry.scale_out import partition as under_test
from telemetry.scale_out.partition import Conversion, PartitionError
from tests.support.partitions import partitions
from tests.support.retention import add_events
from tests.support.rights import serving
from tests.support.waiting import locks_awaited, wait_until

pytestmark = pytest.mark.long


@pytest.fixture
def conversion(database_url):
    return Conversion(database_url, lambda _: None)


@pytest.fixture
def begin_undo(conversion, monkeypatch):
    """Let an --undo begin that stops before it copies."""

    def run():
        with monkeypatch.context() as patch:
            patch.setattr(under_test, "UNDO_COPY", b"SELECT 1 / 0")
            with pytest.raises(psycopg.errors.DivisionByZero):
                conversion.undo()

    return run


@pytest.fixture
def other(database_url):
    """One more connection, as the owner."""
    with psycopg.connect(database_url, autocommit=True, row_factory=dict_row) as connection:
        yield connection


def ids(db):
    return [row["id"] for row in db.execute("SELECT id FROM runtime_events ORDER BY id")]


def use_in_a_trigger(url, function):
    """As the role that serves, let a function that runs as the owner run on rows of one's own."""
    with psycopg.connect(serving(url)) as web:
        web.execute("CREATE TEMP TABLE mine (LIKE runtime_events INCLUDING DEFAULTS)")
        web.execute(
            "CREATE TRIGGER mine AFTER INSERT ON mine FOR EACH ROW"
            f" EXECUTE FUNCTION public.{function}()"
        )
        web.execute("""
            INSERT INTO mine (
                id, recorded_at, source, endpoint, raw_endpoint, runtime_ms, runtime_cost_estimate,
                lane, number
            )
            VALUES ('forged', 'epoch', 'api', '/', '/', 1, 0, 1, 1)
        """)


def test_no_other_role_writes_to_the_copy(begin_undo, db, database_url):
    begin_undo()
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="mirror_runtime_event"):
        use_in_a_trigger(database_url, "mirror_runtime_event")
    with (
        pytest.raises(psycopg.errors.InsufficientPrivilege, match="copy_runtime_events"),
        psycopg.connect(serving(database_url)) as web,
    ):
        web.execute("SELECT copy_runtime_events('', 10)")
    assert db.execute("SELECT FROM runtime_events_plain").rowcount == 0


def test_no_other_role_writes_to_the_ids_of_a_plain_table(plain_url, monkeypatch):
    monkeypatch.setattr(under_test, "FILL_IDS", b"SELECT 1 / 0")
    with pytest.raises(psycopg.errors.DivisionByZero):
        Conversion(plain_url, lambda _: None).partition()
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="keep_runtime_event_id"):
        use_in_a_trigger(plain_url, "keep_runtime_event_id")
    with psycopg.connect(plain_url) as db:
        assert db.execute("SELECT FROM runtime_event_ids").rowcount == 0


def test_retention_notices_an_undo_that_begins_meanwhile(conversion, db, other, database_url):
    add_events(db, "old", "4 days")
    before = partitions(db)
    drop = "SELECT * FROM drop_runtime_events_partition(now() - interval '1 day')"
    with ThreadPoolExecutor() as pool, connect(database_url) as undoing:
        with conversion._transaction(undoing, "0"):
            undoing.execute(under_test.UNDO_BEGIN)
            dropping = pool.submit(other.execute, drop)
            wait_until(lambda: locks_awaited(db) > 0)
        with pytest.raises(psycopg.errors.ObjectInUse):
            dropping.result()
    assert partitions(db) == before


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE runtime_events SET id = 'zzz' WHERE id = 'old-3'",
        "UPDATE runtime_events SET id = 'aaa' WHERE id = 'old-3'",
        "UPDATE runtime_events SET endpoint = '/b' WHERE id = 'old-3'",
        "UPDATE runtime_events SET recorded_at = recorded_at - interval '1 s' WHERE id = 'old-3'",
        "UPDATE runtime_events SET recorded_at = recorded_at - interval '9 d' WHERE id = 'old-3'",
        "DELETE FROM runtime_events WHERE id = 'old-3'",
    ],
)
def test_an_event_that_changes_while_it_is_copied(
    conversion, begin_undo, db, other, monkeypatch, change
):
    add_events(db, "old", "1 hour", count=9)
    begin_undo()
    monkeypatch.setattr(under_test, "ROWS", 3)
    with ThreadPoolExecutor() as pool:
        with other.transaction():
            other.execute(change)
            undoing = pool.submit(conversion.undo)
            wait_until(lambda: locks_awaited(db) > 0)
            expected = other.execute("SELECT * FROM runtime_events ORDER BY id").fetchall()
        assert "one plain table" in undoing.result()
    assert db.execute("SELECT * FROM runtime_events ORDER BY id").fetchall() == expected


def test_truncate_reaches_the_copy(conversion, begin_undo, db):
    begin_undo()
    add_events(db, "old", "1 hour", count=5)
    db.execute("TRUNCATE runtime_events")
    add_events(db, "new", "0 days")
    conversion.undo()
    assert ids(db) == ["new-1"]


@pytest.mark.parametrize(
    "change",
    [
        "INSERT INTO runtime_events_plain SELECT * FROM runtime_events ON CONFLICT DO NOTHING;"
        "DELETE FROM runtime_events WHERE id = 'old-3'",
        "UPDATE runtime_events SET endpoint = '/b' WHERE id = 'old-3'",
    ],
    ids=["one more", "another"],
)
def test_a_copy_that_differs_is_not_put_in_place(conversion, begin_undo, db, change):
    begin_undo()
    add_events(db, "old", "1 hour", count=5)
    for statement in ["SET session_replication_role = 'replica'", *change.split(";")]:
        db.execute(statement)
    before = db.execute("SELECT * FROM runtime_events ORDER BY id").fetchall()
    with pytest.raises(PartitionError, match="differs"):
        conversion.undo()
    assert db.execute("SELECT * FROM runtime_events ORDER BY id").fetchall() == before
    assert not conversion.partition()
    conversion.undo()
    assert db.execute("SELECT * FROM runtime_events ORDER BY id").fetchall() == before
