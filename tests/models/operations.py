"""What may be asked of a database, as plain data; and what is seen of it then: builds that show the same agree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

from drydock.models.database import LIVE, PRIMARY

TABLES = {"a": (3, 1), "b": (2, 2)}
"""Rows and columns. The copy of a scale-up takes them in this order."""
ROWS = [(table, key) for table, (rows, _) in TABLES.items() for key in range(rows)]
KEPT = "kept"
"""The artefact."""
LATE_MS = 203
"""How long a late transaction is under way. Clocks move in steps of 10 ms, so that it arrives between them."""
Ending = Literal["told", "unanswered", "abandoned", "late"]


def columns_of(table: str, number: int) -> tuple[int, ...]:
    """The values of a row, each number another row; the second column is below zero, and beyond 32 bits."""
    return (number, -(1 << 40) - number)[: TABLES[table][1]]


# ---- statements ------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Ask:
    """A read."""

    table: str
    keys: tuple[int, ...]
    stale_ms: int = 0
    server: str = PRIMARY
    artefact: str = LIVE


@dataclass(frozen=True, slots=True)
class Put:
    """A write of one row under each of the keys; a compare-and-set where a version is expected."""

    table: str
    keys: tuple[int, ...]
    number: int
    expected: int | None = None


# ---- operations ------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Wait:
    """Time passes."""

    ms: int


@dataclass(frozen=True, slots=True)
class Transact:
    """A transaction, and how it ends for its client."""

    statements: tuple[Ask | Put, ...]
    ending: Ending = "told"


@dataclass(frozen=True, slots=True)
class Hold:
    """A session takes rows, or the whole table where none are named. It has only one transaction at a time."""

    session: str
    table: str
    keys: tuple[int, ...] | None


@dataclass(frozen=True, slots=True)
class LetGo:
    """A session ends its transaction."""

    session: str


@dataclass(frozen=True, slots=True)
class Crash:
    """The server dies and recovers."""


@dataclass(frozen=True, slots=True)
class FailOver:
    """The primary is lost and the first standby promoted."""

    lost_ms: int
    refuse_ms: int


@dataclass(frozen=True, slots=True)
class BeginScaleUp:
    """The copy to a bigger instance. Rows are (table, key)."""

    takes_ms: int
    left_out: frozenset[tuple[str, int]] = frozenset()
    late: frozenset[tuple[str, int]] = frozenset()
    late_ms: int = 0


@dataclass(frozen=True, slots=True)
class EndScaleUp:
    """It is reported complete."""


@dataclass(frozen=True, slots=True)
class Overwrite:
    """The operators restore rows."""

    table: str
    keys: tuple[int, ...]
    number: int


@dataclass(frozen=True, slots=True)
class Greatest:
    """The operators look."""

    table: str
    column: int


Operation = Wait | Transact | Hold | LetGo | Crash | FailOver | BeginScaleUp | EndScaleUp | Overwrite | Greatest


# ---- what is seen ----------------------------------------------------------------------------------------------------
class RowSeen(NamedTuple):
    """One row of an answer."""

    values: tuple[int, ...]
    version: int
    found: bool
    held: bool


Answer = list[list[RowSeen]] | None
"""Statement by statement, row by row; None where nobody answers."""


class Seen(NamedTuple):
    """What an operation leads to, and what happened since the one before it.

    ``told`` are the database's own events (time in ms, state, tables); ``untold`` the rows of which clients know
    nothing: time in ms, table, then key and values of each; sorted, tables of one instant have no order.
    """

    answer: Answer | bool | int
    is_open: bool
    is_copying: bool
    has_standby: bool
    told: list[tuple[int, str, int]]
    untold: list[tuple[int, str, list[tuple[int, tuple[int, ...]]]]]


class Desk(Protocol):
    """Somebody at a database of :data:`TABLES`."""

    def play(self, operation: Operation) -> Seen:
        """Does it, and says what is seen."""
        ...

    def close(self) -> None:
        """Nothing is held or bent any more."""
        ...
