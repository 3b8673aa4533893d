"""The real build by itself: what PostgreSQL says of locks is believed, and every cluster and session is given back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import psycopg
import pytest

from drydock.harness.seam import Passage, Seams
from drydock.harness.sim import Sim
from drydock.models.database import STANDBYS, Read, Rows, Statement, Unavailable, Write
from drydock.models.postgres import pool
from drydock.models.postgres.build import PostgresDatabase
from drydock.models.postgres.choice import Choice
from drydock.models.postgres.cluster import Cluster
from drydock.models.venue import DatabaseSpec

KEYS = np.arange(4)


class Desk:
    """A database of two tables, and the clusters that it has now."""

    def __init__(self, choice: Choice) -> None:
        self.choice = choice
        self.clusters: list[Cluster] = []
        self.sim, self.seams = Sim(1), Seams()
        spec = DatabaseSpec(recovery_ms=1_000, replica_lag_ms=100, connect_after_ppm=0)
        self.database = PostgresDatabase(self.sim, spec, self.seams, self.open)
        for table in ("t", "u"):
            self.database.create(table, 10 + KEYS[:, None])

    @contextmanager
    def open(self) -> Iterator[Cluster]:
        """A cluster of the pool, noted as long as the build has it."""
        with pool.cluster(self.choice) as cluster:
            self.clusters.append(cluster)
            yield cluster
            self.clusters.remove(cluster)

    @contextmanager
    def stranger(self, *statements: str) -> Iterator[psycopg.Connection]:
        """A session of which the door knows nothing, in the middle of a transaction."""
        with self.clusters[-1].connect() as session:
            session.autocommit = False
            for statement in statements:
                session.execute(statement.encode())
            yield session
            session.rollback()

    def ask(self, *statements: Statement) -> list[Rows]:
        """One transaction."""
        return self.database.transact(statements, "me")

    def write(self, value: int, *keys: int, table: str = "t") -> Rows:
        """One value under some keys."""
        return self.ask(Write(table, np.array(keys), np.full((len(keys), 1), value)))[0]

    def read(self, stale_ms: int = 0, table: str = "t") -> list[int]:
        """All values."""
        return [int(value) for value in self.ask(Read(table, KEYS, stale_ms))[0].values[:, 0]]

    def at(self, at_ms: int) -> Desk:
        """Later."""
        self.sim.run_until(at_ms)
        return self


@pytest.fixture(scope="module")
def servers(choice: Choice) -> Iterator[Choice]:
    """Servers that one test after another has."""
    with pool.held(choice):
        yield choice


@pytest.fixture
def desk(servers: Choice) -> Iterator[Desk]:
    """Before a database of its own."""
    made = Desk(servers)
    yield made
    made.database.close()


def test_rows_that_a_stranger_has_are_held_and_others_are_written(desk: Desk) -> None:
    """The door knows of nobody; SKIP LOCKED passes over his rows, and readers see them as they are."""
    with desk.stranger("SELECT 1 FROM t WHERE key IN (1, 3) FOR UPDATE"):
        rows = desk.write(7, 3, 0, 1)
        assert [True, False, True] == rows.held.tolist()
        assert [False, True, False] == rows.found.tolist()
        assert [0, 2, 0] == rows.version.tolist()
        assert [7, 11, 12, 13] == desk.read()
    assert [True] == desk.write(8, 1).found.tolist()


def test_row_that_is_not_there_begins_where_its_writer_says(desk: Desk) -> None:
    """And goes on from there; one that is there goes on from its own version."""
    keys, values = np.array([3, 9]), np.array([[7], [7]])
    begun = desk.ask(Write("t", keys, values, np.array([1, 0]), first_version=250))[0]
    later = desk.ask(Write("t", keys, values, np.array([2, 250]), first_version=900))[0]
    assert ([2, 250], [3, 251]) == (begun.version.tolist(), later.version.tolist())


def test_table_that_a_stranger_has_is_held_and_the_rest_of_the_transaction_happens(desk: Desk) -> None:
    """Nobody waits: what concerns that table is refused, and what was asked before and after it is not lost."""
    with desk.stranger("LOCK TABLE t IN ACCESS EXCLUSIVE MODE"):
        one, two, three = desk.ask(
            Write("u", KEYS[:1], KEYS[:1, None]), Write("t", KEYS[:1], KEYS[:1, None]), Read("u", KEYS[:1])
        )
        assert [True] == desk.ask(Read("t", KEYS[:1]))[0].held.tolist()
    assert ([True], [True], [False]) == (one.found.tolist(), two.held.tolist(), two.found.tolist())
    assert ([[0]], [2]) == (three.values.tolist(), three.version.tolist())
    assert ([10, 11, 12, 13], [0, 11, 12, 13]) == (desk.read(), desk.read(table="u"))


def test_lock_of_a_table_reaches_a_standby_with_the_next_commit_and_leaves_it_with_another(desk: Desk) -> None:
    """ACCESS EXCLUSIVE is in the log: found on real servers, and corrected in the model."""

    def is_held(at_ms: int) -> bool:
        return bool(desk.at(at_ms).ask(Read("t", KEYS, 1, STANDBYS[0]))[0].held.all())

    with desk.at(1_000).database.hold("t", KEYS, is_exclusive=True):
        assert not is_held(1_010)
        desk.at(1_020).write(1, 0, table="u")
        assert is_held(1_030)
    assert is_held(1_040)
    desk.at(1_050).write(2, 0, table="u")
    assert not is_held(1_060)


@pytest.mark.parametrize("dies_by", ["crash", "promotion"])
def test_lock_that_its_server_took_along_leaves_standbys_with_the_next_commit(desk: Desk, dies_by: str) -> None:
    """Nobody ended that transaction; what a server says of itself when it begins anew ends it, and reaches standbys."""

    def is_held(at_ms: int) -> bool:
        return bool(desk.at(at_ms).ask(Read("t", KEYS, 1, STANDBYS[1]))[0].held.all())

    with desk.at(1_000).database.hold("t", KEYS, is_exclusive=True):
        desk.at(1_010).write(1, 0, table="u")
        assert is_held(1_020)
        assert desk.database.crash() if dies_by == "crash" else desk.database.fail_over(1, 1_000)
    assert is_held(3_000)
    desk.write(2, 0, table="u")
    assert not is_held(3_010)


def test_transaction_sees_what_it_wrote_and_no_standby_does(desk: Desk) -> None:
    """Until the commit; a standby that stands at the commit has it."""
    desk.at(1_000)
    _, own, theirs = desk.ask(Write("t", KEYS[:1], KEYS[:1, None]), Read("t", KEYS), Read("t", KEYS, 1))
    assert (0, 10) == (own.values[0, 0], theirs.values[0, 0])
    assert [10, 11, 12, 13] == desk.read(stale_ms=1)
    assert [0, 11, 12, 13] == desk.at(1_001).read(stale_ms=1)


@pytest.mark.parametrize(("ending", "value"), [("is_unanswered", 7), ("is_lost", 10)])
def test_client_sees_the_same_where_the_answer_was_lost_and_where_the_commit_was(
    desk: Desk, ending: str, value: int
) -> None:
    """Only a look at the row tells: a COMMIT without its answer happened, one that was cut off did not."""

    def end(passage: Passage) -> bool:
        setattr(passage, ending, np.ones(1, np.bool_) if ending == "is_lost" else True)
        return True

    with desk.seams["database.commit"].bend(end), pytest.raises(Unavailable):
        desk.write(7, 0)
    assert [value, 11, 12, 13] == desk.read()
    assert [False] == desk.write(8, 0).held.tolist()


def test_sessions_end_with_the_life_of_their_server(desk: Desk) -> None:
    """What they had is free, and whoever believes to have one still may let it go."""
    with desk.database.hold("t", KEYS[:2]):
        assert [True] == desk.write(7, 1).held.tolist()
        assert desk.database.crash()
        assert [True] == desk.at(1_001).write(7, 1).found.tolist()
    with desk.database.hold("t", KEYS[:2]):
        assert desk.database.fail_over(0, 100)
        assert [True] == desk.at(1_102).write(8, 1).found.tolist()
        assert [10, 8, 12, 13] == desk.read()


def test_every_cluster_is_given_back(desk: Desk) -> None:
    """The instance before goes with the next scale-up, the others at the end; also where that comes in the middle."""
    first = desk.clusters[0]
    desk.database.begin_scale_up(1_000)
    second = desk.clusters[-1]
    desk.at(1_001).database.end_scale_up()
    desk.database.begin_scale_up(1_000)
    assert [second] == desk.clusters[:-1]
    assert first is not second
    desk.database.close()
    assert [] == desk.clusters
    desk.database = PostgresDatabase(Sim(1), DatabaseSpec(), Seams(), desk.open)
