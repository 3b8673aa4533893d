"""A long walk: whatever happens to a cluster in whatever order, each server has exactly the rows it should have."""

from __future__ import annotations

import random
from collections.abc import Callable

import psycopg
import pytest

from drydock.models.postgres.cluster import Cluster
from drydock.models.postgres.wal_gate import WalGate
from tests.models.postgres.ledger import Ledger, first, rows

STEPS = 80
NAMES = ("standby-1", "standby-2")


class Walk:
    """One cluster, and what it should be like: its ledger, and where each standby stands."""

    def __init__(self, cluster: Cluster, seed: int) -> None:
        self.cluster = cluster
        self.dice = random.Random(seed)
        self.ledger = Ledger(cluster)
        self.stands = dict.fromkeys(NAMES, 0)

    def commit(self) -> None:
        """A few commits, small ones and large ones."""
        self.ledger.commit(self.dice.randint(1, 5), self.dice.choice((0, 10, 1_000, 30_000)))

    def read(self) -> None:
        """A standby further on, or where it is."""
        name = self.dice.choice(NAMES)
        n = self.stands[name] = self.dice.randint(self.stands[name], self.ledger.newest)
        assert first(n) == self.ledger.seen_by(name, n)

    def crash(self) -> None:
        """With an open transaction, which is lost."""
        session = self.cluster.connect()
        session.execute("BEGIN")
        session.execute("INSERT INTO ledger VALUES (-1)")
        self.cluster.crash()
        session.close()
        self.cluster.recover()

    def promote(self) -> None:
        """With a lost tail, or without."""
        name = self.dice.choice(NAMES)
        n = self.dice.randint(max(self.stands[name], self.ledger.newest - 6), self.ledger.newest)
        self.cluster.promote(name, self.ledger.at[n])
        self.ledger.lost_after(n)
        self.stands = dict.fromkeys(NAMES, 0)

    def doubt(self) -> None:
        """A commit that is not answered, and one that does not come."""
        n = self.ledger.newest + 1
        self.cluster.commit_unanswered(insert(n), "swallow_commit")
        assert first(n - 1) == rows(self.cluster.connection)
        self.cluster.commit_unanswered(insert(n))
        self.ledger.at.append(self.cluster.flush_lsn())

    def go(self, steps: int) -> None:
        """So many of them."""
        for _ in range(steps):
            self.step()

    def step(self) -> None:
        """Something, and then the primary has what it should have."""
        acts = [self.commit] * 6 + [self.read] * 8 + [self.crash, self.promote, self.doubt]
        self.dice.choice(acts)()
        assert first(self.ledger.newest) == rows(self.cluster.connection)


def insert(n: int) -> Callable[[psycopg.Connection], object]:
    """Work that adds a row."""
    return lambda client: client.execute("INSERT INTO ledger VALUES (%s)", (n,))


def test_walk_never_leaves_what_it_should_be(cluster: Cluster) -> None:
    """Commits, reads of standbys, crashes, promotions with lost tails, commits in doubt, in any order."""
    Walk(cluster, seed=1).go(STEPS)


def test_control_walk_finds_a_gate_that_leaks(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without what holds and cuts WAL, standbys have more than they should: the walk would not go unhurt otherwise."""
    monkeypatch.setattr(WalGate, "_is_held", lambda gate, link: False)
    monkeypatch.setattr(WalGate, "_let_through", lambda gate, link, message: message.raw)
    walk = Walk(cluster, seed=1)
    with pytest.raises(AssertionError, match=r"^assert \["):
        walk.go(STEPS)
