"""No record is reported as a duplicate that is not stored.

A statement that inserts nothing stands for a pooler that runs another client's statement.
"""

import pytest

from telemetry.audio_runtime import store as ledger
from telemetry.runs import store as runs
from telemetry.runs import writes
from telemetry.runtime_events import store as events
from tests.support.audio_runtime import event
from tests.support.errors import assert_unavailable
from tests.support.runs import minimal_run
from tests.support.runtime_events import full_event

NO_RUN = b"SELECT NULL AS event_id WHERE %(runs)s::json IS NULL"
NO_EVENT = b"SELECT NULL AS id WHERE %(events)s::json IS NULL"
DUPLICATES = b"SELECT 'duplicate' AS outcome FROM json_array_elements(%(events)s::json)"


@pytest.fixture(autouse=True)
def nothing_is_inserted(monkeypatch):
    monkeypatch.setattr(runs, "CREATE", NO_RUN)
    monkeypatch.setattr(writes, "CREATE", NO_RUN)
    monkeypatch.setattr(runs.RunBatch, "copy", lambda *_: None)
    monkeypatch.setattr(events, "CREATE", NO_EVENT)
    monkeypatch.setattr(ledger, "APPEND", DUPLICATES)


@pytest.mark.parametrize(
    ("url", "body"),
    [
        ("/api/v1/runs", minimal_run()),
        ("/api/v1/runs/batch", [minimal_run()]),
        ("/api/runtime/events", full_event()),
        ("/api/runtime/events/batch", [full_event()]),
        ("/api/v1/audio-runtime/events", event()),
        ("/api/v1/audio-runtime/events/batch", [event(), event()]),
    ],
)
def test_what_is_not_stored_is_no_duplicate(client, url, body):
    assert_unavailable(client.post(url, json=body))
