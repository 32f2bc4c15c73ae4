"""What happens while a worker does not serve: to requests, readiness, the doctor and verify."""

import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import psutil
import psycopg
import pytest

from tests.support.citus import Cluster, Node, command
from tests.support.rights import serving
from tests.support.service import Service


@pytest.fixture
def service(citus: Cluster, tmp_path: Any) -> Iterator[Service]:
    started = Service({"DATABASE_URL": serving(citus.url), "WEB_CONCURRENCY": "1"}, tmp_path)
    yield started
    started.kill()


def readiness(service: Service) -> tuple[int, dict[str, Any]]:
    began = time.monotonic()
    response = service.client.get("/api/ready")
    assert time.monotonic() - began < 3.5
    return response.status_code, response.json()


def until_ready(service: Service) -> None:
    for _ in range(100):
        if readiness(service)[0] == 200:
            return
        time.sleep(0.2)
    raise AssertionError(readiness(service))


def processes(node: Node) -> list[psutil.Process]:
    postmaster = psutil.Process(int((node.data / "postmaster.pid").read_text().split()[0]))
    return [postmaster, *postmaster.children(recursive=True)]


def test_a_distributed_database_is_ready(service: Service) -> None:
    assert readiness(service)[0] == 200


@pytest.mark.parametrize("how", ["kill", "freeze"])
def test_readiness_is_503_within_3_s_while_a_worker_is_away(
    service: Service, citus: Cluster, how: str
) -> None:
    until_ready(service)
    worker = citus.workers[0]
    stopped = processes(worker)
    if how == "kill":
        worker.kill()
    else:
        for process in stopped:
            process.send_signal(signal.SIGSTOP)
    try:
        time.sleep(1.1)  # a result serves for a second
        status, body = readiness(service)
        assert status == 503
        assert body["detail"]["error"] == "database_unreachable"
        if how == "kill":
            assert str(worker.port) not in str(body)
            assert str(worker.port) in service.log
            said = command(serving(citus.url), "doctor", check=False).stdout
            assert f"127.0.0.1:{worker.port}" in said
        assert service.client.get("/health").status_code == 200
    finally:
        if how == "kill":
            worker.start()
        else:
            for process in stopped:
                with suppress(psutil.NoSuchProcess):
                    process.send_signal(signal.SIGCONT)
    until_ready(service)


BEHIND_CITUS = """
    SET citus.enable_manual_changes_to_shards = on;
    SET citus.override_table_visibility = off;
    SET citus.enable_unsafe_triggers = on;
    SET citus.enable_ddl_propagation = off
"""

GUARDS = """
    SELECT tgrelid::regclass::text, tgname, pg_get_triggerdef(oid) FROM pg_trigger
    WHERE tgname LIKE 'refuse_change_1%' AND NOT tgisinternal LIMIT 1
"""

FUNCTION = "CREATE OR REPLACE FUNCTION {}() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN {}; END'"

TAMPERED = {
    "disabled": ["ALTER TABLE {shard} DISABLE TRIGGER {guard}"],
    "another function": [
        FUNCTION.format("other", "RETURN coalesce(new, old)"),
        "DROP TRIGGER {guard} ON {shard}",
        "CREATE TRIGGER {guard} BEFORE DELETE OR UPDATE ON {shard}"
        " FOR EACH ROW EXECUTE FUNCTION other()",
    ],
    "another event": [
        "DROP TRIGGER {guard} ON {shard}",
        "CREATE TRIGGER {guard} BEFORE DELETE ON {shard}"
        " FOR EACH ROW EXECUTE FUNCTION refuse_change()",
    ],
    "a condition": [
        "DROP TRIGGER {guard} ON {shard}",
        "CREATE TRIGGER {guard} BEFORE DELETE OR UPDATE ON {shard}"
        " FOR EACH ROW WHEN (FALSE) EXECUTE FUNCTION refuse_change()",
    ],
    "another body": [FUNCTION.format("refuse_change", "RETURN coalesce(new, old)")],
}


@pytest.mark.parametrize("how", TAMPERED)
def test_a_trigger_of_a_shard_that_guards_nothing_is_found(
    service: Service, citus: Cluster, how: str
) -> None:
    until_ready(service)
    with psycopg.connect(citus.workers[0].url, autocommit=True) as worker:
        worker.execute(BEHIND_CITUS)
        shard, guard, definition = worker.execute(GUARDS).fetchone() or ()
        query = "SELECT pg_get_functiondef('refuse_change'::regproc)"
        (function,) = worker.execute(query).fetchone() or ()
        for statement in TAMPERED[how]:
            worker.execute(statement.format(shard=shard, guard=guard))
        try:
            time.sleep(1.1)
            status, body = readiness(service)
            assert status == 503
            assert body["detail"]["error"] == "append_only_triggers_disabled"
            assert guard in str(body["detail"]["failures"])
            assert guard in command(citus.url, "verify", check=False).stdout
        finally:
            worker.execute(function)
            worker.execute(f"DROP TRIGGER {guard} ON {shard}; {definition}")
            worker.execute(f"ALTER TABLE {shard} ENABLE ALWAYS TRIGGER {guard}")
    until_ready(service)
