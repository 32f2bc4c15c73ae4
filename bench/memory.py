"""The memory of the workers: at rest, after many requests, and under the largest bodies."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import psutil

from bench import postgres, record, report, service
from bench.loads import Turn, Wrk
from bench.turns import Systems, WrongCount, progress

BODY_BYTES = 16 * 2**20
BODIES = 10
SLICE_SECONDS = 10

# Bytes of each worker: resident, unique to it, and proportional (its share of shared pages).
Sizes = list[dict[str, int]]


def measure(running: Systems, requests: int) -> dict[str, Any]:
    """Return the sizes of the workers of a new service over the course of the load."""
    progress("Memory")
    url = running.postgres.create("memory")
    web = service.start(url, running.folder, running.variants["ours"])
    try:
        _warm_up_each_worker(web.url)
        rest = sizes(web)
        progress(f"  at rest: {_megabytes(rest)}")
        over = _over_many_requests(running, web, url, requests)
        largest = _largest_bodies(web)
        progress(f"  {BODIES} batches of 16 MiB: peak {largest['peak'] / 1e6:.0f} MB together")
        time.sleep(5)
        return {"rest": rest, "over": over, "largest": largest, "after": sizes(web)}
    finally:
        web.stop()


def sizes(web: service.Web) -> Sizes:
    """Return the sizes of the workers."""
    full = [worker.memory_full_info() for worker in web.workers]
    return [{"rss": one.rss, "uss": one.uss, "pss": one.pss} for one in full]


def _over_many_requests(running: Systems, web: service.Web, url: str, requests: int) -> list[Any]:
    load = Wrk("/api/v1/runs", 16, "run")
    over: list[Any] = []
    confirmed = 0
    while confirmed < requests:
        prefix = f"memory-{len(over)}"
        seen = load.run(Turn(web.url, running.folder, prefix, SLICE_SECONDS))
        confirmed += seen.requests
        over.append({"requests": confirmed, "sizes": sizes(web)})
        progress(f"  after {confirmed:,} requests: {_megabytes(over[-1]['sizes'])}")
    postgres.wait_until_idle(url)
    rows = postgres.ask(url, "SELECT count(*) FROM agent_runs")
    if rows < confirmed:
        raise WrongCount(f"memory: records {confirmed}, rows {rows}")
    return over


def _largest_bodies(web: service.Web) -> dict[str, Any]:
    one = len(record.text(record.RUN).encode()) + 64
    bodies = [_body(f"largest-{number}", BODY_BYTES // one) for number in range(BODIES)]
    done = threading.Event()
    with ThreadPoolExecutor(BODIES + 1) as threads:
        peak = threads.submit(_peak, web, done)
        try:
            statuses = list(threads.map(lambda body: _post(web.url, body), bodies))
        finally:
            done.set()
    return {"bytes": [*map(len, bodies)], "statuses": statuses, **peak.result()}


def _body(prefix: str, records: int) -> bytes:
    template = record.Template(record.text(record.RUN), prefix)
    body = b"[%b]" % b",".join(template.fill(number) for number in range(records))
    return body + b" " * (BODY_BYTES - len(body))


def _post(url: str, body: bytes) -> int:
    headers = {"Content-Type": "application/json"}
    batch = f"{url}/api/v1/runs/batch"
    try:
        return httpx.post(batch, content=body, headers=headers, timeout=300).status_code
    except httpx.TransportError:
        return 0


def _peak(web: service.Web, done: threading.Event) -> dict[str, int]:
    together, alone = 0, 0
    workers = web.workers
    while not done.wait(0.02):
        try:
            resident = [worker.memory_info().rss for worker in workers]
        except psutil.NoSuchProcess:
            workers = web.workers
            continue
        together, alone = max(together, sum(resident)), max(alone, *resident)
    return {"peak": together, "peak_worker": alone}


def _warm_up_each_worker(url: str) -> None:
    for _ in range(50):
        for path in ("/api/v1/runs?limit=1", "/api/runtime/events", "/metrics", "/api/ready"):
            httpx.get(url + path).raise_for_status()


def _megabytes(of: Sizes) -> str:
    return ", ".join(f"{one['rss'] / 1e6:.0f} MB resident" for one in of)


def section(measured: dict[str, Any]) -> list[str]:
    """Return the section of the report, in Markdown."""
    first, last = measured["over"][0], measured["over"][-1]
    largest = measured["largest"]
    rows = [
        ("after the start and a few reads", measured["rest"]),
        (f"after {first['requests']:,} single creates", first["sizes"]),
        (f"after {last['requests']:,}", last["sizes"]),
        (f"5 s after {BODIES} batches of 16 MiB at once", measured["after"]),
    ]
    rest = max(one["rss"] for one in measured["rest"]) / 1e6
    grown = [b["rss"] - a["rss"] for a, b in zip(first["sizes"], last["sizes"], strict=True)]
    return [
        "### Memory of a worker",
        "",
        "| when | resident MB | unique MB | proportional MB |",
        "| --- | ---: | ---: | ---: |",
        *(
            f"| {when} | "
            + " | ".join(
                ", ".join(f"{one[kind] / 1e6:.0f}" for one in of) for kind in ("rss", "uss", "pss")
            )
            + " |"
            for when, of in rows
        ),
        "",
        *report.paragraph(
            f"Peak under {BODIES} batches of 16 MiB at once: {largest['peak_worker'] / 1e6:.0f} MB"
            f" resident in one worker, {largest['peak'] / 1e6:.0f} MB in all of them."
            f" Responses: {_counted(largest['statuses'])}."
        ),
        "| what | figure | target | met |",
        "| --- | ---: | ---: | --- |",
        f"| resident at rest, the larger worker | {rest:.0f} MB | < 90 MB"
        f" | {'yes' if rest < 90 else '**no**'} |",
        f"| growth from the first {first['requests']:,} to {last['requests']:,} requests"
        f" | {max(grown) / 1e6:.1f} MB | ≤ 3 MB"
        f" | {'yes' if max(grown) <= 3e6 else '**no**'} |",
        "",
    ]


def _counted(statuses: list[int]) -> str:
    return ", ".join(
        f"{statuses.count(one)} {f'with status {one}' if one else 'missing'}"
        for one in sorted(set(statuses))
    )
