"""Whatever is asked of several builds of the database, in whatever order, they show the same: a machine that asks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from drydock.models.database import LIVE, PRIMARY, STANDBYS
from drydock.models.venue import DatabaseSpec
from tests.models.operations import (
    KEPT,
    ROWS,
    TABLES,
    Ask,
    BeginScaleUp,
    Crash,
    Desk,
    EndScaleUp,
    FailOver,
    Greatest,
    Hold,
    LetGo,
    Operation,
    Overwrite,
    Put,
    Transact,
    Wait,
)  # fmt: skip

SESSIONS = ("one", "two")
MakeDesk = Callable[[DatabaseSpec], Desk]
tens_of_ms = st.integers(1, 30).map(lambda tens: tens * 10)
some_ms = st.integers(0, 60).map(lambda tens: tens * 10)
Rows = frozenset[tuple[str, int]]
some_rows = st.frozensets(st.sampled_from(ROWS))
tables = st.sampled_from(tuple(TABLES))
versions = st.none() | st.integers(0, 3)
endings = st.sampled_from(("told", "unanswered", "abandoned", "late"))


@st.composite
def keys(draw: st.DrawFn, table: str) -> tuple[int, ...]:
    """Some keys of a table, in any order."""
    rows = TABLES[table][0]
    return tuple(draw(st.lists(st.integers(0, rows - 1), min_size=1, max_size=rows, unique=True)))


@st.composite
def reads(draw: st.DrawFn) -> Ask:
    """A read of any server, however stale, or of the artefact."""
    table = draw(tables)
    server, artefact = draw(st.sampled_from((PRIMARY, *STANDBYS))), draw(st.sampled_from((LIVE, LIVE, LIVE, KEPT)))
    return Ask(table, draw(keys(table)), draw(some_ms), server, artefact)


@st.composite
def writes(draw: st.DrawFn) -> Put:
    """A write; the machine numbers it."""
    table = draw(tables)
    return Put(table, draw(keys(table)), 0, draw(versions))


class Agreement(RuleBasedStateMachine):
    """All builds side by side.

    In a calm life nothing is begun that takes a real server long: no crash, promotion or copy. ``spec`` and ``steps``
    are the settings and the operations of the example that was played last, ``played`` counts the operations of all by
    what they were.
    """

    builds: ClassVar[Sequence[MakeDesk]] = ()
    is_calm: ClassVar[bool] = False
    spec: ClassVar[DatabaseSpec]
    steps: ClassVar[list[Operation]] = []
    played: ClassVar[Counter[str]] = Counter()

    @initialize(lag_ms=st.sampled_from((100, 0)), connect_after_ppm=st.sampled_from((0, 400_000)))
    def open(self, lag_ms: int, connect_after_ppm: int) -> None:
        spec = DatabaseSpec(recovery_ms=150, replica_lag_ms=lag_ms, connect_after_ppm=connect_after_ppm)
        type(self).spec = spec
        self.desks = [build(spec) for build in self.builds]
        self.number = 1_000
        self.now_ms = self.copied_ms = 0
        self.is_copying = False
        type(self).steps = []

    def play(self, operation: Operation) -> None:
        """Each build does it, and all show the same."""
        type(self).steps.append(operation)
        type(self).played[type(operation).__name__] += 1
        first, *others = [desk.play(operation) for desk in self.desks]
        for other in others:
            assert first == other, f"{operation}:\n{first}\n{other}"
        self.is_copying = first.is_copying
        self.now_ms += operation.ms if isinstance(operation, Wait) else 0

    def _put(self, put: Put) -> Put:
        self.number += 1
        return Put(put.table, put.keys, self.number, put.expected)

    # ---- time ------------------------------------------------------------------------------------------------
    @rule(ms=tens_of_ms)
    def wait(self, ms: int) -> None:
        self.play(Wait(ms))

    @rule(pauses_ms=st.lists(tens_of_ms, min_size=1, max_size=4), key=st.sampled_from(ROWS))
    def work(self, pauses_ms: list[int], key: tuple[str, int]) -> None:
        for pause_ms in pauses_ms:
            self.play(Wait(pause_ms))
            self.play(Transact((self._put(Put(key[0], (key[1],), 0)),)))

    # ---- transactions ----------------------------------------------------------------------------------------
    @rule(asked=reads())
    def read(self, asked: Ask) -> None:
        self.play(Transact((asked,)))

    @rule(put=writes())
    def write(self, put: Put) -> None:
        self.play(Transact((self._put(put),)))

    @rule(statements=st.lists(reads() | writes(), min_size=1, max_size=3), ending=endings)
    def transact(self, statements: list[Ask | Put], ending: str) -> None:
        numbered = tuple(self._put(s) if isinstance(s, Put) else s for s in statements)
        self.play(Transact(numbered, ending))  # type: ignore[arg-type]

    # ---- sessions --------------------------------------------------------------------------------------------
    @rule(session=st.sampled_from(SESSIONS), table=tables, data=st.data())
    def hold(self, session: str, table: str, data: st.DataObject) -> None:
        self.play(Hold(session, table, data.draw(st.none() | keys(table))))

    @rule(session=st.sampled_from(SESSIONS))
    def let_go(self, session: str) -> None:
        self.play(LetGo(session))

    # ---- life ------------------------------------------------------------------------------------------------
    @precondition(lambda self: not self.is_calm)
    @rule()
    def crash(self) -> None:
        self.play(Crash())

    @precondition(lambda self: not self.is_calm)
    @rule(lost_ms=some_ms, refuse_ms=tens_of_ms)
    def fail_over(self, lost_ms: int, refuse_ms: int) -> None:
        self.play(FailOver(lost_ms, refuse_ms))

    @precondition(lambda self: not self.is_calm)
    @rule(takes_ms=tens_of_ms, left_out=some_rows, late=some_rows, late_ms=tens_of_ms)
    def begin_scale_up(self, takes_ms: int, left_out: Rows, late: Rows, late_ms: int) -> None:
        self.copied_ms = self.now_ms + takes_ms
        self.play(BeginScaleUp(takes_ms, left_out, late, late_ms))

    @precondition(lambda self: self.is_copying)
    @rule()
    def end_scale_up(self) -> None:
        if self.now_ms < self.copied_ms:
            self.play(Wait(self.copied_ms - self.now_ms))
        self.play(EndScaleUp())

    # ---- the operators' own tools ----------------------------------------------------------------------------
    @rule(table=tables, data=st.data())
    def overwrite(self, table: str, data: st.DataObject) -> None:
        self.number += 1
        self.play(Overwrite(table, data.draw(keys(table)), self.number))

    @rule(table=tables, data=st.data())
    def greatest(self, table: str, data: st.DataObject) -> None:
        self.play(Greatest(table, data.draw(st.integers(0, TABLES[table][1] - 1))))

    def teardown(self) -> None:
        for desk in getattr(self, "desks", ()):
            desk.close()


def agreement(*makers: MakeDesk, is_calm: bool = False) -> type[Agreement]:
    """The machine for these builds."""
    return type("TheseAgree", (Agreement,), {"builds": makers, "is_calm": is_calm, "steps": [], "played": Counter()})
