"""The door of the database: what becomes of a transaction at its statements and at its commit, and who is told."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack

import numpy as np
import pytest
from hypothesis import given, strategies as st
from numpy.typing import NDArray

from drydock.harness.seam import Bend, Bender, Passage, Seams
from drydock.harness.sim import Sim
from drydock.models.database import LIVE, STANDBYS, Read, Rows, StatementPassage, Unavailable, Write
from drydock.models.simulated_database import SimulatedDatabase
from drydock.models.venue import DatabaseSpec

Ints = NDArray[np.int64]
KEYS = np.arange(4)


class Desk:
    """A database of four rows, its seams, and what its clients were not told."""

    def __init__(self) -> None:
        self.sim = Sim(1)
        self.seams = Seams()
        self.database = SimulatedDatabase(self.sim, DatabaseSpec(recovery_ms=8_000, replica_lag_ms=500), self.seams)
        self.database.create("t", np.array([[10], [11], [12], [13]]))
        self.untold: list[tuple[int, list[int], list[int]]] = []
        self.database.on_untold = lambda table, keys, values: self.untold.append(
            (self.sim.now_ms, keys.tolist(), values[:, 0].tolist())
        )

    def bend(self, what: str, bender: Bender) -> AbstractContextManager[Bend]:
        """Bends one of the seams; used in a ``with``."""
        return self.seams[f"database.{what}"].bend(bender)

    def write(self, value: int, *keys: int, expected: int | None = None) -> Rows:
        """One value under some keys."""
        wanted = None if expected is None else np.full(len(keys), expected)
        values = np.full((len(keys), 1), value)
        return self.database.transact([Write("t", np.array(keys), values, wanted)], "me")[0]

    def read(self, stale_ms: int = 0, server: str = "primary", artefact: str = LIVE) -> list[int]:
        """All values."""
        rows = self.database.transact([Read("t", KEYS, stale_ms, server, artefact)], "me")[0]
        return [int(value) for value in rows.values[:, 0]]

    def at(self, at_ms: int) -> Desk:
        """Later."""
        self.sim.run_until(at_ms)
        return self


def doing(act: Callable[[Passage], None], label: str = "me/write") -> Bender:
    """A bender that does this to passages of the label."""

    def bender(passage: Passage) -> bool:
        if passage.label != label:
            return False
        act(passage)
        return True

    return bender


# ---- at the commit --------------------------------------------------------------------------------------------------
def test_commit_in_doubt_happened_and_its_client_is_refused() -> None:
    """The row is written, its version counted; the client sees what a broken connection looks like."""
    desk = Desk()

    def forget(passage: Passage) -> None:
        passage.is_unanswered = True

    with desk.bend("commit", doing(forget)), pytest.raises(Unavailable):
        desk.write(7, 1)
    assert [10, 7, 12, 13] == desk.read()
    assert [False] == desk.write(8, 1, expected=1).found.tolist()
    assert [(0, [1], [7])] == desk.untold


def test_transaction_that_ends_before_its_commit_leaves_nothing() -> None:
    """Neither of its statements happened, and nobody hears of it."""
    desk = Desk()

    def cut(passage: Passage) -> None:
        passage.is_lost[:] = True

    both = [Write("t", KEYS[:1], np.array([[7]])), Write("t", KEYS[1:2], np.array([[8]]))]
    with desk.bend("commit", doing(cut)), pytest.raises(Unavailable):
        desk.database.transact(both, "me")
    assert [10, 11, 12, 13] == desk.read()
    assert [True] == desk.write(9, 0, expected=1).found.tolist()
    assert [] == desk.untold


@pytest.mark.parametrize(("expected", "ends_as"), [(None, 7), (1, 8)])
def test_late_transaction_goes_over_a_newer_one_unless_it_compares(expected: int | None, ends_as: int) -> None:
    """The lost update: the first write arrives after the second. A compare-and-set finds the row changed."""
    desk = Desk()

    def delay(passage: Passage) -> None:
        passage.delay_ms += 3_000

    with desk.bend("commit", doing(delay)), pytest.raises(Unavailable):
        desk.write(7, 2, expected=expected)
    desk.at(1_000).write(8, 2, expected=expected)
    assert [10, 11, ends_as, 13] == desk.at(3_001).read()
    assert [(3_000, [2], [7])] * (expected is None) == desk.untold


def test_late_transaction_finds_nobody_while_the_server_is_down() -> None:
    """What arrives at a dead server never happens, also after it is back."""
    desk = Desk()

    def delay(passage: Passage) -> None:
        passage.delay_ms += 3_000

    with desk.bend("commit", doing(delay)), pytest.raises(Unavailable):
        desk.write(7, 2)
    desk.at(1_000).database.crash()
    assert [10, 11, 12, 13] == desk.at(20_000).read()


def test_bend_of_one_clients_writes_leaves_reads_and_other_clients() -> None:
    """The label says whose transaction it is, and whether it writes."""
    desk = Desk()
    heard: list[str] = []
    with desk.bend("commit", lambda passage: bool(heard.append(passage.label))):
        desk.read()
        desk.write(1, 0)
        desk.database.transact([Read("t", KEYS), Write("t", KEYS[:1], np.array([[2]]))], "another")
    assert ["me/read", "me/write", "another/write"] == heard


# ---- at the statements ----------------------------------------------------------------------------------------------
@given(st.sets(st.integers(0, 3)), st.sets(st.integers(0, 3), min_size=1))
def test_held_rows_are_said_to_be_held_and_stay_as_they_are(mine: set[int], wanted: set[int]) -> None:
    """Row by row: what another has is not written, what he has not is; anybody may read."""
    desk = Desk()
    keys = sorted(wanted)
    with desk.database.hold("t", np.array(sorted(mine), np.int64)):
        rows = desk.write(7, *keys)
        seen = desk.database.transact([Read("t", KEYS)], "me")[0]
    assert [key in mine for key in keys] == rows.held.tolist()
    assert [key not in mine for key in keys] == rows.found.tolist()
    assert [False] * 4 == seen.held.tolist()
    assert [7 if key in wanted - mine else 10 + key for key in range(4)] == desk.read()


@given(st.sets(st.integers(0, 3)), st.sets(st.integers(0, 3), min_size=1))
def test_lock_of_a_table_has_every_row_whatever_was_asked(named: set[int], wanted: set[int]) -> None:
    """There is no lock of a part of a table: nobody reads or writes a row of it, nor inserts one."""
    desk = Desk()
    with desk.database.hold("t", np.array(sorted(named), np.int64), is_exclusive=True):
        rows = desk.write(7, *sorted(wanted))
        seen = desk.database.transact([Read("t", KEYS)], "me")[0]
    assert rows.held.all()
    assert not rows.found.any()
    assert seen.held.all()
    assert [10, 11, 12, 13] == desk.read()


def test_row_has_one_holder_at_a_time() -> None:
    """SKIP LOCKED: the second session gets what the first has not, and does not inherit the rest from it."""
    desk = Desk()
    with ExitStack() as second:
        with desk.database.hold("t", KEYS[:2]):
            second.enter_context(desk.database.hold("t", KEYS[1:3]))
            assert [True, True, True, False] == desk.write(7, *range(4)).held.tolist()
        assert [False, False, True, False] == desk.write(8, *range(4)).held.tolist()


@pytest.mark.parametrize("kinds", [(True, True), (True, False), (False, True)])
def test_lock_of_a_table_suffers_nobody_beside_it(kinds: tuple[bool, bool]) -> None:
    """LOCK TABLE NOWAIT, and a session of rows beside it: whoever comes second is refused, and may come again."""
    desk = Desk()
    first, second = kinds
    with desk.database.hold("t", KEYS[:1], is_exclusive=first), pytest.raises(Unavailable):
        desk.database.hold("t", KEYS[3:], is_exclusive=second).__enter__()
    with desk.database.hold("t", KEYS[3:], is_exclusive=second):
        assert [True] == desk.write(7, 3).held.tolist()


def test_operators_who_restore_throw_out_whoever_has_the_table() -> None:
    """A restore waits for nobody, and a transaction whose backend was ended holds nothing any more."""
    desk = Desk()
    with desk.database.hold("t", KEYS[:1], is_exclusive=True):
        desk.database.overwrite("t", KEYS[1:2], np.array([[7]]))
        assert [10, 7, 12, 13] == desk.read()
        assert [True] == desk.write(8, 0).found.tolist()


def test_lock_of_a_table_is_the_primarys_and_of_the_table_itself() -> None:
    """A standby and a kept copy can be read meanwhile."""
    desk = Desk().at(1_000)
    desk.database.keep("old", "t", np.array([[1], [2], [3], [4]]))
    with desk.database.hold("t", KEYS, is_exclusive=True):
        assert [0, 0, 0, 0] == desk.read()
        assert [10, 11, 12, 13] == desk.read(stale_ms=100)
        assert [1, 2, 3, 4] == desk.read(artefact="old")


def test_nobody_holds_anything_after_the_end_of_a_transaction_or_of_the_server() -> None:
    """A crash ends open transactions, whoever still believes that he has one."""
    desk = Desk()
    with desk.database.hold("t", KEYS):
        assert [True] == desk.write(7, 0).held.tolist()
        desk.database.crash()
        desk.at(8_001)
        assert [False] == desk.write(7, 0).held.tolist()
    with desk.database.hold("t", KEYS):
        pass
    assert [False] == desk.write(8, 0).held.tolist()


def test_open_transaction_needs_a_server() -> None:
    """Nobody takes a row of a database that is down."""
    desk = Desk()
    desk.database.crash()
    with pytest.raises(Unavailable), desk.database.hold("t", KEYS):
        pass
    assert [] == desk.seams.bent()


def test_read_that_is_sent_to_a_standby_sees_what_that_one_has() -> None:
    """The seam names the server and how far it is behind; versions are those of that time."""
    desk = Desk().at(1_000)
    desk.write(7, 0)
    desk.at(1_400)

    def send_away(passage: Passage) -> None:
        assert isinstance(passage, StatementPassage)
        assert ("t", [0, 1, 2, 3], "primary") == (passage.table, passage.keys.tolist(), passage.policy)
        passage.policy = STANDBYS[1]

    with desk.bend("statement", doing(send_away, "me/read")):
        assert [10, 11, 12, 13] == desk.read()
        assert [7, 11, 12, 13] == desk.at(1_501).read()
        assert [7, 11, 12, 13] == desk.at(1_502).read(stale_ms=1_000)


def test_artefact_is_read_as_it_was_kept() -> None:
    """A kept copy is a table of its own: no write, lag or standby changes it."""
    desk = Desk()
    desk.database.keep("old", "t", np.array([[1], [2], [3], [4]]))
    desk.write(7, 0)
    assert [1, 2, 3, 4] == desk.read(artefact="old")
    assert [1, 2, 3, 4] == desk.at(5_000).read(60_000, STANDBYS[0], "old")
    assert [7, 11, 12, 13] == desk.read()
