"""The rate limit over HTTP."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.http import client_address
from telemetry.http.client_address import client_of
from telemetry.rate_limit.store import DatabaseHits
from tests.support.errors import assert_error
from tests.support.service import PROJECT


@pytest.fixture
def limited(make_app, monkeypatch):
    # On a busy machine the statement may take longer than a second, and then it counts nothing.
    monkeypatch.setattr("telemetry.rate_limit.store.RATE_LIMIT_SECONDS", 20)
    return make_app(rate_limit_enabled=True, rate_limit_rpm=3, trusted_proxies=1).test_client()


def get(client, path="/version", ip="1.1.1.1", **headers):
    return client.get(path, headers={"X-Forwarded-For": ip, **headers})


def age(db, seconds):
    """Make the stored hits this many seconds older."""
    db.execute(
        "UPDATE rate_limit_clients SET last_hit_at = last_hit_at - %(age)s * interval '1 s',"
        " ticks = ARRAY(SELECT tick - %(age)s * 1000000::bigint FROM unnest(ticks) AS tick)",
        {"age": seconds},
    )


def test_it_works(limited, caplog):
    for remaining in ("2", "1", "0"):
        response = get(limited)
        assert response.status_code == 200
        assert response.headers["X-RateLimit-Limit"] == "3"
        assert response.headers["X-RateLimit-Remaining"] == remaining
    response = get(limited)
    assert_error(response, 429, "Rate limit exceeded. Max 3 requests per minute.")
    assert response.headers["Retry-After"] == "60"
    assert response.headers["X-RateLimit-Limit"] == "3"
    assert response.headers["X-RateLimit-Remaining"] == "0"
    assert "Rate limit exceeded for IP: 1.1.1.1" in caplog.messages


def test_each_client_has_its_own_window(limited):
    for _ in range(4):
        get(limited)
    assert get(limited, ip="2.2.2.2").status_code == 200


def test_the_window_slides(limited, db):
    get(limited)
    age(db, 30)
    get(limited)
    get(limited)
    age(db, 29)
    assert get(limited).status_code == 429
    age(db, 1)
    assert get(limited).status_code == 200
    assert get(limited).status_code == 429


def test_a_refused_request_writes_nothing(limited, db):
    for _ in range(3):
        get(limited)
    before = db.execute("SELECT *, xmin FROM rate_limit_clients").fetchall()
    assert get(limited).status_code == 429
    assert db.execute("SELECT *, xmin FROM rate_limit_clients").fetchall() == before


def test_hits_from_a_clock_that_was_ahead_do_not_count(limited, db):
    for _ in range(3):
        get(limited)
    age(db, -3600)
    assert get(limited).status_code == 200


def test_requests_that_fail_authentication_count(make_app):
    client = make_app(
        rate_limit_enabled=True, rate_limit_rpm=2, auth_enabled=True, auth_token="t"
    ).test_client()
    assert [client.get("/version").status_code for _ in range(3)] == [401, 401, 429]


@pytest.mark.parametrize(
    "path", ["/health", "/api/health", "/api/ready", "/api/health/persistence"]
)
@pytest.mark.parametrize("slash", ["", "/"])
def test_the_health_endpoints_are_exempt(limited, path, slash):
    for _ in range(5):
        response = get(limited, path + slash)
        assert response.status_code == 200
        assert "X-RateLimit-Limit" not in response.headers


def test_clients_without_a_recent_hit_are_deleted(limited, db):
    for number in range(5):
        get(limited, ip=f"3.3.3.{number}")
    age(db, 61)
    for _ in range(3):
        get(limited)
    clients = [row["client"] for row in db.execute("SELECT client FROM rate_limit_clients")]
    assert clients == ["1.1.1.1"]


# A request that waits longer for its turn is served without being counted.
PATIENT = f"""
import telemetry.time_limits
telemetry.time_limits.RATE_LIMIT_SECONDS = 20
exec(open({str(PROJECT / "gunicorn.conf.py")!r}).read())
"""


@pytest.mark.long
def test_the_limit_is_exact_across_processes(start_service, tmp_path):
    config = tmp_path / "config.py"
    config.write_text(PATIENT)
    service = start_service(
        TELEMETRY_RATE_LIMIT_ENABLED="true",
        TELEMETRY_RATE_LIMIT_RPM="50",
        WEB_CONCURRENCY="3",
        GUNICORN_CMD_ARGS=f"--config {config}",
    )
    with ThreadPoolExecutor(20) as clients:
        statuses = list(
            clients.map(lambda _: service.client.get("/version").status_code, range(120))
        )
    assert (statuses.count(200), statuses.count(429)) == (50, 70)


def test_without_a_database_each_process_counts_for_itself(make_app):
    client = make_app(database_url=None, rate_limit_enabled=True, rate_limit_rpm=2).test_client()
    responses = [client.get("/version") for _ in range(3)]
    assert [response.status_code for response in responses] == [200, 200, 429]
    assert [response.headers["X-RateLimit-Remaining"] for response in responses] == ["1", "0", "0"]


@pytest.mark.parametrize(
    ("spellings", "key"),
    [
        (
            ["1.1.1.1", "1.1.1.1:4711", "::ffff:1.1.1.1", "[::FFFF:101:101]:80", '"1.1.1.1"'],
            "1.1.1.1",
        ),
        (
            [
                "2001:db8::1",
                "2001:DB8:0:0::1",
                "[2001:db8::1]",
                "[2001:db8::1]:443",
                "2001:db8:0000::ffff:1",
                '"[2001:db8::1%eth0]:443"',
            ],
            "2001:db8::/64",
        ),
    ],
)
def test_a_client_is_one_whatever_the_spelling_of_its_address(make_app, db, spellings, key):
    client = make_app(
        rate_limit_enabled=True, rate_limit_rpm=len(spellings), trusted_proxies=1
    ).test_client()
    assert [get(client, ip=ip).status_code for ip in spellings] == [200] * len(spellings)
    assert [row["client"] for row in db.execute("SELECT client FROM rate_limit_clients")] == [key]
    assert get(client, ip=spellings[0]).status_code == 429


@pytest.mark.parametrize("text", ['"1.1.1.1"', ' "1.1.1.1:80" ', '"[::ffff:1.1.1.1]:80"'])
def test_an_address_may_be_quoted(text):
    """By a server in front; ProxyFix removes the quotes of a proxy itself."""
    assert client_of({"REMOTE_ADDR": text}) == ("1.1.1.1", "1.1.1.1")


def test_a_text_that_is_too_long_for_an_address_is_not_kept_in_memory():
    client_address._parse_short.cache_clear()
    assert client_of({"REMOTE_ADDR": "1" * 3000}) == ("unknown", "unknown")
    assert client_of({"REMOTE_ADDR": "1.1.1.1"}).address == "1.1.1.1"
    assert client_address._parse_short.cache_info().currsize == 2  # the empty text and the address


@pytest.mark.parametrize("ip", ["[2001:DB8::1]:443", "2001:db8::1%eth0"])
def test_the_log_line_names_the_address(limited, caplog, ip):
    for _ in range(4):
        get(limited, ip=ip)
    assert "Rate limit exceeded for IP: 2001:db8::1" in caplog.messages


@pytest.mark.parametrize("ip", ["2001:db8:0:1::1", "2001:db8:1::1", "1.1.1.2"])
def test_another_network_is_another_client(limited, ip):
    for _ in range(4):
        get(limited, ip="2001:db8::1")
        get(limited, ip="1.1.1.1")
    assert get(limited, ip=ip).status_code == 200


BAD = ["", "unknown", "x" * 3000, "1.1.1.1.1", "::g", "[", "[]:1", "\0", "ü", "_hidden", "1" * 3000]


@pytest.mark.parametrize("ip", BAD)
def test_a_proxy_that_names_no_address_is_the_client(limited, db, caplog, ip):
    caplog.set_level("INFO")
    assert [get(limited, ip=ip).status_code for _ in range(4)] == [200, 200, 200, 429]
    clients = [row["client"] for row in db.execute("SELECT client FROM rate_limit_clients")]
    assert clients == ["127.0.0.1"]
    assert caplog.records[-1].client == "127.0.0.1"


@given(st.lists(st.text(st.characters(max_codepoint=255), max_size=3000), max_size=3))
def test_no_header_of_a_proxy_fails_a_request(parts):
    environ = {"REMOTE_ADDR": ",".join(parts), "werkzeug.proxy_fix.orig": {"REMOTE_ADDR": "::1"}}
    address, network = client_of(environ)
    assert len(address) <= len(network) <= 50


def test_a_failure_of_the_limiter_never_fails_a_request(limited, monkeypatch, caplog):
    monkeypatch.setattr(DatabaseHits, "hit", lambda *_: 1 / 0)
    assert get(limited).status_code == 200
    assert any("Rate limiter: ZeroDivisionError" in message for message in caplog.messages)


def test_metrics_are_not_counted(limited, db):
    for path in ("/metrics", "/metrics/") * 3:
        response = get(limited, path)
        assert response.status_code == 200
        assert "X-RateLimit-Limit" not in response.headers
    assert db.execute("SELECT FROM rate_limit_clients").rowcount == 0


def test_a_request_that_cannot_be_counted_goes_on(limited, db, caplog):
    db.execute("ALTER TABLE rate_limit_clients RENAME TO gone")
    for _ in range(5):
        assert get(limited).status_code == 200
    assert any("Rate limiter" in message for message in caplog.messages)
