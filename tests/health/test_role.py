"""The service says which of the two roles it runs as, as the catalogue has it."""

import re

import psycopg
import pytest

from telemetry.cli.grants import RETENTION
from telemetry.database.connection import connect
from telemetry.health import store
from telemetry.health.role import Role, most_powerful, role_of
from tests.doctor.support import doctor
from tests.support.command import telemetry
from tests.support.pages import open_page
from tests.support.rights import SERVING_ROLE, granted_rights, serving

READY = "/api/ready"
ALL = {"SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"}
# What retention needs, and no service without it.
OPTIONAL = {*granted_rights(RETENTION)}


@pytest.fixture(autouse=True)
def no_result_is_kept(monkeypatch):
    monkeypatch.setattr(store, "FRESH_SECONDS", 0)


def _role(url):
    with connect(url) as connection:
        return role_of(connection)


def test_the_role_that_serves_is_restricted(client, database_url):
    assert client.get(READY).json["role"] == "restricted"
    assert _role(serving(database_url)) == Role(SERVING_ROLE, False)
    text = open_page(client, "/status").text
    assert f"{SERVING_ROLE} , restricted to what the service does" in text.replace("  ", " ")


def test_an_owner_says_so(make_app):
    client = make_app(as_owner=True).test_client()
    assert client.get(READY).json["role"] == "owner"
    text = open_page(client, "/status").text
    assert "the owner of the tables: it can switch the append-only triggers off" in text
    assert "it is a superuser" in text


@pytest.fixture
def member(db):
    """A role that owns no table, but is a member of the owner of one."""
    db.execute("CREATE ROLE holder")
    db.execute("CREATE ROLE member_of_holder LOGIN NOINHERIT IN ROLE holder")
    db.execute("ALTER TABLE agent_runs OWNER TO holder")
    yield "member_of_holder"
    db.execute("ALTER TABLE agent_runs OWNER TO postgres")
    db.execute("DROP ROLE member_of_holder, holder")


def test_a_member_of_the_owner_is_an_owner(database_url, member):
    role = _role(database_url.replace("postgres:@", f"{member}:@"))
    assert (role.kind, role.owned) == ("owner", ("agent_runs",))


@pytest.mark.parametrize(
    ("grant", "excess"),
    [
        ("UPDATE ON audit.audit_events", "UPDATE on audit.audit_events"),
        ("UPDATE (severity) ON audit.audit_events", "UPDATE on audit.audit_events"),
        ("TRIGGER ON agent_runs", "TRIGGER on agent_runs"),
        ("UPDATE (scopes) ON api_tokens", "UPDATE on api_tokens"),
        ("CREATE ON SCHEMA os_core", "CREATE on schema os_core"),
    ],
)
def test_rights_that_are_too_much_are_named(client, db, database_url, grant, excess):
    db.execute(f"GRANT {grant} TO {SERVING_ROLE}")
    try:
        assert client.get(READY).json["role"] == "excessive"
        assert _role(serving(database_url)).excess == (excess,)
        assert excess in open_page(client, "/status").text
    finally:
        db.execute(f"REVOKE {grant} FROM {SERVING_ROLE}")


POWERS = [
    # What is granted and revoked, and what the doctor says.
    ("ALTER ROLE {0} CREATEROLE", "ALTER ROLE {0} NOCREATEROLE", "CREATEROLE"),
    ("ALTER ROLE {0} REPLICATION", "ALTER ROLE {0} NOREPLICATION", "REPLICATION"),
    ("ALTER ROLE {0} CREATEDB", "ALTER ROLE {0} NOCREATEDB", "CREATEDB"),
    (
        "GRANT pg_write_server_files TO {0}",
        "REVOKE pg_write_server_files FROM {0}",
        "membership in pg_write_server_files",
    ),
]


@pytest.mark.parametrize(("grant", "revoke", "power"), POWERS)
def test_a_power_over_the_server_is_not_restricted(db, database_url, grant, revoke, power):
    db.execute(grant.format(SERVING_ROLE))
    try:
        role = _role(serving(database_url))
        assert (role.kind, role.reason) == ("excessive", power)
        [said] = doctor(DATABASE_URL=serving(database_url)).of("warning")
        assert f"may do more than the service does: {power}; revoke it: " in said
        assert said.endswith(f": {revoke.format(SERVING_ROLE)}")
    finally:
        db.execute(revoke.format(SERVING_ROLE))
    assert _role(serving(database_url)).kind == "restricted"


def test_what_a_role_can_take_from_another_counts(db, database_url):
    db.execute("CREATE ROLE makes_roles CREATEROLE")
    db.execute("CREATE ROLE chief SUPERUSER")
    try:
        db.execute(f"GRANT makes_roles TO {SERVING_ROLE}")
        assert _role(serving(database_url)).powers == ("CREATEROLE of makes_roles",)
        db.execute(f"GRANT chief TO {SERVING_ROLE}")
        assert _role(serving(database_url)).kind == "owner"
    finally:
        db.execute("DROP ROLE makes_roles, chief")


def test_a_role_that_lacks_a_right_is_told_how_to_get_it(client, db):
    db.execute(f"REVOKE INSERT ON agent_runs FROM {SERVING_ROLE}")
    try:
        response = client.get(READY)
    finally:
        db.execute(f"GRANT INSERT ON agent_runs TO {SERVING_ROLE}")
    assert (response.status_code, response.json["role"]) == (503, "restricted")
    assert "`python -m telemetry grants --role NAME`" in response.json["detail"]["failures"][-1]


def test_of_two_databases_the_more_powerful_role_counts():
    owner, other = Role("a", False, owned=("agent_runs",)), Role("b", False)
    assert most_powerful([other, owner]) == "owner"
    assert most_powerful([]) is None


def test_every_right_on_a_table_is_granted_optional_or_an_excess(db):
    text = (store.statements.ROOT / "health/role.sql").read_text()
    excess = {
        (f"{schema}.{name}" if schema else name, right)
        for schema, name, rights in re.findall(
            r"\((?:NULL|'(\w+)'), '(\w+)', '\{([A-Z,]+)\}'\)", text
        )
        for right in rights.split(",")
    }
    granted = {it for it in granted_rights() if not it[0].endswith("_seq")}
    assert not excess & (granted | OPTIONAL)
    tables = db.execute(
        "SELECT oid::regclass::text AS name FROM pg_class WHERE relkind = 'r' AND oid >= 16384"
        " AND relname NOT IN ('_yoyo_log', '_yoyo_version', 'yoyo_lock')"
    ).fetchall()
    every = {(row["name"], right) for row in tables for right in ALL}
    # The last is granted for one column, and an excess for the others.
    rest = {("migration_checksums", "SELECT"), ("api_tokens", "UPDATE")}
    assert every - granted - OPTIONAL - excess == rest


def test_a_command_works_for_the_role_that_serves(database_url):
    done = telemetry("rebuild", DATABASE_URL=serving(database_url))
    assert done.returncode == 0, done.stderr


def test_a_role_is_described_before_the_first_migration(empty_database_url):
    with psycopg.connect(empty_database_url) as connection:
        connection.execute("SELECT 1")
    assert _role(empty_database_url).kind == "owner"
    assert _role(serving(empty_database_url)).kind == "restricted"
