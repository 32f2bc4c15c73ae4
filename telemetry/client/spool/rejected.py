"""The file of records that the service refused, each with the reason."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path

from telemetry.client.clock import utc_now
from telemetry.client.notices import Notices

MAX_BYTES = 8 * 1024 * 1024


class Rejected:
    """Appends to ``rejected.jsonl``; when that is full it becomes ``rejected.1.jsonl``."""

    def __init__(self, folder: Path, notices: Notices) -> None:
        self.file = folder / "rejected.jsonl"
        self._notices = notices

    def add(self, record: bytes, status: int, reason: object) -> None:
        """Append a record."""
        self._notices.count("rejected")
        self._notices.warn(
            "rejected", "the service refused a record (%s); see %s", reason, self.file
        )
        line = {
            "rejected_at": utc_now(),
            "status": status,
            "reason": reason,
            "record": record.decode("utf-8", "replace"),
        }
        try:
            self._append(json.dumps(line, default=str).encode() + b"\n")
        except OSError:
            self._notices.count("rejected_not_kept")

    def _append(self, line: bytes) -> None:
        with suppress(FileNotFoundError):
            if self.file.stat().st_size > MAX_BYTES:
                self.file.replace(self.file.with_name("rejected.1.jsonl"))
        opened = os.open(self.file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(opened, line)
        finally:
            os.close(opened)
