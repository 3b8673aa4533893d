"""Ports for servers: nobody else's, and none that the system would give to an outgoing connection."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from drydock.models.postgres import ports
from drydock.models.postgres.ports import free_port

LOOPBACK = "127.0.0.1"


def test_no_port_is_one_of_outgoing_connections() -> None:
    """A client that comes before its server would otherwise be connected to himself, sooner or later."""
    first = ports._first_outgoing()
    assert [] == [port for port in (free_port(LOOPBACK) for _ in range(100)) if not ports._LOWEST <= port < first]


def test_each_server_gets_another_port() -> None:
    """Also before the one that was asked for first listens there."""
    given = [free_port(LOOPBACK) for _ in range(100)]
    assert len(given) == len(set(given))


def test_port_that_somebody_has_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next one is taken."""
    with socket.create_server((LOOPBACK, free_port(LOOPBACK))) as taken:
        port, own = taken.getsockname()[1], range(ports._LOWEST, ports._first_outgoing())
        turn = (own.index(port) - os.getpid() * ports._SPREAD) % len(own)
        monkeypatch.setattr(ports, "_numbers", iter((turn, turn + 1)))
        assert own[(own.index(port) + 1) % len(own)] == free_port(LOOPBACK)


@pytest.mark.parametrize("says", ["1024 65535", "nonsense", None])
def test_system_that_leaves_none_gives_one_itself(
    says: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nearly all are outgoing ones there is no choice; where nothing is said the usual ones are assumed."""
    file = tmp_path / "range"
    if says is not None:
        file.write_text(says)
    monkeypatch.setattr(ports, "_RANGE", file)
    assert (ports._LOWEST if says == "1024 65535" else 32_768) == ports._first_outgoing()
    with socket.create_server((LOOPBACK, free_port(LOOPBACK))):
        pass
