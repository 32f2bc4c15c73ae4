"""Clients that call a function in a loop and report in the format of wrk's script."""

import json
import multiprocessing
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

# Takes the number of a client and returns the function that this client calls in a loop.
MakeRequest = Callable[[int], Callable[[], None]]


def in_threads(make: MakeRequest, clients: int, seconds: int) -> None:
    """Run the clients as threads of this process and print their report."""
    ready = threading.Barrier(clients)
    with ThreadPoolExecutor(clients) as threads:
        started = [threads.submit(_repeat, make(n), ready, seconds) for n in range(clients)]
    _report([one.result() for one in started])


def in_processes(make: MakeRequest, clients: int, seconds: int) -> None:
    """Run the clients as processes forked from this one and print their report."""
    fork = multiprocessing.get_context("fork")
    ready = fork.Barrier(clients)
    results = fork.Queue()

    def client(number: int) -> None:
        try:
            results.put(_repeat(make(number), ready, seconds))
        except BaseException:
            results.put([])
            raise

    processes = [fork.Process(target=client, args=(n,)) for n in range(clients)]
    for process in processes:
        process.start()
    durations = [results.get() for _ in processes]
    for process in processes:
        process.join()
    if not all(durations):
        sys.exit("a client failed")
    _report(durations)


def _repeat(request: Callable[[], None], ready: Any, seconds: int) -> list[float]:
    durations = []
    ready.wait(60)
    now = time.perf_counter()
    end = now + seconds
    while now < end:
        request()
        before, now = now, time.perf_counter()
        durations.append(now - before)
    return durations


def _report(clients: list[list[float]]) -> None:
    durations = sorted(one for client in clients for one in client)
    report = {
        "requests": len(durations),
        "error_statuses": 0,
        "socket_errors": 0,
        # A client's last request ends after the time is up, so this is more than ``seconds``.
        "seconds": sum(durations) / len(clients),
        "p50_ms": durations[len(durations) // 2] * 1000,
        "p99_ms": durations[len(durations) * 99 // 100] * 1000,
    }
    print(json.dumps(report))
