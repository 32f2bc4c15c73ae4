"""Commits that hang, because the synchronous standby is gone: no more backends than connections."""

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from telemetry.database import connections
from tests.support.errors import assert_unavailable
from tests.support.runs import minimal_run
from tests.support.waiting import wait_until

pytestmark = pytest.mark.faults

URL = "/api/v1/runs"
POOL_SIZE = 2


@pytest.fixture
def stuck(server):
    with psycopg.connect(server.url, autocommit=True) as admin:
        admin.execute("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
        admin.execute("SELECT pg_reload_conf()")
        yield server
        admin.execute("ALTER SYSTEM RESET synchronous_standby_names")
        admin.execute("SELECT pg_reload_conf()")


def backends(url):
    with psycopg.connect(url, autocommit=True) as other:
        query = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'telemetry'"
        return other.execute(query).fetchone()[0]


@pytest.mark.parametrize("path", [URL, f"{URL}/batch"])
def test_a_commit_that_hangs_leaves_no_backend(stuck, make_app, monkeypatch, path):
    monkeypatch.setattr(connections, "ANSWER_SECONDS", 0.3)
    app = make_app(database_url=stuck.url, db_pool_size=POOL_SIZE)

    def post(number):
        run = minimal_run(f"run-{number}")
        return app.test_client().post(path, json=[run] if path.endswith("batch") else run)

    for start in range(0, 24, 4):
        with ThreadPoolExecutor(4) as clients:
            for response in clients.map(post, range(start, start + 4)):
                assert_unavailable(response)
        wait_until(lambda: backends(stuck.url) <= POOL_SIZE, seconds=5)
