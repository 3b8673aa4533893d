"""The database: one-instant transactions, replicas that lag, crashes, and a copy that answers before it is complete."""

from __future__ import annotations

from copy import deepcopy

import numpy as np
import pytest
from hypothesis import given, strategies as st
from numpy.typing import NDArray

from drydock.harness.sim import Sim
from drydock.models.database import STANDBYS, Read, Rows, Unavailable, Write
from drydock.models.database_events import DatabaseState
from drydock.models.simulated_database import SimulatedDatabase
from drydock.models.venue import DatabaseSpec
from tests.nights import told

Ints = NDArray[np.int64]
ROWS = 6
KEYS = np.arange(ROWS)


def column(*values: int) -> Ints:
    return np.array(values, np.int64)[:, None]


def database(sim: Sim | None = None, rows: int = ROWS) -> SimulatedDatabase:
    made = SimulatedDatabase(sim or Sim(1), DatabaseSpec(recovery_ms=8_000, connect_after_ppm=400_000))
    made.create("t", column(*range(100, 100 + rows)))
    return made


def read(made: SimulatedDatabase, keys: Ints = KEYS, stale_ms: int = 0) -> Rows:
    return made.transact([Read("t", keys, stale_ms)])[0]


def write(made: SimulatedDatabase, key: int, value: int, expected: int | None = None) -> Rows:
    wanted = None if expected is None else np.array([expected])
    return made.transact([Write("t", np.array([key]), column(value), wanted)])[0]


def test_transaction_reads_what_it_wrote_and_takes_no_time() -> None:
    """A read after a write of the same transaction sees it; the clock does not move."""
    sim = Sim(1)
    made = database(sim)
    before, _, after = made.transact([Read("t", KEYS[:2]), Write("t", KEYS[:1], column(7)), Read("t", KEYS[:2])])
    assert [[100], [101]] == before.values.tolist()
    assert [[7], [101]] == after.values.tolist()
    assert [2, 1] == after.version.tolist()
    assert 0 == sim.now_ms


def test_answer_is_a_copy_that_no_later_write_changes() -> None:
    """What a client read stays what it read."""
    made = database()
    seen = read(made)
    write(made, 0, 7)
    assert 100 == seen.values[0, 0]


def test_every_answer_says_which_rows_another_transaction_holds() -> None:
    """``held`` has an entry for each row; the simulated database, whose transactions take no time, never holds one."""
    made = database()
    assert [[False, False]] == [rows.held.tolist() for rows in made.transact([Read("t", KEYS[:2])])]
    assert [False] == write(made, 0, 1).held.tolist()


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[int, list[int]]]:
    """Writes as (pause before it in ms, keys)."""
    keys = st.lists(st.integers(0, ROWS - 1), min_size=1, max_size=ROWS, unique=True)
    return draw(st.lists(st.tuples(st.integers(0, 40), keys), max_size=12))


@given(histories(), st.integers(1, 500), st.permutations(range(ROWS)))
def test_stale_read_is_the_state_of_that_age(
    history: list[tuple[int, list[int]]], stale_ms: int, order: list[int]
) -> None:
    """A replica so far behind answers exactly what a list of all states says for that moment: values and versions."""
    sim = Sim(1)
    made = database(sim)
    values, versions = {key: 100 + key for key in range(ROWS)}, dict.fromkeys(range(ROWS), 1)
    states = [(-1, dict(values), dict(versions))]
    for number, (pause_ms, keys) in enumerate(history):
        sim.run_until(sim.now_ms + pause_ms)
        made.transact([Write("t", np.array(keys), column(*(number * 10 + key for key in keys)))])
        values |= {key: number * 10 + key for key in keys}
        versions |= {key: versions[key] + 1 for key in keys}
        states.append((sim.now_ms, dict(values), dict(versions)))
    horizon_ms = sim.now_ms - stale_ms
    known = [state for state in states if state[0] <= max(-1, horizon_ms)][-1]
    rows = read(made, np.array(order), stale_ms)
    assert [known[1][key] for key in order] == rows.values[:, 0].tolist()
    assert [known[2][key] for key in order] == rows.version.tolist()
    assert rows.found.all()


def test_stale_read_sees_no_other_table() -> None:
    """What was written to one table is no history of another."""
    sim = Sim(1)
    made = database(sim)
    made.create("u", column(1, 2))
    sim.run_until(100)
    made.transact([Write("u", np.array([0]), column(9))])
    assert [[100]] == read(made, KEYS[:1], 50).values.tolist()
    assert [[1]] == made.transact([Read("u", np.array([0]), 50)])[0].values.tolist()


@given(st.lists(st.tuples(st.integers(0, ROWS - 1), st.integers(0, 3)), max_size=20))
def test_compare_and_set_writes_only_over_the_version_it_read(tries: list[tuple[int, int]]) -> None:
    """A row changes if, and only if, its version is the expected one; a refused row keeps value and version."""
    made = database()
    state = {key: (100 + key, 1) for key in range(ROWS)}
    for number, (key, expected) in enumerate(tries):
        _, version = state[key]
        rows = write(made, key, number, expected)
        if version == expected:
            state[key] = (number, version + 1)
        assert (version == expected) == bool(rows.found[0])
        assert state[key] == (rows.values[0, 0], rows.version[0])
    assert [state[key] for key in range(ROWS)] == list(
        zip(read(made).values[:, 0].tolist(), read(made).version.tolist(), strict=True)
    )


def test_compare_and_set_decides_row_by_row() -> None:
    """In one statement a fresh row is written and an overtaken one is not."""
    made = database()
    write(made, 1, 5)
    rows = made.transact([Write("t", KEYS[:2], column(8, 9), np.array([1, 1]))])[0]
    assert [True, False] == rows.found.tolist()
    assert [8, 5] == read(made, KEYS[:2]).values[:, 0].tolist()


def test_crashed_database_refuses_and_recovers_what_was_committed() -> None:
    """While it is down nothing is answered and nothing happens; afterwards every row is what was committed."""
    sim = Sim(1, keep_trace=True)
    made = database(sim)
    write(made, 2, 7)
    before = deepcopy(read(made))
    assert made.crash()
    assert not made.crash()
    sim.run_until(8_000)
    with pytest.raises(Unavailable):
        write(made, 3, 8)
    sim.run_until(8_001)
    after = read(made)
    assert before.values.tolist() == after.values.tolist()
    assert before.version.tolist() == after.version.tolist()
    assert [(0, "crashed"), (8_000, "recovered")] == [
        (at_ms, data.state) for at_ms, data in told(sim.recorder.kept, DatabaseState)
    ]


def test_scale_up_accepts_connections_before_the_copy_is_complete() -> None:
    """Closed for the first 40 %, then open; rows appear in the order of the copy, at an even pace."""
    sim = Sim(1)
    made = database(sim)
    made.begin_scale_up(60_000)
    assert made.is_copying
    sim.run_until(24_000 - 1)
    with pytest.raises(Unavailable):
        read(made)
    for at_ms, copied in ((24_000, 2), (29_999, 2), (30_000, 3), (59_999, 5), (60_000, 6)):
        sim.run_until(at_ms)
        rows = read(made)
        assert [True] * copied + [False] * (ROWS - copied) == rows.found.tolist()
        assert list(range(100, 100 + copied)) == rows.values[:copied, 0].tolist()


def test_scale_up_copies_one_table_after_another() -> None:
    """A table that was created later is copied later: bulk data first keeps small tables empty for long."""
    sim = Sim(1)
    made = database(sim)
    made.create("later", column(1, 2))
    made.begin_scale_up(8_000)
    sim.run_until(6_000)
    first, later = made.transact([Read("t", KEYS), Read("later", KEYS[:2])])
    assert first.found.all()
    assert not later.found.any()


def test_row_of_an_early_client_survives_the_copy() -> None:
    """The copy inserts what is missing and leaves what is there: value and version are the early client's."""
    sim = Sim(1)
    made = database(sim)
    made.begin_scale_up(60_000)
    sim.run_until(30_000)
    write(made, 5, 7)
    assert 7 == read(made).values[5, 0]
    sim.run_until(60_000)
    made.end_scale_up()
    rows = read(made)
    assert not made.is_copying
    assert [100, 101, 102, 103, 104, 7] == rows.values[:, 0].tolist()
    assert rows.found.all()


def test_row_that_is_not_copied_yet_is_missing_and_not_zero() -> None:
    """Absent is not zero: ``found`` says so, and compare-and-set on the old version is refused."""
    sim = Sim(1)
    made = database(sim)
    made.begin_scale_up(60_000)
    sim.run_until(30_000)
    assert not read(made).found[5]
    assert not write(made, 5, 7, expected=1).found[0]


def test_ended_scale_up_has_every_row_even_if_nobody_asked_before() -> None:
    """The copy does not need readers to proceed."""
    sim = Sim(1)
    made = database(sim)
    made.begin_scale_up(60_000)
    sim.run_until(60_000)
    made.end_scale_up()
    assert list(range(100, 106)) == read(made).values[:, 0].tolist()


def test_operators_overwrite_whatever_stands_there() -> None:
    """A restore asks for no version; ``greatest`` then sees what it wrote."""
    made = database()
    made.overwrite("t", KEYS[1:3], column(900, -1))
    assert [100, 900, -1, 103, 104, 105] == read(made).values[:, 0].tolist()
    assert 900 == made.greatest("t", 0)


def test_greatest_value_is_that_of_rows_that_are_there() -> None:
    """A row that is not there is not zero; where there is no row there is nothing greater than zero."""
    made = database()
    made.overwrite("t", KEYS, column(*range(-6, 0)))
    assert -1 == made.greatest("t", 0)
    made.begin_scale_up(60_000)
    assert 0 == made.greatest("t", 0)


def test_what_a_transaction_wrote_is_on_no_standby_before_its_commit() -> None:
    """A standby without lag has every commit, and nothing else."""
    sim = Sim(1)
    made = SimulatedDatabase(sim, DatabaseSpec(replica_lag_ms=0))
    made.create("t", column(1))
    _, seen = made.transact([Write("t", KEYS[:1], column(7)), Read("t", KEYS[:1], server=STANDBYS[0])])
    assert [[1]] == seen.values.tolist()
    assert [[7]] == made.transact([Read("t", KEYS[:1], server=STANDBYS[0])])[0].values.tolist()
