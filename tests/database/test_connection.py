"""What every connection is opened with."""

from urllib.parse import quote

import psycopg
import pytest

from telemetry.config import Config
from telemetry.database.connection import connect, connection_settings
from telemetry.database.database import Database
from telemetry.database.urls import check_urls


def test_a_silently_dropped_connection_is_noticed_within_a_minute():
    found = connection_settings("postgresql://host/db")
    assert found["keepalives"] == 1
    probes = found["keepalives_interval"] * found["keepalives_count"]
    assert found["keepalives_idle"] + probes <= 60
    assert found["tcp_user_timeout"] <= 60_000


def test_the_url_decides_about_keepalives():
    found = connection_settings("postgresql://host/db?keepalives_idle=300&tcp_user_timeout=0")
    assert (found["keepalives_idle"], found["tcp_user_timeout"]) == ("300", "0")


@pytest.fixture
def two_hosts(database_url, tmp_path):
    """A URL whose first host has no server."""
    parts = psycopg.conninfo.conninfo_to_dict(database_url)
    hosts = f"{quote(str(tmp_path), safe='')},{quote(parts['host'], safe='')}"
    return f"postgres://postgres:p@{hosts}/{parts['dbname']}?target_session_attrs=read-write"


def test_the_first_host_that_takes_writes_is_used(two_hosts):
    config = Config.from_env({"DATABASE_URL": two_hosts})
    check_urls(config)
    with connect(two_hosts) as connection:
        assert connection.execute("SELECT 1 AS one").fetchone() == {"one": 1}
    database = Database(two_hosts, pool_size=1, prepared_statements=True)
    try:
        assert database.fetch_all(b"SELECT 1 AS one") == [{"one": 1}]
    finally:
        database.close()
