"""What the figures were measured on and with."""

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

import psutil

from bench import postgres
from telemetry import __version__

PACKAGES = (
    "flask",
    "gunicorn",
    "gevent",
    "marshmallow",
    "msgspec",
    "psycopg",
    "fastapi",
    "uvicorn",
    "uvloop",
    "httptools",
    "asyncpg",
    "pydantic",
    "orjson",
    "eventsourcing",
)


def describe() -> dict[str, str]:
    """Return the machine's kind."""
    return {
        "CPU": f"{_cpu_model()}, {os.cpu_count()} cores",
        "memory": f"{psutil.virtual_memory().total / 2**30:.1f} GiB",
        "system": f"{platform.system()} {platform.release()}",
        "Python": platform.python_version(),
    }


def versions(database_url: str) -> dict[str, str]:
    """Return the versions of everything that takes part."""
    wrk = subprocess.run(["wrk", "-v"], capture_output=True, text=True, check=False).stdout
    return {
        "telemetry": __version__,
        "PostgreSQL": str(postgres.ask(database_url, "SHOW server_version")),
        "wrk": wrk.split(" ")[1] if wrk else "unknown",
        **{name: version(name) for name in PACKAGES},
    }


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
