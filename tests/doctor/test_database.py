"""What is wrong in the database: the doctor names it, with the fix."""

import pytest

from telemetry.config import Config
from telemetry.database.database import Database
from telemetry.doctor.owner import check_owner
from telemetry.doctor.subject import Subject
from tests.doctor.support import doctor
from tests.support.command import telemetry, telemetry_process
from tests.support.rights import grant, serving


@pytest.fixture
def examined(database_url):
    return lambda **environ: doctor(DATABASE_URL=database_url, **environ)


def test_a_pending_migration_is_named(database_url):
    rolled_back = telemetry("migrate", "--rollback", "1", DATABASE_URL=database_url)
    assert rolled_back.returncode == 0
    done = telemetry_process("doctor", DATABASE_URL=database_url)
    assert done.returncode == 1
    assert "problem    migrations: " in done.stdout
    assert "1 migration(s) pending: 00" in done.stdout
    assert "fix: run `python -m telemetry migrate`" in done.stdout


@pytest.fixture
def edited(db):
    """The name of a migration whose file differs from what was applied."""
    change = "UPDATE migration_checksums SET checksum = reverse(checksum) WHERE migration_id = %s"
    db.execute(change, ["0003_runs_table"])
    yield "0003_runs_table"
    db.execute(change, ["0003_runs_table"])


def test_an_edited_migration_is_named(examined, edited):
    found = examined()
    assert found.status == 0
    assert any(f"the file of {edited} was edited" in it for it in found.of("warning"))


def test_a_disabled_trigger_is_named(examined, db):
    db.execute("ALTER TABLE audit.audit_events DISABLE TRIGGER refuse_change")
    found = examined()
    db.execute("ALTER TABLE audit.audit_events ENABLE ALWAYS TRIGGER refuse_change")
    assert found.status == 1
    disabled, altered = found.of("problem")
    assert "trigger audit.audit_events.refuse_change is missing or disabled" in disabled
    assert "ENABLE ALWAYS TRIGGER" in disabled
    assert altered.startswith("definitions: trigger audit.audit_events.refuse_change is not as")


def test_a_read_only_database_is_named(examined, db):
    name = db.info.dbname
    db.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    try:
        found = examined()
    finally:
        db.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")
    assert "the database takes no writes: a setting makes it read-only" in found.problem
    assert "RESET default_transaction_read_only" in found.problem


def test_a_sequence_that_is_behind_is_named(client, examined, db):
    client.post("/api/runtime/events", json={"source": "api", "endpoint": "/", "runtime_ms": 1})
    db.execute("SELECT setval('runtime_events_number_seq', 1, FALSE)")
    assert "sequence runtime_events_number_seq is behind its table" in examined().problem


@pytest.fixture
def restricted(db):
    """A role with the rights that requests need, and no more; its name."""
    db.execute("CREATE ROLE restricted LOGIN")
    grant(db, "restricted")
    yield "restricted"
    db.execute("DROP OWNED BY restricted")
    db.execute("DROP ROLE restricted")


def test_a_restricted_role_is_well(database_url, restricted):
    found = doctor("--strict", DATABASE_URL=database_url.replace("postgres:@", f"{restricted}:@"))
    assert found.status == 0
    well = "\n".join(found.of("ok"))
    assert f"role: {restricted} is restricted" in well
    assert "their owner alone may compare the files" in well


def test_the_owner_compares_the_files_for_it(database_url, restricted, edited):
    url = database_url.replace("postgres:@", f"{restricted}:@")
    found = doctor(DATABASE_URL=url, TELEMETRY_OWNER_DATABASE_URL=database_url)
    assert found.status == 0
    assert any(f"the file of {edited} was edited" in it for it in found.of("warning"))


def test_an_owner_who_cannot_connect_is_named(database_url):
    owner_url = database_url.replace("postgres:@", "nobody_here:s3cret@")
    found = doctor(DATABASE_URL=database_url, TELEMETRY_OWNER_DATABASE_URL=owner_url)
    assert found.status == 0
    [said] = [it for it in found.of("warning") if it.startswith("owner: ")]
    assert "cannot connect as the owner: the user of the URL does not exist" in said


def test_an_owner_of_another_database_is_named(database_url, databases):
    """As after a restore, when the names are the same and one URL leads to the old server."""
    other = databases.take()
    database = Database(serving(database_url), pool_size=1, prepared_statements=True)
    found = {}
    for owner_url in (other, database_url, serving(database_url), "postgresql://127.0.0.1:1/x"):
        subject = Subject(database, serving(database_url), owner_url, [], Config())
        found[owner_url] = [it.level for it in check_owner(subject)]
    database.close()
    databases.give_back(other)
    assert [*found.values()] == [["problem"], ["ok"], [], []]


def test_a_right_that_is_too_much_is_named(database_url, restricted, db):
    db.execute(f"GRANT UPDATE ON audit.audit_events TO {restricted}")
    found = doctor(DATABASE_URL=database_url.replace("postgres:@", f"{restricted}:@"))
    assert found.status == 0
    [said] = found.of("warning")
    assert "may do more than the service does: UPDATE on audit.audit_events; revoke it" in said


def test_a_missing_right_is_named(database_url, restricted, db):
    db.execute(f"REVOKE INSERT ON agent_runs FROM {restricted}")
    found = doctor(DATABASE_URL=database_url.replace("postgres:@", f"{restricted}:@"))
    right = "rights: the role has no right to INSERT on agent_runs; `python -m telemetry grants"
    assert found.problem.startswith(right)


def test_an_owner_is_warned_about(database_url, db):
    db.execute("CREATE ROLE owning LOGIN")
    db.execute("GRANT postgres TO owning")
    try:
        found = doctor(DATABASE_URL=database_url.replace("postgres:@", "owning:@"))
    finally:
        db.execute("DROP ROLE owning")
    assert found.status == 0
    assert "is a superuser or a member of one" in "".join(found.of("warning"))


@pytest.mark.parametrize(
    ("workers", "level", "words"),
    [
        ("1", "ok", "1 workers open up to 5; the role (CONNECTION LIMIT) allows 12"),
        ("2", "warning", "2 workers open up to 10, twice that while a deploy replaces another"),
        ("3", "problem", "3 workers open up to 15, and the role (CONNECTION LIMIT) allows 12"),
    ],
)
def test_the_connections_of_all_workers_have_to_fit(
    database_url, restricted, db, workers, level, words
):
    db.execute(f"ALTER ROLE {restricted} CONNECTION LIMIT 12")
    url = database_url.replace("postgres:@", f"{restricted}:@")
    found = doctor(DATABASE_URL=url, WEB_CONCURRENCY=workers)
    assert f"connections: {words}" in "".join(found.of(level))


def test_a_trigger_that_swallows_writes_is_found(examined, db):
    db.execute(
        "CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'"
    )
    db.execute(
        "CREATE TRIGGER swallow BEFORE INSERT ON agent_runs FOR EACH ROW EXECUTE FUNCTION swallow()"
    )
    assert "a run was written without an error, and can't be read back" in examined().problem


def test_a_constraint_that_refuses_every_event_is_found(examined, db):
    db.execute("ALTER TABLE runtime_events ADD CONSTRAINT no_workers CHECK (source <> 'worker')")
    assert "a constraint refuses a runtime event: no_workers" in examined().problem


@pytest.mark.parametrize(("findings", "level"), [(0, "ok"), (2, "warning")])
def test_the_findings_of_the_last_verify_are_named(examined, db, findings, level):
    db.execute(
        "INSERT INTO audio_runtime_verifications (finished_at, findings) VALUES (now(), %s)",
        [findings],
    )
    [said] = [it for it in examined().of(level) if it.startswith("verify: ")]
    assert ("had 2 finding(s)" in said) == (findings > 0)


def test_a_locked_table_leaves_something_unchecked(examined, db):
    with db.transaction():
        db.execute("LOCK TABLE audit.audit_events IN ACCESS EXCLUSIVE MODE")
        found = examined()
    assert found.status == 2
    assert [it.split(":")[0] for it in found.of("unchecked")] == ["definitions", "sequences"]
    assert "write" not in [it["check"] for it in found.findings]
