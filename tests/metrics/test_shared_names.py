"""Names that worker processes share."""

import os

from telemetry.shared_names import SharedNames


def test_it_keeps_the_first_names():
    names = SharedNames(3, most_bytes=8)
    assert names.keep([]) == set()
    assert names.keep(["b", "a"]) == {"a", "b"}
    assert names.keep(["\U0001f6d1" * 2, "too many", "a"]) == {"a", "b", "\U0001f6d1" * 2}
    assert names.keep(["c"]) == {"a", "b", "\U0001f6d1" * 2}


def test_processes_share_them():
    names = SharedNames(50, most_bytes=8)
    children = []
    for child in range(4):
        pid = os.fork()
        if pid == 0:
            for number in range(20):
                names.keep([f"{child}-{number}"])
            os._exit(0)
        children.append(pid)
    assert [os.waitpid(pid, 0)[1] for pid in children] == [0] * 4
    kept = names.keep(["late"])
    assert len(kept) == 50
    assert kept <= {f"{child}-{number}" for child in range(4) for number in range(20)}
