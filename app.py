"""The application factory: configuration, persistence, the steps of a request, the rooms."""

import logging
import os
from functools import partial

from flask import Flask, request
from werkzeug.middleware.proxy_fix import ProxyFix

from telemetry.audio_runtime import views as audio_runtime
from telemetry.audio_runtime.store import AudioRuntimeStore
from telemetry.audio_runtime.verify_newest import verify_newest
from telemetry.audit import views as audit
from telemetry.audit.store import AuditStore
from telemetry.config import Config
from telemetry.database.database import Database
from telemetry.database.errors import DatabaseNotConfigured
from telemetry.database.urls import check_urls
from telemetry.health import views as health
from telemetry.health.reasons import Reasons
from telemetry.health.store import Probe, check_all
from telemetry.http import authentication, cors, deadline, errors, measures, request_log
from telemetry.http.application import Application
from telemetry.logs import START_LOGGER
from telemetry.metrics import views as metrics
from telemetry.metrics.store import MetricStore
from telemetry.migrations.files import known_migrations
from telemetry.openapi import views as openapi
from telemetry.pages import views  # noqa: F401 - registers the routes
from telemetry.pages.device_store import DevicePages
from telemetry.pages.errors import show as show_error
from telemetry.pages.event_file import FileFigures
from telemetry.pages.event_store import DatabaseEventPages, EventPages
from telemetry.pages.extension import Pages
from telemetry.pages.extension import blueprint as pages_blueprint
from telemetry.pages.reader import Reader
from telemetry.pages.status_store import StatusPages
from telemetry.pages.store import RunPages
from telemetry.persistence import Backend, Persistence, resolve
from telemetry.rate_limit import limiter
from telemetry.rate_limit.store import DatabaseHits, HitStore, MemoryHits, SureHits
from telemetry.retention.daily import DailyRetention
from telemetry.retention.store import RetentionStore
from telemetry.runs import views as runs
from telemetry.runs.store import RunStore
from telemetry.runtime_events import views as runtime_events
from telemetry.runtime_events.events import RuntimeEventStore
from telemetry.runtime_events.file.store import FileEvents
from telemetry.runtime_events.store import DatabaseEvents
from telemetry.tokens.memory import TokenMemory
from telemetry.tokens.store import TokenStore

logger = logging.getLogger(START_LOGGER)

# How often a client may try a token per minute.
SIGN_IN_ATTEMPTS = 10


def create_app(config: Config | None = None) -> Flask:
    """Return the WSGI application of one process. It opens no connection before the first use.

    Raises ConfigError for an invalid configuration.
    """
    config = config or Config.from_env(os.environ)
    check_urls(config)
    persistence = resolve(config)
    level = logging.INFO if persistence.contract.passed else logging.ERROR
    logger.log(level, "%s%s", persistence, config.alias_note)
    records = _database(config, persistence.agent_runs)
    events = _events_database(config, persistence, records)
    databases = {persistence.agent_runs.url: records, persistence.runtime_events.url: events}

    app = Application(__name__)
    app.config["MAX_CONTENT_LENGTH"] = config.max_body_bytes + 1
    if proxies := config.trusted_proxies:
        # Flask's documented way to wrap an application; mypy objects to assigning to a method.
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=proxies, x_proto=proxies)  # type: ignore[method-assign]

    request_log.init_app(app)
    cors.init_app(app, config)
    deadline.init_app(app)
    errors.init_app(app)
    if config.rate_limit_enabled:
        limiter.init_app(app, config, _hits(config, persistence, records))
    has_tokens = persistence.agent_runs.kind == "postgresql"
    tokens = TokenStore(records) if has_tokens else None
    authentication.init_app(app, config, TokenMemory(tokens) if tokens else None)
    _refuse_rooms_without_backend(app, persistence)

    app.extensions["config"] = config
    app.extensions["persistence"] = persistence
    app.extensions["probes"] = [
        Probe(databases[url], known_migrations(), persistence.domains_of(url))
        for url in persistence.database_urls
    ]
    app.extensions["readiness_reasons"] = Reasons()
    app.register_blueprint(health.blueprint)

    app.extensions["runs"] = RunStore(records, stale_after=config.stale_after)
    app.register_blueprint(runs.blueprint)

    app.extensions["runtime_events"] = _event_store(config, persistence, events)
    app.register_blueprint(runtime_events.blueprint)

    app.extensions["audio_runtime"] = AudioRuntimeStore(records)
    app.register_blueprint(audio_runtime.blueprint)

    app.extensions["audit"] = AuditStore(records)
    app.register_blueprint(audit.blueprint)

    retention = RetentionStore(config, persistence, records, events)
    app.extensions["retention"] = retention
    app.extensions["daily_retention"] = DailyRetention(config, persistence, retention)

    app.extensions["metrics"] = MetricStore(records, events)
    app.register_blueprint(metrics.blueprint)

    app.register_blueprint(openapi.blueprint)

    _init_pages(app, config, persistence, records, events)

    app.extensions["databases"] = [*dict.fromkeys((records, events))]
    measures.init_app(app)
    if config.auth_enabled:
        app.extensions["declare_needs"]()
    return app


def _init_pages(
    app: Flask, config: Config, persistence: Persistence, records: Database, events: Database
) -> None:
    """Give the pages their stores, and what other rooms do for them."""
    readers = {database: Reader(database) for database in (records, events)}
    by_url = {
        persistence.agent_runs.url: readers[records],
        persistence.runtime_events.url: readers[events],
    }
    store = app.extensions["runtime_events"]
    event_pages: EventPages | None = None
    if isinstance(store, FileEvents):
        event_pages = FileFigures(store)
    elif persistence.runtime_events.kind == "postgresql":
        event_pages = DatabaseEventPages(readers[events], store.change_token)
    app.extensions["pages"] = Pages(
        runs=RunPages(readers[records], stale_after=config.stale_after),
        events=event_pages,
        devices=DevicePages(readers[records]),
        status=StatusPages(readers[records]),
        databases=[
            (persistence.domains_of(url), StatusPages(by_url[url]))
            for url in persistence.database_urls
        ],
        stale_after=config.stale_after,
        attempts=_sign_in_attempts(persistence, records),
        readiness=partial(check_all, app.extensions["probes"]),
        retention=app.extensions["retention"].reports,
        tokens=TokenStore(records).overview
        if persistence.agent_runs.kind == "postgresql"
        else None,
        verify=partial(verify_newest, persistence.audio_runtime.url or ""),
    )
    app.extensions["error_page"] = show_error
    app.register_blueprint(pages_blueprint)


def _refuse_rooms_without_backend(app: Flask, persistence: Persistence) -> None:
    """Refuse requests of rooms that are not configured with 503, before a view runs."""
    rooms = {
        runs.blueprint.name: persistence.agent_runs,
        runtime_events.blueprint.name: persistence.runtime_events,
        audio_runtime.blueprint.name: persistence.audio_runtime,
        audit.blueprint.name: persistence.audio_runtime,
    }
    notes = {name: backend.note for name, backend in rooms.items() if backend.kind == "none"}

    def refuse() -> None:
        if note := notes.get(request.blueprint or ""):
            raise DatabaseNotConfigured(note)

    if notes:
        app.before_request(refuse)


def _database(config: Config, backend: Backend, name: str = "records") -> Database:
    return Database(
        backend.url,
        name=name,
        pool_size=config.db_pool_size,
        prepared_statements=config.db_prepared_statements,
    )


def _events_database(config: Config, persistence: Persistence, records: Database) -> Database:
    backend = persistence.runtime_events
    same = backend.url is not None and backend.url == persistence.agent_runs.url
    return records if same else _database(config, backend, "runtime_events")


def _event_store(config: Config, persistence: Persistence, database: Database) -> RuntimeEventStore:
    path = persistence.runtime_events.path
    if path is not None:
        return FileEvents(path, config.runtime_cost_per_second)
    return DatabaseEvents(database)


def _sign_in_attempts(persistence: Persistence, records: Database) -> HitStore:
    if persistence.agent_runs.kind == "postgresql":
        return SureHits(records, SIGN_IN_ATTEMPTS)
    return MemoryHits(SIGN_IN_ATTEMPTS)


def _hits(config: Config, persistence: Persistence, records: Database) -> HitStore:
    if persistence.agent_runs.kind == "postgresql":
        return DatabaseHits(records, config.rate_limit_rpm)
    return MemoryHits(config.rate_limit_rpm)
