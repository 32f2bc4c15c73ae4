"""The window, exact to the microsecond. The tests set the clock, so none of them waits."""

from random import Random

import pytest

from telemetry.rate_limit.store import HIT


@pytest.fixture
def hit(db):
    """Count a hit at a second; return the hits of its last minute, or None when it is refused."""
    db.execute(
        "CREATE FUNCTION public.clock_timestamp() RETURNS timestamptz LANGUAGE sql STABLE"
        " RETURN to_timestamp(current_setting('test.second')::double precision)"
    )
    db.execute("SET search_path = public, pg_catalog")

    def hit(second, allowance=1, client="1.1.1.1"):
        db.execute("SELECT set_config('test.second', %s, FALSE)", [str(second)])
        row = db.execute(HIT, {"client": client, "allowance": allowance}).fetchone()
        return row and row["used"]

    return hit


@pytest.mark.parametrize("first", [0.0, 0.001, 0.0599, 0.06])
def test_a_hit_counts_for_a_minute(hit, first):
    assert hit(first) == 1
    for second in (59.94, 59.951, 59.999999):
        assert hit(first + second) is None
    assert hit(first + 60) == 1


def test_no_minute_holds_more_hits_than_the_allowance(hit):
    random = Random(60)
    second, allowed = 0.0, [-60.0] * 5
    for _ in range(500):
        due = allowed[-5] + 60
        second = max(second + random.random() / 100, due - random.random() / 10)
        if hit(second, allowance=5) is not None:
            assert second >= due
            allowed.append(second)
    assert len(allowed) > 50


def test_a_minute_after_a_refused_hit_the_whole_allowance_is_available(hit):
    assert [hit(second, allowance=3) for second in (0.01, 0.02, 0.03, 0.04)] == [1, 2, 3, None]
    assert [hit(second, allowance=3) for second in (60.04, 60.05, 60.06)] == [1, 2, 3]


def test_hits_within_60_ms_count_until_the_latest_of_them_is_a_minute_old(hit):
    assert [hit(second, allowance=2) for second in (0.01, 0.05)] == [1, 2]
    assert [hit(second, allowance=2) for second in (60.049, 60.05)] == [None, 1]


def test_a_hit_that_is_counted_late_makes_no_other_expire_early(hit):
    """A statement that waited for the row carries the time before its wait."""
    assert [hit(second, allowance=2) for second in (0.02, 0.01)] == [1, 2]
    assert hit(60.015, client="2.2.2.2") == 1
    assert hit(60.015) is None


def test_a_row_does_not_grow_with_the_allowance(hit, db):
    hit(0.01)
    db.execute(
        "UPDATE rate_limit_clients SET hits = array_fill(5, ARRAY[1000]),"
        " ticks = ARRAY(SELECT generate_series(ticks[1], ticks[1] + 59940000, 60000))"
    )
    for number in range(20):
        used = hit(60 + number * 0.05, allowance=1_000_000)
    assert used in range(5000 - 5 * 16, 5000 + 20)
    row = db.execute("SELECT cardinality(ticks) AS n FROM rate_limit_clients").fetchone()
    assert row["n"] <= 1001
