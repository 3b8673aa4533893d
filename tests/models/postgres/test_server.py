"""One server: what its start waits for, and what it does not wait for."""

from __future__ import annotations

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
