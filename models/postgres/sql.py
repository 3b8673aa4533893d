"""The statements of the real build, made once for each table; rows travel as arrays, one for each column.

A write is one statement, and PostgreSQL alone says what becomes of each row: those that another session has are passed
over (SKIP LOCKED), a version that is expected is compared, a row that is not there is inserted in the version that the
write says. A table that another session has as a whole refuses every statement at once (:data:`SET_UP`): nobody waits.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, LiteralString

import numpy as np
from numpy.typing import NDArray
from psycopg import Error, errors, sql

from drydock.models.database import Read, Rows, Write
from drydock.models.postgres.failures import DiskFull, PostgresFailed, is_disk_full

if TYPE_CHECKING:
    from psycopg import Connection, Cursor

Ints = NDArray[np.int64]
SET_UP: LiteralString = "SET lock_timeout = '1ms'"
"""A statement that would wait for another session's lock fails (55P03): all sessions belong to one thread."""

DROP_ALL: LiteralString = """
    DO $$ DECLARE name text; BEGIN
        FOR name IN SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' LOOP
            EXECUTE format('DROP SCHEMA %I CASCADE', name);
        END LOOP;
        CREATE SCHEMA public;
    END $$"""
"""Leaves an empty schema public and nothing else; a data directory or a scratch server begins anew with it."""

_CREATE: LiteralString = "CREATE TABLE {table} (key integer PRIMARY KEY, version bigint NOT NULL, {declared})"
_INSERT: LiteralString = """
    INSERT INTO {table} SELECT * FROM unnest(%s::integer[], %s::bigint[], {arrays})
    ON CONFLICT DO NOTHING RETURNING key"""
_READ: LiteralString = """
    SELECT (version IS NOT NULL)::integer, 0, coalesce(version, 0), {columns_or_0}
    FROM unnest(%s::integer[]) WITH ORDINALITY AS asked(key, nth) LEFT JOIN {table} USING (key)
    ORDER BY nth"""
_WRITE: LiteralString = """
    WITH asked AS MATERIALIZED (
        SELECT * FROM unnest(%s::integer[], %s::bigint[], {arrays}) WITH ORDINALITY
            AS asked(key, expected, {columns}, nth)),
    there AS MATERIALIZED (SELECT * FROM {table} WHERE key IN (SELECT key FROM asked)),
    free AS MATERIALIZED (SELECT key, version FROM {table} WHERE key IN (SELECT key FROM asked) FOR UPDATE SKIP LOCKED),
    written AS (
        INSERT INTO {table} AS old
        SELECT key, %s::bigint, {asked} FROM asked LEFT JOIN free USING (key)
        WHERE (free.version IS NOT NULL OR key NOT IN (SELECT key FROM there))
            AND coalesce(expected = coalesce(free.version, 0), true)
        ON CONFLICT (key) DO UPDATE SET version = old.version + 1, {settings}
        RETURNING *)
    SELECT (written.version IS NOT NULL)::integer, (there.version IS NOT NULL AND free.version IS NULL)::integer,
        coalesce(written.version, there.version, 0), {written_or_there}
    FROM asked LEFT JOIN written USING (key) LEFT JOIN there USING (key) LEFT JOIN free USING (key)
    ORDER BY nth"""
_TAKE: LiteralString = "SELECT key FROM {table} WHERE key = ANY(%s) FOR UPDATE SKIP LOCKED"
_LOCK: LiteralString = "LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE NOWAIT"
_GREATEST: LiteralString = "SELECT coalesce(max({column}), 0) FROM {table}"


def run(on: Connection, statement: LiteralString | bytes, values: Sequence[Any] | None = None) -> Cursor[Any]:
    """What the server answers, in binary form.

    Raises ``psycopg.errors.LockNotAvailable`` where somebody else has what is asked for, and :exc:`PostgresFailed`.
    """
    try:
        return on.execute(statement, values, binary=True)
    except errors.LockNotAvailable:
        raise
    except Error as error:
        words = " ".join(str(error).split())
        if is_disk_full(words):
            raise DiskFull(f"no room is left for the files of PostgreSQL: {words}") from error
        raise PostgresFailed(f"PostgreSQL failed in the middle of a night: {words}") from error


class TableStatements:
    """What is asked of one table, over connections that are :data:`SET_UP`; each raises what :func:`run` does."""

    def __init__(self, name: str, columns: int, schema: str = "public") -> None:
        self.name = name
        self.columns = columns
        table, names = sql.Identifier(schema, name), [sql.Identifier(f"c{nth}") for nth in range(columns)]

        def each(form: LiteralString) -> sql.Composable:
            return sql.SQL(", ").join(sql.SQL(form).format(column=column) for column in names)

        parts = {
            "schema": sql.Identifier(schema),
            "table": table,
            "columns": each("{column}"),
            "declared": each("{column} bigint NOT NULL"),
            "arrays": each("%s::bigint[]"),
            "asked": each("asked.{column}"),
            "settings": each("{column} = excluded.{column}"),
            "columns_or_0": each("coalesce({column}, 0)"),
            "written_or_there": each("coalesce(written.{column}, there.{column}, 0)"),
        }

        def made(form: LiteralString) -> bytes:
            return sql.SQL(form).format(**parts).as_bytes(None)

        self._create_schema = made("CREATE SCHEMA IF NOT EXISTS {schema}")
        self._create, self._insert, self._read, self._write = map(made, (_CREATE, _INSERT, _READ, _WRITE))
        self._take, self._lock = made(_TAKE), made(_LOCK)
        self._greatest = [sql.SQL(_GREATEST).format(column=column, table=table).as_bytes(None) for column in names]

    # ---- set-up ----------------------------------------------------------------------------------------------
    def create(self, on: Connection) -> None:
        """The table, without rows, and its schema where there is none."""
        run(on, self._create_schema)
        run(on, self._create)

    def insert(self, on: Connection, keys: Ints, version: Ints, values: Ints) -> Ints:
        """Inserts these rows where there are none, and leaves the others; returns the keys of those inserted."""
        return _keys(run(on, self._insert, (keys.tolist(), version.tolist(), *values.T.tolist())))

    # ---- clients ---------------------------------------------------------------------------------------------
    def read(self, on: Connection, read: Read) -> Rows:
        """The rows as this server has them."""
        return self._rows(run(on, self._read, (read.keys.tolist(),)).fetchall())

    def write(self, on: Connection, write: Write) -> Rows:
        """What became of each row, and how it is now."""
        expected = None if write.expected is None else write.expected.tolist()
        asked = (write.keys.tolist(), expected, *write.values.T.tolist(), write.first_version)
        return self._rows(run(on, self._write, asked).fetchall())

    def _rows(self, fetched: Sequence[Sequence[Any]]) -> Rows:
        """From (found, held, version, columns) of each; of held rows nothing is known."""
        table = np.array(fetched, np.int64).reshape(-1, 3 + self.columns)
        found, held = table[:, 0] == 1, table[:, 1] == 1
        table[held, 2:] = 0
        return Rows(table[:, 3:], table[:, 2], found, held)

    def all_held(self, rows: int) -> Rows:
        """The answer where another session has the whole table."""
        none = np.zeros(rows, np.bool_)
        return Rows(np.zeros((rows, self.columns), np.int64), np.zeros(rows, np.int64), none, ~none)

    # ---- sessions, and the operators ---------------------------------------------------------------------------
    def take(self, on: Connection, keys: Ints) -> Ints:
        """Those of the rows that are there and that nobody has, for the transaction that is open."""
        return _keys(run(on, self._take, (keys.tolist(),)))

    def lock(self, on: Connection) -> None:
        """The whole table, for the transaction that is open."""
        run(on, self._lock)

    def greatest(self, on: Connection, column: int) -> int:
        """The greatest value of a column; 0 where there is no row."""
        row = run(on, self._greatest[column]).fetchone()
        assert row is not None
        return int(row[0])


def _keys(fetched: Cursor[Any]) -> Ints:
    return np.array([key for (key,) in fetched.fetchall()], np.int64)
