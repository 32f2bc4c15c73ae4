"""Clients that call a function again and again, and report as wrk does."""

import json
import multiprocessing
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

# Given a client's number, makes what that client does again and again.
Make = Callable[[int], Callable[[], None]]


def report(took: list[float], seconds: float) -> None:
    """Print what the clients saw; ``took`` holds the seconds of each request."""
    took.sort()
    seen = {
        "requests": len(took),
        "refused": 0,
        "broken": 0,
        "seconds": seconds,
        "p50_ms": took[len(took) // 2] * 1000,
        "p99_ms": took[len(took) * 99 // 100] * 1000,
    }
    print(json.dumps(seen))


def in_threads(make: Make, clients: int, seconds: int) -> None:
    """Let threads of this process do it, and report."""
    ready = threading.Barrier(clients)
    with ThreadPoolExecutor(clients) as threads:
        started = [threads.submit(_repeat, make(n), ready, seconds) for n in range(clients)]
    report([one for each in started for one in each.result()], seconds)


def in_processes(make: Make, clients: int, seconds: int) -> None:
    """Let processes forked from this one do it, and report."""
    fork = multiprocessing.get_context("fork")
    ready = fork.Barrier(clients)
    results = fork.Queue()
    processes = [
        fork.Process(target=lambda n=n: results.put(_repeat(make(n), ready, seconds)))
        for n in range(clients)
    ]
    for process in processes:
        process.start()
    took = [one for _ in processes for one in results.get(timeout=seconds + 60)]
    for process in processes:
        process.join()
    report(took, seconds)


def _repeat(once: Callable[[], None], ready: Any, seconds: int) -> list[float]:
    took = []
    ready.wait()
    now = time.perf_counter()
    end = now + seconds
    while now < end:
        once()
        before, now = now, time.perf_counter()
        took.append(now - before)
    return took
