"""The gate: exactly the bytes of WAL up to where it is open, in whatever pieces they come; with it, without it."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing

import pytest
from hypothesis import given, strategies as st

from drydock.models.postgres.cluster import Cluster, Standby
from drydock.models.postgres.failures import PostgresFailed
from drydock.models.postgres.proxy import Message, take_message
from drydock.models.postgres.server import Server
from drydock.models.postgres.template import Template
from drydock.models.postgres.wal_gate import EVERYTHING, POSITIONS, WalGate, lsn_text
from tests.models.postgres.ledger import Ledger, first, rows

BEGIN = 1 << 20
GREETING = b"\0\0\0\x08\0\x03\0\0"  # protocol 3.0 and nothing else


class Wire:
    """Both ends of a gate's link, held by a test: what a primary would send, what a standby would get."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.gate = WalGate(self.listener.getsockname())
        self.standby = socket.create_connection(self.gate.address)
        self.standby.sendall(GREETING)
        self.gate.pump(1)
        self.primary, _ = self.listener.accept()
        self.standby.setblocking(False)
        self.got = bytearray()

    def close(self) -> None:
        """All of it."""
        for side in (self.gate, self.standby, self.primary, self.listener):
            side.close()  # type: ignore[attr-defined]

    def messages(self) -> list[Message]:
        """What the standby has by now: whole messages, and nothing else."""
        while self.gate.pump(0):
            pass
        try:
            while said := self.standby.recv(1 << 16):
                self.got += said
                self.gate.pump(0)
        except BlockingIOError:
            pass
        found = []
        while message := take_message(self.got, kind_bytes=1):
            found.append(message)
        assert not self.got
        return found


@pytest.fixture
def wire() -> Iterator[Wire]:
    """One link."""
    with closing(Wire()) as made:
        yield made


def message(kind: bytes, body: bytes) -> bytes:
    return kind + (len(body) + 4).to_bytes(4, "big") + body


def xlog_data(start: int, wal: bytes) -> bytes:
    return message(b"d", b"w" + POSITIONS.pack(start, start + len(wal) + 100, 7) + wal)


def wal_of(messages: list[Message]) -> Iterator[tuple[int, int, bytes]]:
    """(first byte, end of WAL as told, WAL) of each piece."""
    for got in messages:
        if got.raw[5:6] == b"w":
            start, end, _ = POSITIONS.unpack_from(got.raw, 6)
            yield start, end, got.raw[30:]


@given(
    st.lists(st.binary(min_size=1, max_size=300), min_size=1, max_size=8),
    st.lists(st.integers(0, 2_400), max_size=8).map(sorted),
)
def test_exactly_the_bytes_up_to_the_gate_pass(pieces: list[bytes], gates: list[int]) -> None:
    """However WAL is cut into messages and wherever the gate opens: all below it, in order, and nothing above."""
    sent, at = b"".join(pieces), BEGIN
    with closing(Wire()) as wire:
        wire.primary.sendall(message(b"W", b""))
        for piece in pieces:
            wire.primary.sendall(xlog_data(at, piece))
            at += len(piece)
        passed = b""
        for gate in (0, *gates):
            wire.gate.open_to(BEGIN + gate)
            for start, end, wal in wal_of(wire.messages()):
                assert BEGIN + len(passed) == start
                assert start + len(wal) <= end <= BEGIN + gate
                passed += wal
            assert sent[:gate] == passed
        assert BEGIN + len(passed) == max(wire.gate.forwarded, BEGIN)


def test_what_comes_after_held_wal_waits_behind_it(wire: Wire) -> None:
    """The end of a timeline is told when more than all of it may pass; a keepalive never tells of WAL that is held."""
    wire.gate.open_to(BEGIN)
    keepalive = message(b"d", b"k" + POSITIONS.pack(BEGIN + 900, 0, 0)[:16] + b"\0")
    for said in (message(b"W", b""), keepalive, xlog_data(BEGIN, b"abcdef"), keepalive, message(b"c", b"")):
        wire.primary.sendall(said)
    got = wire.messages()
    assert [b"W", b"d"] == [part.kind for part in got]
    assert BEGIN.to_bytes(8, "big") == got[1].raw[6:14]
    wire.gate.open_to(BEGIN + 4)
    assert [b"d"] == [part.kind for part in wire.messages()]
    wire.gate.open_to(BEGIN + 6)
    assert [b"d", b"d"] == [part.kind for part in wire.messages()]
    wire.gate.open_to(BEGIN + 7)
    assert [b"c"] == [part.kind for part in wire.messages()]


def test_what_is_held_when_the_primary_ends_is_dropped(wire: Wire) -> None:
    """The standby sees the end of its connection, and not one byte of the tail, although the gate opens afterwards."""
    wire.primary.sendall(message(b"W", b"") + xlog_data(BEGIN, b"abcdef"))
    assert [b"W"] == [part.kind for part in wire.messages()]
    wire.primary.close()
    wire.gate.drop()
    wire.gate.open_to(EVERYTHING)
    wire.gate.pump(0)
    assert b"" == wire.standby.recv(1)


def test_encryption_is_declined_and_then_the_client_greets(wire: Wire) -> None:
    """Debian's libpq asks for it first; the server never hears of that."""
    with socket.create_connection(wire.gate.address) as client:
        for request in (80877103, 80877104):
            client.sendall(b"\0\0\0\x08" + request.to_bytes(4, "big"))
        while wire.gate.pump(0.05):
            pass
        assert b"NN" == client.recv(2)
        client.sendall(GREETING)
        while wire.gate.pump(0.05):
            pass
        server, _ = wire.listener.accept()
        with server:
            assert GREETING == server.recv(100)


# ---- with servers ---------------------------------------------------------------------------------------------------
class Pair:
    """A primary with six commits, and a standby whose gate the test opens itself."""

    def __init__(self, template: Template) -> None:
        self.cluster = Cluster(template)
        self.ledger = Ledger(self.cluster)
        self.ledger.commit(6, 3_000)
        host = template.host
        server, gate = template.clone(), WalGate(self.cluster.address, host.upstream_address)
        server.follow(f"host={gate.address[0]} port={gate.address[1]}")
        server.start()
        self.standby = Standby(server, gate, server.connect(), 1)

    @property
    def gate(self) -> WalGate:
        """The standby's."""
        return self.standby.gate

    def open_to_the_middle_after(self, n: int) -> None:
        """In the middle of what the commit after the n-th wrote; waits until all of that has passed."""
        middle = sum(self.ledger.at[n : n + 2]) // 2
        self.gate.open_to(middle)
        while self.gate.forwarded < middle:
            self.gate.pump(1)
        self.gate.wait_applied(self.ledger.at[n])

    def failed_over(self) -> list[int]:
        """What the standby has as a primary, and that it takes writes."""
        self.cluster.crash()
        self.gate.close()
        server: Server = self.standby.server
        server.promote()
        self.standby.connection.execute("INSERT INTO ledger VALUES (1000)")
        return rows(self.standby.connection)


@pytest.fixture
def pair(template: Template) -> Iterator[Pair]:
    """Stopped at the end."""
    made = Pair(template)
    yield made
    made.standby.remove()
    made.cluster.close()


def test_gate_in_the_middle_of_a_record_keeps_that_record_out(pair: Pair) -> None:
    """Visible is what lies wholly below; the half of a record that is there is dropped by a promotion."""
    for n in range(5):
        pair.open_to_the_middle_after(n)
        assert first(n) == rows(pair.standby.connection)
    assert [*first(4), 1000] == pair.failed_over()


def test_control_without_a_gate_no_tail_is_lost(pair: Pair) -> None:
    """Open to everything, the standby has all commits: what the exact tail rests on is the gate."""
    pair.gate.open_to(EVERYTHING)
    pair.gate.wait_applied(pair.ledger.at[6])
    assert [*first(6), 1000] == pair.failed_over()


def test_control_gate_that_is_open_too_far_loses_too_little(pair: Pair) -> None:
    """One commit further is one row more."""
    for n in (3, 5):
        pair.gate.open_to(pair.ledger.at[n])
        pair.gate.wait_applied(pair.ledger.at[n])
    assert [*first(5), 1000] == pair.failed_over()


def test_much_wal_passes_through_and_stops_where_it_should(pair: Pair) -> None:
    """Megabytes in one commit, which are there or not, as a whole; nor does it matter that nobody takes them."""
    ledger = pair.ledger
    pair.cluster.connection.execute(
        "INSERT INTO ledger SELECT n + 6, repeat('x', 200) FROM generate_series(1, 40000) n"
    )
    ledger.at.append(pair.cluster.flush_lsn())
    assert ledger.at[7] - ledger.at[6] > 8 << 20
    pair.gate.open_to(ledger.at[6])
    pair.gate.wait_applied(ledger.at[6])
    assert first(6) == rows(pair.standby.connection)
    pair.cluster.crash()
    pair.gate.drop()
    pair.cluster.recover()
    pair.gate.open_to(ledger.at[7])
    pair.gate.wait_applied(ledger.at[7])
    assert 40_006 == len(rows(pair.standby.connection))


def test_wait_that_cannot_end_says_where_everybody_stands(pair: Pair) -> None:
    """The primary is gone before the rest has passed: one sentence instead of a wait for good."""
    pair.gate.open_to(pair.ledger.at[2])
    pair.gate.wait_applied(pair.ledger.at[2])
    pair.cluster.crash()
    pair.gate.drop()
    pair.gate.open_to(pair.ledger.at[3])
    stands, wanted = lsn_text(pair.gate.applied), lsn_text(pair.ledger.at[3])
    with pytest.raises(PostgresFailed, match=rf"replayed up to {stands} of {wanted} .*not connected"):
        pair.gate.wait_applied(pair.ledger.at[3], timeout_s=0.2)
