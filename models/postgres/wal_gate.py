"""A gate in a replication connection: WAL up to a chosen byte, and not one byte more.

It stands in the standby's ``primary_conninfo``. What the primary streams beyond the gate stays in the primary's socket
and in the gate; where the gate opens in the middle of a message, the message is split there. So a standby stands at
exactly one commit of the primary, and what was never let through is really lost when the standby is promoted.

Pausing replay would not do: a paused standby has received everything, and has it when it is promoted; resumed, it does
not stop at the commit that was asked for.
"""

from __future__ import annotations

import struct
import time
from typing import NoReturn

from drydock.models.postgres.failures import PostgresFailed
from drydock.models.postgres.proxy import Link, Message, Proxy

COPY_DATA, COPY_DONE, COPY_BOTH = b"d", b"c", b"W"
XLOG_DATA, KEEPALIVE, STATUS = b"w", b"k", b"r"
POSITIONS = struct.Struct(">QQQ")
"""XLogData: first byte, end of WAL on the server, time; then the WAL. Status: written, flushed, applied."""
XLOG_HEADER = 5 + 1 + POSITIONS.size
PING_S = 0.02
"""A standby that is silent for so long is asked: PostgreSQL 15 says nothing at first where it has nothing new."""
EVERYTHING = (1 << 63) - 1
"""No position is beyond it: a gate that is open to here is no gate."""


class WalGate(Proxy):
    """One standby's gate: closed at first. ``applied`` is how far the standby says that it has replayed.

    Positions are bytes of WAL (LSN as a whole number).
    """

    def __init__(self, upstream: tuple[str, int], listen: str = "127.0.0.1") -> None:
        super().__init__(upstream, listen)
        self.opened_to = 0
        self.forwarded = 0
        self.applied = 0
        self._stream: Link | None = None

    def open_to(self, lsn: int) -> None:
        """From now on WAL may pass up to this byte. A gate never closes: what has passed has passed."""
        self.opened_to = max(self.opened_to, lsn)
        for link in self._links:
            self._server_said(link)
            self._move(link)

    def wait_applied(self, lsn: int, timeout_s: float = 60) -> None:
        """Until the standby has replayed up to ``lsn``, the end of a record that the gate is open to.

        Raises :exc:`PostgresFailed` where nothing has moved for ``timeout_s``.
        """
        assert lsn <= self.opened_to, "it would wait for what may not pass"
        stands, moved_s = (self.forwarded, self.applied), time.monotonic()
        while self.applied < lsn:
            if not self.pump(PING_S):
                self._ping()
            if stands != (self.forwarded, self.applied):
                stands, moved_s = (self.forwarded, self.applied), time.monotonic()
            elif time.monotonic() - moved_s > timeout_s:
                self._give_up(lsn, timeout_s)

    def _give_up(self, lsn: int, timeout_s: float) -> NoReturn:
        link = "connected" if self._stream is not None and self._stream.is_open else "not connected"
        raise PostgresFailed(
            f"a standby of {self.upstream[0]}:{self.upstream[1]} has replayed up to {lsn_text(self.applied)} of"
            f" {lsn_text(lsn)} and nothing moved for {timeout_s} s ({link}, {lsn_text(self.forwarded)} forwarded)"
        )

    # ---- messages ----------------------------------------------------------------------------------------------
    def _client_said(self, link: Link) -> None:
        for message in link.messages_of_client():
            if message.kind == COPY_DATA and message.raw[5:6] == STATUS:
                self.applied = max(self.applied, POSITIONS.unpack_from(message.raw, 6)[2])
            link.to_server += message.raw

    def _server_said(self, link: Link) -> None:
        while not self._is_held(link) and (message := link.next_of_server()) is not None:
            if message.kind == COPY_BOTH:
                self._stream = link
            elif message.kind == COPY_DONE:
                self._stream = None  # the end of a timeline: what follows is no stream until the next COPY_BOTH
            link.to_client += self._let_through(link, message)

    def _is_held(self, link: Link) -> bool:
        """Whether the next message is WAL of which not one byte may pass. All that comes after it waits behind it.

        So does the end of a timeline, until something of the next one may pass.
        """
        head = link.from_server
        if head[:1] == COPY_DONE:
            return self.forwarded >= self.opened_to
        if len(head) <= XLOG_HEADER or head[:1] != COPY_DATA or head[5:6] != XLOG_DATA:
            return False
        return int(POSITIONS.unpack_from(head, 6)[0]) >= self.opened_to

    def _wants_more(self, link: Link) -> bool:
        return super()._wants_more(link) and not self._is_held(link)

    def _let_through(self, link: Link, message: Message) -> bytes:
        """What of this message may pass. The rest of it, as a message of its own, is put back."""
        if message.kind != COPY_DATA or message.raw[5:6] not in (XLOG_DATA, KEEPALIVE):
            return message.raw
        if message.raw[5:6] == KEEPALIVE:
            end = min(int.from_bytes(message.raw[6:14], "big"), self.opened_to)
            return message.raw[:6] + end.to_bytes(8, "big") + message.raw[14:]
        start, end, sent = POSITIONS.unpack_from(message.raw, 6)
        wal = message.raw[XLOG_HEADER:]
        size = min(len(wal), self.opened_to - start)
        if size < len(wal):
            link.from_server[:0] = _xlog_data(start + size, end, sent, wal[size:])
        self.forwarded = max(self.forwarded, start + size)
        return _xlog_data(start, min(end, self.opened_to), sent, wal[:size])

    def _ping(self) -> None:
        """Asks the standby where it stands, as the primary could: a keepalive that wants an answer."""
        if self._stream is not None and self._stream.is_open:
            self._stream.to_client += _copy_data(KEEPALIVE + struct.pack(">QQB", self.forwarded, 0, 1))
            self._move(self._stream)


def _copy_data(payload: bytes) -> bytes:
    return COPY_DATA + (len(payload) + 4).to_bytes(4, "big") + payload


def _xlog_data(start: int, end: int, sent: int, wal: bytes) -> bytes:
    return _copy_data(XLOG_DATA + POSITIONS.pack(start, end, sent) + wal)


def lsn_text(lsn: int) -> str:
    """A position as PostgreSQL writes it: ``0/16B3748``."""
    return f"{lsn >> 32:X}/{lsn & 0xFFFFFFFF:X}"
