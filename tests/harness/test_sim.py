"""Sim: whole milliseconds, lanes, budgets, and the traps of SimPy."""

from __future__ import annotations

from typing import NamedTuple

import pytest
import simpy

from drydock.harness.event import event
from drydock.harness.sim import BudgetExhausted, Sim, Steps


@event("noted")
class Noted(NamedTuple):
    """A test's own event."""

    value: int


def test_a_delay_that_is_not_an_integer_is_refused() -> None:
    """Time is whole milliseconds: a float delay raises, whoever schedules it."""
    sim = Sim(1)
    with pytest.raises(TypeError, match=r"0\.5 is not an integer"):
        sim.sleep(0.5)  # type: ignore[arg-type]


def test_a_call_into_the_past_is_refused() -> None:
    """A timer that would ring before now raises and names its lane."""
    sim = Sim(1)
    sim.run_until(100)
    with pytest.raises(ValueError, match="clock:call at 99 ms lies in the past"):
        sim.call_at(99, print, None, sim.lane_of("clock"))


def test_a_duration_is_exclusive() -> None:
    """``run_until(t)`` leaves what is at ``t`` for later."""
    sim, seen = Sim(1), []
    for at_ms in (99, 100):
        sim.call_at(at_ms, seen.append, at_ms, sim.lane_of("clock"))
    sim.run_until(100)
    assert [99] == seen
    sim.run_until(101)
    assert [99, 100] == seen


def test_two_ends_of_a_run_may_fall_on_one_millisecond() -> None:
    """An end that an event made superfluous does not disturb a later end at the same time."""
    sim = Sim(1)
    bell = sim.event()
    sim.call_at(40, lambda _: bell.succeed(), None, sim.lane_of("clock"))
    sim.run_until(100, bell)
    assert 40 == sim.now_ms
    sim.run_until(100)
    assert 100 == sim.now_ms


def test_a_run_ends_with_the_event_it_waits_for() -> None:
    """Nothing later is served once the awaited event was, and an event long over ends a run at once."""
    sim, seen = Sim(1), []
    bell = sim.event()
    lane = sim.lane_of("clock")
    sim.call_at(40, lambda _: bell.succeed(), None, lane)
    sim.call_at(41, seen.append, 41, lane)
    sim.run_until(100, bell)
    sim.run_until(100, bell)
    assert ([], 40) == (seen, sim.now_ms)


def test_a_loop_without_delay_ends_by_the_event_budget() -> None:
    """A process that never lets time pass is stopped, at the budget and not later."""
    sim = Sim(1, event_budget=1000)

    def spin() -> Steps:
        while True:
            yield sim.sleep(0)

    sim.spawn("spinner", spin())
    with pytest.raises(BudgetExhausted, match="0 ms"):
        sim.run_until(1)
    assert 1000 == sim.served


def test_the_budget_is_shared_by_all_stretches_of_a_run() -> None:
    """What one ``run_until`` served is not there for the next."""
    sim = Sim(1, event_budget=10)
    for at_ms in range(12):
        sim.call_at(at_ms, lambda _: None, None, sim.lane_of("clock"))
    sim.run_until(6)
    with pytest.raises(BudgetExhausted):
        sim.run_until(12)
    assert 10 == sim.served


def test_an_exception_of_a_process_that_nobody_awaits_ends_the_run() -> None:
    """A failed event with no waiter is raised: a harness error, never silence."""
    sim = Sim(1)

    def fail() -> Steps:
        yield sim.sleep(1)
        raise LookupError("lost")

    sim.spawn("loser", fail())
    with pytest.raises(LookupError, match="lost"):
        sim.run_until(10)


def test_what_a_process_emits_and_schedules_is_of_its_lane() -> None:
    """Lane and cause pass from an event to what its handler brings about."""
    sim = Sim(1, keep_trace=True)
    client = sim.lane_of("client")

    def service() -> Steps:
        sim.emit(Noted(1))
        sim.call_in(5, lambda value: sim.emit(Noted(value)), 2, client)
        yield sim.sleep(10)
        sim.emit(Noted(3))

    sim.spawn("service", service())
    sim.run_until(100)
    kept = sim.recorder.kept or []
    assert [("service", None), ("client", ("service", "noted", 1)), ("service", ("service", "noted", 1))] == [
        (happened.lane, happened.cause) for happened in kept
    ]


def test_an_interrupted_get_inside_a_with_leaves_no_ghost() -> None:
    """``with store.get() as g``: the next item reaches the next reader, and not a reader that is gone."""
    sim, seen = Sim(1), []
    store = simpy.Store(sim)

    def reader(name: str) -> Steps:
        with store.get() as item:
            seen.append((name, (yield item)))

    def stage() -> Steps:
        gone = sim.spawn("gone", _suppressing(reader("gone")))
        yield sim.sleep(1)
        gone.interrupt()
        yield sim.sleep(1)
        sim.spawn("here", reader("here"))
        yield store.put("letter")

    sim.spawn("stage", stage())
    sim.run_until(100)
    assert [("here", "letter")] == seen


def test_interrupting_a_dead_process_raises() -> None:
    """Whoever interrupts asks ``is_alive`` first; SimPy does not."""
    sim = Sim(1)
    process = sim.spawn("short", _suppressing(iter(())))
    sim.run_until(1)
    assert not process.is_alive
    with pytest.raises(RuntimeError, match="has terminated"):
        process.interrupt()


def test_several_interrupts_of_one_instant_all_arrive() -> None:
    """None is lost, and they come in order."""
    sim, causes = Sim(1), []

    def patient() -> Steps:
        while len(causes) < 2:
            try:
                yield sim.event()
            except simpy.Interrupt as interrupt:
                causes.append(interrupt.cause)

    def stage() -> Steps:
        process = sim.spawn("patient", patient())
        yield sim.sleep(1)
        process.interrupt("first")
        process.interrupt("second")

    sim.spawn("stage", stage())
    sim.run_until(10)
    assert ["first", "second"] == causes


def test_the_finally_of_a_crashed_process_runs() -> None:
    """So a crash can still write: durable writes need an incarnation token, and the model has to bring it."""
    sim, written = Sim(1), []

    def writer() -> Steps:
        try:
            yield sim.event()
        finally:
            written.append(sim.now_ms)

    def stage() -> Steps:
        process = sim.spawn("writer", _suppressing(writer()))
        yield sim.sleep(7)
        process.interrupt()

    sim.spawn("stage", stage())
    sim.run_until(10)
    assert [7] == written


def _suppressing(steps: Steps) -> Steps:
    """A supervisor: an Interrupt ends the process quietly."""
    try:
        yield from steps
    except simpy.Interrupt:
        return
