"""A proxy in a client's connection that makes the answer to one COMMIT never come.

Two things can have happened where a client's connection ends at its commit, and it sees the same error in both: the
server committed and the answer was lost, or the server never saw the COMMIT.
"""

from __future__ import annotations

import socket
import threading
from types import TracebackType
from typing import Literal, Self

from drydock.models.postgres.proxy import Link, Message, Proxy

Cut = Literal["swallow_reply", "swallow_commit"]
QUERY, PARSE, COMPLETE = b"Q", b"P", b"C"
COMMITTED = b"COMMIT\0"


class CommitProxy(Proxy):
    """Used inside a ``with``, in which a thread of its own moves the bytes: its client waits inside of libpq.

    Disarmed at first: it passes everything. ``is_cut`` says whether it has struck.
    """

    def __init__(self, upstream: tuple[str, int], listen: str = "127.0.0.1") -> None:
        super().__init__(upstream, listen)
        self._cut: Cut | None = None
        self.is_cut = False
        self._is_ending = False
        self._wake, self._woken = socket.socketpair()
        self._selector.register(self._woken, 1, self._wake_up)
        self._thread = threading.Thread(target=self._serve_all, name="commit proxy", daemon=True)

    def arm(self, cut: Cut) -> None:
        """The next COMMIT is the one: ``swallow_reply`` lets it happen, ``swallow_commit`` does not.

        Then the client's connection is reset.
        """
        self._cut = cut

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._is_ending = True
        self._wake.send(b"x")
        self._thread.join()
        self.close()
        self._wake.close()
        self._woken.close()

    def _serve_all(self) -> None:
        while not self._is_ending:
            self.pump(None)

    def _wake_up(self) -> None:
        self._woken.recv(1)

    # ---- messages ----------------------------------------------------------------------------------------------
    def _client_said(self, link: Link) -> None:
        for message in link.messages_of_client():
            if self._cut == "swallow_commit" and _is_commit(message):
                self._strike(link)
                return
            link.to_server += message.raw

    def _server_said(self, link: Link) -> None:
        while (message := link.next_of_server()) is not None:
            if self._cut == "swallow_reply" and message.kind == COMPLETE and message.body == COMMITTED:
                self._strike(link)
                return
            link.to_client += message.raw

    def _strike(self, link: Link) -> None:
        self._cut, self.is_cut = None, True
        self._end(link, with_reset=True)


def _is_commit(message: Message) -> bool:
    """Whether it is the statement COMMIT, simple or prepared."""
    if message.kind == QUERY:
        text = message.body
    elif message.kind == PARSE:  # the statement's name, then its text
        text = message.body.partition(b"\0")[2]
    else:
        return False
    return text.partition(b"\0")[0].strip(b" ;\n").upper() == b"COMMIT"
