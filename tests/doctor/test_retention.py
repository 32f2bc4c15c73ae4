"""What the doctor finds about the daily retention."""

import pytest

from tests.doctor.support import doctor
from tests.support.retention import add_runs, names, state
from tests.support.rights import retention_granted, serving


@pytest.fixture
def examined(database_url):
    urls = {"DATABASE_URL": serving(database_url), "TELEMETRY_RETENTION_RUNS": "90d"}
    return lambda: doctor(**urls)


def test_a_role_that_may_not_prune_is_named_with_the_fix(examined):
    found = examined()
    assert found.status == 1
    assert found.problem.startswith("retention: runs can't be deleted: ")
    assert "permission denied for table retention_passes" in found.problem
    assert "grants --role NAME --retention" in found.problem


def test_the_trial_deletes_nothing(examined, db):
    add_runs(db, "old", "91 days")
    with retention_granted(db):
        found = examined()
    assert "retention: runs older than 90d can be deleted; None" in found.of("ok")
    assert names(db, "agent_runs") == {"old"}
    assert state(db) == {}


def test_a_retention_that_is_late_is_a_warning(examined, db):
    db.execute(
        "INSERT INTO retention_passes (kind, older_than, started_at, leased_until, finished_at)"
        " VALUES ('agent_runs', '90 days', now(), now(), now() - interval '37 hours')"
    )
    with retention_granted(db):
        found = examined()
    assert any("no pass was complete for a day and a half" in it for it in found.of("warning"))
