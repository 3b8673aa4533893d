"""What tests of clusters share: a table to which every commit adds one row, and the position of each."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from drydock.models.postgres.cluster import Cluster

if TYPE_CHECKING:
    from psycopg import Connection


@dataclass
class Ledger:
    """``at[n]`` is the position right after the n-th commit; the table has the rows ``1..n`` then."""

    cluster: Cluster
    at: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.cluster.connection.execute("CREATE TABLE ledger (n int PRIMARY KEY, filler text)")
        self.at.append(self.cluster.flush_lsn())

    def commit(self, times: int = 1, filler_bytes: int = 0) -> None:
        """So many commits more."""
        for _ in range(times):
            row = (len(self.at), "x" * filler_bytes)
            self.cluster.connection.execute("INSERT INTO ledger VALUES (%s, %s)", row)
            self.at.append(self.cluster.flush_lsn())

    def lost_after(self, n: int) -> None:
        """The commits after the n-th have never happened."""
        del self.at[n + 1 :]

    @property
    def newest(self) -> int:
        """The number of the last commit."""
        return len(self.at) - 1

    def seen_by(self, name: str, n: int) -> list[int]:
        """The rows that a standby has, standing right after the n-th commit."""
        return rows(self.cluster.standby(name, self.at[n]))


def rows(connection: Connection) -> list[int]:
    """The rows that this server has."""
    return [n for (n,) in connection.execute("SELECT n FROM ledger ORDER BY n").fetchall()]


def first(n: int) -> list[int]:
    """The first n rows."""
    return list(range(1, n + 1))
