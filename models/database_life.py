"""The life of a database, which is virtual time alone: who is up, what a standby has, how far a copy has come.

Every build shares it (``DatabaseLife``); a build answers for the rows.

A scale-up copies the tables one after another to a bigger instance, which accepts connections before the copy is
complete: until its turn a row is not there. Its standbys are made when the copy is complete; older states are read from
those of the instance before, which has stood still since. A row that comes later than that is a commit like any other.

Standbys replay the primary's commits one by one, each up to a position of its own that only grows. When the primary is
lost, the first standby is promoted: what it had not yet received is gone, row versions too. A standby that was further
than the new primary cannot follow it, and is made anew from it. A lock of a whole table is replayed like a commit: it
is the standby's from the next commit on, until one that came after the lock's end.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from drydock.harness.seam import Passage, Seams
from drydock.harness.sim import Sim
from drydock.models.commit_log import CommitLog
from drydock.models.database import (
    LIVE,
    PRIMARY,
    STANDBYS,
    DatabaseDoor,
    Ints,
    Read,
    Rows,
    Session,
    Statement,
    Unavailable,
    Write,
)
from drydock.models.database_events import DatabaseState
from drydock.models.perp.units import all_true
from drydock.models.scale_up import ScaleUp
from drydock.models.venue import DatabaseSpec


class Stand(NamedTuple):
    """Where a standby stands when it is read: with all commits up to a number, of this instance or the one before."""

    server: str
    number: int
    is_before: bool


@dataclass(slots=True)
class ReplayedLock:
    """A lock of a whole table: a standby has it that stands after commit ``since``, and not after ``until``."""

    session: Session
    since: int
    until: int | None = None


class DatabaseLife(DatabaseDoor):
    """Lives through crash, failover and scale-up. What is abstract here is what a build does with rows, at once."""

    def __init__(self, sim: Sim, spec: DatabaseSpec, seams: Seams | None = None) -> None:
        super().__init__(sim, Seams() if seams is None else seams)
        self._spec = spec
        self._row_counts: dict[str, int] = {}
        self._log = CommitLog()
        self._position = dict.fromkeys(STANDBYS, 0)
        self._before_newest = 0
        self._base: int | None = 0  # the first commit that standbys of this instance have; None while there are none
        self._locks: list[ReplayedLock] = []
        self._locks_before: list[ReplayedLock] = []
        self._is_down = False
        self._copy: ScaleUp | None = None

    # ---- what a build does with rows -----------------------------------------------------------------------------
    @abstractmethod
    def _make(self, artefact: str, table: str, values: Ints) -> None:
        """A table, or a kept copy of one, with these rows, all in version 1."""

    @abstractmethod
    def _do(self, statements: Sequence[Statement], *, is_answered: bool) -> list[Rows]:
        """All statements and the commit. Where something is written, that will be commit ``newest + 1`` of the log."""

    @abstractmethod
    def _take(self, table: str, keys: Ints | None) -> Session:
        """Opens a transaction that has those of these rows that there are and nobody has, or the whole table.

        Raises :exc:`Unavailable` where others have the whole table, or some of it and the whole is asked for.
        """

    @abstractmethod
    def _now(self, table: str, keys: Ints) -> Rows:
        """These rows of the primary, whoever holds them."""

    @abstractmethod
    def _greatest(self, table: str, column: int) -> int:
        """The greatest value in a column; 0 where there is no row."""

    @abstractmethod
    def _restart(self) -> None:
        """The server dies and recovers what was committed, at once: how long clients wait is virtual time."""

    @abstractmethod
    def _promote(self, number: int) -> None:
        """The primary dies, and the first standby is it from now on, with all commits up to this one."""

    @abstractmethod
    def _begin_instance(self) -> None:
        """The same tables without rows, in an instance of its own; the present one is the instance before from now on.

        Kept copies are there at once. What was the instance before is needed no more.
        """

    @abstractmethod
    def _copy_rows(self, table: str, keys: Ints) -> Ints:
        """Copies rows from the instance before, where it has them, and leaves those that are here already.

        Returns the keys of those that are new. After the copy was reported complete they will be commit ``newest + 1``.
        """

    @abstractmethod
    def _mark(self) -> None:
        """What this instance has now is what a standby has that is told to stand at the newest commit of the log."""

    # ---- set-up ----------------------------------------------------------------------------------------------
    def create(self, table: str, values: Ints) -> None:
        """A table with one row per key ``0..len(values)-1``, all present, all in version 1, before any commit."""
        self._row_counts[table] = len(values)
        self._make(LIVE, table, values)
        self._mark()

    def keep(self, artefact: str, table: str, values: Ints) -> None:
        """A kept copy of a table (a dump, a snapshot in a schema of its own), for reads that name it."""
        self._make(artefact, table, values)
        self._mark()

    # ---- life ------------------------------------------------------------------------------------------------
    def crash(self) -> bool:
        """Connections break; after recovery everything committed is there. False where it is down already."""
        if self._is_down:
            return False
        self._restart()
        self._go_down("crashed", self._spec.recovery_ms, "recovered")
        return True

    @property
    def has_standby(self) -> bool:
        """Whether one could be promoted: the database is up, and it is no scale-up's target that is still copied to."""
        return self._base is not None and not self._is_down

    def fail_over(self, lost_ms: int, refuse_ms: int) -> bool:
        """The primary is lost and the first standby promoted, without the commits of the last ``lost_ms``.

        Clients find it after ``refuse_ms``. False where there is nothing to promote.
        """
        if self._base is None or self._is_down:
            return False
        self._copy_on(self._sim.now_ms)
        fork = max(self._log.number_at(self._sim.now_ms - lost_ms), self._base, self._position[STANDBYS[0]])
        self._promote(fork)
        self._go_down("primary_lost", refuse_ms, "promoted")
        self._position = {name: min(position, fork) for name, position in self._position.items()}
        for lock in self._locks:
            lock.until = fork if lock.until is None else min(lock.until, fork)
        for table, keys in self._log.forget_since(fork):
            rows = self._now(table, keys)
            self._tell(table, keys[rows.found], rows.values[rows.found])
        return True

    def _go_down(self, state: str, for_ms: int, then: str) -> None:
        self._is_down = True
        self._end_sessions()
        self._sim.emit(DatabaseState(state, 0), self._lane)
        self._sim.call_in(for_ms, self._come_up, then, self._lane, "recover")

    def _come_up(self, state: str) -> None:
        self._is_down = False
        self._sim.emit(DatabaseState(state, len(self._row_counts)), self._lane)

    @property
    def accepts_connections(self) -> bool:
        """Whether a transaction would be answered now."""
        is_closed = self._copy is not None and self._sim.now_ms < self._copy.opens_ms
        return not (self._is_down or is_closed)

    # ---- scale-up --------------------------------------------------------------------------------------------
    def begin_scale_up(self, duration_ms: int) -> None:
        """Starts the copy to the bigger instance; clients are pointed at it at once and find it closed at first."""
        self._copy_on(self._sim.now_ms)
        if self._base is None:
            self._begin_standbys()  # an instance that is left in the middle of its copy
        copy = self._copy = ScaleUp(self._row_counts, self._sim.now_ms, duration_ms, self._spec.connect_after_ppm)
        self._before_newest = self._log.newest
        self._position = {name: max(position, self._base or 0) for name, position in self._position.items()}
        self._base = None
        self._end_sessions()
        self._locks_before, self._locks = self._locks, []
        self._begin_instance()
        self._sim.emit(DatabaseState("copying", 0), self._lane)
        for wait_ms, table in copy.turns():
            self._sim.call_in(wait_ms, self._table_begins, (copy, table), self._lane, "copy")

    def _table_begins(self, arg: tuple[ScaleUp, str]) -> None:
        copy, table = arg
        if self._copy_seam.bends and copy is self._copy:
            copy.bend(table, self._copy_seam.through(Passage(self._row_counts[table], table)))

    def end_scale_up(self) -> None:
        """The copy is reported complete. Standbys of the bigger instance are made from what it has by now."""
        copy = self._copy
        if copy is not None and self.is_copying:
            self._copy_on(max(copy.ends_ms, self._sim.now_ms))
            self._begin_standbys()
            self._copy = copy if copy.has_stragglers else None
            self._sim.emit(DatabaseState("copied", len(self._row_counts)), self._lane)

    def _begin_standbys(self) -> None:
        self._base = self._log.newest
        self._mark()

    @property
    def is_copying(self) -> bool:
        """Whether a scale-up's copy is under way."""
        return self._base is None

    def _copy_on(self, until_ms: int) -> None:
        """Copies the rows whose time has come: nobody asked for them before."""
        copy = self._copy
        if copy is None:
            return
        for at_ms, table, keys in copy.due(until_ms):
            keys = self._copy_rows(table, keys)
            if keys.size and not self.is_copying:
                self._log.add(at_ms, [(table, keys)])
                self._mark()
        if not (self.is_copying or copy.has_stragglers):
            self._copy = None

    # ---- the operators' own tools, outside of any client ----------------------------------------------------------
    def overwrite(self, table: str, keys: Ints, values: Ints) -> None:
        """A restore: these rows become these values, whoever wrote them; who has the table loses it."""
        self._end_sessions(table)
        self._commit([Write(table, keys, values)])

    def greatest(self, table: str, column: int) -> int:
        """The greatest value in a column; 0 where there is no row. Who has the whole table loses it."""
        self._copy_on(self._sim.now_ms)
        self._end_sessions(table, is_whole=True)
        return self._greatest(table, column)

    # ---- transactions --------------------------------------------------------------------------------------------
    def _commit(self, statements: Sequence[Statement]) -> list[Rows]:
        return self._transaction(statements, is_answered=True)

    def _commit_unanswered(self, statements: Sequence[Statement]) -> list[Rows]:
        return self._transaction(statements, is_answered=False)

    def _open_session(self, table: str, keys: Ints | None) -> Session:
        self._copy_on(self._sim.now_ms)
        if keys is None and self._copy is not None:
            raise Unavailable  # the copy's own transaction writes to every table
        session = self._take(table, keys)
        if keys is None:
            self._locks.append(ReplayedLock(session, self._log.newest))
        return session

    def _let_go(self, session: Session) -> None:
        super()._let_go(session)
        for lock in self._locks:
            if lock.session is session and lock.until is None:
                lock.until = self._log.newest

    def _transaction(self, statements: Sequence[Statement], *, is_answered: bool) -> list[Rows]:
        if self._copy is not None:
            self._copy_on(self._sim.now_ms)
        answers = self._do(statements, is_answered=is_answered)
        written = []
        for statement, rows in zip(statements, answers, strict=True):
            if isinstance(statement, Write):
                keys = statement.keys if all_true(rows.found) else statement.keys[rows.found]
                if keys.size:
                    written.append((statement.table, keys))
        if written:
            self._log.add(self._sim.now_ms, written)
            self._mark()
        return answers

    def _stand_of(self, read: Read) -> Stand:
        """Where the standby of this read stands now: so far behind, and never further back than it was.

        A build asks before the commit: what the same transaction wrote is on no standby.
        """
        server = STANDBYS[0] if read.server == PRIMARY else read.server
        lag_ms = read.stale_ms or self._spec.replica_lag_ms
        position = max(self._position[server], self._log.number_at(self._sim.now_ms - lag_ms))
        self._position[server] = position
        if self._base is None or position < self._base:
            return Stand(server, min(position, self._before_newest), is_before=True)
        return Stand(server, position, is_before=False)

    def _is_locked(self, table: str, stand: Stand) -> bool:
        """Whether a standby that stands there has replayed a lock of the whole table, and not its end."""
        return any(
            lock.session.table == table
            and lock.since < stand.number
            and (lock.until is None or stand.number <= lock.until)
            for lock in (self._locks_before if stand.is_before else self._locks)
        )
