"""The real build of the database: what ``DatabaseLife`` decides at a virtual instant, PostgreSQL does at once.

The bigger instance of a scale-up is a cluster of its own. What was noted after each commit, the end of its record in
the log, is where a standby is told to stand.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager, ExitStack, suppress
from typing import TYPE_CHECKING, LiteralString

import numpy as np
from numpy.typing import NDArray
from psycopg import Error, errors

from drydock.harness.seam import Seams
from drydock.harness.sim import Sim
from drydock.models.database import LIVE, STANDBYS, Read, Rows, Session, Statement, Unavailable, Write
from drydock.models.database_life import DatabaseLife
from drydock.models.postgres.sql import SET_UP, TableStatements, run
from drydock.models.venue import DatabaseSpec

if TYPE_CHECKING:
    from psycopg import Connection

    from drydock.models.postgres.cluster import Cluster

Ints = NDArray[np.int64]
Clusters = Callable[[], AbstractContextManager["Cluster"]]
"""Opens a cluster without tables; leaving the ``with`` gives it back."""


class Instance:
    """A cluster, and the position of each commit that its standbys may be told to stand at."""

    def __init__(self, clusters: Clusters) -> None:
        self._open = ExitStack()
        self.cluster = self._open.enter_context(clusters())
        self.positions: dict[int, int] = {}
        self._ready: list[Connection] = []

    def close(self) -> None:
        """Gives the cluster back."""
        self._open.close()

    @property
    def primary(self) -> Connection:
        """The connection of all clients: their transactions take no time, so one after another is enough."""
        return self._set_up(self.cluster.connection)

    def standby(self, name: str, number: int) -> Connection:
        """A standby that has exactly the commits up to this one."""
        return self._set_up(self.cluster.standby(name, self.positions[number]))

    def note(self, number: int) -> None:
        """What is there now is what a standby has that stands at this commit."""
        self.positions[number] = self.cluster.flush_lsn()

    def _set_up(self, connection: Connection) -> Connection:
        if connection not in self._ready:
            run(connection, SET_UP)
            self._ready.append(connection)
        return connection


class PostgresDatabase(DatabaseLife):
    """Tables of real servers. Raises ``PostgresFailed`` where these do what they should not."""

    def __init__(self, sim: Sim, spec: DatabaseSpec, seams: Seams, clusters: Clusters) -> None:
        super().__init__(sim, spec, seams)
        self._clusters = clusters
        self._tables: dict[tuple[str, str], TableStatements] = {}
        self._kept: dict[tuple[str, str], Ints] = {}
        self._before: Instance | None = None
        self._present = Instance(clusters)

    def close(self) -> None:
        """Sessions end, and clusters are given back."""
        self._end_sessions()
        with ExitStack() as open_ones:
            open_ones.callback(self._present.close)
            if self._before is not None:
                open_ones.callback(self._before.close)

    # ---- set-up, and the operators' eye ------------------------------------------------------------------------
    def _make(self, artefact: str, table: str, values: Ints) -> None:
        """A kept copy has a schema of its own."""
        schema = "public" if artefact == LIVE else f"kept_{artefact}"
        self._tables[artefact, table] = TableStatements(table, values.shape[1], schema)
        if artefact != LIVE:
            self._kept[artefact, table] = values.copy()
        self._fill(self._tables[artefact, table], values)

    def _fill(self, table: TableStatements, values: Ints) -> None:
        table.create(self._present.primary)
        table.insert(self._present.primary, np.arange(len(values)), np.ones(len(values), np.int64), values)

    def _mark(self) -> None:
        self._present.note(self._log.newest)

    def _greatest(self, table: str, column: int) -> int:
        return self._tables[LIVE, table].greatest(self._present.primary, column)

    # ---- life ------------------------------------------------------------------------------------------------
    def _restart(self) -> None:
        self._present.cluster.crash()
        self._present.cluster.recover()

    def _promote(self, number: int) -> None:
        self._present.cluster.promote(STANDBYS[0], self._present.positions[number])

    def _begin_instance(self) -> None:
        if self._before is not None:
            self._before.close()
        self._before, self._present = self._present, Instance(self._clusters)
        for name in self._row_counts:
            self._tables[LIVE, name].create(self._present.primary)
        for name_of_kept, values in self._kept.items():
            self._fill(self._tables[name_of_kept], values)

    def _copy_rows(self, table: str, keys: Ints) -> Ints:
        assert self._before is not None
        statements = self._tables[LIVE, table]
        rows = statements.read(self._before.primary, Read(table, keys))
        there = rows.only(rows.found)
        return statements.insert(self._present.primary, keys[rows.found], there.version, there.values)

    # ---- sessions ----------------------------------------------------------------------------------------------
    def _take(self, table: str, keys: Ints | None) -> Session:
        connection = self._present.cluster.connect()
        run(connection, SET_UP)
        run(connection, "BEGIN")

        def end() -> None:
            with suppress(Error):  # its server may be gone
                connection.execute("ROLLBACK")
            connection.close()

        try:
            if keys is None:
                self._tables[LIVE, table].lock(connection)
            else:
                keys = self._tables[LIVE, table].take(connection, keys)
        except errors.LockNotAvailable as held:
            end()
            raise Unavailable from held
        return Session(table, keys, end)

    # ---- transactions ------------------------------------------------------------------------------------------
    def _do(self, statements: Sequence[Statement], *, is_answered: bool) -> list[Rows]:
        if not is_answered:
            return self._present.cluster.commit_unanswered(lambda client: self._ask_all(client, SET_UP, statements))
        primary = self._present.primary
        if len(statements) == 1:  # a statement by itself is a transaction
            return self._ask_all(primary, "", statements)
        answers = self._ask_all(primary, "BEGIN", statements)
        run(primary, "COMMIT")
        return answers

    def _abandon(self, statements: Sequence[Statement]) -> None:
        """What a standby would have answered nobody sees: it is not asked."""
        of_primary = [
            statement for statement in statements if isinstance(statement, Write) or not statement.is_of_standby
        ]

        def ask(client: Connection) -> list[Rows]:
            return self._ask_all(client, SET_UP, of_primary)

        self._present.cluster.commit_unanswered(ask, "swallow_commit")

    def _ask_all(self, client: Connection, begin: LiteralString, statements: Sequence[Statement]) -> list[Rows]:
        """All in one transaction. Where somebody has a table it begins anew without that one: no time has passed."""
        held: set[TableStatements] = set()
        while True:
            if begin:
                run(client, begin)
            try:
                return [self._ask(client, statement, held) for statement in statements]
            except _TableIsHeld as found:
                client.rollback()
                held.add(found.table)

    def _ask(self, client: Connection, statement: Statement, held: Collection[TableStatements]) -> Rows:
        if isinstance(statement, Read) and statement.is_of_standby:
            return self._ask_standby(statement)
        table = self._tables[statement.artefact if isinstance(statement, Read) else LIVE, statement.table]
        if table in held:
            return table.all_held(len(statement.keys))
        try:
            return table.read(client, statement) if isinstance(statement, Read) else table.write(client, statement)
        except errors.LockNotAvailable as no:
            raise _TableIsHeld(table) from no

    def _ask_standby(self, read: Read) -> Rows:
        stand, table = self._stand_of(read), self._tables[LIVE, read.table]
        instance = self._before if stand.is_before else self._present
        assert instance is not None
        try:
            return table.read(instance.standby(stand.server, stand.number), read)
        except errors.LockNotAvailable:
            return table.all_held(len(read.keys))

    def _now(self, table: str, keys: Ints) -> Rows:
        return self._tables[LIVE, table].read(self._present.primary, Read(table, keys))


class _TableIsHeld(Exception):
    """Another session has the whole table."""

    def __init__(self, table: TableStatements) -> None:
        super().__init__(table.name)
        self.table = table
