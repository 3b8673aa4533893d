"""The database: one interface of one-instant transactions, and the door at which faults strike them.

A transaction happens at one virtual instant, all its statements and the commit: what time it takes is the client's
business (latency, retries, a cold cache). So a real SQL server can answer the same calls, and every build of the
database stands behind the same door (:class:`DatabaseDoor`):

- ``database.statement``, row by row: which server answers a read (``policy``), how far behind (``stale_ms``), and which
  rows another transaction has (``is_held``: NOWAIT, so nobody ever waits for a lock).
- ``database.commit``, the transaction as a whole: ``is_lost``, the connection ends before the commit and nothing is
  kept; ``is_unanswered``, it happens and the answer is lost; ``delay_ms``, it is so long under way, whoever sent it may
  be gone by then, and nobody waits for the answer.

The client of a transaction that was lost, late or unanswered sees the same: :exc:`Unavailable`. A real client does too.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from drydock.harness.seam import Passage, Seams
from drydock.harness.sim import Sim
from drydock.models.seams import new_seam

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]
PRIMARY = "primary"
STANDBYS = ("standby-1", "standby-2")
LIVE = "live"
"""The artefact that is no artefact: the table itself."""


class Unavailable(Exception):
    """No answer: the database is down, recovering or not yet open, or the connection ended first.

    Where the connection ended, the transaction may have happened: a client cannot know.
    """


@dataclass(frozen=True, slots=True)
class Read:
    """SELECT of these keys.

    ``server`` answers; ``stale_ms`` above zero means that a standby so far behind does (the first where none is named).
    A standby's position only grows: where it has been read at a later one already, that is what it answers from.
    ``artefact`` reads a kept copy of the table instead of the table. ``held`` is the door's: rows others have.
    """

    table: str
    keys: Ints
    stale_ms: int = 0
    server: str = PRIMARY
    artefact: str = LIVE
    held: Mask | None = None

    @property
    def is_of_standby(self) -> bool:
        """Whether a standby answers."""
        return self.artefact == LIVE and (self.stale_ms > 0 or self.server != PRIMARY)


@dataclass(frozen=True, slots=True)
class Write:
    """UPSERT of ``values[n, column]`` under ``keys[n]``. With ``expected`` versions it is a compare-and-set per row.

    A row that is not there begins with ``first_version``. Where rows may go and come again it is one that no row of
    before had, or a late compare-and-set of before finds the version that it expects (ABA). ``held`` is the door's:
    rows that another transaction has; they are left as they are.
    """

    table: str
    keys: Ints
    values: Ints
    expected: Ints | None = None
    held: Mask | None = None
    first_version: int = 1


Statement = Read | Write


@dataclass(frozen=True, slots=True)
class Rows:
    """The answer to a statement, row by row.

    Of a read: ``values``, ``version`` and ``found``. Of a write: ``found`` says whether the row was written, ``values``
    and ``version`` are those that it has now; version 0 means that there is no row. ``held`` rows are not available
    now, and nothing is known of them: another transaction has them.
    """

    values: Ints
    version: Ints
    found: Mask
    held: Mask

    def only(self, mask: Mask) -> Rows:
        """The answer for some of the rows."""
        return Rows(self.values[mask], self.version[mask], self.found[mask], self.held[mask])


class Database(Protocol):
    """What services know of a database."""

    @property
    def accepts_connections(self) -> bool:
        """Whether a transaction would be answered now."""
        ...

    def transact(self, statements: Sequence[Statement], sender: str = "") -> list[Rows]:
        """All statements and the commit, now. Raises :exc:`Unavailable`; then mostly nothing happened."""
        ...


@dataclass(slots=True)
class StatementPassage(Passage):
    """A statement at the door: its entities are the rows of ``keys``. ``policy`` names the server of a read."""

    table: str = ""
    keys: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    is_write: bool = False
    is_held: Mask = field(default_factory=lambda: np.zeros(0, np.bool_))

    def __post_init__(self) -> None:
        Passage.__post_init__(self)
        self.is_held = np.zeros(self.entities, np.bool_)


@dataclass(slots=True, eq=False)
class Session:
    """An open transaction that has rows of a table, or all of it (``keys`` is None) and against readers too.

    A build says what else comes to an end with it.
    """

    table: str
    keys: Ints | None
    on_end: Callable[[], None] = lambda: None
    is_open: bool = True

    def have(self, passage: Passage) -> bool:
        """Bends ``database.statement``: others are told which rows are held."""
        assert isinstance(passage, StatementPassage)
        if not self.is_open or passage.table != self.table or not (passage.is_write or self.keys is None):
            return False
        mine = np.ones(passage.entities, np.bool_) if self.keys is None else np.isin(passage.keys, self.keys)
        passage.is_held |= mine
        return bool(mine.any())

    def end(self) -> None:
        """Rolled back, by itself or with its server: what it held is free."""
        self.is_open = False
        self.on_end()


class DatabaseDoor(ABC):
    """What every build of the database has in common: transactions pass the seams here, and a build then does them.

    What is abstract here is all that a build has to do.
    """

    def __init__(self, sim: Sim, seams: Seams) -> None:
        self._sim = sim
        self._lane = sim.lane_of("database")
        self._statement_seam = new_seam(seams, "database.statement")
        self._commit_seam = new_seam(seams, "database.commit")
        self._copy_seam = new_seam(seams, "database.copy")
        self._sessions: list[Session] = []
        self.on_untold: Callable[[str, Ints, Ints], None] = lambda table, keys, values: None
        """Hears (table, keys, values) of rows that are other than the clients were told: for laws, not for clients."""

    # ---- what a build does -------------------------------------------------------------------------------------
    @property
    @abstractmethod
    def accepts_connections(self) -> bool:
        """Whether a transaction would be answered now."""

    @abstractmethod
    def _commit(self, statements: Sequence[Statement]) -> list[Rows]:
        """All statements and the commit, now."""

    @abstractmethod
    def _commit_unanswered(self, statements: Sequence[Statement]) -> list[Rows]:
        """All statements and the commit, now, whose answer is lost. The rows are for laws; no client sees them."""

    @abstractmethod
    def _abandon(self, statements: Sequence[Statement]) -> None:
        """All statements, and the end of the connection before the commit: nothing is kept."""

    @abstractmethod
    def _open_session(self, table: str, keys: Ints | None) -> Session:
        """An open transaction that has those of these rows that there are (SELECT FOR UPDATE), or the whole table."""

    @abstractmethod
    def create(self, table: str, values: Ints) -> None:
        """A table with one row per key ``0..len(values)-1``, all present, all in version 1."""

    @abstractmethod
    def keep(self, artefact: str, table: str, values: Ints) -> None:
        """A kept copy of a table (a dump, a snapshot in a schema of its own), for reads that name it."""

    @abstractmethod
    def crash(self) -> bool:
        """Connections break; after recovery everything committed is there. False where it is down already."""

    @property
    @abstractmethod
    def has_standby(self) -> bool:
        """Whether one could be promoted: the database is up, and it is no scale-up's target that is still copied to."""

    @abstractmethod
    def fail_over(self, lost_ms: int, refuse_ms: int) -> bool:
        """The primary is lost and the first standby promoted, without the commits of the last ``lost_ms``.

        What that standby has shown to a reader is not lost. Clients find it after ``refuse_ms``. False where there is
        nothing to promote.
        """

    @abstractmethod
    def begin_scale_up(self, duration_ms: int) -> None:
        """Starts the copy to the bigger instance; clients are pointed at it at once and find it closed at first."""

    @abstractmethod
    def end_scale_up(self) -> None:
        """The copy is reported complete. Standbys of the bigger instance are made from what it has by now."""

    @property
    @abstractmethod
    def is_copying(self) -> bool:
        """Whether a scale-up's copy is under way."""

    @abstractmethod
    def overwrite(self, table: str, keys: Ints, values: Ints) -> None:
        """The operators restore: these rows become these values, whoever wrote them; who has the table loses it."""

    @abstractmethod
    def greatest(self, table: str, column: int) -> int:
        """The greatest value in a column, for the operators; 0 where there is none."""

    def close(self) -> None:  # noqa: B027  (most builds are arrays)
        """The world has ended: what a build has outside of this process is given back."""

    # ---- for builds ------------------------------------------------------------------------------------------
    def _tell(self, table: str, keys: Ints, values: Ints) -> None:
        """A build says so where rows are other than the clients were told."""
        if keys.size:
            self.on_untold(table, keys, values)

    def _end_sessions(self, table: str | None = None, *, is_whole: bool = False) -> None:
        """Open transactions that have rows of this table, or the whole of it, or any, are rolled back: all is free."""
        for session in list(self._sessions):
            if table in (None, session.table) and not (is_whole and session.keys is not None):
                self._let_go(session)

    # ---- for clients -----------------------------------------------------------------------------------------
    def transact(self, statements: Sequence[Statement], sender: str = "") -> list[Rows]:
        """All statements and the commit, now. Raises :exc:`Unavailable`; then mostly nothing happened."""
        if not self.accepts_connections:
            raise Unavailable
        if self._commit_seam.bends:
            return self._pass_commit(statements, sender)
        return self._commit(self._pass_statements(statements, sender))

    @contextmanager
    def hold(self, table: str, keys: Ints, *, is_exclusive: bool = False) -> Iterator[None]:
        """An open transaction has those of these rows that there are (SELECT FOR UPDATE): others may only read them.

        Where it is exclusive (ALTER TABLE, VACUUM FULL) it has the whole table, and nobody may even read. When the
        server's life ends, so does the transaction, and when the operators overwrite the table. Rows that another open
        transaction has it does not get. Raises :exc:`Unavailable`, also where one of the two has the whole table.
        """
        if not self.accepts_connections:
            raise Unavailable
        session = self._open_session(table, None if is_exclusive else keys)
        self._sessions.append(session)
        with self._statement_seam.bend(session.have):
            try:
                yield
            finally:
                self._let_go(session)

    def _let_go(self, session: Session) -> None:
        if session in self._sessions:
            self._sessions.remove(session)
            session.end()

    # ---- passing the seams -----------------------------------------------------------------------------------
    def _pass_statements(self, statements: Sequence[Statement], sender: str) -> Sequence[Statement]:
        if not self._statement_seam.bends:
            return statements
        return [self._through(statement, sender) for statement in statements]

    def _through(self, statement: Statement, sender: str) -> Statement:
        is_write = isinstance(statement, Write)
        passage = StatementPassage(
            len(statement.keys), _label(sender, is_write=is_write), table=statement.table, keys=statement.keys,
            is_write=is_write, policy=None if isinstance(statement, Write) else statement.server,
        )  # fmt: skip
        if isinstance(statement, Read):
            passage.stale_ms[:] = statement.stale_ms
        self._statement_seam.through(passage)
        held = passage.is_held if passage.is_held.any() else None
        if isinstance(statement, Write):
            return replace(statement, held=held)
        stale_ms = int(passage.stale_ms.max()) if passage.entities else 0
        sent = replace(statement, stale_ms=stale_ms, server=str(passage.policy))
        is_locked = sent.artefact == LIVE and not sent.is_of_standby  # a lock is the primary's, and of the table itself
        return replace(sent, held=held) if is_locked else sent

    def _pass_commit(self, statements: Sequence[Statement], sender: str) -> list[Rows]:
        is_write = any(isinstance(statement, Write) for statement in statements)
        passage = self._commit_seam.through(Passage(1, _label(sender, is_write=is_write)))
        if passage.is_lost[0]:
            self._abandon(self._pass_statements(statements, sender))
            raise Unavailable
        if passage.delay_ms[0]:
            self._sim.call_in(int(passage.delay_ms[0]), self._late, (statements, sender), self._lane, "late commit")
            raise Unavailable
        if not passage.is_unanswered:
            return self._commit(self._pass_statements(statements, sender))
        through = self._pass_statements(statements, sender)
        self._tell_written(through, self._commit_unanswered(through))
        raise Unavailable

    def _late(self, arg: tuple[Sequence[Statement], str]) -> None:
        """It arrives; a server that takes nothing now has never seen it."""
        if self.accepts_connections:
            through = self._pass_statements(*arg)
            self._tell_written(through, self._commit(through))

    def _tell_written(self, statements: Sequence[Statement], answers: Sequence[Rows]) -> None:
        for statement, rows in zip(statements, answers, strict=True):
            if isinstance(statement, Write):
                self._tell(statement.table, statement.keys[rows.found], rows.values[rows.found])


def _label(sender: str, *, is_write: bool) -> str:
    return f"{sender}/{'write' if is_write else 'read'}"
