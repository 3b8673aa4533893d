"""Standbys and promotion: positions that only grow, tails that are lost with their versions, and what is never lost."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st
from numpy.typing import NDArray

from drydock.harness.seam import Passage, Seams
from drydock.harness.sim import Sim
from drydock.models.database import STANDBYS, Read, Unavailable, Write
from drydock.models.database_events import DatabaseState
from drydock.models.simulated_database import SimulatedDatabase
from drydock.models.venue import DatabaseSpec
from tests.nights import told

Ints = NDArray[np.int64]
ROWS = 3
KEYS = np.arange(ROWS)


class Cluster:
    """A primary with its standbys, and a list of all states that the primary ever had."""

    def __init__(self, rows: int = ROWS) -> None:
        self.sim = Sim(1, keep_trace=True)
        self.seams = Seams()
        self.database = SimulatedDatabase(self.sim, DatabaseSpec(connect_after_ppm=400_000), self.seams)
        self.database.create("t", np.arange(rows)[:, None] + 100)
        self.untold: list[tuple[list[int], list[int]]] = []
        self.database.on_untold = lambda table, keys, values: self.untold.append((keys.tolist(), values[:, 0].tolist()))
        self.states = [(-1, self.state())]

    def state(self, stale_ms: int = 0, server: str = "primary") -> list[tuple[int, int]]:
        """(value, version) of every row, as this server has it."""
        rows = self.database.transact([Read("t", KEYS, stale_ms, server)])[0]
        return list(zip(rows.values[:, 0].tolist(), rows.version.tolist(), strict=True))

    def write(self, at_ms: int, value: int, *keys: int) -> None:
        """One commit, noted."""
        self.at(at_ms)
        self.database.transact([Write("t", np.array(keys), np.full((len(keys), 1), value))])
        self.states.append((at_ms, self.state()))

    def at(self, at_ms: int) -> Cluster:
        """Later."""
        self.sim.run_until(at_ms)
        return self

    def known_at(self, at_ms: int) -> list[tuple[int, int]]:
        """What the primary's state was."""
        return [state for since_ms, state in self.states if since_ms <= max(-1, at_ms)][-1]


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[int, list[int]]]:
    """Writes as (pause before it in ms, keys)."""
    keys = st.lists(st.integers(0, ROWS - 1), min_size=1, max_size=ROWS, unique=True)
    return draw(st.lists(st.tuples(st.integers(1, 40), keys), max_size=12))


def play(history: list[tuple[int, list[int]]]) -> Cluster:
    made = Cluster()
    for number, (pause_ms, keys) in enumerate(history):
        made.write(made.sim.now_ms + pause_ms, number, *keys)
    return made


@given(histories(), st.integers(0, 500))
def test_promotion_with_a_lost_tail_is_the_state_of_that_time(
    history: list[tuple[int, list[int]]], lost_ms: int
) -> None:
    """Values, versions and all; writing then goes on from there."""
    made = play(history)
    wanted = made.known_at(made.sim.now_ms - lost_ms)
    before = made.state()
    assert made.database.fail_over(lost_ms, 100)
    made.at(made.sim.now_ms + 101)
    assert wanted == made.state()
    changed = [key for key in range(ROWS) if before[key] != wanted[key]]
    assert [(changed, [wanted[key][0] for key in changed])] * bool(changed) == made.untold
    made.write(made.sim.now_ms, 999, 0)
    assert (999, wanted[0][1] + 1) == made.state()[0]


@given(histories(), st.lists(st.tuples(st.integers(0, 60), st.integers(1, 400)), min_size=1, max_size=6))
def test_standby_never_goes_back(history: list[tuple[int, list[int]]], reads: list[tuple[int, int]]) -> None:
    """Asked to be further behind than it was, it answers from where it is: a real one cannot take back a commit."""
    made, stood_ms = play(history), -1
    for pause_ms, stale_ms in reads:
        made.at(made.sim.now_ms + pause_ms)
        stood_ms = max(stood_ms, made.sim.now_ms - stale_ms)
        assert made.known_at(stood_ms) == made.state(stale_ms, STANDBYS[0])


def test_each_standby_has_a_position_of_its_own() -> None:
    """A reader that is moved from the near one to the far one goes back in time."""
    made = Cluster()
    for at_ms in (1_000, 2_000, 3_000):
        made.write(at_ms, at_ms, 0)
    made.at(4_000)
    near, far = made.state(100, STANDBYS[0]), made.state(1_500, STANDBYS[1])
    assert [(3_000, 4), (2_000, 3)] == [near[0], far[0]]


def test_what_a_standby_has_shown_is_not_lost() -> None:
    """The promoted one has at least what it was read at; a read elsewhere saves nothing."""
    made = Cluster()
    made.write(1_000, 1, 0)
    made.write(2_000, 2, 0)
    made.at(3_000).state(1_500, STANDBYS[0])
    made.state(1, STANDBYS[1])
    made.database.fail_over(60_000, 100)
    assert (1, 2) == made.at(3_101).state()[0]


def test_standby_that_was_ahead_follows_the_new_primary() -> None:
    """It is made anew from it: what it had and nobody else has is gone there too."""
    made = Cluster()
    made.write(1_000, 1, 0)
    made.write(2_000, 2, 0)
    made.at(3_000).state(1, STANDBYS[1])
    made.database.fail_over(1_500, 100)
    assert (1, 2) == made.at(3_101).state(1, STANDBYS[1])[0]
    made.write(4_000, 5, 0)
    assert (5, 3) == made.at(4_100).state(1, STANDBYS[1])[0]


def test_clients_are_refused_until_the_promotion_is_over() -> None:
    """As long as said, and told as such; who is down already is not promoted again, nor crashes."""
    made = Cluster()
    assert made.database.fail_over(0, 5_000)
    assert not made.database.fail_over(0, 5_000)
    assert not made.database.crash()
    with pytest.raises(Unavailable):
        made.at(5_000).state()
    assert made.states[0][1] == made.at(5_001).state()
    assert [(0, "primary_lost"), (5_000, "promoted")] == [
        (at_ms, data.state) for at_ms, data in told(made.sim.recorder.kept, DatabaseState)
    ]


def test_copy_under_way_has_nothing_to_promote_and_later_nothing_of_it_is_lost() -> None:
    """The bigger instance gets its standbys when the copy is complete: no tail reaches back before that."""
    made = Cluster()
    made.write(1_000, 1, 0)
    made.database.begin_scale_up(10_000)
    assert not made.at(6_000).database.fail_over(0, 100)
    made.write(7_000, 2, 1)
    made.at(11_001).database.end_scale_up()
    made.write(12_000, 3, 2)
    assert made.database.fail_over(600_000, 100)
    assert [1, 2, 102] == [value for value, _ in made.at(12_101).state()]


def test_old_states_are_read_from_the_instance_before_the_scale_up() -> None:
    """While the copy is under way the bigger instance has no standby; afterwards its standbys have what it has."""
    made = Cluster()
    made.write(1_000, 1, 0)
    made.write(2_000, 2, 0)
    made.database.begin_scale_up(10_000)
    old = made.at(6_000).state(100, STANDBYS[0])
    made.write(7_000, 3, 2)
    assert [(2, 3), (101, 1), (102, 1)] == old == made.at(8_000).state(1, STANDBYS[0])
    made.at(12_001).database.end_scale_up()
    assert [(2, 3), (101, 1), (102, 1)] == made.state(6_000, STANDBYS[1])
    assert [(2, 3), (101, 1), (3, 1)] == made.state(1, STANDBYS[1])


def test_row_that_was_new_in_a_lost_tail_is_absent_again() -> None:
    """Absent, not zero: it was inserted after the copy had left it out, and nobody is told a value."""
    made = Cluster()

    def leave_out(passage: Passage) -> bool:
        passage.is_lost[2] = True
        return True

    with made.seams["database.copy"].bend(leave_out):
        made.database.begin_scale_up(10_000)
        made.at(10_001).database.end_scale_up()
    made.write(11_000, 7, 2)
    assert (7, 1) == made.state()[2]
    made.at(12_000).database.fail_over(5_000, 100)
    rows = made.at(12_101).database.transact([Read("t", KEYS)])[0]
    assert [True, True, False] == rows.found.tolist()
    assert [] == made.untold


def test_lock_of_a_table_reaches_a_standby_with_the_next_commit_and_leaves_it_with_another() -> None:
    """It is replayed like a commit: until then the standby answers, and then it does not, whatever the primary does."""
    made = Cluster()
    made.database.create("other", KEYS[:, None])

    def write_elsewhere(at_ms: int) -> None:
        made.at(at_ms).database.transact([Write("other", KEYS[:1], KEYS[:1, None])])

    def is_held(at_ms: int) -> bool:
        rows = made.at(at_ms).database.transact([Read("t", KEYS, 1, STANDBYS[0])])[0]
        return bool(rows.held.all())

    with made.at(1_000).database.hold("t", KEYS, is_exclusive=True):
        assert not is_held(1_010)
        write_elsewhere(1_020)
        assert is_held(1_030)
    assert is_held(1_040)
    write_elsewhere(1_050)
    assert not is_held(1_060)


def test_table_that_is_copied_to_cannot_be_locked() -> None:
    """The copy's transaction writes to it; when the copy is through it can."""
    made = Cluster()
    made.database.begin_scale_up(10_000)
    with pytest.raises(Unavailable), made.at(5_000).database.hold("t", KEYS, is_exclusive=True):
        pass
    made.at(10_001).database.end_scale_up()
    with made.database.hold("t", KEYS, is_exclusive=True):
        pass
