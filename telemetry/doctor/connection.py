"""Whether the database accepts a connection of the service, and in plain words why not."""

import re
from collections.abc import Iterator
from time import monotonic
from typing import NamedTuple

import psycopg
from psycopg.conninfo import conninfo_to_dict

from telemetry.database.connection import Connection
from telemetry.database.errors import DatabaseUnavailable, cause_of
from telemetry.doctor.finding import Finding, ok, problem, warning
from telemetry.doctor.subject import Subject
from telemetry.time_limits import CONNECT_SECONDS
from telemetry.url_parts import redact_url

CHECK = "connection"

THIS_MACHINE = ("localhost", "127.0.0.1", "::1")


class Cause(NamedTuple):
    """What a message of libpq, of the server or of a pooler means."""

    message: str
    says: str
    fix: str


# The first one that fits counts. libpq passes on no SQLSTATE of a refused connection.
CAUSES = (
    Cause(
        r"translate host name|not known|name resolution|No address associated|resolve host",
        "the host name of the URL can't be found",
        "correct the host in the URL; on a platform, look whether the database still exists",
    ),
    Cause(
        r"Connection refused",
        "nothing listens at the host and port of the URL",
        "start the server, or correct the host and port in the URL",
    ),
    Cause(
        r"\.s\.PGSQL\.\d+.*No such file|No such file.*\.s\.PGSQL",
        "there is no server with a socket in the folder of the URL",
        "start the server, or correct the host in the URL",
    ),
    Cause(
        r"timeout|timed out",
        f"the server does not respond within {CONNECT_SECONDS} s",
        "look whether the server hangs, or a firewall drops what is sent to it",
    ),
    Cause(
        r"No route to host|Network is unreachable",
        "there is no network route to the host of the URL",
        "correct the host in the URL, or the network of this machine",
    ),
    Cause(
        r"password authentication failed|no password supplied|authentication failed|SASL",
        "the server refuses the user or the password of the URL",
        "correct them; a platform that replaced the password has put the new URL in its settings",
    ),
    Cause(
        r'role ".*" does not exist|is not permitted to log in',
        "the user of the URL does not exist, or may not log in",
        "create the role with LOGIN, or correct the user in the URL",
    ),
    Cause(
        r'database ".*" does not exist',
        "the database of the URL does not exist on this server",
        "create it, or correct the end of the URL; then run `python -m telemetry migrate`",
    ),
    Cause(
        r"permission denied for database|CONNECT privilege",
        "the role may not connect to this database",
        "as its owner: GRANT CONNECT ON DATABASE … TO …",
    ),
    Cause(
        r"no pg_hba\.conf entry.*no encryption",
        "the server demands TLS",
        "add ?sslmode=require to the URL",
    ),
    Cause(
        r"pg_hba\.conf",
        "the server does not admit this user from this address",
        "add a line to pg_hba.conf of the server, or use the address that it admits",
    ),
    Cause(
        r"certificate|root\.crt",
        "the certificate of the server can't be verified",
        "name the certificate of its authority with sslrootcert=…, or correct the host",
    ),
    Cause(
        r"does not support SSL",
        "the server offers no TLS, and the URL demands it",
        "turn TLS on at the server, or use sslmode=prefer where the network is private",
    ),
    Cause(r"SSL|TLS", "the TLS connection fails", "compare sslmode in the URL with the server"),
    Cause(
        r"too many|connection slots|no more connections",
        "the server, the database or the role has no connection left",
        "lower WEB_CONCURRENCY or TELEMETRY_DB_POOL_SIZE, or end other connections",
    ),
    Cause(
        r"session is read-only|hot standby mode",
        "no host of the URL takes writes",
        "wait for the failover to end, or correct the hosts in the URL",
    ),
    Cause(
        r"starting up|shutting down|recovery",
        "the server starts or stops",
        "run the doctor again in a minute; if it stays, look at the log of the server",
    ),
)


def check_connection(subject: Subject) -> Iterator[Finding]:
    """Open a connection as the pool does, and yield what came of it."""
    started = monotonic()
    try:
        with subject.database.open_one(CONNECT_SECONDS) as connection:
            seconds = monotonic() - started
            version = connection.info.parameter_status("server_version")
            says = f"PostgreSQL {version} at {redact_url(subject.url)} in {seconds * 1000:.0f} ms"
            yield ok(CHECK, says)
            yield from _encryption(connection)
    except DatabaseUnavailable as error:  # the options did not arrive
        says, _, fix = str(error).rpartition("; ")
        yield problem("options", says, fix)
    except psycopg.OperationalError as error:
        yield explained(cause_of(error), subject.url)


def explained(message: str, url: str) -> Finding:
    """Return the finding that stands for the message of a failed connection."""
    shown = _without_password(message, url)
    if "unsupported startup parameter" in message or "command-line options" in message:
        says = f"a pooler refuses the options of connections ({shown})"
        return problem("options", says, "set TELEMETRY_DB_PREPARED_STATEMENTS=false")
    for cause in CAUSES:
        if re.search(cause.message, message):
            return problem(CHECK, f"{cause.says} ({shown})", cause.fix)
    return problem(CHECK, shown, "repair what the message says")


def _without_password(message: str, url: str) -> str:
    """Return the message without the password, which no known one quotes."""
    password = str(conninfo_to_dict(url).get("password") or "")
    return message.replace(password, "***") if password else message


def _encryption(connection: Connection) -> Iterator[Finding]:
    host = connection.info.host
    if not connection.pgconn.ssl_in_use and not host.startswith("/") and host not in THIS_MACHINE:
        says = f"the connection to {host} is not encrypted"
        fix = "add ?sslmode=require to the URL, unless the network is private"
        yield warning(CHECK, says, fix)
