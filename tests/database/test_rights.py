"""The role that serves: each right that it has is needed, and what it lacks is refused."""

import psycopg
import pytest
from psycopg import errors

from telemetry.database.errors import RightsMissing
from telemetry.rate_limit.store import DatabaseHits
from tests.support import everything
from tests.support.rights import SERVING_ROLE, granted_rights, needed_rights, serving

LEDGERS = ("os_core.audio_runtime_events", "audit.audit_events")
SCHEMAS = ("public", "os_core", "audit")

# What readiness does not ask for: requests go on without the rate limit and without what retention
# did, and it reads the migrations before it looks for rights.
NOT_ASKED = {"rate_limit_clients", "retention_passes", "_yoyo_migration"}


def test_readiness_asks_for_the_rights_that_are_granted():
    granted = [(name, right) for name, right in granted_rights() if name not in NOT_ASKED]
    assert sorted(needed_rights()) == granted


@pytest.fixture(scope="module")
def serving_app(databases, default_app):
    """The application as the role that serves, and a connection of the owner to its database."""
    url = databases.take()
    with psycopg.connect(url, autocommit=True) as owner:
        yield default_app(url), owner
    databases.give_back(url)


def _requests(name, number):
    """Yield requests that use the table or sequence."""
    if name.startswith("agent_run"):
        yield from everything.run_requests(number)
    elif name.startswith("runtime_events"):
        yield from everything.runtime_event_requests(number)
    elif name != "_yoyo_migration":
        yield from everything.ledger_requests(number)
    yield from (("GET", url, None) for url in ("/metrics", "/api/ready"))


def _is_denied(app, name, number):
    """Return whether something that the service does fails for want of a right."""
    if name == "rate_limit_clients":
        act = [lambda: DatabaseHits(app.extensions["databases"][0], 1).hit("192.0.2.1")]
    elif name == "retention_passes":
        return any(it.failure for it in app.extensions["retention"].reports())
    elif name == "api_tokens":
        act = [app.extensions["pages"].tokens]
    elif name == "audio_runtime_verifications":
        act = [app.extensions["pages"].status.last_verify]
    else:
        client = app.test_client()
        sent = (client.open(url, method=it, json=body) for it, url, body in _requests(name, number))
        return any("permission denied" in it.text for it in sent if it.status_code == 503)
    try:
        act[0]()
    except RightsMissing:
        return True
    return False


@pytest.mark.parametrize(
    ("number", "right"),
    [*enumerate(granted_rights())],
    ids=[" ".join(it) for it in granted_rights()],
)
def test_each_right_is_needed(serving_app, number, right):
    app, owner = serving_app
    name, privilege = right
    kind = "SEQUENCE " if privilege == "USAGE" else ""
    owner.execute(f"REVOKE {privilege} ON {kind}{name} FROM {SERVING_ROLE}, public")
    try:
        assert _is_denied(app, name, number)
    finally:
        owner.execute(f"GRANT {privilege} ON {kind}{name} TO {SERVING_ROLE}")


@pytest.fixture(scope="module")
def as_service(databases):
    """A connection of the role that serves, to a database that holds a ledger event."""
    url = databases.take()
    with psycopg.connect(serving(url), autocommit=True) as connection:
        yield connection
    databases.give_back(url)


REFUSED = [
    *(
        statement.format(name)
        for name in LEDGERS
        for statement in (
            "UPDATE {} SET tenant_id = tenant_id",
            "DELETE FROM {}",
            "TRUNCATE {}",
            "ALTER TABLE {} DISABLE TRIGGER refuse_change",
            "ALTER TABLE {} DISABLE TRIGGER ALL",
            "CREATE TRIGGER mine BEFORE INSERT ON {} EXECUTE FUNCTION refuse_change()",
            "CREATE RULE mine AS ON INSERT TO {} DO INSTEAD NOTHING",
            "DROP TABLE {}",
        )
    ),
    *(f"CREATE TABLE {schema}.mine (id bigint)" for schema in SCHEMAS),
    *(f"DROP SCHEMA {schema} CASCADE" for schema in SCHEMAS),
    "CREATE FUNCTION public.agent_run_bucket(text) RETURNS text LANGUAGE sql AS 'SELECT $1'",
    "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS"
    " 'BEGIN RETURN new; END'",
    "CREATE SCHEMA mine",
    "SET session_replication_role = replica",
    "DELETE FROM agent_runs",
    "DELETE FROM runtime_events",
    "UPDATE api_tokens SET scopes = '{admin}'",
    "INSERT INTO api_tokens (name, hash, scopes) VALUES ('mine', '', '{admin}')",
    "DELETE FROM api_tokens",
    "UPDATE retention_passes SET finished_at = now()",
    "UPDATE runtime_events_pruned SET number = 0",
    "DELETE FROM os_core.audio_runtime_heads",
    "UPDATE agent_run_counts SET runs = 0",
    "SELECT recount_agent_runs()",
    *(
        "CREATE TEMP TABLE mine (agent_name text, created_at timestamptz);"
        f" CREATE TRIGGER mine AFTER TRUNCATE ON mine EXECUTE FUNCTION {name}()"
        for name in ("count_runs", "count_no_runs")
    ),
    "INSERT INTO audio_runtime_verifications (finished_at, findings) VALUES (now(), 0)",
    "UPDATE migration_checksums SET checksum = ''",
    "DELETE FROM _yoyo_migration",
    "SELECT setval('os_core.audio_runtime_events_event_id_seq', 1)",
]


@pytest.mark.parametrize("statement", REFUSED)
def test_it_is_refused(as_service, statement):
    with pytest.raises(errors.InsufficientPrivilege):
        as_service.execute(statement)
