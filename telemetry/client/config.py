"""Where the client sends to and where it keeps its spool: arguments, then the environment.

``TelemetryConfig`` is that of the older service. What has no meaning here is accepted and ignored.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

DEFAULT_URL = "http://localhost:8765"
_TRUE = ("true", "1", "yes", "on")


@dataclass
class TelemetryConfig:
    """The configuration of a client."""

    metrics_dir: Path | None = None
    database_path: Path | None = None  # ignored: the service has the database
    ndjson_dir: Path | None = None  # ignored: so is every other copy of the records
    api_url: str | None = None
    google_sheets_api_url: str | None = None  # ignored
    google_sheets_api_enabled: bool = False  # ignored
    api_token: str | None = field(default=None, repr=False)
    api_enabled: bool = False  # ignored
    retry_backoff_factor: float = 1.0  # ignored
    agent_owner: str | None = None
    test_mode: str | None = None
    skip_validation: bool = False  # ignored: nothing has to exist
    buffer_dir: Path | None = None

    @classmethod
    def from_env(cls, environ: Mapping[str, str] = os.environ) -> TelemetryConfig:
        """Return the configuration that the environment gives."""
        base = environ.get("TELEMETRY_BASE_DIR") or environ.get("AGENT_METRICS_DIR")
        buffer = environ.get("TELEMETRY_SPOOL_DIR") or environ.get("TELEMETRY_BUFFER_DIR")
        return cls(
            metrics_dir=Path(base) if base else None,
            api_url=environ.get("TELEMETRY_API_URL") or environ.get("METRICS_API_URL"),
            api_token=environ.get("TELEMETRY_API_AUTH_TOKEN"),
            agent_owner=environ.get("AGENT_OWNER"),
            test_mode=environ.get("TELEMETRY_TEST_MODE"),
            buffer_dir=Path(buffer) if buffer else None,
        )

    def validate(self, strict: bool = True) -> tuple[bool, list[str]]:
        """Return whether the configuration is valid, and what is wrong with it."""
        if is_url(self.api_url or DEFAULT_URL):
            return True, []
        return False, ["TELEMETRY_API_URL must begin with http:// or https://"]

    def is_mock_mode(self) -> bool:
        """Return whether nothing is to be sent."""
        return self.test_mode == "mock"

    def is_live_mode(self) -> bool:
        """Return whether a test sends its records."""
        return self.test_mode == "live"

    def is_test_mode(self) -> bool:
        """Return whether this is a test."""
        return self.is_mock_mode() or self.is_live_mode()

    def spool_root(self) -> Path:
        """Return the folder of all spools."""
        if self.buffer_dir:
            return Path(self.buffer_dir)
        if self.metrics_dir:
            return Path(self.metrics_dir) / "spool"
        return default_root()


def is_url(url: str) -> bool:
    """Return whether a client can send to this URL."""
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def default_root(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the folder for state of this user's programs; a temporary one without a home."""
    if sys.platform == "win32" and environ.get("LOCALAPPDATA"):
        return Path(environ["LOCALAPPDATA"]) / "telemetry" / "spool"
    if environ.get("XDG_STATE_HOME"):
        return Path(environ["XDG_STATE_HOME"]) / "telemetry" / "spool"
    try:
        home = Path.home()
    except RuntimeError:
        home = Path("/")
    if home == Path("/") or not os.access(home, os.W_OK):
        return _temporary_root()
    return home / ".local" / "state" / "telemetry" / "spool"


def _temporary_root() -> Path:
    """Return a folder among the temporary files that only this user can change.

    Others may have made one of the same name, or a link. Without any folder, records are in memory.
    """
    user: Any = getattr(os, "getuid", lambda: "user")()
    try:
        folder = Path(tempfile.gettempdir()) / f"telemetry-spool-{user}"
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
        if user != "user" and (found.st_uid != user or not stat.S_ISDIR(found.st_mode)):
            return Path(tempfile.mkdtemp(prefix="telemetry-spool-"))
    except OSError:
        return Path(os.devnull) / "spool"
    return folder


def spool_folder(root: Path, url: str) -> Path:
    """Return the folder for records of this service: they must never reach another one."""
    try:
        host = urlsplit(url).netloc.rpartition("@")[2]
    except ValueError:
        host = "invalid"
    host = re.sub(r"[^A-Za-z0-9.-]", "_", host)
    digest = hashlib.sha256(url.encode("utf-8", "backslashreplace")).hexdigest()
    return root / f"{host}-{digest[:8]}"
