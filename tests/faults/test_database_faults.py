"""Faults of the database: what each does, what it leaves alone, and which corruption emerges without which guard."""

from __future__ import annotations

import numpy as np
import pytest

from drydock.faults.commit_in_doubt import CommitInDoubt
from drydock.faults.crash_before_commit import CrashBeforeCommit
from drydock.faults.failover import Failover
from drydock.faults.genesis_restore import GenesisRestore
from drydock.faults.held_rows import HeldRows
from drydock.faults.late_write import LateWrite
from drydock.faults.lost_tail import LostTail
from drydock.faults.lost_write import LostWrite
from drydock.faults.missing_field import MissingField
from drydock.faults.partial_copy import PartialCopy
from drydock.faults.replica_switch import ReplicaSwitch
from drydock.faults.slow_load import SlowLoad
from drydock.harness.port import Fault
from drydock.harness.result import RunResult
from drydock.models.database_events import DatabaseState, IndexRowsChanged
from drydock.models.events import IndexPersisted, IndexPublished, LoadCompleted, PageRefreshed, ServiceState
from tests.faults.example import AS_HAPPENED
from tests.nights import broken, of, play, started_at, told

CAS = "venue.funding.compare_and_set=true"
ZERO_INDEX = {"F1", "F3", "F5", "M5"}
"""What the zero index of 19 January breaks, whichever way it came about."""


def night(*plan: Fault, sets: tuple[str, ...] = (), seed: int = 1) -> RunResult:
    """A night of the bench venue as happened."""
    return play(*AS_HAPPENED, *sets, plan=plan, seed=seed)


def guarded(*plan: Fault, sets: tuple[str, ...] = ()) -> RunResult:
    """A night of the bench venue as it is: it ticks when its rows are loaded and equal to the chain's."""
    return play(*sets, plan=plan)


def writes(result: RunResult) -> dict[int, list[int]]:
    """Which rows each write-behind wrote, by its time."""
    return {at_ms: e.written.tolist() for at_ms, e in told(result.events, IndexPersisted)}


def published(result: RunResult) -> list[tuple[int, list[int]]]:
    """Time and indices of every tick."""
    return [(at_ms, e.indices.tolist()) for at_ms, e in told(result.events, IndexPublished)]


def first_dt_ms(result: RunResult) -> list[int]:
    """The time over which the restarted engine's first tick accrues, market by market."""
    dt_ms: list[int] = next(e for e in of(result.events, IndexPublished) if e.epoch == 2).dt_ms.tolist()
    return dt_ms


def ready_at(result: RunResult) -> int:
    """When the restarted engine was ready."""
    states = told(result.events, ServiceState)
    return next(at_ms for at_ms, e in states if (e.service, e.epoch, e.state) == ("funding", 2, "ready"))


@pytest.fixture(scope="module")
def usual() -> RunResult:
    """The same night without a fault."""
    return night()


# ---- what is written ------------------------------------------------------------------------------------------------
def test_lost_write_leaves_the_tick_and_the_other_rows(usual: RunResult) -> None:
    """Dropped rows are in no write while it lasts; cloud and chain get every index; afterwards all rows are written."""
    result = night(LostWrite(step="resume", share_ppm=400_000, lasts_ms=40_000))
    begun_ms = started_at(result.events, "resume")
    sizes = {at_ms: len(rows) for at_ms, rows in writes(result).items()}
    assert published(usual) == published(result)
    assert {1, 2} & {size for at_ms, size in sizes.items() if begun_ms < at_ms < begun_ms + 40_000}
    assert {3} == {size for at_ms, size in sizes.items() if not begun_ms < at_ms < begun_ms + 45_000}


def test_rows_that_say_their_own_time_make_lost_writes_harmless(usual: RunResult) -> None:
    """What the engine reads after the restart is a minute old, so its first tick is a minute longer: no law breaks."""
    result = night(LostWrite(step="maintenance", offset_ms=-60_000, share_ppm=1_000_000, lasts_ms=90_000))
    longer = np.array(first_dt_ms(result)) - np.array(first_dt_ms(usual))
    assert ((longer >= 60_000) & (longer <= 75_000)).all()
    assert set() == broken(result)


LATE = LateWrite(step="maintenance", delay_ms=140_000)
"""The last write before the stop arrives when the engine is already back and has written newer rows."""


def test_late_write_is_a_lost_update_without_compare_and_set() -> None:
    """X3: the old value goes over the newer one, and F4 says by how much the rows fell back."""
    result = night(LATE)
    assert {"F4"} == broken(result)
    ((_, changed),) = told(result.events, IndexRowsChanged)
    assert (changed.made_ms < started_at(result.events, "stop-services")).all()


def test_late_write_is_refused_with_compare_and_set() -> None:
    """The same night with it: the row has another version by then, and nothing changes."""
    result = night(LATE, sets=(CAS,))
    assert [] == told(result.events, IndexRowsChanged)
    assert set() == broken(result)


def test_loader_that_reads_what_the_ticker_overwrote_keeps_the_zero_index_without_compare_and_set() -> None:
    """X3, loader and persister interleaved: with it the good row stays, and all indices are plausible before OK."""
    slow = SlowLoad(step="start-services", mean_ms=9_000)
    assert "M5" in broken(night(slow))
    assert "F3" in broken(night(slow, sets=(CAS,)))
    assert "M5" not in broken(night(slow, sets=(CAS,)))


@pytest.mark.parametrize("sets", [(), (CAS,)])
def test_commit_in_doubt_breaks_nothing_and_is_noticed_by_compare_and_set(sets: tuple[str, ...]) -> None:
    """So many commits are in the database and unanswered; with compare-and-set the write after them is refused once."""
    result = night(CommitInDoubt(step="resume", offset_ms=1_000, commits=2), sets=sets)
    refused = [at_ms for at_ms, rows in writes(result).items() if rows == [0, 0, 0]]
    assert set() == broken(result)
    if sets:  # the second of the two is refused for the first, whose answer was lost: it changes nothing
        assert (1, 1) == (len(told(result.events, IndexRowsChanged)), len(refused))
    else:
        assert (2, 0) == (len(told(result.events, IndexRowsChanged)), len(refused))


def test_crash_before_commit_keeps_nothing_of_the_transaction(usual: RunResult) -> None:
    """The write at which it struck is in no row; the server is down from that instant, and later writes are newer."""
    result = night(CrashBeforeCommit(step="resume", offset_ms=1_000))
    crashed_ms = next(at_ms for at_ms, e in told(result.events, DatabaseState) if e.state == "crashed")
    assert crashed_ms in writes(usual)
    assert not any(crashed_ms <= at_ms < crashed_ms + 8_000 for at_ms in writes(result))
    assert [] == told(result.events, IndexRowsChanged)
    assert published(usual) == published(result)
    assert set() == broken(result)


def test_crash_before_commit_waits_for_a_transaction_and_no_longer_than_it_lasts() -> None:
    """While the engine is stopped nobody writes: nothing happens, and nothing is claimed."""
    result = night(CrashBeforeCommit(step="scale-up", lasts_ms=60_000))
    assert [False] == [evidence.exercised for evidence in result.evidence]
    assert "crashed" not in {e.state for e in of(result.events, DatabaseState)}


# ---- who holds what -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("sets", [(), (CAS,)])
def test_held_rows_are_not_written_while_their_neighbours_are(sets: tuple[str, ...]) -> None:
    """The same rows for the whole time, and all of them again afterwards; no tick waits."""
    result = night(HeldRows(step="resume", share_ppm=400_000, lasts_ms=30_000), sets=sets, seed=2)
    begun_ms = started_at(result.events, "resume")
    during = {tuple(rows) for at_ms, rows in writes(result).items() if begun_ms < at_ms < begun_ms + 30_000}
    assert 1 == len(during)
    assert {0, 1} == set(*during)
    assert {(1, 1, 1)} == {tuple(rows) for at_ms, rows in writes(result).items() if at_ms > begun_ms + 30_000}
    assert set() == broken(result)


def test_locked_table_stops_a_restarted_engine_and_makes_no_zero() -> None:
    """A migration that forgot to end: rows are neither there nor missing, so nobody defaults to zero."""
    held = HeldRows(step="start-services", offset_ms=-5_000, lock="table", lasts_ms=25_000)
    result = night(held, sets=("venue.funding.readiness=all_loaded",))
    assert ready_at(result) >= started_at(result.events, "start-services") + 20_000
    assert not broken(result) & ZERO_INDEX


# ---- promotion ------------------------------------------------------------------------------------------------------
def test_failover_refuses_for_a_while_and_loses_nothing(usual: RunResult) -> None:
    """Ticks go on, writes are missing for so long, no row is other than its clients were told."""
    result = night(Failover(step="resume", offset_ms=1_000, refuse_ms=12_000))
    assert ["primary_lost", "promoted"] == [e.state for e in of(result.events, DatabaseState)][-2:]
    assert published(usual) == published(result)
    assert 2 <= len(writes(usual)) - len(writes(result)) <= 3
    assert [] == told(result.events, IndexRowsChanged)
    assert set() == broken(result)


def test_failover_during_the_copy_finds_nothing_to_promote(usual: RunResult) -> None:
    """The bigger instance has no standby yet."""
    result = night(Failover(step="scale-up", offset_ms=60_000))
    assert [False] == [evidence.exercised for evidence in result.evidence]
    assert usual.digest == result.digest


def test_lost_tail_makes_f4_speak_and_the_restarted_engine_catch_up(usual: RunResult) -> None:
    """A minute of writes is gone; the rows say so, and the first tick after the restart is that much longer."""
    result = night(LostTail(step="drain", lost_ms=60_000))
    assert {"F4"} == broken(result)
    longer = np.array(first_dt_ms(result)) - np.array(first_dt_ms(usual))
    assert ((longer >= 60_000) & (longer <= 75_000)).all()


def test_lost_tail_within_the_declared_lag_is_no_finding() -> None:
    """Copies may be so far apart: F4 judges the venue by what it declares."""
    assert set() == broken(night(LostTail(step="drain", lost_ms=12_000)))


def test_lost_tail_is_noticed_by_compare_and_set() -> None:
    """Versions are gone with the rows: the first write after the promotion is refused, the next one goes through."""
    result = night(LostTail(step="resume", offset_ms=1_000, lost_ms=20_000, refuse_ms=2_000), sets=(CAS,))
    promoted_ms = next(at_ms for at_ms, e in told(result.events, DatabaseState) if e.state == "promoted")
    after = [rows for at_ms, rows in writes(result).items() if at_ms > promoted_ms]
    assert [[0, 0, 0], [1, 1, 1]] == after[:2]
    assert not broken(result) & ZERO_INDEX


# ---- what is read ---------------------------------------------------------------------------------------------------
def heights(result: RunResult, page: str) -> list[int]:
    return [e.height for e in of(result.events, PageRefreshed) if e.service == page]


def test_replica_switch_makes_one_page_go_back_in_time(usual: RunResult) -> None:
    """What it shows falls behind what it has shown, again and again; the other page is as usual; both end up right."""
    result = night(ReplicaSwitch(step="resume", target="vault", every_ms=30_000, far_ms=60_000, lasts_ms=150_000))
    shown = heights(result, "vault")
    assert sorted(heights(usual, "vault")) == heights(usual, "vault")
    assert sorted(shown) != shown
    assert heights(usual, "portfolio") == heights(result, "portfolio")
    assert set() == broken(result)


def test_replica_switch_gives_the_engine_rows_of_two_times(usual: RunResult) -> None:
    """Loads that are spread over the switch read one standby or the other: first ticks of unlike length, caught up."""
    slow = SlowLoad(step="start-services", mean_ms=2_000)
    switch = ReplicaSwitch(step="start-services", target="funding", near_ms=1, far_ms=300_000, every_ms=1_500)
    result = night(slow, switch, sets=("venue.funding.readiness=all_loaded",), seed=3)
    assert 2 == len(set(first_dt_ms(result)))
    assert not broken(result) & ZERO_INDEX


LEFT_OUT = PartialCopy(step="scale-up", share_ppm=600_000)


def test_partial_copy_gives_the_zero_index_to_an_engine_that_ticks_when_its_process_is_up() -> None:
    """The rows that were left out are zero, the others go on: the night of 19 January from a copy alone."""
    result = night(LEFT_OUT)
    missing = {
        int(market)
        for e in of(result.events, LoadCompleted)
        for market, found in zip(e.markets, e.found, strict=True)
        if not found
    }
    before, after = (next(e for e in of(result.events, IndexPublished) if e.epoch == epoch) for epoch in (1, 2))
    zero = {m for m in range(3) if abs(int(after.indices[m])) * 1_000 < abs(int(before.indices[m]))}
    assert ZERO_INDEX <= broken(result)
    assert 0 < len(missing) < 3
    assert missing == zero


def test_partial_copy_keeps_an_engine_waiting_that_compares_with_the_chain() -> None:
    """With ``checksum_verified`` no index is wrong: the engine never ticks, and the window overruns."""
    assert {"W1"} == broken(guarded(LEFT_OUT))


def test_rows_that_come_late_end_the_wait() -> None:
    """The same copy, late instead of left out: half a minute later everything is there, and the venue reopens."""
    late = PartialCopy(step="scale-up", rows="late", share_ppm=600_000, late_ms=40_000)
    result = guarded(late)
    ready_ms = max(
        at_ms for at_ms, e in told(result.events, ServiceState) if (e.service, e.state) == ("funding", "ready")
    )
    assert ready_ms >= started_at(result.events, "start-services") + 15_000
    assert set() == broken(result)


def test_copy_of_another_table_leaves_the_indices(usual: RunResult) -> None:
    """A fault whose time is over before the table's turn comes strikes nothing."""
    result = night(PartialCopy(step="scale-up", share_ppm=1_000_000, lasts_ms=60_000))
    assert [False] == [evidence.exercised for evidence in result.evidence]
    assert usual.digest == result.digest


# ---- what is restored -----------------------------------------------------------------------------------------------
GENESIS = GenesisRestore(step="start-services", lasts_ms=30_000)


def test_genesis_restore_gives_the_zero_index() -> None:
    """X4: rows of the first day are good rows, and whoever believes them starts from zero."""
    assert ZERO_INDEX <= broken(night(GENESIS))
    assert ZERO_INDEX <= broken(night(GENESIS, sets=("venue.funding.readiness=all_loaded",)))


def test_genesis_restore_waits_for_its_end_where_rows_are_compared_with_the_chain() -> None:
    """The checksum finds every row wrong, asks again, and is right once the newest rows are read."""
    result = guarded(GENESIS)
    assert len([e for e in of(result.events, LoadCompleted) if e.epoch == 2]) > 3
    assert set() == broken(result)


def test_nightly_copy_is_old_and_says_so(usual: RunResult) -> None:
    """An index of the evening with its own time: the first tick accrues since then, and no law is broken."""
    result = night(GenesisRestore(step="start-services", artefact="nightly"))
    assert min(first_dt_ms(result)) > max(first_dt_ms(usual)) + 100_000
    assert set() == broken(result)


def test_missing_index_is_zero_only_to_who_takes_absent_for_zero() -> None:
    """X5: default_zero resets it, skip asks until it is there, raise dies until it is there."""
    lacks = MissingField(step="start-services", column="index", lasts_ms=15_000)
    gate = "venue.funding.readiness=all_loaded"
    assert ZERO_INDEX <= broken(night(lacks, sets=(gate,)))
    for on_missing in ("skip", "raise"):
        assert not broken(night(lacks, sets=(gate, f"venue.funding.on_missing={on_missing}"))) & ZERO_INDEX


def test_missing_time_is_the_beginning_of_time_to_who_takes_absent_for_zero(usual: RunResult) -> None:
    """The first tick accrues since the clock's zero instead of since the row: funding is paid twice."""
    lacks = MissingField(step="start-services", column="at_ms")
    result = night(lacks, sets=("venue.funding.readiness=all_loaded",))
    at_ms = next(at_ms for at_ms, e in told(result.events, IndexPublished) if e.epoch == 2)
    assert [at_ms] * 3 == first_dt_ms(result)
    assert at_ms > max(first_dt_ms(usual)) + 100_000


def test_missing_height_is_missed_by_nobody(usual: RunResult) -> None:
    """No engine reads it back: the next write has one again."""
    result = night(MissingField(step="start-services", column="height"))
    assert [True] == [evidence.exercised for evidence in result.evidence]
    assert usual.digest == result.digest
