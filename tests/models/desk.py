"""A desk before a build of the database: asks it what operations say, through the door, under a clock of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager

import numpy as np
from numpy.typing import NDArray

from drydock.harness.seam import Passage, Seams
from drydock.harness.sim import Sim
from drydock.models.database import DatabaseDoor, Read, Rows, Statement, Unavailable, Write
from drydock.models.database_events import DatabaseState
from drydock.models.simulated_database import SimulatedDatabase
from drydock.models.venue import DatabaseSpec
from tests.models.operations import (
    KEPT,
    LATE_MS,
    TABLES,
    Answer,
    Ask,
    BeginScaleUp,
    Crash,
    EndScaleUp,
    FailOver,
    Greatest,
    Hold,
    LetGo,
    Operation,
    Overwrite,
    Put,
    RowSeen,
    Seen,
    Transact,
    Wait,
    columns_of,
)  # fmt: skip
from tests.nights import told

Ints = NDArray[np.int64]
Build = Callable[[Sim, DatabaseSpec, Seams], AbstractContextManager[DatabaseDoor]]


def simulated(made: type[SimulatedDatabase] = SimulatedDatabase) -> Build:
    """The simulated build, or one that is derived from it."""

    @contextmanager
    def build(sim: Sim, spec: DatabaseSpec, seams: Seams) -> Iterator[DatabaseDoor]:
        yield made(sim, spec, seams)

    return build


class DoorDesk:
    """One build, its seams, and what was seen of it."""

    def __init__(self, build: Build, spec: DatabaseSpec) -> None:
        self._sim, self._seams = Sim(1, keep_trace=True), Seams()
        self._open = ExitStack()
        self._database = self._open.enter_context(build(self._sim, spec, self._seams))
        for table, (rows, _) in TABLES.items():
            self._database.create(table, rows_of(table, range(rows)))
            self._database.keep(KEPT, table, rows_of(table, range(50, 50 + rows)))
        self._database.on_untold = self._hear
        self._untold: list[tuple[int, str, list[tuple[int, tuple[int, ...]]]]] = []
        self._events_seen = 0
        self._sessions: dict[str, ExitStack] = {}
        self._ending = "told"
        self._copy = BeginScaleUp(0)
        self._open.enter_context(self._seams["database.commit"].bend(self._end))
        self._open.enter_context(self._seams["database.copy"].bend(self._bend_copy))

    def close(self) -> None:
        """Nothing is held or bent any more; the build is given back."""
        for name in list(self._sessions):
            self._let_go(name)
        self._open.close()

    # ---- seams -----------------------------------------------------------------------------------------------
    def _end(self, passage: Passage) -> bool:
        passage.is_unanswered = self._ending == "unanswered"
        passage.is_lost[:] = self._ending == "abandoned"
        passage.delay_ms[:] = LATE_MS if self._ending == "late" else 0
        return self._ending != "told"

    def _bend_copy(self, passage: Passage) -> bool:
        passage.is_lost[[key for table, key in self._copy.left_out if table == passage.label]] = True
        passage.delay_ms[[key for table, key in self._copy.late if table == passage.label]] = self._copy.late_ms
        return True

    def _hear(self, table: str, keys: Ints, values: Ints) -> None:
        rows = [tuple(row) for row in values.tolist()]
        self._untold.append((self._sim.now_ms, table, sorted(zip(keys.tolist(), rows, strict=True))))

    # ---- operations ------------------------------------------------------------------------------------------
    def play(self, operation: Operation) -> Seen:
        """Does it, and says what is seen."""
        answer = self._do(operation)
        kept = self._sim.recorder.kept or []
        events = [(at_ms, data.state, data.tables) for at_ms, data in told(kept[self._events_seen :], DatabaseState)]
        self._events_seen = len(kept)
        untold, self._untold = sorted(self._untold), []
        base = self._database
        return Seen(answer, base.accepts_connections, base.is_copying, base.has_standby, events, untold)

    def _do(self, operation: Operation) -> Answer | bool | int:
        match operation:
            case Wait(ms):
                self._sim.run_until(self._sim.now_ms + ms)
            case Transact(statements, ending):
                return self._transact(statements, ending)
            case Hold(session, table, keys):
                return self._hold(session, table, keys)
            case LetGo(session):
                self._let_go(session)
            case Greatest(table, column):
                return self._database.greatest(table, column)
            case _:
                return self._happen(operation)
        return None

    def _happen(self, operation: Operation) -> bool | None:
        match operation:
            case Crash():
                return self._database.crash()
            case FailOver(lost_ms, refuse_ms):
                return self._database.fail_over(lost_ms, refuse_ms)
            case BeginScaleUp(takes_ms):
                self._copy = operation
                self._database.begin_scale_up(takes_ms)
            case EndScaleUp():
                self._database.end_scale_up()
            case Overwrite(table, keys, number):
                self._database.overwrite(table, np.array(keys), rows_of(table, [number] * len(keys)))
        return None

    def _transact(self, statements: tuple[Ask | Put, ...], ending: str) -> Answer:
        self._ending = ending
        try:
            answers = self._database.transact([statement_of(statement) for statement in statements], "me")
        except Unavailable:
            return None
        finally:
            self._ending = "told"
        return [rows_seen(rows) for rows in answers]

    def _hold(self, session: str, table: str, keys: tuple[int, ...] | None) -> bool:
        self._let_go(session)
        mine = np.arange(TABLES[table][0]) if keys is None else np.array(keys)
        with ExitStack() as opened:
            try:
                opened.enter_context(self._database.hold(table, mine, is_exclusive=keys is None))
            except Unavailable:
                return False
            self._sessions[session] = opened.pop_all()
        return True

    def _let_go(self, session: str) -> None:
        if session in self._sessions:
            self._sessions.pop(session).close()


def rows_of(table: str, numbers: range | list[int]) -> Ints:
    """Rows as arrays."""
    return np.array([columns_of(table, number) for number in numbers])


def statement_of(asked: Ask | Put) -> Statement:
    """As the door takes it."""
    keys = np.array(asked.keys)
    if isinstance(asked, Ask):
        return Read(asked.table, keys, asked.stale_ms, asked.server, asked.artefact)
    expected = None if asked.expected is None else np.full(len(keys), asked.expected)
    return Write(asked.table, keys, rows_of(asked.table, [asked.number] * len(keys)), expected)


def rows_seen(rows: Rows) -> list[RowSeen]:
    """Row by row, in plain values."""
    columns = (rows.values.tolist(), rows.version.tolist(), rows.found.tolist(), rows.held.tolist())
    return [RowSeen(tuple(values), *rest) for values, *rest in zip(*columns, strict=True)]
