"""One server: what its start waits for, what it does not wait for, and what it does where its port is taken."""

from __future__ import annotations

import socket
import threading
from typing import Any

import pytest

from drydock.models.postgres.failures import PostgresFailed
from drydock.models.postgres.server import Server
from drydock.models.postgres.template import Template

LATE_S = 0.6  # more than it takes until somebody looks whether the server still runs


class SlowHost:
    """A busy machine: a server is told to start, and for a while nothing is to be seen of it."""

    def __init__(self, template: Template) -> None:
        self._host = template.host
        self._late: threading.Timer | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._host, name)

    def run(self, *argv: str, **more: Any) -> str:
        """Late, where it is a start; nobody is told."""
        if argv[:2] != ("pg_ctl", "start"):
            return self._host.run(*argv, **more)
        self._late = threading.Timer(LATE_S, self._host.run, argv)
        self._late.start()
        return ""


@pytest.mark.parametrize("times", [1, 2])
def test_server_that_is_slow_to_begin_is_waited_for(template: Template, times: int) -> None:
    """Also after a crash, when an older process has left its words."""
    ready = template.clone()
    server = Server(SlowHost(template), ready.data_dir, ready.port, ready.password)  # type: ignore[arg-type]  # all of it
    try:
        for _ in range(times):
            server.start()
            server.stop_now()
    finally:
        server.remove()


def test_server_that_cannot_begin_is_not_waited_for(template: Template) -> None:
    """It says why, and that is what is told; also where it has run before."""
    server = template.clone()
    try:
        server.start()
        server.stop_now()
        with pytest.raises(PostgresFailed, match=r"went down while it started; .* says: FATAL: .*max_wal_senders"):
            server.start(max_wal_senders=40_000_000)
    finally:
        server.remove()


def taken(server: Server) -> socket.socket:
    """Somebody else listens on its port."""
    return socket.create_server(("127.0.0.1", server.port))


def test_port_that_was_taken_meanwhile_is_changed_for_another(template: Template) -> None:
    """A port is free when it is chosen, and the server starts later."""
    server = template.clone()
    chosen = server.port
    with taken(server):
        server.start()
    assert chosen != server.port
    assert server.is_running
    server.remove()


def test_server_keeps_its_port_for_life(template: Template) -> None:
    """What stands before it knows where it was: taken after a crash, the port is told, not changed."""
    server = template.clone()
    server.start()
    chosen = server.port
    server.stop_now()
    with taken(server), pytest.raises(PostgresFailed, match=r"says: FATAL: .*could not create any TCP/IP sockets"):
        server.start()
    server.start()
    assert chosen == server.port
    server.remove()


def test_another_server_on_its_port_is_not_taken_for_it(template: Template) -> None:
    """Not even one with the same password: it is asked for its directory."""
    one, other = template.clone(), template.clone()
    one.start()
    other.port = one.port
    other.start()
    assert one.port != other.port
    one.remove()
    other.remove()


def test_stopping_what_does_not_run_does_nothing(template: Template) -> None:
    """Before its first start, and twice after it."""
    server = template.clone()
    server.stop_now()
    server.start()
    server.stop_now()
    server.stop_now()
    assert not server.is_running
    server.remove()
    server.remove()
