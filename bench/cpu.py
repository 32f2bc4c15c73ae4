"""CPU seconds by group of processes."""

import resource
from collections.abc import Mapping

import psutil

Group = psutil.Process | None


def seconds(groups: Mapping[str, Group]) -> dict[str, float]:
    """Return the CPU seconds that each process tree and the ended clients have used so far."""
    used = {name: _tree(process) for name, process in groups.items() if process is not None}
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {"client": ended.ru_utime + ended.ru_stime, **used}


def between(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    """Return the difference of two results of ``seconds``."""
    return {name: after[name] - before[name] for name in after}


def _tree(process: psutil.Process) -> float:
    times = process.cpu_times()
    # Children that have ended count too.
    total = times.user + times.system + times.children_user + times.children_system
    for child in process.children(recursive=True):
        try:
            of_child = child.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += of_child.user + of_child.system
    return float(total)
