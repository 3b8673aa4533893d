"""What is asked of a Docker engine before, and without, the client's library, whose import takes half a second.

Its socket speaks HTTP. Here stands what has to be done at every start, or when nothing may go wrong: to see whether one
answers, to hold a container, and to remove those that carry a dead owner's label.
"""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException
from typing import Any, cast
from urllib.parse import quote, urlsplit

ADDRESS_VARIABLE = "DOCKER_HOST"
ADDRESS_DEFAULT = "unix:///var/run/docker.sock"
LABEL = "io.drydock.owner"
_TCP_PORT, _TLS_PORT = 2375, 2376
_ATTACH = (
    "POST /containers/{}/attach?stdin=1&stream=1 HTTP/1.1\r\nHost: docker\r\nContent-Length: 0\r\n"
    "Connection: Upgrade\r\nUpgrade: tcp\r\n\r\n"
)
_LIMIT_S = 10.0
_PING_LIMIT_S = 2.0
_POLL_S = 0.02
_OK, _GONE, _BUSY = (200, 204), 404, 409


class EngineTrouble(Exception):
    """The engine does not answer, or not as one does; the text says why, for the end of a sentence."""


def address_in(environment: Mapping[str, str] = os.environ) -> str:
    """Where the engine is, as a URL."""
    return environment.get(ADDRESS_VARIABLE, "") or ADDRESS_DEFAULT


def ping(address: str) -> None:
    """Raises :exc:`EngineTrouble` where no engine answers."""
    status, _ = _asked(address, "GET", "/_ping", _PING_LIMIT_S)
    if status not in _OK:
        raise EngineTrouble("what listens there is none")


def has_image(address: str, image: str) -> bool:
    """Whether the engine has it; it may still be able to get it. Raises :exc:`EngineTrouble`."""
    status, _ = _asked(address, "GET", f"/images/{quote(image, safe='')}/json", _LIMIT_S)
    return status in _OK


def hold(address: str, container: str) -> socket.socket:
    """A connection to the input of a running container: when it breaks, however, the input ends.

    Raises :exc:`EngineTrouble`.
    """
    connection = _connection_to(address, _LIMIT_S)
    try:
        connection.connect()
        connection.sock.sendall(_ATTACH.format(container).encode())
        first, *_ = _head_from(connection.sock).splitlines()
    except (OSError, ValueError) as error:
        connection.close()
        raise EngineTrouble(getattr(error, "strerror", None) or "it breaks off") from error
    if " 101 " not in first and " 200 " not in first:
        connection.close()
        raise EngineTrouble(f"container {container[:12]} cannot be held: {first}")
    connection.sock.settimeout(None)
    return connection.sock


def _head_from(connection: socket.socket) -> str:
    """What comes before the body; nothing is read beyond it. Empty where the connection ends first."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = connection.recv(1)
        if not byte:
            return ""
        head += byte
    return head.decode(errors="replace")


def containers_of(address: str, owner: str = "") -> list[str]:
    """Every container that carries this owner's label, or anybody's, also one that was never started.

    Raises :exc:`EngineTrouble`.
    """
    return [str(container["Id"]) for container in _labelled(address, f"{LABEL}={owner}" if owner else LABEL)]


def owners_of_containers(address: str) -> set[str]:
    """What the labels of all containers say, each once. Raises :exc:`EngineTrouble`."""
    return {str(container["Labels"][LABEL]) for container in _labelled(address, LABEL)}


def _labelled(address: str, label: str) -> list[dict[str, Any]]:
    wanted = quote(json.dumps({"label": [label]}))
    status, found = _asked(address, "GET", f"/containers/json?all=1&filters={wanted}", _LIMIT_S)
    if status not in _OK:
        raise EngineTrouble(_words_of(found))
    return cast(list[dict[str, Any]], found)


def remove_containers(address: str, owner: str, patience_s: float = 0.0) -> None:
    """Removes every container of this owner, and waits until they are gone; for the first one it waits so long.

    Raises :exc:`EngineTrouble`.
    """
    limit = time.perf_counter() + patience_s
    while not (found := containers_of(address, owner)) and time.perf_counter() < limit:
        time.sleep(_POLL_S)  # noqa: TID251 - the engine may still be making it
    for container in found:
        _remove(address, container)


def _remove(address: str, container: str) -> None:
    """One that its own end removes already is waited for."""
    limit = time.perf_counter() + _LIMIT_S
    status, said = _asked(address, "DELETE", f"/containers/{container}?force=1&v=1", _LIMIT_S)
    while status != _GONE:
        if status not in (*_OK, _BUSY) or time.perf_counter() > limit:
            raise EngineTrouble(f"container {container[:12]} cannot be removed: {_words_of(said)}")
        status, said = _asked(address, "GET", f"/containers/{container}/json", _LIMIT_S)
        if status != _GONE:
            time.sleep(_POLL_S)  # noqa: TID251 - a removal takes real time


class _Connection(HTTPConnection):
    """HTTP over a socket of this machine."""

    def __init__(self, path: str, timeout_s: float) -> None:
        super().__init__("docker", timeout=timeout_s)
        self._path = path

    def connect(self) -> None:
        """As HTTP does, to a path instead of a port."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def _connection_to(address: str, timeout_s: float) -> HTTPConnection:
    try:
        parts = urlsplit(address)
        if parts.scheme == "unix":
            return _Connection(parts.path, timeout_s)
        if parts.scheme == "tcp" and parts.hostname and parts.port != _TLS_PORT:
            return HTTPConnection(parts.hostname, parts.port or _TCP_PORT, timeout=timeout_s)
    except ValueError as error:
        raise EngineTrouble(str(error)) from error
    raise EngineTrouble("it has to be one of this machine: unix:///PATH, or tcp://127.0.0.1:PORT without certificates")


def _asked(address: str, method: str, path: str, timeout_s: float) -> tuple[int, object]:
    """Status, and the answer as JSON, or as text where it is none."""
    connection = _connection_to(address, timeout_s)
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        text = answer.read().decode(errors="replace")
    except (OSError, HTTPException, ValueError) as error:
        raise EngineTrouble(getattr(error, "strerror", None) or str(error) or type(error).__name__) from error
    finally:
        connection.close()
    try:
        return answer.status, json.loads(text)
    except ValueError:
        return answer.status, text


def _words_of(answer: object) -> str:
    """The engine's own words: in an answer about a mistake they are its ``message``."""
    words = answer.get("message") if isinstance(answer, dict) else answer
    return str(words).strip()[:200]
