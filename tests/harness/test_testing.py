"""What is offered to tests: one night, and plans for ``@given``."""

from __future__ import annotations

from dataclasses import replace
from types import ModuleType

import pytest
from hypothesis import HealthCheck, Phase, find, given, settings, target
from hypothesis.errors import NoSuchExample

from drydock.harness.explore.space import is_threat
from drydock.harness.fault import is_legal
from drydock.harness.port import Fault, Range
from drydock.harness.run import HarnessError
from drydock.harness.strategies import in_range
from drydock.harness.testing import LawBroken, fault_plans, night, scenario
from tests.faults.example import AS_HAPPENED

BENCH = scenario("bench")
GUARDLESS = scenario("bench", *AS_HAPPENED)
FEW = settings(max_examples=8, suppress_health_check=[HealthCheck.too_slow])


@FEW
@given(plan=fault_plans(BENCH, faults=(1, 3)))
def test_every_drawn_plan_is_legal_and_of_the_threats(plan: tuple[Fault, ...]) -> None:
    """As many faults as asked for, each within what the scenario fears."""
    assert 1 <= len(plan) <= 3
    assert is_legal(plan, BENCH)
    assert all(is_threat(fault, BENCH) for fault in plan)


@FEW
@given(plan=fault_plans("bench", kinds=("pause", "swizzle"), within_threats=False))
def test_kinds_and_scenario_go_by_name(plan: tuple[Fault, ...]) -> None:
    """Beyond the threats, of these kinds alone."""
    assert {fault.kind for fault in plan} <= {"pause", "swizzle"}
    assert is_legal(plan, BENCH)


@FEW
@given(plan=fault_plans(BENCH))
def test_no_threat_of_the_bench_venue_breaks_a_law(plan: tuple[Fault, ...]) -> None:
    """It is built to withstand them; the search is led by harm, to the costliest of its nights."""
    played = night(BENCH, plan).check()
    target(float(played.harm_quantums), label="harm in 1e-6 USD")


def test_a_failing_plan_shrinks_to_one_plain_fault() -> None:
    """Fewer faults, no distance from the step, and the least of each field that still fails."""
    drawn = fault_plans(GUARDLESS, faults=(1, 3), kinds=("slow_load", "oracle_delay"))
    (fault,) = find(
        drawn,
        lambda plan: any(fault.kind == "slow_load" and fault.mean_ms >= 3_000 for fault in plan),  # type: ignore[attr-defined]
        settings=settings(max_examples=500, database=None, derandomize=True, phases=(Phase.generate, Phase.shrink)),
    )
    assert ("slow_load", 0, 3_000) == (fault.kind, fault.offset_ms, fault.mean_ms)  # type: ignore[attr-defined]


@pytest.mark.parametrize("bounds", [Range(3, 70, log=True), Range(0, 7, log=True), Range(-5, 5)])
def test_both_ends_of_a_range_are_drawn_and_nothing_beyond(bounds: Range) -> None:
    """Found at either end, and never outside."""
    quiet = settings(max_examples=300, database=None, derandomize=True)
    assert bounds.high == find(in_range(bounds), lambda value: value == bounds.high, settings=quiet)
    assert bounds.low == find(in_range(bounds), lambda value: value <= bounds.low, settings=quiet)
    with pytest.raises(NoSuchExample):
        find(in_range(bounds), lambda value: not bounds.low <= value <= bounds.high, settings=quiet)


WRONG = [
    ({"faults": (2, 1)}, "faults: got"),
    ({"kinds": ("crush",)}, "kinds: there is no fault 'crush'; did you mean 'crash'"),
    ({"kinds": ("pause",)}, "the threats of scenario bench name none of pause; within_threats=False goes beyond them"),
    ({"kinds": ("makers_late",), "within_threats": False}, "none of makers_late has anything to strike"),
]  # fmt: skip


@pytest.mark.parametrize(("how", "told"), WRONG)
def test_what_can_draw_nothing_is_told_at_once(how: dict[str, object], told: str) -> None:
    """And not by a test that passes because it never ran."""
    with pytest.raises(ValueError, match=told):
        fault_plans(BENCH, **how)  # type: ignore[arg-type]


def test_a_broken_night_is_told_with_its_plan_and_findings() -> None:
    """As an AssertionError, so that Hypothesis shrinks it and pytest shows it."""
    with pytest.raises(LawBroken) as caught:
        night(GUARDLESS, GUARDLESS.reported).check()
    text = str(caught.value)
    assert text.startswith("bench breaks F1, ")
    assert "with SlowLoad(step='start-services'" in text
    assert "are published before their rows were loaded" in text


def test_a_service_law_decides_only_where_it_is_asked_for() -> None:
    """One night says nothing of a share of nights."""
    late = scenario("bench", "runbook.window_ms=1m")
    assert () == night(late).failures
    assert ("W1",) == night(late, laws=["W1"]).broken
    with pytest.raises(ValueError, match="law: 'W9' is not a law of this scenario"):
        night(late, laws=["W9"])


def test_what_a_night_cannot_be_is_told() -> None:
    """A regime that is not there, and a fault with nothing to strike, would test nothing."""
    with pytest.raises(ValueError, match="regime: 'storm' is not in scenario bench; calm"):
        night(BENCH, regime="storm")
    lost = replace(BENCH.reported[0], step="nowhere")  # type: ignore[type-var]
    with pytest.raises(ValueError, match="slow_load: there is no step 'nowhere' in scenario bench; allowed: "):
        night(BENCH, [lost])


def test_a_run_that_says_nothing_is_no_pass(toy: ModuleType) -> None:
    """A law that raises judges nothing."""
    with pytest.raises(HarnessError, match="the law lost its way"):
        night(toy.scenario(trouble="law raises"))
