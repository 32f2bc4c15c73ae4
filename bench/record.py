"""The records that are posted: templates, filled in anew for each request by every client.

A template is JSON with markers, each of a fixed width: ``@ID@`` (unique in the whole run),
``@NUMBER@``, ``@NANOS@``, ``@AGENT@`` (of 20), ``@DEVICE@`` (of 100), ``@CLOCK@`` (a time of day).
"""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

AGENTS = 20
DEVICES = 100
TENANT = "bench"

# 38 of the 43 fields: an agent that creates a run leaves created_at to the service, tags no
# commit, and has posted it nowhere else yet.
RUN: dict[str, Any] = {
    "event_id": "@ID@",
    "run_id": "20260131-crawl-@NUMBER@",
    "agent_name": "content-agent-@AGENT@",
    "job_type": "translate-pages",
    "start_time": "2026-01-31T@CLOCK@.123456Z",
    "end_time": "2026-01-31T23:59:59.654321Z",
    "status": "success",
    "duration_ms": 73412,
    "items_discovered": 120,
    "items_succeeded": 117,
    "items_failed": 2,
    "items_skipped": 1,
    "product": "aspose.words",
    "product_family": "words",
    "platform": "net",
    "subdomain": "docs.example.com",
    "website": "example.com",
    "website_section": "/words/net/developer-guide",
    "item_name": "convert-a-document-to-pdf.md",
    "git_repo": "https://github.com/example/documentation.git",
    "git_branch": "release/2026.1",
    "git_commit_hash": "0123456789abcdef0123456789abcdef01234567",
    "git_commit_source": "llm",
    "git_commit_author": "Ada Lovelace <ada@example.org>",
    "git_commit_timestamp": "2026-01-31T11:58:41Z",
    "input_summary": "120 pages in English, 14 of them changed since the last run",
    "output_summary": "117 pages in „Deutsch“, 日本語 and français; glossary of 212 terms kept",
    "source_ref": "s3://content-in/words/net/2026-01-31/manifest.json",
    "target_ref": "s3://content-out/words/net/de/2026-01-31/manifest.json",
    "error_summary": "2 pages failed: a table without a header row",
    "error_details": "Traceback (most recent call last):\n"
    '  File "agent/pages.py", line 214, in translate\n    header = table.rows[0]\n'
    "IndexError: list index out of range\n",
    "host": "worker-07.eu-central.example.com",
    "environment": "production",
    "trigger_type": "schedule",
    "metrics_json": {
        "pages": 120,
        "tokens": {"in": 183412, "out": 201933},
        "cost_usd": 1.8734,
        "cache_hit_ratio": 0.37,
        "per_language": {"de": 117, "ja": 117, "fr": 116},
    },
    "context_json": {
        "model": "large-3",
        "temperature": 0.2,
        "prompts": ["translate@14", "glossary@3"],
        "resumed": False,
    },
    "insight_id": "insight-2026-0131-0042",
    "parent_run_id": "20260131-nightly",
}

EVENT: dict[str, Any] = {
    "id": "@ID@",
    "source": "web_api",
    "endpoint": "/api/ideas/@AGENT@?page=2",
    "raw_endpoint": "https://example.org/api/ideas/@AGENT@?page=2",
    "method": "post",
    "status_code": 200,
    "runtime_ms": 41.75,
    "idea_id": "idea-@NUMBER@",
    "metadata": {"region": "eu-central", "cached": False, "rows": 50, "trace": "4bf92f3577b34da6"},
}

_KINDS: dict[str, dict[str, Any]] = {
    "STREAM_REFS": {
        "processed_stream_id": "processed-@NUMBER@",
        "raw_stream_id": "raw-@NUMBER@",
        "pre_roll_buffer_id": 11,
    },
    "VAD_EVENT": {"processed_stream_id": "processed-@NUMBER@"},
    "DEVICE_STATE": {
        "selected_mic": "mic-array-front",
        "selected_speaker": "speaker-left",
        "device_health": "HEALTHY",
    },
    "TIMING_STATS": {
        "jitter_ms": 1.25,
        "drift_ppm": -0.125,
        "buffer_depth_ms": 40.5,
        "underruns": 2,
        "overruns": 0,
    },
    "INTERRUPT_CANDIDATE": {"phrase_id": 5, "phrase_text": "stop the music", "reason_code": 7},
    "DEGRADATION_FLAGS": {
        "capture_degraded": True,
        "aec_unstable": False,
        "device_changed": False,
        "stream_gap_detected": False,
    },
    "TTS_PLAYBACK_ACTIVE": {"tts_playback_active": True},
}

LEDGER: list[dict[str, Any]] = [
    {
        "tenant_id": TENANT,
        "device_id": "device-@DEVICE@",
        "event_kind": kind,
        "created_at": "@NANOS@",
        "idempotency_key": "@ID@",
        **fields,
    }
    for kind, fields in _KINDS.items()
]

_MARKER = re.compile(r"@([A-Z]+)@")


def text(record: dict[str, Any]) -> str:
    """Return the template's JSON, as compact as a client sends it."""
    compact = json.dumps(record, ensure_ascii=False, separators=(",", ":"))
    return compact.replace('"@NANOS@"', "@NANOS@")


def write_templates(folder: Path) -> None:
    """Write ``run``, ``event`` and ``ledger``: the templates in turn, one a line, for wrk."""
    for name, records in (("run", [RUN]), ("event", [EVENT]), ("ledger", LEDGER)):
        (folder / name).write_text("".join(text(record) + "\n" for record in records))


class Template:
    """A text with markers, filled in by the clients that are written in Python."""

    def __init__(self, template: str, prefix: str) -> None:
        pieces = _MARKER.split(template)
        makers = _makers(prefix.encode())
        self._makers = [makers[name] for name in pieces[1::2]]
        # Of bytes: the text has characters that make Python's own four times as wide.
        self._format = b"%b".join(piece.replace("%", "%%").encode() for piece in pieces[::2])

    def fill(self, number: int) -> bytes:
        """Return the text with the values of this number, in UTF-8."""
        return self._format % tuple([make(number) for make in self._makers])


def _makers(prefix: bytes) -> dict[str, Callable[[int], bytes]]:
    clocks = [b"%02d:%02d:%02d" % (s // 3600, s // 60 % 60, s % 60) for s in range(86_400)]
    return {
        "ID": lambda number: b"%b-%010d" % (prefix, number),
        "NUMBER": lambda number: b"%010d" % number,
        "NANOS": lambda number: b"17%017d" % number,
        "AGENT": lambda number: b"%02d" % (number % AGENTS),
        "DEVICE": lambda number: b"%03d" % (number % DEVICES),
        "CLOCK": lambda number: clocks[number % 86_400],
    }
