"""The statements that measure PostgreSQL alone: they store the run of ``record``."""

import json
from collections.abc import Iterator
from typing import Any

from bench.record import RUN

COLUMNS = ", ".join(RUN)
COPY = f"COPY agent_runs ({COLUMNS}) FROM STDIN"
RECORDSET = f"""
    INSERT INTO agent_runs ({COLUMNS})
    SELECT {COLUMNS} FROM json_populate_recordset(NULL::agent_runs, %s::json)
    ON CONFLICT (event_id) DO NOTHING
"""

_COMPUTED = {
    "event_id": "concat(:prefix::text, '-', :client_id::text, '-', :n::text)",
    "run_id": "concat('20260131-crawl-', :n::text)",
    "agent_name": "concat('content-agent-', :agent::text)",
    "start_time": "'2026-01-31T00:00:00.123456Z'::timestamptz + make_interval(secs => :second)",
}
INSERT_BY_PGBENCH = f"""
\\set n :n + 1
\\set agent :n % 20
\\set second :n % 86400
INSERT INTO agent_runs ({COLUMNS})
VALUES ({", ".join(_COMPUTED.get(column, f":{column}") for column in RUN)})
ON CONFLICT (event_id) DO NOTHING;
"""


def pgbench_values(prefix: str) -> Iterator[tuple[str, str]]:
    """Return the names and values of the script's variables."""
    yield "prefix", prefix
    yield "n", "1000000000"
    for column, value in RUN.items():
        if column not in _COMPUTED:
            yield column, _text(value)


def copy_line() -> str:
    """Return the run in COPY's text format, one line with the markers of ``record``."""
    return "\t".join(_escaped(_text(value)) for value in RUN.values()) + "\n"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _escaped(text: str) -> str:
    for character, escape in (("\\", "\\\\"), ("\n", "\\n"), ("\t", "\\t"), ("\r", "\\r")):
        text = text.replace(character, escape)
    return text
