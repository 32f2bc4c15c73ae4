"""What the workers of a service have taken of their clients' connections."""

import socket
from pathlib import Path

import psutil

from tests.support.service import Service
from tests.support.waiting import wait_until

# Both ends of each connection of the machine, and how many bytes of it are not read.
TABLES = [Path("/proc/net/tcp"), Path("/proc/net/tcp6")]


def accepted(service: Service) -> set[int]:
    """Return the ports of the clients whose connections the workers have."""
    workers = [psutil.Process(pid) for pid in service.workers()]
    return {it.raddr.port for worker in workers for it in worker.net_connections() if it.raddr}


def wait_until_accepted(service: Service, *clients: socket.socket) -> None:
    """Return once the workers have these connections."""
    ports = {client.getsockname()[1] for client in clients}
    wait_until(lambda: ports <= accepted(service))


def wait_until_read(service: Service, client: socket.socket) -> None:
    """Return once a worker has read all that the client sent."""
    ends = f"{service.port:04X}", f"{client.getsockname()[1]:04X}"

    def is_read() -> bool:
        rows = [line.split() for table in TABLES for line in table.read_text().splitlines()]
        queues = {(row[1][-4:], row[2][-4:]): row[4] for row in rows}
        return queues[ends].endswith(":00000000")

    wait_until_accepted(service, client)
    wait_until(is_read)
