"""gunicorn's settings, from the same configuration as the service's."""

import gc
import os
import resource
import socket
import sys

from gunicorn.arbiter import Arbiter
from gunicorn.workers.base import Worker

from telemetry import logs
from telemetry.config import Config, ConfigError
from telemetry.time_limits import GRACEFUL_SECONDS, IDLE_SECONDS


def _configure() -> Config:
    """Return the configuration, or end the start with one line."""
    try:
        config = Config.from_env(os.environ)
    except ConfigError as error:
        sys.exit(f"telemetry: {error}")
    # libpq is asked in a process of its own: imported in this one, before gevent's patches,
    # the driver would block the workers that are forked from it.
    child = os.fork()
    if child == 0:
        from telemetry.database.urls import check_urls  # noqa: PLC0415 - in the child alone

        try:
            check_urls(config)
        except ConfigError as error:
            print(f"telemetry: {error}", file=sys.stderr, flush=True)
            os._exit(1)
        os._exit(0)
    if os.waitpid(child, 0)[1]:
        sys.exit(1)
    return config


def _connections() -> int:
    """Return how many connections a worker takes; each needs a file, and so do other things."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return 1000 if most == resource.RLIM_INFINITY else max(100, min(1000, most - 100))


def _addresses(port: int) -> list[str]:
    """Return what to listen on: all of IPv6 and IPv4, or IPv4 alone where there is no IPv6."""
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::", 0))
            takes_ipv4 = not probe.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY)
    except OSError:
        return [f"0.0.0.0:{port}"]
    # gunicorn leaves it to the system whether a socket of IPv6 takes IPv4 too.
    return [f"[::]:{port}"] if takes_ipv4 else [f"[::]:{port}", f"0.0.0.0:{port}"]


_config = _configure()

bind = _addresses(_config.port)
workers = _config.web_concurrency

# One thread a process, many requests in it: a request that waits for a database that hangs
# holds no worker, and threads do not fight for the interpreter. Loaded in each worker, after
# gevent's patches, so never preloaded.
worker_class = "telemetry.http.worker.Worker"
worker_connections = _connections()

graceful_timeout = GRACEFUL_SECONDS
keepalive = IDLE_SECONDS

# Room for a filter of some thousand characters beside a cursor.
limit_request_line = 8190

# No proxy mounts the service below a path, and gunicorn answers 500 to a header that says so.
forwarder_headers = ""

# A worker that has not moved for this long is stuck; a batch of the largest size takes seconds.
timeout = 60

# Signals are enough to steer it, and two services of one user would share the socket.
control_socket_disable = True

logconfig_dict = logs.dict_config(_config.log_level)


def post_worker_init(worker: Worker) -> None:
    """Have what serves all requests done once, and out of the way of the garbage collector."""
    gc.collect()
    gc.freeze()
    # Large batches make thousands of objects, none of them in a cycle.
    gc.set_threshold(10_000)


def worker_exit(_: Arbiter, worker: Worker) -> None:
    """Give a worker's connections back while its greenlets still run."""
    extensions = getattr(getattr(worker, "wsgi", None), "extensions", {})
    for opened in [*extensions.get("databases", ()), *extensions.get("probes", ())]:
        opened.close()
