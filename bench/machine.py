"""The machine and the versions that the figures were measured with."""

import os
import platform
import subprocess
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

import psutil

from bench import postgres
from bench.service import Variant
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
    """Return the CPU, memory and operating system."""
    return {
        "CPU": f"{_cpu_model()}, {os.cpu_count()} cores",
        "memory": f"{psutil.virtual_memory().total / 2**30:.1f} GiB",
        "system": f"{platform.system()} {platform.release()}",
    }


def versions(database_url: str) -> dict[str, str]:
    """Return the versions of the programs and packages that are measured."""
    wrk = subprocess.run(["wrk", "-v"], capture_output=True, text=True, check=False).stdout
    return {
        "telemetry": __version__,
        "PostgreSQL": str(postgres.ask(database_url, "SHOW server_version")),
        "wrk": wrk.split(" ")[1] if wrk else "unknown",
        **{name: version(name) for name in PACKAGES},
    }


def python_versions(variants: Mapping[str, Variant]) -> dict[str, str]:
    """Return the Python version of each variant, and that of the baselines and clients."""
    command = ("-c", "import platform; print(platform.python_version())")
    versions = {
        name: subprocess.run(
            [variant.python, *command], capture_output=True, text=True, check=True
        ).stdout.strip()
        for name, variant in variants.items()
    }
    return {**versions, "baselines and clients": platform.python_version()}


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
