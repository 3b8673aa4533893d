"""A primary and its standbys, each standing at exactly one commit of the primary.

A position (``lsn``) is the end of a commit: :meth:`Cluster.flush_lsn` right after it. A standby is made when it is
first asked for, as a copy of the template that is fed through a gate of its own from the first byte on; it is moved
when it is asked for at a later position, and never goes back. After a promotion the other standbys are made anew in the
same way: they follow the new primary along its timelines, and so can stand at any position that it has had.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, LiteralString, TypeVar

from drydock.models.postgres.commit_proxy import CommitProxy, Cut
from drydock.models.postgres.failures import PostgresFailed
from drydock.models.postgres.server import Server
from drydock.models.postgres.sql import DROP_ALL
from drydock.models.postgres.template import Template
from drydock.models.postgres.wal_gate import WalGate, lsn_text

if TYPE_CHECKING:
    from psycopg import Connection

Answer = TypeVar("Answer")
PAGE_BYTES = 8192
REUSABLE_BYTES_MAX = 1 << 28
"""Standbys are fed from the first byte on, so the primary keeps all of its log: with so much of it, it is given up."""
GONE_LIMIT_S = 60.0
WORDS_MAX = 400
POLL_S = 0.001
_FLUSHED = "SELECT (pg_current_wal_flush_lsn() - '0/0'::pg_lsn)::bigint"
_NEXT_RECORD = "SELECT pg_logical_emit_message(true, 'drydock', '')"
_IS_THERE = "SELECT true FROM pg_stat_activity WHERE pid = %s"
_OTHERS = """
    SELECT pid FROM pg_stat_activity
    WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() AND datname = current_database()"""


@dataclass(slots=True)
class Standby:
    """One server that follows, through one gate, up to one timeline; ``connection`` is open as long as it stands."""

    server: Server
    gate: WalGate
    connection: Connection
    timeline: int

    def last_words(self) -> str:
        """The end of its log."""
        return self.server.host.read_text(self.server.log).strip()[-WORDS_MAX:]

    def remove(self) -> None:
        """Connection, gate, server and files."""
        self.connection.close()
        self.gate.close()
        self.server.remove()


@dataclass(slots=True)
class Costs:
    """Real seconds that servers took to start and to be removed, to crash and recover, and to be promoted.

    ``starts`` is how many were started. A benchmark takes them apart from what statements cost.
    """

    starts: int = 0
    start_s: float = 0.0
    crash_s: float = 0.0
    promotion_s: float = 0.0

    @contextmanager
    def counting(self, name: Literal["start_s", "crash_s", "promotion_s"]) -> Iterator[None]:
        """Adds what passes inside."""
        begun = time.perf_counter()
        try:
            yield
        finally:
            setattr(self, name, getattr(self, name) + time.perf_counter() - begun)

    @property
    def total_s(self) -> float:
        """All of it."""
        return self.start_s + self.crash_s + self.promotion_s


class Cluster:
    """Its clients are one thread: no statement may wait for what another connection of theirs holds."""

    def __init__(self, template: Template, costs: Costs | None = None) -> None:
        """Starts the primary; adds to ``costs``. Raises :exc:`PostgresFailed`."""
        self.costs = Costs() if costs is None else costs
        self._template = template
        self._standbys: dict[str, Standby] = {}
        self._timelines = [(1, 0)]  # (number, first byte) of the primary's and all before it, the newest last
        with self.costs.counting("start_s"):
            self._primary = template.clone()
        self.connection = self._started(self._primary)
        self._newest = self._begins_at = self.flush_lsn()

    def _started(self, server: Server, **settings: str | int) -> Connection:
        with self.costs.counting("start_s"):
            self.costs.starts += 1
            try:
                server.start(**settings)
                return server.connect()
            except BaseException:
                server.remove()
                raise

    # ---- the primary -------------------------------------------------------------------------------------------
    def connect(self) -> Connection:
        """One more session of the primary, in autocommit like ``connection``; who asked for it closes it."""
        return self._primary.connect()

    @property
    def address(self) -> tuple[str, int]:
        """Where the primary is reached: host and port."""
        return self._primary.address

    def flush_lsn(self) -> int:
        """The position right after the last commit: the end of a record, so that a standby can be told to stand there.

        What is flushed can end at the end of a page in the middle of a record that the server wrote by itself. Only
        there, one more record is written, which changes nothing.
        """
        while (lsn := int(self._asked(_FLUSHED))) % PAGE_BYTES == 0:
            self._asked(_NEXT_RECORD)
        self._newest = lsn
        return lsn

    def _asked(self, statement: LiteralString) -> str:
        row = self.connection.execute(statement).fetchone()
        assert row is not None, statement
        return str(row[0])

    def crash(self) -> None:
        """The primary ends at once, and with it every connection to it. What gates hold is dropped."""
        with self.costs.counting("crash_s"):
            self._primary.stop_now()
            self.connection.close()
            for standby in self._standbys.values():
                standby.gate.drop()

    def recover(self) -> None:
        """The primary starts again, with everything committed; standbys find it when they are next asked for."""
        with self.costs.counting("crash_s"):
            self._primary.start()
            self.connection = self._primary.connect()

    @property
    def is_up(self) -> bool:
        """Whether the primary has not crashed, or has recovered."""
        return not self.connection.closed and self._primary.is_running

    # ---- standbys ----------------------------------------------------------------------------------------------
    def standby(self, name: str, lsn: int) -> Connection:
        """A connection to this standby, which stands at exactly ``lsn``; it stays there until it is asked for again.

        Not below :meth:`position`: what was replayed stays. Raises :exc:`PostgresFailed`.
        """
        standby = self._standbys.get(name) or self._made(name, self._timelines[-1][0])
        assert lsn >= standby.gate.opened_to, f"{name} stands at {lsn_text(standby.gate.opened_to)} and never goes back"
        standby.gate.open_to(lsn)
        try:
            standby.gate.wait_applied(lsn)
        except PostgresFailed as failed:
            raise PostgresFailed(f"{name}: {failed}; it says: {standby.last_words()}") from failed
        return standby.connection

    def position(self, name: str) -> int:
        """Where this standby stands; 0 where it has not been made."""
        return self._standbys[name].gate.opened_to if name in self._standbys else 0

    def _made(self, name: str, timeline: int) -> Standby:
        with self.costs.counting("start_s"):
            server = self._template.clone()
            for number, _ in self._timelines:
                self._copy_history(number, server)
        gate = WalGate(self._primary.address, self._template.host.upstream_address)
        server.follow(f"host={gate.address[0]} port={gate.address[1]}")
        try:
            connection = self._started(server, recovery_target_timeline=timeline)
        except BaseException:
            gate.close()
            raise
        made = self._standbys[name] = Standby(server, gate, connection, timeline)
        return made

    def _copy_history(self, timeline: int, to: Server) -> None:
        """A server that is told to follow a timeline has to know before its start where it comes from."""
        if timeline > 1:
            path = f"pg_wal/{timeline:08X}.history"
            text = self._primary.host.read_text(f"{self._primary.data_dir}/{path}")
            to.host.write_text(f"{to.data_dir}/{path}", text)

    def promote(self, name: str, lsn: int) -> None:
        """This standby, standing at exactly ``lsn``, is the primary from now on; what was committed later is lost.

        The primary ends at once and is gone; other standbys are made anew when they are next asked for.
        """
        chosen = self._chosen(name, lsn)
        with self.costs.counting("promotion_s"):
            lost, self._primary = self._primary, chosen.server
            lost.stop_now()
            chosen.gate.close()
            self._primary.promote()
            self.connection.close()
            self.connection = chosen.connection
            self.connection.execute("CHECKPOINT")  # comes by itself, some time: ends locks of the lost one's sessions
        with self.costs.counting("start_s"):
            lost.remove()
            self._remove_standbys()
        file_name = self._asked("SELECT pg_walfile_name(pg_current_wal_insert_lsn())")
        self._timelines = [(number, begin) for number, begin in self._timelines if begin < lsn]
        self._timelines.append((int(file_name[:8], 16), lsn))

    def _chosen(self, name: str, lsn: int) -> Standby:
        """The standby to be promoted, which knows of no timeline that begins where it stands, or later.

        It would become that timeline's child although it has nothing of it, and nobody could follow.
        """
        timeline = max(number for number, begin in self._timelines if begin < lsn)
        if name in self._standbys and self._standbys[name].timeline != timeline:
            self._standbys.pop(name).remove()
        if name not in self._standbys:
            self._made(name, timeline)
        self.standby(name, lsn)
        return self._standbys.pop(name)

    def _remove_standbys(self) -> None:
        while self._standbys:
            self._standbys.popitem()[1].remove()

    # ---- commits in doubt ----------------------------------------------------------------------------------------
    def commit_unanswered(self, work: Callable[[Connection], Answer], cut: Cut = "swallow_reply") -> Answer:
        """What ``work`` answers, in a transaction whose COMMIT happens although its answer never comes.

        The connection is another than ``connection``, and is gone at the end. With ``swallow_commit`` the transaction
        does not happen. Raises what ``work`` raises; then it does not happen either.
        """
        from psycopg import OperationalError

        with CommitProxy(self._primary.address, self._primary.host.address) as proxy:
            client = self._primary.connect(proxy.address[1], autocommit=False)
            session = client.info.backend_pid
            try:
                answer = work(client)
                proxy.arm(cut)
                with suppress(OperationalError):
                    client.commit()
            finally:
                client.close()
                self._await_end_of(session)
        if not proxy.is_cut:
            raise PostgresFailed("a COMMIT was answered although its answer was to be swallowed")
        return answer

    def _await_end_of(self, pid: int) -> None:
        """Until this session has left its locks behind: a connection that is gone is not a session that is gone."""
        limit = time.perf_counter() + GONE_LIMIT_S
        while self.connection.execute(_IS_THERE, (pid,)).fetchone() is not None:
            if time.perf_counter() > limit:
                raise PostgresFailed(f"session {pid} is still there {GONE_LIMIT_S:.0f} s after its connection ended")
            time.sleep(POLL_S)  # noqa: TID251 - the end of a session takes real time

    # ---- the next run ------------------------------------------------------------------------------------------
    @property
    def is_reusable(self) -> bool:
        """Whether another run can have it: it has promoted nobody, and its log is not too long."""
        return len(self._timelines) == 1 and self._newest - self._begins_at < REUSABLE_BYTES_MAX

    def clear(self) -> None:
        """No session but ``connection``, and no table: as the next run expects it. Standbys stay where they are.

        A checkpoint, so that recovery from a crash of that run replays what that run did.
        """
        if not self.is_up:
            self.recover()
        self.connection.rollback()
        self.clear_sessions()
        self.connection.execute(DROP_ALL)
        if self._primary.is_own:
            self.connection.execute("CHECKPOINT")

    def clear_sessions(self) -> None:
        """No session but ``connection``, and no lock of any other."""
        for (pid,) in self.connection.execute(_OTHERS).fetchall():
            self.connection.execute("SELECT pg_terminate_backend(%s)", (pid,))
            self._await_end_of(pid)

    def close(self) -> None:
        """Every server stops, and nothing of them is left."""
        with self.costs.counting("start_s"):
            self._remove_standbys()
            self.connection.close()
            self._primary.remove()
