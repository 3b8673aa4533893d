"""Ports for servers: none of those that the system gives to outgoing connections.

Those would be taken while a server restarts. And who asks for one before its server listens may be connected to
himself: where both ends of a connection happen to have the same port, it needs no server.
"""

from __future__ import annotations

import os
import socket
from itertools import count
from pathlib import Path

_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
_FIRST_OUTGOING = 32_768
_LOWEST, _FEWEST = 10_000, 1_000
_SPREAD = 7_919  # processes that begin side by side begin far apart
_numbers = count()


def free_port(address: str) -> int:
    """A port of this machine that nobody listens on now."""
    own = range(_LOWEST, _first_outgoing())
    for _ in own:
        port = own[(os.getpid() * _SPREAD + next(_numbers)) % len(own)]
        if _bound(address, port):
            return port
    return _bound(address, 0)


def _first_outgoing() -> int:
    """Where the system's own begin; where they leave too few, all are taken from them."""
    try:
        first = int(_RANGE.read_text(encoding="ascii").split()[0])
    except (OSError, ValueError, IndexError):
        first = _FIRST_OUTGOING
    return first if first >= _LOWEST + _FEWEST else _LOWEST


def _bound(address: str, port: int) -> int:
    """The port that can be listened on (of 0, one that the system chooses), or 0."""
    with socket.socket() as probe:
        try:
            probe.bind((address, port))
        except OSError:
            return 0
        return int(probe.getsockname()[1])
