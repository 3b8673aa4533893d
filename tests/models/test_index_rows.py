"""The funding engine as a client of the database: what it does without an answer, and with one that it did not want."""

from __future__ import annotations

import numpy as np
import pytest

from drydock.harness.seam import Passage
from drydock.models.database import Read, Write
from drydock.models.database_events import IndexRowsChanged
from drydock.models.events import IndexPersisted, LoadCompleted, ServiceState
from drydock.models.index_rows import AT_MS, COLUMNS, INDEX, TABLE, genesis_rows
from tests.nights import Stage, told

CAS = "venue.funding.compare_and_set=true"
KEYS = np.arange(3)
SECOND_WRITE_MS = 6_200
"""Ticks come at 1 s, 6 s, 11 s; what they write arrives a fifth of a second later."""


def row(stage: Stage, market: int) -> tuple[int, int, int]:
    """(index, at_ms, version) of a market in the database."""
    rows = stage.world.database.transact([Read(TABLE, KEYS)])[0]
    return int(rows.values[market, INDEX]), int(rows.values[market, AT_MS]), int(rows.version[market])


def written(stage: Stage, since_ms: int = 0) -> list[list[int]]:
    """Which rows each write-behind wrote."""
    return [e.written.tolist() for at_ms, e in told(stage.events, IndexPersisted) if at_ms >= since_ms]


def unanswered(passage: Passage) -> bool:
    passage.is_unanswered = passage.label == "funding/write"
    return passage.is_unanswered


# ---- no answer ------------------------------------------------------------------------------------------------------
def test_write_without_an_answer_is_followed_by_a_newer_one() -> None:
    """The database is down for one write: nothing is sent twice, and the next tick's rows are there."""
    stage = Stage().at(SECOND_WRITE_MS - 100)
    stage.world.database.crash()
    stage.at(16_300)
    assert [1_200, 16_200] == [at_ms for at_ms, _ in told(stage.events, IndexPersisted)]
    assert 16_000 == row(stage, 0)[1]


def test_commit_in_doubt_is_noticed_by_compare_and_set() -> None:
    """The engine's next write is refused, it believes the row, which is its own, and the one after goes through."""
    stage = Stage(CAS).at(SECOND_WRITE_MS - 100)
    with stage.world.seams["database.commit"].bend(unanswered):
        stage.at(SECOND_WRITE_MS + 100)
    assert 6_000 == row(stage, 0)[1]
    stage.at(16_300)
    assert [[0, 0, 0], [1, 1, 1]] == written(stage, SECOND_WRITE_MS)
    assert [(11_200, [0, 1, 2])] == [
        (at_ms, e.markets.tolist()) for at_ms, e in told(stage.events, LoadCompleted) if at_ms > 0
    ]


def test_commit_in_doubt_goes_unnoticed_without_compare_and_set() -> None:
    """Each tick writes over whatever is there; the database alone tells what happened."""
    stage = Stage().at(SECOND_WRITE_MS - 100)
    with stage.world.seams["database.commit"].bend(unanswered):
        stage.at(SECOND_WRITE_MS + 100)
    stage.at(16_300)
    assert [[1, 1, 1], [1, 1, 1]] == written(stage, SECOND_WRITE_MS)
    ((at_ms, changed),) = told(stage.events, IndexRowsChanged)
    assert (SECOND_WRITE_MS, [6_000] * 3) == (at_ms, changed.made_ms.tolist())


# ---- an answer that it did not want ---------------------------------------------------------------------------------
def test_overtaken_engine_goes_on_from_the_row_that_came_with_the_refusal() -> None:
    """Somebody else wrote one market: its index is believed, the other two were written."""
    stage = Stage(CAS).at(SECOND_WRITE_MS - 100)
    values = np.array([[123_456_789, 0, 6_000, 0]])
    stage.world.database.transact([Write(TABLE, KEYS[1:2], values)])
    stage.at(SECOND_WRITE_MS + 100)
    assert [[1, 0, 1]] == written(stage, SECOND_WRITE_MS)
    stage.at(11_300)
    assert [1, 1, 1] == written(stage)[-1]
    assert abs(row(stage, 1)[0] - 123_456_789) < abs(row(stage, 0)[0])


def test_row_that_is_gone_is_inserted_and_never_taken_for_zero() -> None:
    """After a failover to a standby that never had the row, the engine's own value goes into the database.

    It begins with its own time for a version: no write of before can expect that.
    """
    stage = Stage(CAS, "venue.funding.persist_ms=100ms")

    def leave_out(passage: Passage) -> bool:
        passage.is_lost[:] = passage.label == TABLE
        return True

    stage.at(2_000)
    before = row(stage, 0)[0]
    with stage.world.seams["database.copy"].bend(leave_out):
        stage.world.database.begin_scale_up(1_000)
        stage.at(3_001).world.database.end_scale_up()
    stage.at(11_300)
    assert [[0, 0, 0], [1, 1, 1]] == written(stage, 6_000)
    index, at_ms, version = row(stage, 0)
    assert (11_000, 11_000) == (at_ms, version)
    assert abs(index - before) < abs(before) // 100


def test_held_row_is_left_to_the_next_tick() -> None:
    """Nobody waits for a lock: the row is not written now, its neighbours are."""
    stage = Stage(CAS).at(SECOND_WRITE_MS - 100)
    with stage.world.database.hold(TABLE, KEYS[:1]):
        stage.at(SECOND_WRITE_MS + 100)
    stage.at(11_300)
    assert [[0, 1, 1], [1, 1, 1]] == written(stage, SECOND_WRITE_MS)
    assert 11_000 == row(stage, 0)[1]


def test_locked_table_is_asked_again_until_it_can_be_read() -> None:
    """A held row is neither there nor missing: with ``default_zero`` it is still not taken for zero."""
    stage = Stage("venue.funding.readiness=all_loaded", "venue.funding.on_missing=default_zero").at(6_500)
    stage.world.funding.stop()
    with stage.world.database.hold(TABLE, KEYS, is_exclusive=True):
        stage.world.funding.start()
        stage.at(20_000)
        assert "up" == stage.world.funding.state
    stage.at(24_000)
    assert stage.world.funding.is_ready
    assert all(e.found.all() for _, e in told(stage.events, LoadCompleted))


# ---- rows that lack something ---------------------------------------------------------------------------------------
@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("on_missing", ["default_zero", "skip", "raise"])
def test_absent_column_is_what_the_policy_says(column: str, on_missing: str) -> None:
    """Taken for zero, asked for again until it is there, or the end of the process."""
    stage = Stage("venue.funding.readiness=all_loaded", f"venue.funding.on_missing={on_missing}").at(6_500)
    stage.world.funding.stop()

    def lack(passage: Passage) -> bool:
        passage.is_lost[COLUMNS.index(column)] = True
        return True

    with stage.world.seams["funding.restore"].bend(lack):
        stage.world.funding.start()
        stage.at(20_000)
    did_crash = any(e.state == "crashed" for _, e in told(stage.events, ServiceState))
    assert (on_missing == "default_zero") == stage.world.funding.is_ready
    assert (on_missing == "raise") == did_crash
    assert stage.at(40_000).world.funding.is_ready


def test_genesis_rows_are_those_of_a_first_day() -> None:
    """No index has accrued, and the time is the beginning."""
    assert [[0] * len(COLUMNS)] * 3 == genesis_rows(3).tolist()
