"""What happens to the database itself, as events; see ``events.py`` for the rest and for their conventions."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from drydock.harness.event import event

Ints = NDArray[np.int64]


@event("database.state")
class DatabaseState(NamedTuple):
    """The database is ``copying``, ``copied``, ``crashed``, ``recovered``, ``primary_lost`` or ``promoted``.

    ``tables`` are those that it says are complete.
    """

    state: str
    tables: int


@event("index.rows_changed")
class IndexRowsChanged(NamedTuple):
    """Index rows of the database are now these, and no client was told: a tail was lost, a commit late or unanswered.

    ``made_ms`` is the time that each row says it is of.
    """

    markets: Ints
    indices: Ints
    made_ms: Ints
