"""A small TCP proxy between a PostgreSQL client and its server, one whole message at a time.

It has no thread of its own: bytes move while somebody calls :meth:`Proxy.pump`, and at no other time. So what a client
or a server has been told is a function of what the caller did, and nothing is under way between two calls.

Messages of version 3 of the frontend/backend protocol: a type byte, then a length that counts itself, then the body;
what a client says first has no type byte. Encryption is declined ('N'), as a server without it does.
"""

from __future__ import annotations

import selectors
import socket
import struct
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple

CHUNK = 1 << 18
BACKLOG_BYTES_MAX = 1 << 20
"""Where so much waits for one side, the other is not listened to: its socket fills, and it waits too."""
ENCRYPTION_REQUESTS = frozenset({80877103, 80877104})  # SSLRequest, GSSENCRequest
DECLINED = b"N"
CONNECT_TIMEOUT_S = 5
READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
RESET = struct.pack("ii", 1, 0)  # SO_LINGER on, for 0 s: close() sends RST and drops what is not yet sent


class Message(NamedTuple):
    """One whole message. ``kind`` is its type byte, empty for what a client says first; ``raw`` is all of it."""

    kind: bytes
    raw: bytes

    @property
    def body(self) -> bytes:
        """What follows type and length."""
        return self.raw[len(self.kind) + 4 :]


class Link:
    """One client's connection, and the one that was made to the server for it."""

    def __init__(self, client: socket.socket, server: socket.socket) -> None:
        self.client, self.server = client, server
        self.from_client, self.from_server = bytearray(), bytearray()
        self.to_client, self.to_server = bytearray(), bytearray()
        self.is_greeted = False
        self.is_open = True
        self.awaited = {client.fileno(): 0, server.fileno(): 0}
        """By file number: the events that the selector watches for."""

    def messages_of_client(self) -> Iterator[Message]:
        """The whole messages that the client has sent by now, each once; requests for encryption are answered here."""
        while (message := take_message(self.from_client, kind_bytes=1 if self.is_greeted else 0)) is not None:
            if self.is_greeted or int.from_bytes(message.body[:4], "big") not in ENCRYPTION_REQUESTS:
                self.is_greeted = True
                yield message
            else:
                self.to_client += DECLINED

    def next_of_server(self) -> Message | None:
        """The next whole message that the server has sent by now."""
        return take_message(self.from_server, kind_bytes=1)


def take_message(buffer: bytearray, *, kind_bytes: int) -> Message | None:
    """Takes the first message out of ``buffer``; None, and nothing is taken, where it is not whole yet."""
    if len(buffer) < kind_bytes + 4:
        return None
    length = kind_bytes + int.from_bytes(buffer[kind_bytes : kind_bytes + 4], "big")
    if len(buffer) < length:
        return None
    raw = bytes(buffer[:length])
    del buffer[:length]
    return Message(raw[:kind_bytes], raw)


class Proxy(ABC):
    """Listens on a free port; for each client that connects there, it connects to ``upstream``.

    ``upstream`` may be changed: it counts for the links that are made from then on.
    """

    def __init__(self, upstream: tuple[str, int], listen: str = "127.0.0.1") -> None:
        self.upstream = upstream
        self._listener = socket.create_server((listen, 0))
        self._listener.setblocking(False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ, self._accept)
        self._links: list[Link] = []

    @property
    def address(self) -> tuple[str, int]:
        """(host, port) to connect to."""
        host, port = self._listener.getsockname()[:2]
        return str(host), int(port)

    @abstractmethod
    def _client_said(self, link: Link) -> None:
        """Bytes came from a client: takes messages from ``from_client``, and adds to ``to_server``."""

    @abstractmethod
    def _server_said(self, link: Link) -> None:
        """Bytes came from a server: takes messages from ``from_server``, and adds to ``to_client``."""

    def _wants_more(self, link: Link) -> bool:
        """Whether a server should be listened to now."""
        return len(link.to_client) < BACKLOG_BYTES_MAX

    # ---- life ------------------------------------------------------------------------------------------------
    def drop(self) -> None:
        """Every link ends now, and what is held in it is gone; who connects again is let in."""
        for link in self._links:
            self._end(link)
        self._links = []

    def close(self) -> None:
        """The end: links are dropped, and nobody can connect any more. A second time it does nothing."""
        if self._listener.fileno() >= 0:
            self.drop()
            self._selector.close()
            self._listener.close()

    def _end(self, link: Link, *, with_reset: bool = False) -> None:
        """Both connections are closed, and what was on its way is dropped."""
        if not link.is_open:
            return
        link.is_open = False
        for side in (link.client, link.server):
            self._watch(link, side, 0)
            with suppress(OSError):
                if with_reset:
                    side.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                else:
                    side.shutdown(socket.SHUT_RDWR)  # it ends although a forked process has it too
            side.close()

    # ---- moving bytes ------------------------------------------------------------------------------------------
    def pump(self, timeout_s: float | None) -> bool:
        """Moves what can be moved now; waits up to ``timeout_s`` for the first of it. Says whether anything came."""
        ready = self._selector.select(timeout_s)
        for key, mask in ready:
            if isinstance(key.data, Link) and key.data.is_open:
                self._serve(key.data, key.fd, mask)
            elif not isinstance(key.data, Link):
                key.data()
        self._links = [link for link in self._links if link.is_open]
        return bool(ready)

    def _accept(self) -> None:
        try:
            client, _ = self._listener.accept()
        except OSError:
            return  # it has given up in the meantime
        try:
            server = socket.create_connection(self.upstream, CONNECT_TIMEOUT_S)
        except OSError:
            client.close()  # as a server that is down does; the client tries again
            return
        for side in (client, server):
            side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            side.setblocking(False)
        link = Link(client, server)
        self._links.append(link)
        self._move(link)

    def _serve(self, link: Link, number: int, mask: int) -> None:
        try:
            if mask & selectors.EVENT_READ:
                self._hear(link, link.client if number == link.client.fileno() else link.server)
        except OSError:
            self._end(link)
        self._move(link)

    def _hear(self, link: Link, side: socket.socket) -> None:
        said = side.recv(CHUNK)
        if not said:
            _send(link.client, link.to_client)  # the last words of a server that ends a connection
            self._end(link)
        elif side is link.client:
            link.from_client += said
            self._client_said(link)
        else:
            link.from_server += said
            self._server_said(link)

    def _move(self, link: Link) -> None:
        """Sends what can be sent, and waits from now on for what there is to wait for."""
        if not link.is_open:
            return
        try:
            _send(link.client, link.to_client)
            _send(link.server, link.to_server)
        except OSError:
            self._end(link)
            return
        hears_client, hears_server = len(link.to_server) < BACKLOG_BYTES_MAX, self._wants_more(link)
        self._watch(link, link.client, READ * hears_client | WRITE * bool(link.to_client))
        self._watch(link, link.server, READ * hears_server | WRITE * bool(link.to_server))

    def _watch(self, link: Link, side: socket.socket, events: int) -> None:
        before, number = link.awaited[side.fileno()], side.fileno()
        if before == events:
            return
        link.awaited[number] = events
        if not events:
            self._selector.unregister(number)
        elif not before:
            self._selector.register(number, events, link)
        else:
            self._selector.modify(number, events, link)


def _send(side: socket.socket, waiting: bytearray) -> None:
    """Sends what the socket takes now; the rest waits."""
    with suppress(BlockingIOError):
        while waiting:
            del waiting[: side.send(waiting)]
