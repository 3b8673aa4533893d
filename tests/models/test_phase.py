"""Phases: what happens every five seconds happens at ``t mod 5 s``, whoever restarted when."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from drydock.models.events import HealthChecked, PricesPublished
from drydock.models.makers import REQUOTE_MS, SEND_MS
from drydock.models.order_events import MarkSampled, QuotesPlaced
from drydock.models.phase import to_phase_ms
from tests.models.floor import BOOK, NO_TRIGGERS, STILL
from tests.nights import Stage, told

PHASES = ("venue.oracle.mark_phase_ms=700ms", "venue.liquidation.check_phase_ms=1s")


@given(st.integers(0, 10**8), st.integers(1, 10**5), st.integers(0, 10**6))
def test_wait_ends_at_the_first_instant_of_the_phase(now_ms: int, period_ms: int, phase_ms: int) -> None:
    """Not before now, less than a period away, and at the phase."""
    wait_ms = to_phase_ms(now_ms, period_ms, phase_ms)
    assert 0 <= wait_ms < period_ms
    assert phase_ms % period_ms == (now_ms + wait_ms) % period_ms


def times(stage: Stage, payload: type, *, after_ms: int = 0) -> set[int]:
    """At which time within five seconds something happened."""
    return {at_ms % 5_000 for at_ms, _ in told(stage.events, payload) if at_ms > after_ms}


def crashing(restart_ms: int, *names: str) -> Stage:
    """Services die at an odd time of a moving night and come back when their supervisor says so."""
    stage = Stage(BOOK, *STILL, *NO_TRIGGERS, *PHASES, regime="calm").at(31_234)
    for name in names:
        assert stage.world.services[name].crash(restart_ms)
    return stage.at(115_000)


@pytest.mark.parametrize("restart_ms", [1, 777, 3_210, 12_345])
def test_marks_and_checks_keep_their_phase_through_a_restart(restart_ms: int) -> None:
    """A mark at 0.7 s, a check at 1 s, whatever the time of the crash and of the return."""
    stage = crashing(restart_ms, "market_data", "liquidator")
    assert {700} == times(stage, PricesPublished) == times(stage, MarkSampled)
    assert {1_000} == times(stage, HealthChecked)
    assert 12 < len(stage.of(PricesPublished)) < 23


def test_without_a_phase_a_restart_moves_the_tick() -> None:
    """The control: counted from the service's start, the marks come at another time afterwards."""
    stage = Stage(BOOK, *STILL, *NO_TRIGGERS, regime="calm").at(31_234)
    stage.world.market_data.crash(1_111)
    stage.at(115_000)
    assert 2 == len(times(stage, PricesPublished))


def test_first_check_of_a_restarted_liquidator_comes_a_period_after_it_at_the_earliest() -> None:
    """Nobody is assessed on what was loaded a moment ago; and then at the phase."""
    stage = crashing(1_000, "liquidator")
    ready_ms = next(t for t, _ in told(stage.events, HealthChecked) if t > 31_234)
    assert ready_ms >= 31_234 + 1_000 + stage.world.venue.liquidation.check_ms
    assert 1_000 == ready_ms % 5_000


def test_makers_look_in_their_phase_and_more_often_in_post_only() -> None:
    """At 3.5 s of five, in POST_ONLY every second."""
    stage = Stage(BOOK, *STILL, *NO_TRIGGERS, regime="calm").at(110_000)
    late_ms = SEND_MS + REQUOTE_MS
    assert {3_500 + late_ms} == times(stage, QuotesPlaced, after_ms=1_000)
    stage.world.set_mode("post_only")
    stage.at(118_900)
    assert {500 + late_ms} == {t % 1_000 for t, _ in told(stage.events, QuotesPlaced) if t > 110_000}


def test_a_mark_is_never_computed_between_a_sweep_of_the_vault_and_the_makers_next_look() -> None:
    """The default phases: mark, check, unwinding, makers, in this order within each five seconds."""
    venue = Stage(BOOK, is_started=False).world
    book = venue.venue.order_book
    assert book is not None
    assert 0 < book.unwind_phase_ms < venue.population.traders.maker_phase_ms < book.unwind_ms
