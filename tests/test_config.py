"""Reading the configuration from environment variables."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.config import MIB, Config, ConfigError
from telemetry.url_parts import redact_url

URL = "postgresql://user:s3cret@db.example.org:5432/telemetry?sslmode=require"


def test_every_variable_has_a_sensible_default():
    config = Config.from_env({})
    assert config == Config()
    assert (config.port, config.max_body_bytes, config.rate_limit_rpm) == (8765, 16 * MIB, 60)
    assert (config.web_concurrency, config.db_pool_size, config.auth_enabled) == (2, 4, False)


def test_every_variable_is_read():
    config = Config.from_env(
        {
            "DATABASE_URL": URL,
            "RUNTIME_DATABASE_URL": "postgres://other/db",
            "RUNTIME_EVENTS_PATH": "/data/events.jsonl",
            "PERSISTENCE_CONTRACT_REQUIRED": "TRUE",
            "TELEMETRY_API_AUTH_ENABLED": "true",
            "TELEMETRY_API_AUTH_TOKEN": "t0ken",
            "TELEMETRY_RATE_LIMIT_ENABLED": "1",
            "TELEMETRY_RATE_LIMIT_RPM": "600",
            "TELEMETRY_TRUSTED_PROXIES": "1",
            "TELEMETRY_MAX_BODY_BYTES": "1000",
            "TELEMETRY_CORS_ORIGINS": "https://app.example.org, http://localhost:3000",
            "TELEMETRY_STALE_AFTER": "30m",
            "TELEMETRY_DB_POOL_SIZE": "3",
            "TELEMETRY_DB_PREPARED_STATEMENTS": "false",
            "WEB_CONCURRENCY": "4",
            "PORT": "5000",
            "LOG_LEVEL": "debug",
            "RUNTIME_COST_PER_SECOND": "0.01",
        }
    )
    assert config == Config(
        database_url=URL,
        runtime_database_url="postgres://other/db",
        runtime_events_path=Path("/data/events.jsonl"),
        persistence_contract_required="true",
        auth_enabled=True,
        auth_token="t0ken",
        rate_limit_enabled=True,
        rate_limit_rpm=600,
        trusted_proxies=1,
        max_body_bytes=1000,
        cors_origins=("https://app.example.org", "http://localhost:3000"),
        stale_after=timedelta(minutes=30),
        db_pool_size=3,
        db_prepared_statements=False,
        web_concurrency=4,
        port=5000,
        log_level="DEBUG",
        runtime_cost_per_second=0.01,
    )


def test_an_empty_variable_counts_as_unset():
    assert Config.from_env({"DATABASE_URL": "", "PORT": " "}) == Config()


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("30M", 1800), ("1h", 3600), ("365d", 365 * 86_400)]
)
def test_a_duration_has_a_unit(text, seconds):
    config = Config.from_env({"TELEMETRY_STALE_AFTER": text})
    assert config.stale_after == timedelta(seconds=seconds)


OLD_NAMES = {
    "GLOBAL_PERSISTENCE_REQUIRED": ("PERSISTENCE_CONTRACT_REQUIRED", "true", "false"),
    "TELEMETRY_API_PORT": ("PORT", "9000", "5000"),
    "TELEMETRY_LOG_LEVEL": ("LOG_LEVEL", "debug", "ERROR"),
}


@pytest.mark.parametrize("old", OLD_NAMES)
def test_the_name_of_an_older_deployment_is_read_where_the_new_one_is_unset(old):
    new, value, other = OLD_NAMES[old]
    by_new_name = Config.from_env({new: value})
    for unset in ({}, {new: ""}, {new: " "}):
        config = Config.from_env({**unset, old: value})
        assert config == replace(by_new_name, aliases=(old,))
        assert config.alias_note == f"; {old} is read as {new}"
    for both in ({old: other}, {old: "nonsense"}, {old: ""}):
        config = Config.from_env({new: value, **both})
        assert config == by_new_name
        assert config.alias_note == ""


@pytest.mark.parametrize("old", OLD_NAMES)
def test_an_invalid_value_of_an_older_name_names_that_variable(old):
    with pytest.raises(ConfigError, match=f"^{old}: got 'nonsense', takes "):
        Config.from_env({old: "nonsense"})


def test_the_start_up_line_names_the_aliases_that_were_used(make_app, caplog):
    caplog.set_level("INFO")
    make_app(aliases=("TELEMETRY_API_PORT",))
    (line,) = [message for message in caplog.messages if message.startswith("Persistence: ")]
    assert line.endswith("; TELEMETRY_API_PORT is read as PORT")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TELEMETRY_STALE_AFTER", "60"),
        ("TELEMETRY_STALE_AFTER", "366d"),
        ("DATABASE_URL", "sqlite:///x.db"),
        ("DATABASE_URL", "mysql://user:s3cret@host/db"),
        ("DATABASE_URL", "postgresql:///nohost"),
        ("DATABASE_URL", "postgresql://host:notaport/db"),
        ("DATABASE_URL", "postgresql://user:s3cret@host/db?sslmode=maybe"),
        ("DATABASE_URL", "postgresql://[::1/db"),
        ("DATABASE_URL", "postgresql://::1/db"),
        ("DATABASE_URL", "postgresql://host:70000/db"),
        ("DATABASE_URL", "postgresql://h1:5432,h2:s3cret/db"),
        ("DATABASE_URL", "postgresql://h1,,h2/db"),
        ("DATABASE_URL", "postgresql://user:p@s3cret@host/db"),
        ("DATABASE_URL", "mysql://user:s3cret/db"),
        ("DATABASE_URL", "just-text"),
        ("DATABASE_URL", "postgresql://user:s3c ret@host/db"),
        ("DATABASE_URL", "postgresql://user:s3cret%zz@host/db"),
        ("DATABASE_URL", "postgresql://user:p@ss/s3cret@host/db"),
        ("DATABASE_URL", "postgresql://user:1234#s3cret@host/db"),
        ("DATABASE_URL", "postgresql://user:1234?s3cret@host/db"),
        ("RUNTIME_DATABASE_URL", "http://user:s3cret@host/"),
        ("RUNTIME_EVENTS_PATH", "/"),
        ("RUNTIME_EVENTS_PATH", "/" + "a" * 256),
        ("RUNTIME_EVENTS_PATH", "events\0.jsonl"),
        ("PERSISTENCE_CONTRACT_REQUIRED", "maybe"),
        ("TELEMETRY_API_AUTH_ENABLED", "maybe"),
        ("TELEMETRY_API_AUTH_TOKEN", "s3cret ü"),
        ("TELEMETRY_RATE_LIMIT_ENABLED", "2"),
        ("TELEMETRY_RATE_LIMIT_RPM", "abc"),
        ("TELEMETRY_RATE_LIMIT_RPM", "0"),
        ("TELEMETRY_RATE_LIMIT_RPM", "1.5"),
        ("TELEMETRY_RATE_LIMIT_RPM", "-1"),
        ("TELEMETRY_RATE_LIMIT_RPM", "٣"),
        ("TELEMETRY_STALE_AFTER", "1"),
        ("TELEMETRY_STALE_AFTER", "0s"),
        ("TELEMETRY_STALE_AFTER", "1.5h"),
        ("TELEMETRY_STALE_AFTER", "٣h"),
        ("TELEMETRY_TRUSTED_PROXIES", "all"),
        ("TELEMETRY_MAX_BODY_BYTES", "16MiB"),
        ("TELEMETRY_DB_POOL_SIZE", "0"),
        ("TELEMETRY_DB_PREPARED_STATEMENTS", "never"),
        ("WEB_CONCURRENCY", "0"),
        ("PORT", "99999"),
        ("LOG_LEVEL", "loud"),
        ("RUNTIME_COST_PER_SECOND", "free"),
        ("RUNTIME_COST_PER_SECOND", "nan"),
    ],
)
def test_an_invalid_value_is_refused_with_one_line_and_no_secret(name, value):
    with pytest.raises(ConfigError) as refused:
        Config.from_env({name: value})
    message = str(refused.value)
    assert message.startswith(f"{name}: got ")
    assert ", takes " in message
    assert "\n" not in message
    assert "s3cret" not in message


@pytest.mark.parametrize("scheme", ["postgresql", "mysql"])
@pytest.mark.parametrize("mark", ["#", "?", "/"])
def test_a_password_that_reads_like_a_port_is_not_shown(scheme, mark):
    with pytest.raises(ConfigError) as refused:
        Config.from_env({"DATABASE_URL": f"{scheme}://user:1234{mark}5@host/db"})
    assert "1234" not in str(refused.value)


@pytest.mark.parametrize("options", ["host=/tmp&user=a%40b", "host=/tmp&password=%23%3F%2F"])
def test_a_url_may_contain_percent_encoded_characters(options):
    url = f"postgresql:///db?{options}"
    assert Config.from_env({"DATABASE_URL": url}).database_url == url


@pytest.mark.parametrize(
    "hosts",
    [
        "h1:5432,h2:5432",
        "h1,h2:5433,h3",
        "[::1]",
        "[::1]:5432",
        "[::1],[fe80::1%25eth0]",
        "h1,[::1]:5432",
        "%2Ftmp,h2",
    ],
)
def test_a_url_may_name_several_hosts(hosts):
    url = f"postgres://u:p@{hosts}/db?target_session_attrs=read-write"
    assert Config.from_env({"DATABASE_URL": url}).database_url == url
    assert redact_url(url) == f"postgres://{hosts}/db"


HOSTS = st.lists(
    st.sampled_from(["h", "h:5432", "[::1]", "[::1]:1", "10.0.0.1", "%2Ftmp"]), min_size=1
).map(",".join)


@given(
    scheme=st.sampled_from(["postgres", "postgresql", "mysql", "x"]),
    user=st.text(max_size=5),
    before=st.text(max_size=5),
    after=st.text(max_size=5),
    hosts=HOSTS,
    rest=st.sampled_from(["", "/db", "/db?sslmode=require", "?a=b", "/a@b"]),
)
def test_a_password_is_never_shown(scheme, user, before, after, hosts, rest):
    url = f"{scheme}://{user}:{before}s3cret{after}@{hosts}{rest}"
    assert "s3cret" not in redact_url(url)
    refused = ""
    try:
        Config.from_env({"DATABASE_URL": url})
    except ConfigError as error:
        refused = str(error)
    assert "s3cret" not in refused
    assert "\n" not in refused


@pytest.mark.parametrize("url", ["postgres://user:s3cret", "mysql://user:s3cret/db", "u:s3cret"])
def test_a_password_without_a_host_is_not_shown(url):
    assert redact_url(url) == "***"


@pytest.mark.parametrize("path", ["/nowhere/events.jsonl", "/dev/null/events.jsonl"])
def test_the_file_of_events_may_be_missing(path):
    assert Config.from_env({"RUNTIME_EVENTS_PATH": path}).runtime_events_path == Path(path)


def test_the_message_says_why_a_path_cannot_be_checked(tmp_path):
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(ConfigError, match="Too many levels of symbolic links"):
        Config.from_env({"RUNTIME_EVENTS_PATH": str(tmp_path / "loop")})


def test_authentication_without_a_token_is_refused():
    with pytest.raises(ConfigError, match="TELEMETRY_API_AUTH_TOKEN"):
        Config.from_env({"TELEMETRY_API_AUTH_ENABLED": "true"})


def test_the_representation_shows_no_secrets():
    config = Config(database_url=URL, runtime_database_url=URL, auth_token="s3cret")
    assert "s3cret" not in repr(config)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (URL, "postgresql://db.example.org:5432/telemetry"),
        ("postgres://u:a@b@host/db", "postgres://host/db"),
        ("nonsense s3cret", "***"),
        ("postgresql://user:p@ss/s3cret@host/db", "***"),
        ("postgresql://user:1234#5@host/db", "***"),
        ("postgresql://user:1234?5@host/db", "***"),
    ],
)
def test_a_redacted_url_has_no_user_password_or_options(url, shown):
    assert redact_url(url) == shown
