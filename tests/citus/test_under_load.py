"""Nothing is lost while writers and followers go on: a new worker, a dead one, the commands."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import psycopg
import pytest

from tests.support.citus import Cluster, command, distributed
from tests.support.feed import Follower
from tests.support.followers import FEEDS, bodies, followers
from tests.support.rights import serving
from tests.support.runs import minimal_run
from tests.support.service import Service

COUNTED = """
    SELECT (SELECT count(*) FROM agent_runs) AS runs, (SELECT sum(runs) FROM (
        SELECT runs FROM agent_run_counts WHERE bucket = '-infinity'
        UNION ALL SELECT runs FROM agent_run_count_changes) AS it) AS counted
"""


class Load:
    """Writers and a follower of each feed, until stopped."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self.sent: dict[str, set[str]] = {name: set() for name in FEEDS}
        self.failed: Counter[int] = Counter()
        self.seen: dict[str, list[str]] = {name: [] for name in FEEDS}
        for number in range(3):
            self._put_device(f"device-{number}")
        targets: list[tuple[Callable[..., None], Any]] = [(self._write, n) for n in range(3)]
        targets += [(self._follow, name) for name in FEEDS]
        self._threads = [threading.Thread(target=run, args=[it]) for run, it in targets]

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join(120)

    def writes(self, more: int) -> None:
        """Return once so many more records of runs have been stored."""
        target = len(self.sent["runs"]) + more
        deadline = time.monotonic() + 120
        while len(self.sent["runs"]) < target:
            assert time.monotonic() < deadline, self.failed
            time.sleep(0.1)

    def assert_nothing_lost(self, url: str) -> None:
        """What got a success is stored, counted, seen once by its follower, and sound."""
        for name in FEEDS:
            assert self.sent[name] <= {*self.seen[name]}, name
            # A change shows a run again; an event is shown once.
            assert name == "runs" or len(self.seen[name]) == len({*self.seen[name]})
        with psycopg.connect(url) as connection:
            runs, counted = connection.execute(COUNTED).fetchone() or (0, 1)
        assert runs == counted
        assert runs >= len(self.sent["runs"])
        command(url, "verify")

    def _put_device(self, device: str) -> None:
        body = {"tenant_id": "tenant-1"}
        response = httpx.put(f"{self._url}/api/v1/devices/{device}", json=body, timeout=40)
        assert response.status_code in {200, 201}

    def _write(self, number: int) -> None:
        with httpx.Client(base_url=self._url, timeout=60) as client:
            count = 0
            while not self._stopped.is_set():
                name = f"w{number}-{count}"
                count += 1
                for feed, (path, body) in zip(
                    FEEDS, bodies(name, f"device-{number}").items(), strict=True
                ):
                    self._post(client, feed, path, body, [name])
                # On several workers, unlike the records above.
                names = [f"{name}-{part}" for part in range(20)]
                self._post(client, "runs", "/api/v1/runs/batch", [*map(minimal_run, names)], names)

    def _post(
        self, client: httpx.Client, feed: str, path: str, body: Any, names: list[str]
    ) -> None:
        response = client.post(path, json=body)
        with self._lock:
            # 200: the first try was stored, and its response lost; or a batch.
            if response.status_code in {200, 201}:
                self.sent[feed].update(names)
            else:
                self.failed[response.status_code] += 1
                if response.status_code != 503:
                    print(path, response.text)

    def _follow(self, name: str) -> None:
        with httpx.Client(base_url=self._url, timeout=60) as client:

            def get(path: str, query: dict[str, Any]) -> Any:
                while (response := client.get(path, params=query)).status_code == 503:
                    time.sleep(0.3)
                assert response.status_code == 200, response.text
                return response.json()

            follower: Follower = followers(get, limit=200)[name]
            quiet = 0
            while quiet < 3:
                items = follower.catch_up()
                self.seen[name] += [item[FEEDS[name][1]] for item in items]
                if not items:
                    quiet += self._stopped.is_set()
                    time.sleep(0.3)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with distributed() as started:
        yield started


@pytest.fixture
def service(cluster: Cluster, tmp_path: Any) -> Iterator[Service]:
    started = Service({"DATABASE_URL": serving(cluster.url), "WEB_CONCURRENCY": "2"}, tmp_path)
    yield started
    started.kill()


def placed(url: str, table: str = "agent_runs") -> dict[int, int]:
    """Return how many shards of a table each port has."""
    query = """
        SELECT nodeport, count(*) FROM citus_shards
        WHERE table_name = %s::regclass GROUP BY 1
    """
    with psycopg.connect(url) as connection:
        return dict(connection.execute(query, [table]).fetchall())


def test_a_new_worker_gets_shards_and_nothing_is_lost(cluster: Cluster, service: Service) -> None:
    with Load(service.url) as load:
        load.writes(400)
        worker = cluster.add_worker()
        command(cluster.url, "distribute")
        load.writes(400)
    assert placed(cluster.url)[worker.port] >= 2
    assert {*load.failed} <= {503}
    load.assert_nothing_lost(cluster.url)


def test_a_dead_worker_loses_nothing(cluster: Cluster, service: Service) -> None:
    before = len(cluster.workers)
    with Load(service.url) as load:
        load.writes(400)
        cluster.workers[0].kill()
        time.sleep(3)
        cluster.workers[0].start()
        load.writes(400)
    assert len(cluster.workers) == before
    assert {*load.failed} == {503}, service.log[-200_000:]
    load.assert_nothing_lost(cluster.url)


def test_the_commands_lose_nothing(cluster: Cluster, service: Service) -> None:
    with Load(service.url) as load:
        load.writes(200)
        command(cluster.url, "undistribute")
        load.writes(200)
        command(cluster.url, "distribute")
        load.writes(200)
    assert {*load.failed} <= {503}
    load.assert_nothing_lost(cluster.url)
