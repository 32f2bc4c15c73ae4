"""The records that the clients post: templates that a client fills with new values per request.

A template is JSON with markers, each replaced by a value of fixed width: ``@ID@`` (unique in the
whole run), ``@NUMBER@``, ``@NANOS@``, ``@AGENT@`` (one of 20), ``@DEVICE@`` (one of 100) and
``@CLOCK@`` (a time of day).
"""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

AGENTS = 20
DEVICES = 100
TENANT = "bench"

# 38 of the 43 fields. An agent that creates a run leaves out created_at, the commit tag and the
# fields about posting the run to another API.
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
    """Return the template as compact JSON."""
    compact = json.dumps(record, ensure_ascii=False, separators=(",", ":"))
    return compact.replace('"@NANOS@"', "@NANOS@")


TEMPLATES = {
    name: [text(record) for record in records]
    for name, records in (("run", [RUN]), ("event", [EVENT]), ("ledger", LEDGER))
}


def write_templates(folder: Path) -> None:
    """Write one file per entry of ``TEMPLATES`` for wrk, with one template per line."""
    for name, templates in TEMPLATES.items():
        (folder / name).write_text("".join(f"{template}\n" for template in templates))


class Template:
    """A text with markers that the Python clients fill in."""

    def __init__(self, template: str, prefix: str, *, device: int = 0) -> None:
        """Records start at device number ``device``; every hundred records use ten devices."""
        pieces = _MARKER.split(template)
        makers = _makers(prefix.encode(), device)
        self._makers = [makers[name] for name in pieces[1::2]]
        # Bytes: a str of these characters takes twice the space and has to be encoded.
        self._format = b"%b".join(piece.replace("%", "%%").encode() for piece in pieces[::2])

    def fill(self, number: int) -> bytes:
        """Return the text in UTF-8, filled with the values for this number."""
        return self._format % tuple([make(number) for make in self._makers])


def _makers(prefix: bytes, device: int) -> dict[str, Callable[[int], bytes]]:
    return {
        "ID": lambda number: b"%b-%010d" % (prefix, number),
        "NUMBER": lambda number: b"%010d" % number,
        "NANOS": lambda number: b"17%017d" % number,
        "AGENT": lambda number: b"%02d" % (number % AGENTS),
        "DEVICE": lambda number: b"%03d" % ((device + number // 100 * 10 + number % 10) % DEVICES),
        "CLOCK": lambda n: b"%02d:%02d:%02d" % (n // 3600 % 24, n // 60 % 60, n % 60),
    }
