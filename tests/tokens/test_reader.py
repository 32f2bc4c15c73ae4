"""A role that reads one tenant at a time: it sees the tenant that its session names, no other."""

import click
import psycopg
import pytest
from psycopg.rows import dict_row

from telemetry.cli.reader import script
from tests.support.audio_runtime import event
from tests.support.command import telemetry, telemetry_process
from tests.support.rights import grant

pytestmark = pytest.mark.one_node("readers are refused there: Citus would show them every tenant")

TABLES = """
    SELECT attrelid::regclass::text AS name
    FROM pg_attribute JOIN pg_class ON attrelid = pg_class.oid
    WHERE attname = 'tenant_id' AND relkind IN ('r', 'p', 'v', 'm') AND attnum > 0
    AND attrelid >= 16384 AND has_schema_privilege('reader_of_test', relnamespace, 'USAGE')
"""

ROLES = ("reader_of_test", "member_of_test", "server_of_test")


@pytest.fixture
def filled(client):
    """Two tenants with two devices each, and events of each."""
    for tenant in ("tenant-a", "tenant-b"):
        for number in (1, 2):
            names = {"tenant_id": tenant, "device_id": f"{tenant}-{number}"}
            client.put(f"/api/v1/devices/{names['device_id']}", json={"tenant_id": tenant})
            client.put(f"/api/v1/sessions/{ord(tenant[-1]) * 10 + number}", json=names)
            for kind in ("VAD_EVENT", "DEVICE_STATE"):
                sent = event(kind, **names)
                assert client.post("/api/v1/audio-runtime/events", json=sent).status_code == 201


@pytest.fixture
def roles(db):
    for role in ROLES:
        db.execute(f"CREATE ROLE {role} LOGIN")
    db.execute(script("reader_of_test"))
    db.execute("GRANT reader_of_test TO member_of_test")
    grant(db, "server_of_test")
    yield
    for role in reversed(ROLES):
        db.execute(f"DROP OWNED BY {role}")
        db.execute(f"DROP ROLE {role}")


@pytest.fixture(params=ROLES[:2])
def reader(request, filled, roles, database_url):
    """A connection as the reader, and as a role that is a member of it."""
    url = database_url.replace("//postgres:", f"//{request.param}:")
    with psycopg.connect(url, autocommit=True, row_factory=dict_row) as connection:
        yield connection


def tenants(reader, table):
    return {row["tenant_id"] for row in reader.execute(f"SELECT tenant_id FROM {table}")}


def readable(db, reader):
    """Return the relations with a tenant that it may read."""
    names = [row["name"] for row in db.execute(TABLES)]
    assert len(names) >= 6
    allowed = "SELECT has_table_privilege(%s, 'SELECT') AS allowed"
    return [name for name in names if reader.execute(allowed, [name]).fetchone()["allowed"]]


def test_every_table_with_a_tenant_shows_the_one_that_is_set(db, reader):
    tables = readable(db, reader)
    assert {*tables} == {row["name"] for row in db.execute(TABLES)}
    for table in tables:
        reader.execute("RESET telemetry.tenant")
        assert tenants(reader, table) == set()
        for tenant in ("tenant-a", "tenant-b"):
            reader.execute(f"SET telemetry.tenant = '{tenant}'")
            assert tenants(reader, table) == {tenant}
            assert (
                db.execute(
                    f"SELECT count(*) AS n FROM {table} WHERE tenant_id = %s", [tenant]
                ).fetchone()
                == reader.execute(f"SELECT count(*) AS n FROM {table}").fetchone()
            )


@pytest.mark.parametrize(
    "name",
    [
        "",
        "%",
        "tenant-a,tenant-b",
        "tenant-a' OR 'a' = 'a",
        "{tenant-a,tenant-b}",
        "TENANT-A",
        "tenant-a ",
    ],
)
def test_no_name_shows_more_than_one_tenant(db, reader, name):
    reader.execute("SELECT set_config('telemetry.tenant', %s, false)", [name])
    assert all(tenants(reader, table) == set() for table in readable(db, reader))


def test_no_other_relation_can_be_read(db, reader):
    """Nor is there a view that would run with the rights of its owner."""
    others = db.execute(
        "SELECT oid::regclass::text AS name, relkind FROM pg_class WHERE oid >= 16384"
        " AND relkind IN ('r', 'p', 'v', 'm', 'S') AND relnamespace <> 'pg_toast'::regnamespace"
    ).fetchall()
    guarded = {row["name"] for row in db.execute(TABLES)}
    for row in others:
        if row["name"] not in guarded and row["name"] != "pg_stat_statements":
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                reader.execute(f"SELECT * FROM {row['name']}")


def test_every_way_to_read_is_restricted(reader):
    """COPY, a cursor, functions, joins, a subquery that leaks, and a function of its own."""
    reader.execute("SET telemetry.tenant = 'tenant-a'")
    ledger = "os_core.audio_runtime_events"
    with reader.cursor().copy(f"COPY (SELECT tenant_id FROM {ledger}) TO STDOUT") as copy:
        assert {bytes(row) for row in copy} == {b"tenant-a\n"}
    with reader.cursor().copy(f"COPY {ledger} TO STDOUT") as copy:
        assert b"tenant-b" not in b"".join(map(bytes, copy))
    with reader.transaction():
        reader.execute(f"DECLARE every CURSOR FOR SELECT tenant_id FROM {ledger}")
        reader.execute("SET LOCAL telemetry.tenant = 'tenant-a'")
        assert {row["tenant_id"] for row in reader.execute("FETCH ALL FROM every")} == {"tenant-a"}
    replay = "SELECT * FROM os_core.audio_runtime_replay(%s, %s)"
    assert reader.execute(replay, ["tenant-a", "tenant-a-1"]).fetchall()
    assert reader.execute(replay, ["tenant-b", "tenant-b-1"]).fetchall() == []
    # A function that reports what it is given is not called with a hidden row.
    reader.execute(
        "CREATE FUNCTION pg_temp.report(seen text) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS"
        " $$ BEGIN RAISE NOTICE '%', seen; RETURN true; END $$"
    )
    seen = []
    reader.add_notice_handler(lambda notice: seen.append(notice.message_primary))
    reader.execute(f"SELECT FROM {ledger} WHERE pg_temp.report(tenant_id)").fetchall()
    assert {*seen} == {"tenant-a"}


def test_row_security_cannot_be_switched_off(reader):
    reader.execute("SET row_security = off")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        reader.execute("SELECT FROM os_core.devices")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        reader.execute("ALTER TABLE os_core.devices DISABLE ROW LEVEL SECURITY")
    for role in ("postgres", "server_of_test"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            reader.execute(f"SET ROLE {role}")


def test_statistics_and_functions_of_the_owner_show_no_value(db, reader):
    db.execute("ANALYZE")
    names = "schemaname IN ('os_core', 'audit')"
    for view in ("pg_stats", "pg_stats_ext", "pg_stats_ext_exprs"):
        assert reader.execute(f"SELECT FROM {view} WHERE {names}").rowcount == 0
    definer = db.execute(
        "SELECT proname FROM pg_proc WHERE prosecdef AND oid >= 16384"
        " AND prorettype <> 'trigger'::regtype"
    ).fetchall()
    # It returns how far a sequence is, and nothing of a row.
    assert [row["proname"] for row in definer] == ["last_given"]


def test_it_writes_nothing(db, reader):
    reader.execute("SET telemetry.tenant = 'tenant-a'")
    for table in readable(db, reader):
        for statement in (f"DELETE FROM {table}", f"UPDATE {table} SET tenant_id = 'tenant-a'"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                reader.execute(statement)


def test_the_service_is_not_restricted(filled, roles, make_app, database_url, db):
    """As the role that serves, which does not own the tables: it serves, and verify passes."""
    url = database_url.replace("//postgres:", "//server_of_test:")
    client = make_app(database_url=url).test_client()
    ready = client.get("/api/ready")
    assert ready.status_code == 200, ready.json
    names = {"tenant_id": "tenant-a", "device_id": "tenant-a-1"}
    sent = event(**names)
    path = "/api/v1/audio-runtime/events"
    assert client.post(path, json=sent).status_code == 201
    assert client.post(path, json=sent).json["status"] == "duplicate"
    assert client.post(f"{path}/batch", json=[event(**names)]).status_code == 200
    assert len(client.get(f"{path}?tenant_id=tenant-b").json["items"]) == 4
    assert client.post("/api/v1/audio-runtime/rebuild", json=names).json["differed"] == 0
    for role_url in (url, database_url):
        done = telemetry("verify", DATABASE_URL=role_url)
        assert (done.returncode, done.stdout) == (0, ""), done.stderr


def test_a_reader_is_a_role_of_its_own(roles, db, database_url):
    with pytest.raises(psycopg.errors.RaiseException, match="may write to the ledger"):
        db.execute(script("server_of_test"))
    db.execute("ROLLBACK")
    reader = telemetry(
        "grants", "--analyst", "reader_of_test", "--apply", DATABASE_URL=database_url
    )
    assert "reader_of_test reads the ledger one tenant at a time" in reader.stderr
    db.execute(script("reader_of_test", undo=True))
    analyst = telemetry(
        "grants", "--analyst", "reader_of_test", "--apply", DATABASE_URL=database_url
    )
    assert analyst.returncode == 0, analyst.stderr
    with pytest.raises(psycopg.errors.RaiseException, match="reads the views for analysts"):
        db.execute(script("reader_of_test"))
    db.execute("ROLLBACK")


def test_the_recipe_gives_no_notice(roles, db):
    seen = []
    db.add_notice_handler(seen.append)
    for undo in (True, True, False):
        db.execute(script("member_of_test", undo=undo))
    assert seen == []


def test_a_reader_cannot_verify_what_it_cannot_see(filled, roles, database_url):
    done = telemetry(
        "verify", DATABASE_URL=database_url.replace("//postgres:", "//reader_of_test:")
    )
    assert done.returncode != 0


def test_it_can_be_repeated_and_undone(filled, roles, db, database_url):
    guarded = "SELECT relname FROM pg_class WHERE relrowsecurity"
    assert db.execute(guarded).rowcount == 6
    db.execute(script("reader_of_test"))
    db.execute(script("member_of_test"))
    db.execute(script("member_of_test", undo=True))
    assert db.execute(guarded).rowcount == 6
    db.execute(script("reader_of_test", undo=True))
    assert db.execute(guarded).rowcount == 0
    assert db.execute("SELECT FROM pg_policy").rowcount == 0
    url = database_url.replace("//postgres:", "//reader_of_test:")
    with psycopg.connect(url) as reader, pytest.raises(psycopg.errors.InsufficientPrivilege):
        reader.execute("SELECT FROM os_core.devices")


def test_the_command_prints_it():
    done = telemetry_process("reader", "--role", 'a "b"')
    assert done.returncode == 0
    assert 'TO "a ""b"""' in done.stdout
    assert ':"' not in done.stdout
    assert telemetry("reader", "--role", "public").returncode == 1


def test_a_superuser_is_refused(db):
    with pytest.raises(psycopg.errors.RaiseException, match="no policy restricts it"):
        db.execute(script("postgres"))
    db.execute("ROLLBACK")


def test_a_name_that_leaves_no_room_for_its_policy_is_refused():
    assert f'"{"r" * 46}"' in script("r" * 46)
    with pytest.raises(click.ClickException, match="1 to 46 bytes"):
        script("r" * 47)
