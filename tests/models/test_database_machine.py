"""The simulated database against one that a test can believe: whatever is asked in whatever order, the same answers."""

from __future__ import annotations

from contextlib import ExitStack

import numpy as np
from hypothesis import settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from drydock.harness.seam import Passage, Seams
from drydock.harness.sim import Sim
from drydock.models.database import PRIMARY, STANDBYS, Read, Unavailable, Write
from drydock.models.simulated_database import SimulatedDatabase
from drydock.models.venue import DatabaseSpec
from tests.models.naive_database import LAG_MS, PROMOTION_MS, RECOVERY_MS, Answer, NaiveDatabase

ROWS = 4
SPEC = DatabaseSpec(recovery_ms=RECOVERY_MS, replica_lag_ms=LAG_MS, connect_after_ppm=0)
keys = st.lists(st.integers(0, ROWS - 1), min_size=1, max_size=ROWS, unique=True)
endings = st.sampled_from(("unanswered", "abandoned", "late"))
tens_of_ms = st.integers(1, 30).map(lambda tens: tens * 10)
LATE_MS = 203


class Databases(RuleBasedStateMachine):
    """Both, side by side. Clocks move in steps of 10 ms; late transactions arrive between them."""

    def __init__(self) -> None:
        super().__init__()
        self.sim, self.seams = Sim(1), Seams()
        self.real = SimulatedDatabase(self.sim, SPEC, self.seams)
        self.real.create("t", np.arange(ROWS)[:, None] + 100)
        self.naive = NaiveDatabase(ROWS)
        self.session = ExitStack()
        self.value = 0
        self.copies = 0
        self.ending = "told"
        self.bent = ExitStack()
        self.bent.enter_context(self.seams["database.commit"].bend(self._end))

    def _end(self, passage: Passage) -> bool:
        passage.is_unanswered = self.ending == "unanswered"
        passage.is_lost[:] = self.ending == "abandoned"
        passage.delay_ms[:] = LATE_MS if self.ending == "late" else 0
        return True

    def _ask(self, statement: Read | Write) -> Answer:
        try:
            rows = self.real.transact([statement], "me")[0]
        except Unavailable:
            return None
        columns = (rows.values[:, 0], rows.version, rows.found, rows.held)
        return list(zip(*(column.tolist() for column in columns), strict=True))

    @rule(ms=tens_of_ms)
    def wait(self, ms: int) -> None:
        self.naive.wait(ms)
        self.sim.run_until(self.sim.now_ms + ms)

    @rule(asked=keys, server=st.sampled_from((PRIMARY, *STANDBYS)), stale_ms=st.integers(0, 60).map(lambda n: n * 10))
    def read(self, asked: list[int], server: str, stale_ms: int) -> None:
        by = STANDBYS[0] if server == PRIMARY and stale_ms else server
        wanted = self.naive.read(asked, by, stale_ms)
        assert wanted == self._ask(Read("t", np.array(asked), stale_ms, server))

    @rule(pauses_ms=st.lists(tens_of_ms, min_size=1, max_size=4), key=st.integers(0, ROWS - 1))
    def work(self, pauses_ms: list[int], key: int) -> None:
        for nth, pause_ms in enumerate(pauses_ms):
            self.wait(pause_ms)
            self.write([(key + nth) % ROWS], None)

    @rule(asked=keys, expected=st.none() | st.integers(0, 3))
    def write(self, asked: list[int], expected: int | None) -> None:
        self.value += 1
        wanted = self.naive.write(asked, self.value, expected)
        assert wanted == self._ask(self._write(asked, expected))

    def _write(self, asked: list[int], expected: int | None) -> Write:
        versions = None if expected is None else np.full(len(asked), expected)
        return Write("t", np.array(asked), np.full((len(asked), 1), self.value), versions)

    @rule(asked=keys, expected=st.none() | st.integers(0, 3), ending=endings)
    def write_in_vain(self, asked: list[int], expected: int | None, ending: str) -> None:
        self.value += 1
        if self.naive.is_up() and ending == "late":
            self.naive.late.append((self.naive.now_ms + LATE_MS, asked, self.value, expected))
        elif ending == "unanswered":
            self.naive.write(asked, self.value, expected)
        self.ending = ending
        assert self._ask(self._write(asked, expected)) is None
        self.ending = "told"

    @rule(asked=keys)
    def hold(self, asked: list[int]) -> None:
        self.session.close()
        self.naive.held = set()
        if self.naive.is_up():
            self.session.enter_context(self.real.hold("t", np.array(asked)))
            self.naive.held = set(asked) & set(self.naive.rows)

    @rule()
    def let_go(self) -> None:
        self.session.close()
        self.naive.held = set()

    @rule()
    def crash(self) -> None:
        assert self.naive.go_down(RECOVERY_MS) == self.real.crash()

    @rule(lost_ms=st.integers(0, 60).map(lambda n: n * 10))
    def fail_over(self, lost_ms: int) -> None:
        assert self.naive.fail_over(lost_ms) == self.real.fail_over(lost_ms, PROMOTION_MS)

    @precondition(lambda self: not self.copies)
    @rule(takes_ms=tens_of_ms, left_out=st.frozensets(st.integers(0, ROWS - 1)))
    def begin_scale_up(self, takes_ms: int, left_out: frozenset[int]) -> None:
        self.copies += 1

        def leave_out(passage: Passage) -> bool:
            passage.is_lost[list(left_out)] = True
            return True

        self.naive.begin_copy(takes_ms, left_out)
        self.real.begin_scale_up(takes_ms)
        with self.seams["database.copy"].bend(leave_out):
            self.wait(10)

    @precondition(lambda self: self.naive.source is not None)
    @rule()
    def end_scale_up(self) -> None:
        ends_ms = sum(self.naive.copy_ms)
        if self.naive.now_ms < ends_ms:
            self.wait(ends_ms - self.naive.now_ms)
        self.naive.end_copy()
        self.real.end_scale_up()

    @invariant()
    def both_are_up_or_neither_is(self) -> None:
        assert self.naive.is_up() == self.real.accepts_connections
        assert (self.naive.source is not None) == self.real.is_copying

    def teardown(self) -> None:
        self.session.close()
        self.bent.close()


TestDatabases = Databases.TestCase
TestDatabases.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
