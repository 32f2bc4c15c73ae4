"""The settings of gunicorn, read from the configuration of the service."""

import gc
import os
import resource
import socket
import sys
import traceback
from typing import NoReturn

from gunicorn.arbiter import Arbiter
from gunicorn.workers.base import Worker

from telemetry import counters, logs, shared_memory
from telemetry.config import Config, ConfigError
from telemetry.time_limits import GRACEFUL_SECONDS, IDLE_SECONDS


def _configure() -> Config:
    """Return the configuration. Exits with one line when it is invalid or cannot be checked."""
    try:
        config = Config.from_env(os.environ)
    except ConfigError as error:
        sys.exit(f"telemetry: {error}")
    # A child process checks the URLs with libpq. Imported here, before gevent patches the standard
    # library, the driver would block the workers that are forked from this process.
    child = os.fork()
    if child == 0:
        _check(config)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status < 0:
        sys.exit(f"telemetry: signal {-status} ended the check of the database URLs")
    if status:
        sys.exit(1)
    return config


def _check(config: Config) -> NoReturn:
    """Check the database URLs and end this process, whatever happens: it is a copy of gunicorn."""
    status = 1
    try:
        from telemetry.database.urls import check_urls  # noqa: PLC0415 - in the child alone

        check_urls(config)
        status = 0
    except ConfigError as error:
        print(f"telemetry: {error}", file=sys.stderr, flush=True)
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


def _connections() -> int:
    """Return how many connections a worker accepts: each needs a file, and 100 are for the rest."""
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return 1000 if files == resource.RLIM_INFINITY else max(100, min(1000, files - 100))


def _addresses(port: int) -> list[str]:
    """Return the addresses to listen on: IPv6 and IPv4, or IPv4 alone where IPv6 is missing."""
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::", 0))
            accepts_ipv4 = not probe.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY)
    except OSError:
        return [f"0.0.0.0:{port}"]
    # The system decides whether an IPv6 socket accepts IPv4 too; gunicorn does not set it.
    return [f"[::]:{port}"] if accepts_ipv4 else [f"[::]:{port}", f"0.0.0.0:{port}"]


_config = _configure()

bind = _addresses(_config.port)
workers = _config.web_concurrency

# Twice as many, because a reload starts the new workers before the old ones have ended.
shared_memory.allocate(2 * workers + 2)

# One thread per process serves many requests: one that waits for a hanging database does not
# block the worker, and no threads compete for the interpreter. The application is loaded in each
# worker, after gevent's patches, so it is never preloaded.
worker_class = "telemetry.http.worker.Worker"
worker_connections = _connections()

graceful_timeout = GRACEFUL_SECONDS
keepalive = IDLE_SECONDS

# Leaves room for a filter of some thousand characters and a cursor.
limit_request_line = 8190

# gunicorn responds with 500 to a SCRIPT_NAME header that does not fit the path. None is needed.
forwarder_headers = ""

# A worker that does not report for this long is stuck: the largest batch takes seconds.
timeout = 60

# Signals are enough to control it, and two services of one user would share the socket.
control_socket_disable = True

logconfig_dict = logs.dict_config(_config.log_level)


def on_starting(arbiter: Arbiter) -> None:
    """Let the old workers go on when a reload (SIGHUP) cannot read its configuration.

    gunicorn's own reload would end the master process.
    """
    reload = arbiter.reload

    def reload_or_go_on() -> None:
        config = arbiter.cfg
        try:
            reload()
        except SystemExit as error:
            if arbiter.cfg is not config:
                raise  # the configuration was read: this is the end of a new worker
            arbiter.app.cfg = config
            cause = error.code if isinstance(error.code, str) else "standard error says why"
            message = "The reload failed, and the old workers go on: %s"
            arbiter.log.error(message, cause)  # noqa: TRY400 - an exit needs no traceback

    arbiter.reload = reload_or_go_on


def pre_fork(arbiter: Arbiter, worker: Worker) -> None:
    """Choose the worker's slot of the shared memory: that of a worker which has ended, if any."""
    taken = {other.slot for other in arbiter.WORKERS.values() if hasattr(other, "slot")}
    worker.slot = shared_memory.free_slot(taken)


def post_fork(_: Arbiter, worker: Worker) -> None:
    """Use the slot."""
    shared_memory.use(worker.slot)


def child_exit(_: Arbiter, worker: Worker) -> None:
    """Forget which connections a worker had, once it has ended."""
    counters.end_gauges(worker.slot)


def post_worker_init(worker: Worker) -> None:
    """Start retention, and take what lives as long as the worker out of garbage collection."""
    worker.wsgi.extensions["daily_retention"].start()
    gc.collect()
    gc.freeze()
    # Large batches make thousands of objects, but no cycles.
    gc.set_threshold(10_000)


def worker_exit(_: Arbiter, worker: Worker) -> None:
    """Stop retention, and close the worker's connections while its greenlets still run."""
    extensions = getattr(getattr(worker, "wsgi", None), "extensions", {})
    if "daily_retention" in extensions:
        extensions["daily_retention"].stop()
    for database in extensions.get("databases", ()):
        database.close()
