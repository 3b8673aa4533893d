"""A database that a test can believe: whole states in dictionaries, no logs and nothing undone.

It keeps every state that there ever was, with its time. A standby is a number of a state, a lost tail the end of the
list, and a copy looks at every row every time.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from drydock.models.database import LIVE, PRIMARY, STANDBYS
from drydock.models.venue import DatabaseSpec
from tests.models.operations import (
    LATE_MS,
    ROWS,
    TABLES,
    Answer,
    Ask,
    BeginScaleUp,
    Crash,
    EndScaleUp,
    FailOver,
    Greatest,
    Hold,
    LetGo,
    Operation,
    Overwrite,
    Put,
    RowSeen,
    Seen,
    Transact,
    Wait,
    columns_of,
)  # fmt: skip

FOR_EVER = 1 << 40
State = dict[tuple[str, int], tuple[int, int]]
"""(number, version) by table and key; what is not in it has no row."""

Locks = dict[tuple[str, int], tuple[str, int]]
"""(table, place until which) by (session, place from which): locks of whole tables, as standbys replay them."""


class NaiveDatabase:
    """``states`` are all that this history had: its time, and what was there after it."""

    def __init__(self, spec: DatabaseSpec) -> None:
        self.spec = spec
        self.now_ms = 0
        self.rows: State = {(table, key): (key, 1) for table, key in ROWS}
        self.states: list[tuple[int, State]] = [(-1, dict(self.rows))]
        self.replayed: list[Locks] = [{}, {}]
        self.stands = dict.fromkeys(STANDBYS, 0)
        self.back: tuple[int, str] | None = None
        self.at: dict[str, str] = {}
        self.held: dict[str, set[tuple[str, int]]] = {}
        self.locked: dict[str, str] = {}
        self.late: list[tuple[int, tuple[Ask | Put, ...]]] = []
        self.copy: Copy | None = None
        self.base = 0
        self.before = (0, 0)
        self.told: list[tuple[int, str, int]] = []
        self.untold: list[tuple[int, str, list[tuple[int, tuple[int, ...]]]]] = []

    def close(self) -> None:
        """There is nothing to give back."""

    def play(self, operation: Operation) -> Seen:
        """Does it, and says what is seen."""
        self._copy_rows()
        answer = self._do(operation)
        told, untold, self.told, self.untold = self.told, sorted(self.untold), [], []
        return Seen(answer, self.is_open(), self.is_copying(), self._has_standby(), told, untold)

    def _do(self, operation: Operation) -> Answer | bool | int:
        match operation:
            case Wait(ms):
                self._wait(self.now_ms + ms)
            case Transact(statements, ending):
                return self._transact(statements, ending)
            case Hold(session, table, keys):
                return self._hold(session, table, keys)
            case LetGo(session):
                self._let_go(session)
            case Crash():
                return self._go_down("crashed", self.spec.recovery_ms, "recovered")
            case FailOver(lost_ms, refuse_ms):
                return self._fail_over(lost_ms, refuse_ms)
            case BeginScaleUp():
                self._begin_copy(operation)
            case EndScaleUp():
                self._end_copy()
            case Overwrite(table, keys, number):
                self._overwrite(Put(table, keys, number))
            case Greatest(table, column):
                for session in [session for session, name in self.locked.items() if name == table]:
                    self._let_go(session)
                numbers = [number for (name, _), (number, _) in self.rows.items() if name == table]
                return max((columns_of(table, number)[column] for number in numbers), default=0)
        return None

    # ---- time ------------------------------------------------------------------------------------------------
    def _wait(self, until_ms: int) -> None:
        """What comes meanwhile finds the database as it then is."""
        for now_ms in range(self.now_ms, until_ms):
            self.now_ms = now_ms
            self._copy_rows()
            if self.back is not None and self.back[0] == now_ms:
                self.told.append((now_ms, self.back[1], len(TABLES)))
                self.back = None
            for late in [late for late in self.late if late[0] == now_ms]:
                self.late.remove(late)
                if self.is_open():
                    self._commit_untold(late[1])
        self.now_ms = until_ms
        self._copy_rows()

    def is_open(self) -> bool:
        """Whether anybody is answered."""
        return self.back is None and (self.copy is None or self.now_ms >= self.copy.opens_ms)

    def is_copying(self) -> bool:
        """Whether it is not yet reported complete."""
        return self.copy is not None and not self.copy.is_reported

    def _has_standby(self) -> bool:
        return self.back is None and not self.is_copying()

    # ---- life ------------------------------------------------------------------------------------------------
    def _go_down(self, state: str, for_ms: int, then: str) -> bool:
        """Nobody is answered for so long; open transactions are gone."""
        if self.back is not None:
            return False
        self.back = (self.now_ms + for_ms, then)
        self._connections_break()
        self.told.append((self.now_ms, state, 0))
        return True

    def _connections_break(self) -> None:
        for session in list(self.at):
            self._let_go(session)

    def _fail_over(self, lost_ms: int, refuse_ms: int) -> bool:
        """What the first standby has is what there is."""
        if self.is_copying() or not self._go_down("primary_lost", refuse_ms, "promoted"):
            return False
        fork = max(self._last_at(self.now_ms - lost_ms), self.base, self.stands[STANDBYS[0]])
        lost = self.states[fork:]
        del self.states[fork + 1 :]
        self.replayed[-1] = {lock: (table, min(until, fork)) for lock, (table, until) in self.replayed[-1].items()}
        self.rows = dict(self.states[-1][1])
        self.stands = {name: min(place, fork) for name, place in self.stands.items()}
        changed = {row for (_, one), (_, other) in pairwise(lost) for row in ROWS if one.get(row) != other.get(row)}
        for table in TABLES:
            self._tell(table, [key for name, key in ROWS if name == table and (name, key) in changed & set(self.rows)])
        return True

    def _tell(self, table: str, keys: Sequence[int]) -> None:
        if keys:
            rows = [(key, columns_of(table, self.rows[table, key][0])) for key in keys]
            self.untold.append((self.now_ms, table, rows))

    # ---- scale-up --------------------------------------------------------------------------------------------
    def _begin_copy(self, asked: BeginScaleUp) -> None:
        """A bigger instance, empty at first. One that is left in the middle of its copy has standbys from then on."""
        if self.is_copying():
            self._begin_standbys()
        self.before = (self.base, len(self.states) - 1)
        self.copy = Copy(asked, self.rows, self.now_ms, self.spec.connect_after_ppm)
        self.rows = {}
        self._connections_break()
        self.replayed.append({})
        self.told.append((self.now_ms, "copying", 0))

    def _copy_rows(self) -> None:
        """A late row that comes after the copy was reported is a commit like any other."""
        if self.copy is None:
            return
        for due_ms, row, state in self.copy.due(self.now_ms):
            if row not in self.rows:
                self.rows[row] = state
                if self.copy.is_reported:
                    self.states.append((due_ms, dict(self.rows)))

    def _end_copy(self) -> None:
        """Standbys of the bigger instance begin with what is there now."""
        if self.copy is None or self.copy.is_reported:
            return
        self.copy.is_reported = True
        self._begin_standbys()
        self.told.append((self.now_ms, "copied", len(TABLES)))

    def _begin_standbys(self) -> None:
        self.base = len(self.states) - 1
        self.states[-1] = (self.states[-1][0], dict(self.rows))

    # ---- sessions --------------------------------------------------------------------------------------------
    def _hold(self, session: str, table: str, keys: tuple[int, ...] | None) -> bool:
        """Rows that nobody else has; the whole table where nobody else is at it."""
        self._let_go(session)
        is_locked, is_busy = table in self.locked.values(), table in self.at.values()
        is_copied_to = self.copy is not None and not self.copy.is_over
        if not self.is_open() or is_locked or (keys is None and (is_busy or is_copied_to)):
            return False
        self.at[session] = table
        if keys is None:
            self.locked[session] = table
            self.replayed[-1][session, len(self.states) - 1] = (table, FOR_EVER)
        else:
            theirs = set().union(*self.held.values())
            self.held[session] = {(table, key) for key in keys} & set(self.rows) - theirs
        return True

    def _let_go(self, session: str) -> None:
        for what in (self.at, self.held, self.locked):
            what.pop(session, None)
        for (name, since), (table, until) in self.replayed[-1].items():
            if (name, until) == (session, FOR_EVER):
                self.replayed[-1][name, since] = (table, len(self.states) - 1)

    def _held(self, *, for_reading: bool) -> set[tuple[str, int]]:
        locked = {row for row in ROWS if row[0] in self.locked.values()}
        return locked if for_reading else locked.union(*self.held.values())

    def _overwrite(self, put: Put) -> None:
        """Whoever is at the table is thrown out."""
        for session in [session for session, table in self.at.items() if table == put.table]:
            self._let_go(session)
        self._commit((put,))

    # ---- transactions ----------------------------------------------------------------------------------------
    def _transact(self, statements: tuple[Ask | Put, ...], ending: str) -> Answer:
        if not self.is_open() or ending == "abandoned":
            return None
        if ending == "told":
            return self._commit(statements)
        if ending == "unanswered":
            self._commit_untold(statements)
        else:
            self.late.append((self.now_ms + LATE_MS, statements))
        return None

    def _commit_untold(self, statements: tuple[Ask | Put, ...]) -> None:
        for statement, rows in zip(statements, self._commit(statements), strict=True):
            if isinstance(statement, Put):
                of = [(key, row.values) for key, row in zip(statement.keys, rows, strict=True) if row.found]
                if of:
                    self.untold.append((self.now_ms, statement.table, sorted(of)))

    def _commit(self, statements: tuple[Ask | Put, ...]) -> list[list[RowSeen]]:
        """One commit, of all that was written."""
        held = self._held(for_reading=False)
        answers = [self._read(s) if isinstance(s, Ask) else self._write(s, held) for s in statements]
        if self.rows != self.states[-1][1]:
            self.states.append((self.now_ms, dict(self.rows)))
        return answers

    def _read(self, asked: Ask) -> list[RowSeen]:
        """What this server has."""
        rows, held = self.rows, self._held(for_reading=True)
        if asked.artefact != LIVE:
            rows, held = {(table, key): (50 + key, 1) for table, key in ROWS}, set()
        elif asked.server != PRIMARY or asked.stale_ms:
            rows, held = self._of_standby(asked)
        return [_seen((asked.table, key), rows, held, (asked.table, key) in rows) for key in asked.keys]

    def _of_standby(self, asked: Ask) -> tuple[State, set[tuple[str, int]]]:
        """What it has, and what is locked there: the whole table after a lock, until a commit after the lock's end."""
        name = STANDBYS[0] if asked.server == PRIMARY else asked.server
        lag_ms = asked.stale_ms or self.spec.replica_lag_ms
        place = max(self.stands[name], self._last_at(self.now_ms - lag_ms))
        self.stands[name] = place
        base, newest = self.before
        is_old = self.is_copying() or place < self.base
        place = max(base, min(place, newest)) if is_old else place
        locks = self.replayed[-2 if is_old else -1].items()
        tables = {table for (_, since), (table, until) in locks if since < place <= until}
        return self.states[place][1], {row for row in ROWS if row[0] in tables}

    def _write(self, put: Put, held: set[tuple[str, int]]) -> list[RowSeen]:
        answer: list[RowSeen] = []
        for row in ((put.table, key) for key in put.keys):
            version = self.rows.get(row, (0, 0))[1]
            is_mine = row not in held and put.expected in (None, version)
            if is_mine:
                self.rows[row] = (put.number, version + 1)
            answer.append(_seen(row, self.rows, held, is_mine))
        return answer

    def _last_at(self, at_ms: int) -> int:
        return max(place for place, (since_ms, _) in enumerate(self.states) if since_ms <= max(-1, at_ms))


def _seen(row: tuple[str, int], rows: State, held: set[tuple[str, int]], is_found: bool) -> RowSeen:
    """Of held rows nothing is known; one that is not there is all zeros."""
    nothing = RowSeen((0,) * TABLES[row[0]][1], 0, False, row in held)
    if row in held or row not in rows:
        return nothing
    number, version = rows[row]
    return RowSeen(columns_of(row[0], number), version, is_found, False)


class Copy:
    """What is copied, and when each row comes. ``is_reported`` says whether operators believe that it is through."""

    def __init__(self, asked: BeginScaleUp, source: State, now_ms: int, connect_after_ppm: int) -> None:
        self.opens_ms = now_ms + asked.takes_ms * connect_after_ppm // 1_000_000
        self.is_reported = False
        self._source = dict(source)
        self._rows: list[tuple[int, tuple[str, int]]] = []
        for nth, row in enumerate(ROWS):
            if row not in asked.left_out:
                turn_ms = now_ms - (-(nth + 1) * asked.takes_ms // len(ROWS))
                self._rows.append((turn_ms + asked.late_ms * (row in asked.late), row))

    @property
    def is_over(self) -> bool:
        """Whether no row is to come any more, be it late."""
        return self.is_reported and not self._rows

    def due(self, now_ms: int) -> list[tuple[int, tuple[str, int], tuple[int, int]]]:
        """Those that have come since it was asked last, in their order of time."""
        come = sorted(late for late in self._rows if late[0] <= now_ms)
        self._rows = [late for late in self._rows if late[0] > now_ms]
        return [(due_ms, row, self._source[row]) for due_ms, row in come if row in self._source]
