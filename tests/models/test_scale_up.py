"""The copy of a scale-up: whose turn comes when, rows that it leaves out, and rows that come after it is reported."""

from __future__ import annotations

import numpy as np
import pytest

from drydock.harness.seam import Passage, Seams
from drydock.harness.sim import Sim
from drydock.models.database import Read, Write
from drydock.models.database_events import DatabaseState
from drydock.models.simulated_database import SimulatedDatabase
from drydock.models.venue import DatabaseSpec
from tests.nights import told

KEYS = np.arange(3)


class Migration:
    """Two tables of three rows, copied over six seconds: ``a`` in the first three, ``b`` in the others."""

    def __init__(self, bend_from_ms: int = 0, bend_until_ms: int = 6_000, late_ms: int = 0) -> None:
        self.sim = Sim(1, keep_trace=True)
        seams = Seams()
        self.database = SimulatedDatabase(self.sim, DatabaseSpec(connect_after_ppm=0), seams)
        for name in ("a", "b"):
            self.database.create(name, np.array([[1], [2], [3]]))
        self.passed: list[str] = []
        self.database.begin_scale_up(6_000)

        def bend(passage: Passage) -> bool:
            self.passed.append(passage.label)
            if passage.label == "b":
                passage.is_lost[1] = not late_ms
                passage.delay_ms[1] = late_ms
            return passage.label == "b"

        self.sim.run_until(bend_from_ms)
        with seams["database.copy"].bend(bend):
            self.sim.run_until(bend_until_ms)
        self.sim.run_until(6_000)
        self.database.end_scale_up()

    def found(self, at_ms: int) -> list[bool]:
        """Which rows of ``b`` are there."""
        self.sim.run_until(at_ms)
        return [bool(found) for found in self.database.transact([Read("b", KEYS)])[0].found]


def test_each_table_passes_the_seam_when_its_turn_comes() -> None:
    """A bend that ends before a table's turn leaves that table alone."""
    assert ["a", "b"] == Migration().passed
    early = Migration(bend_until_ms=3_000)
    assert ["a"] == early.passed
    assert [True, True, True] == early.found(6_001)


def test_row_that_was_left_out_never_comes_and_the_copy_is_reported_complete() -> None:
    """Its neighbours are there; nothing tells that it is not."""
    made = Migration()
    assert [True, False, True] == made.found(6_001)
    assert [True, False, True] == made.found(900_000)
    assert not made.database.is_copying
    assert ["copying", "copied"] == [data.state for _, data in told(made.sim.recorder.kept, DatabaseState)]


@pytest.mark.parametrize("bend_from_ms", [0, 2_999])
def test_late_row_comes_so_much_after_its_turn(bend_from_ms: int) -> None:
    """Its turn is at the fifth second, a minute later it is there, and the copy was reported complete meanwhile."""
    made = Migration(bend_from_ms, late_ms=60_000)
    assert [True, False, True] == made.found(64_999)
    assert not made.database.is_copying
    assert [True, True, True] == made.found(65_000)


def test_late_row_leaves_what_a_client_wrote_meanwhile() -> None:
    """ON CONFLICT DO NOTHING: value and version are the client's."""
    made = Migration(late_ms=60_000)
    made.database.transact([Write("b", KEYS[1:2], np.array([[9]]))])
    assert [True, True, True] == made.found(70_000)
    rows = made.database.transact([Read("b", KEYS)])[0]
    assert [1, 9, 3] == rows.values[:, 0].tolist()
    assert [1, 1, 1] == rows.version.tolist()


def test_left_out_row_is_inserted_by_who_expects_none() -> None:
    """Compare-and-set: version 0 is the version of a row that is not there."""
    made = Migration()
    refused = made.database.transact([Write("b", KEYS[1:2], np.array([[9]]), np.array([1]))])[0]
    assert ([False], [0]) == (refused.found.tolist(), refused.version.tolist())
    written = made.database.transact([Write("b", KEYS[1:2], np.array([[9]]), np.array([0]))])[0]
    assert ([True], [1]) == (written.found.tolist(), written.version.tolist())


def test_row_that_is_created_anew_begins_where_its_writer_says() -> None:
    """In a version that no row of before had; one that is there goes on from its own."""
    made, number = Migration(), np.array([[9], [9]])
    begun = made.database.transact([Write("b", KEYS[:2], number, np.array([1, 0]), first_version=250)])[0]
    assert [2, 250] == begun.version.tolist()
    later = made.database.transact([Write("b", KEYS[:2], number, np.array([2, 250]), first_version=900)])[0]
    assert ([True, True], [3, 251]) == (later.found.tolist(), later.version.tolist())


def test_row_that_is_not_there_cannot_be_held() -> None:
    """SELECT FOR UPDATE has what it found: somebody else may insert the row."""
    made = Migration()
    with made.database.hold("b", KEYS):
        rows = made.database.transact([Write("b", KEYS, np.array([[7], [8], [9]]))])[0]
    assert [True, False, True] == rows.held.tolist()
    assert [False, True, False] == rows.found.tolist()


def test_late_row_is_a_commit_that_standbys_get_later_and_a_lost_tail_takes() -> None:
    """The bigger instance replicates what the copy still inserts, like anything else."""
    made = Migration(late_ms=60_000)

    def seen(at_ms: int, stale_ms: int) -> list[bool]:
        made.sim.run_until(at_ms)
        return [bool(found) for found in made.database.transact([Read("b", KEYS, stale_ms)])[0].found]

    assert [True, False, True] == seen(65_900, 1_000)
    assert [True, True, True] == seen(66_000, 1_000)
    twin = Migration(late_ms=60_000)
    twin.sim.run_until(66_000)
    twin.database.fail_over(2_000, 100)
    assert [True, False, True] == twin.found(70_000)


def test_instance_that_is_left_in_the_middle_of_its_copy_keeps_what_it_had() -> None:
    """A second copy begins while the first is under way: old states are those of the instance that was left."""
    sim = Sim(1)
    database = SimulatedDatabase(sim, DatabaseSpec(connect_after_ppm=0))
    database.create("t", np.array([[1], [2], [3]]))
    database.begin_scale_up(6_000)
    sim.run_until(4_000)
    database.begin_scale_up(6_000)
    sim.run_until(20_000)
    database.end_scale_up()
    rows, old = database.transact([Read("t", KEYS), Read("t", KEYS, 19_000)])
    assert [True, True, False] == rows.found.tolist() == old.found.tolist()
