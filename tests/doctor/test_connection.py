"""Why the database accepts no connection, in plain words and without a password."""

import socket
import time
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from telemetry.doctor.connection import explained
from telemetry.doctor.examination import examine
from tests.doctor.support import SAFE, doctor
from tests.support.command import telemetry_process
from tests.support.databases import execute
from tests.support.pooler import Pooler


@pytest.fixture
def stranger(postgres):
    """A role that has to give a password; its name."""
    with psycopg.connect(postgres) as connection:
        file = Path(connection.execute("SHOW hba_file").fetchone()[0])
    before = file.read_text()
    file.write_text(f"local all stranger scram-sha-256\n{before}")
    execute(postgres, "CREATE ROLE stranger LOGIN PASSWORD 'right'")
    execute(postgres, "SELECT pg_reload_conf()")
    yield "stranger"
    file.write_text(before)
    execute(postgres, "SELECT pg_reload_conf()")
    execute(postgres, "DROP ROLE stranger")


def test_a_wrong_password_is_named_and_not_shown(stranger, database_url):
    url = database_url.replace("postgres:@", f"{stranger}:s3cret@")
    done = telemetry_process("doctor", DATABASE_URL=url, **SAFE)
    assert done.returncode == 1
    assert "connection: the server refuses the user or the password of the URL" in done.stdout
    assert "fix: correct them" in done.stdout
    assert "s3cret" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("postgresql://a:s3cret@127.0.0.1:1/x", "nothing listens at the host and port"),
        ("postgresql://a:s3cret@nowhere.invalid/x", "the host name of the URL can't be found"),
        ("postgresql:///x?host=/nowhere&user=a", "no server with a socket in the folder"),
    ],
)
def test_a_server_that_is_not_there_is_named(url, says):
    found = doctor(DATABASE_URL=url)
    assert found.status == 1
    assert says in found.problem
    assert len(found.findings) == 2


def test_a_missing_database_is_named(postgres):
    found = doctor(DATABASE_URL=postgres.replace("/postgres?", "/nothing_here?"))
    assert "the database of the URL does not exist" in found.problem
    assert "migrate" in found.problem


def test_a_missing_role_is_named(postgres):
    found = doctor(DATABASE_URL=postgres.replace("postgres:@", "nobody_here:s3cret@"))
    assert "the user of the URL does not exist" in found.problem


def test_a_role_without_a_connection_left_is_named(database_url, db):
    db.execute("CREATE ROLE crowded LOGIN CONNECTION LIMIT 0")
    try:
        found = doctor(DATABASE_URL=database_url.replace("postgres:@", "crowded:@"))
    finally:
        db.execute("DROP ROLE crowded")
    assert "has no connection left" in found.problem


def test_a_server_without_tls_is_named(database_url):
    pooler = Pooler(database_url, servers=1)
    try:
        found = doctor(DATABASE_URL=pooler.url.replace("sslmode=disable", "sslmode=require"))
    finally:
        pooler.close()
    assert "the server offers no TLS, and the URL demands it" in found.problem


@pytest.mark.faults
def test_a_server_that_hangs_is_reported_and_not_waited_for():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        started = time.monotonic()
        url = f"postgresql://a:s3cret@127.0.0.1:{silent.getsockname()[1]}/x?sslmode=disable"
        done = telemetry_process("doctor", DATABASE_URL=url, **SAFE)
    assert done.returncode == 1
    assert "the server does not respond within 5 s" in done.stdout
    assert time.monotonic() - started < 12


@pytest.mark.faults
def test_a_server_that_hangs_later_is_reported_once(server):
    found, started = [], time.monotonic()
    for finding in examine({"DATABASE_URL": server.url, **SAFE}):
        found.append((finding.level, finding.check))
        if finding.check == "pooler":
            server.freeze()
    assert time.monotonic() - started < 20
    server.thaw()
    assert found[-2:] == [("ok", "pooler"), ("problem", "response")]


@pytest.mark.parametrize(
    ("message", "says"),
    [
        ('no pg_hba.conf entry for host "1.2.3.4", user "a", no encryption', "demands TLS"),
        (
            'no pg_hba.conf entry for host "1.2.3.4", user "a", SSL encryption',
            "not admit this user",
        ),
        ("SSL error: certificate verify failed", "certificate of the server"),
        ("root certificate file /x/root.crt does not exist", "certificate of the server"),
        ("session is read-only", "no host of the URL takes writes"),
        ("the database system is starting up", "starts or stops"),
        ("unsupported startup parameter: options", "a pooler refuses the options"),
        ("something new", "something new"),
    ],
)
def test_a_message_is_put_into_plain_words(message, says):
    finding = explained(message, "postgresql://a:s3cret@h/x")
    assert finding.level == "problem"
    assert says in finding.says
    assert finding.fix


def test_a_password_in_a_message_is_hidden():
    url = "postgresql://a:s3cret@h/x"
    assert conninfo_to_dict(url)["password"] == "s3cret"
    assert "s3cret" not in explained("what about s3cret?", url).says
