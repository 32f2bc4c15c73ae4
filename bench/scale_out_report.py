"""The figures of ``bench.scale_out`` as Markdown: medians over the rounds."""

from collections.abc import Iterable, Mapping
from statistics import median
from typing import Any

Results = Mapping[str, Mapping[str, Any]]


def rates(title: str, results: Results) -> list[str]:
    """Return the table of one scenario: rate, latency and CPU per 1,000 records."""
    lines = [
        f"### {title}",
        "",
        "| system | records/s | to the first | p50 ms | p99 ms | CPU s per 1,000: service"
        " | database or coordinator | workers | all servers | connections |",
        f"| --- |{' ---: |' * 9}",
    ]
    first = next(iter(results.values()))["turns"]
    for system, result in results.items():
        turns = result["turns"]
        pairs = zip(turns, first, strict=True)
        ratio = median(mine["rate"] / max(theirs["rate"], 0.001) for mine, theirs in pairs)
        service, head, *workers = _cpu(turns)
        cells = [
            f"{median(turn['rate'] for turn in turns):,.0f}",
            f"{ratio:.2f}",
            f"{median(turn['p50_ms'] for turn in turns):.0f}",
            f"{median(turn['p99_ms'] for turn in turns):.0f}",
            f"{service:.3f}",
            f"{head:.3f}",
            " + ".join(f"{worker:.3f}" for worker in workers) or "-",
            f"{service + head + sum(workers):.3f}",
            " + ".join(map(str, turns[-1]["connections"].values())),
        ]
        lines.append(f"| {system} | {' | '.join(cells)} |")
    return [*lines, ""]


def totals(titles: Mapping[str, str], results: Mapping[str, Results]) -> list[str]:
    """Return what the nodes counted per record, added up over the nodes."""
    lines = [
        "| per record | system | bytes of rows | of indexes | of WAL | of them full pages"
        " | commits | WAL syncs |",
        f"| --- | --- |{' ---: |' * 6}",
    ]
    for name, of_systems in results.items():
        for system, result in of_systems.items():
            lines.append(f"| {titles[name]} | {system} | {' | '.join(_counted(result))} |")
    return lines


def _cpu(turns: list[dict[str, Any]]) -> list[float]:
    """Return the CPU of the service and of each node; the client's is not a server's."""
    names = [name for name in turns[0]["cpu"] if name != "client"]
    return [median(turn["cpu"][name] for turn in turns) for name in names]


def _counted(result: Mapping[str, Any]) -> Iterable[str]:
    rows = max(result["rows"], 1)
    counts = list(result["counts"].values())
    for name in ("row_bytes", "index_bytes", "wal_bytes"):
        yield f"{sum(count[name] for count in counts) / rows:,.0f}"
    yield f"{sum(count['full_pages'] for count in counts) * 8192 / rows:,.0f}"
    for name in ("commits", "syncs"):
        yield " + ".join(f"{count[name] / rows:.3f}" for count in counts)
