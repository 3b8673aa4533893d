"""F4 beyond its canary: a copy may be behind by the declared lag, and must not fall back by more than that."""

from __future__ import annotations

import numpy as np
import pytest

from drydock.models.database_events import IndexRowsChanged
from drydock.models.events import IndexPersisted, RollbackDone
from drydock.models.invariants.funding import CopiesAgree
from tests.models.invariants.told import details, truth

ALL = np.arange(3)
ROLLBACK = RollbackDone(*([0] * len(RollbackDone._fields)))
LIMIT_MS = 20_000
"""The declared lag of 15 s, and one tick."""


def persisted() -> IndexPersisted:
    return IndexPersisted(1, ALL, truth().start_index, np.ones(3, np.int64))


def changed(*made_ms: int) -> IndexRowsChanged:
    """Rows of these times, with the indices of the start: nothing is wrong with them but their age."""
    return IndexRowsChanged(ALL, truth().start_index, np.array(made_ms))


@pytest.mark.parametrize(("back_ms", "findings"), [(0, 0), (LIMIT_MS, 0), (LIMIT_MS + 1, 1)])
def test_rows_may_fall_back_within_the_declared_lag(back_ms: int, findings: int) -> None:
    """To the millisecond; and the index itself need not be wrong."""
    assert findings == len(details(CopiesAgree(), (60_000, persisted()), (70_000, changed(*[60_000 - back_ms] * 3))))


def test_finding_names_the_rows_that_fell_back() -> None:
    """One of three, and by how much; what is newer than before is no finding."""
    (told,) = details(CopiesAgree(), (60_000, persisted()), (70_000, changed(59_000, 10_000, 65_000)))
    assert told == "1 funding index in the database fell back in time, by up to 50 s, first ETH-USD-PERP"


def test_rows_that_fell_back_once_are_not_found_again() -> None:
    """The copy is then what it is: an unanswered commit of the same time later is no second loss."""
    back = changed(10_000, 10_000, 10_000)
    assert 1 == len(details(CopiesAgree(), (60_000, persisted()), (70_000, back), (80_000, back)))


def test_tail_that_is_lost_after_a_rollback_takes_the_restored_rows() -> None:
    """A restore writes rows as of now: losing them brings back those that the rollback was there to remove."""
    events = ((60_000, persisted()), (90_000, ROLLBACK), (95_000, changed(60_000, 60_000, 60_000)))
    assert 1 == len(details(CopiesAgree(), *events))
