"""Clients that call a function again and again, and report as wrk does."""

import json
import multiprocessing
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

# Given a client's number, makes what that client does again and again.
Make = Callable[[int], Callable[[], None]]


def in_threads(make: Make, clients: int, seconds: int) -> None:
    """Let threads of this process do it, and report."""
    ready = threading.Barrier(clients)
    with ThreadPoolExecutor(clients) as threads:
        started = [threads.submit(_repeat, make(n), ready, seconds) for n in range(clients)]
    _report([one.result() for one in started])


def in_processes(make: Make, clients: int, seconds: int) -> None:
    """Let processes forked from this one do it, and report."""
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
    took = [results.get() for _ in processes]
    for process in processes:
        process.join()
    if not all(took):
        sys.exit("a client failed")
    _report(took)


def _repeat(once: Callable[[], None], ready: Any, seconds: int) -> list[float]:
    took = []
    ready.wait(60)
    now = time.perf_counter()
    end = now + seconds
    while now < end:
        once()
        before, now = now, time.perf_counter()
        took.append(now - before)
    return took


def _report(clients: list[list[float]]) -> None:
    took = sorted(one for client in clients for one in client)
    seen = {
        "requests": len(took),
        "refused": 0,
        "broken": 0,
        # A client ends its last request after the time is up.
        "seconds": sum(took) / len(clients),
        "p50_ms": took[len(took) // 2] * 1000,
        "p99_ms": took[len(took) * 99 // 100] * 1000,
    }
    print(json.dumps(seen))
