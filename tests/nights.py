"""Small nights for tests: real worlds on packaged scenarios, whole or step by step, and what happened in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any, TypeVar

from drydock.harness.event import Event
from drydock.harness.port import Case, Fault, Scenario
from drydock.harness.result import RunResult
from drydock.harness.run import run_case
from drydock.harness.scenario import load_scenario
from drydock.harness.sim import Sim
from drydock.models.kit import VenueKit
from drydock.models.world import VenueWorld

P = TypeVar("P")
MANY_MARKETS = "venue.markets.only=[]"
"""All 117 markets instead of the bench venue's three."""

scenario = lru_cache(maxsize=64)(lambda name, *sets: load_scenario(name, sets))


def bench(*sets: str) -> Scenario:
    """The bench venue with these settings over it."""
    found: Scenario = scenario("bench", *sets)
    return found


def case_of(scenario: Scenario, plan: Sequence[Fault] = (), seed: int = 1, regime: str = "calm") -> Case:
    """One case of this scenario."""
    return Case(scenario, regime, tuple(plan), seed)


def play(*sets: str, plan: Sequence[Fault] = (), seed: int = 1, regime: str = "calm", name: str = "bench") -> RunResult:
    """A whole night, with its events. It must not end in a harness error."""
    result = run_case(case_of(scenario(name, *sets), plan, seed, regime), VenueKit(), keep_trace=True)
    assert result.error == ""
    return result


class Stage:
    """A world that a test steps through: ``at(ms)`` serves everything before that time."""

    def __init__(
        self,
        *sets: str,
        seed: int = 1,
        regime: str = "flat",
        is_started: bool = True,
        make: Callable[[Case, Sim], VenueWorld] = VenueWorld,
    ) -> None:
        self.sim = Sim(seed, keep_trace=True)
        self.world = make(case_of(bench(*sets), (), seed, regime), self.sim)
        if is_started:
            self.world.start()

    def at(self, at_ms: int) -> Stage:
        """Runs up to, and not including, a time."""
        self.sim.run_until(at_ms)
        return self

    @property
    def events(self) -> list[Event]:
        """All that happened so far."""
        return list(self.sim.recorder.kept or ())

    def of(self, payload: type[P]) -> list[P]:
        """The data of all events of this kind so far."""
        return [data for _, data in told(self.events, payload)]


def told(events: Sequence[Event] | None, payload: type[P]) -> list[tuple[int, P]]:
    """(time in ms, data) of all events of this kind, in order."""
    return [(event.at_ms, event.data) for event in events or () if isinstance(event.data, payload)]


def of(events: Sequence[Event] | None, payload: type[P]) -> list[P]:
    """The data of all events of this kind, in order."""
    return [data for _, data in told(events, payload)]


def started_at(events: Sequence[Event] | None, step: str) -> int:
    """When a step of the runbook began; ``StopIteration`` where it never did."""
    from drydock.models.events import StepStarted

    return next(at_ms for at_ms, data in told(events, StepStarted) if data.step == step)


def broken(result: RunResult) -> set[str]:
    """The ids of the laws that were broken."""
    return {finding.law for finding in result.findings}


def zipped(*columns: Any) -> Iterator[tuple[int, ...]]:
    """Rows of arrays as plain integers."""
    return zip(*(column.tolist() for column in columns), strict=True)
