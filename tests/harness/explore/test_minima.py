"""The smallest cases: which there are in the end does not depend on who was shrunk first."""

from __future__ import annotations

import math
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest

from drydock.harness.explore.found import Failure
from drydock.harness.explore.minima import Boxes, Minima
from drydock.harness.explore.minimum import Minimum
from drydock.harness.explore.search import ExploreOptions, explore
from drydock.harness.explore.turns import Turn
from drydock.harness.registry import kit
from drydock.harness.report.explored import in_order
from drydock.harness.signature import Signature


@pytest.fixture
def failures(toy: ModuleType) -> tuple[Failure, ...]:
    """Two failures of a toy that does not wait for its loads: T1 and, of the same runs, T3."""
    scenario = toy.scenario(waits=False)
    return explore(scenario, kit("toy"), ExploreOptions(budget=60)).failures


def shrunk(failures: tuple[Failure, ...], **boxes: Any) -> tuple[Minimum, ...]:
    with Minima(kit("toy"), failures[0].case.scenario, Boxes(**boxes)) as minima:
        for failure in failures:
            minima.take(failure)
    return minima.found


def test_beside_the_search_or_within_it_the_minima_are_the_same(failures: tuple[Failure, ...]) -> None:
    """A thread of its own changes when, and not what."""
    assert [minimum.failure.signature.law for minimum in shrunk(failures)] == ["T1"]
    assert shrunk(failures) == shrunk(failures, is_beside=True)


def test_whoever_comes_first_the_one_that_was_found_first_is_kept(failures: tuple[Failure, ...]) -> None:
    """Whichever of the two costs more: the minimum of the one that was found first shows the other."""
    one, other = failures
    for costs in ((5, 9), (9, 5)):
        pair = tuple(replace(f, harm_quantums=cost) for f, cost in zip((one, other), costs, strict=True))
        found = shrunk(pair, is_beside=True)
        assert [one.signature] == [minimum.failure.signature for minimum in found]
        assert other.signature in found[0].shows


def test_first_it_says_what_is_needed_and_then_in_its_simplest_form(failures: tuple[Failure, ...]) -> None:
    """The rough smallest case has the same parts; what is told last is what is kept."""
    told: list[Minimum] = []
    with Minima(kit("toy"), failures[0].case.scenario, Boxes(), told.append) as minima:
        minima.take(failures[0])
        assert [True] == [minimum.is_rough for minimum in minima.found]
    rough, last = told
    assert (last,) == minima.found
    assert (True, False) == (rough.is_rough, last.is_rough)
    assert len(rough.shrunk.case.plan) == len(last.shrunk.case.plan) == 1
    assert rough.shrunk.is_minimal
    assert last.shrunk.is_minimal


def test_what_is_proven_is_told_before_what_is_not_and_the_costliest_first(failures: tuple[Failure, ...]) -> None:
    """A long list that may not be the smallest tells a reader least, whatever it costs."""
    (known,) = shrunk(failures)
    unproven = replace(known, shrunk=replace(known.shrunk, is_minimal=False), harm_quantums=9)
    cheap, costly = (replace(known, harm_quantums=harm) for harm in (1, 5))
    assert [costly, cheap, unproven] == in_order([unproven, cheap, costly])


def test_a_failure_that_is_shown_already_has_no_minimum_of_its_own(failures: tuple[Failure, ...]) -> None:
    """T3 breaks in the smallest case of T1."""
    (minimum,) = shrunk(failures)
    assert {"T1", "T3"} == {signature.law for signature in minimum.shows}
    assert minimum.shrunk.is_minimal


def test_another_run_that_takes_fewer_parts_gives_the_smallest_case(failures: tuple[Failure, ...]) -> None:
    """Two late starts that are both needed in one run; in the next, one is enough: that is told, and of which run."""
    slow, _ = failures
    (alone,) = shrunk((slow,))
    later = replace(slow, run=slow.run + 1, case=alone.shrunk.case)
    needs_two = replace(alone, shrunk=replace(alone.shrunk, case=replace(slow.case, plan=alone.shrunk.case.plan * 2)))

    class NeedsTwo(Minima):
        def _minimum(self, turn: Turn, left_s: float) -> Minimum | None:
            return needs_two if turn.failure is slow else super()._minimum(turn, left_s)

    with NeedsTwo(kit("toy"), slow.case.scenario, Boxes()) as minima:
        minima.take(slow)
        assert [2] == [minimum.size for minimum in minima.found]
        minima.take(later)
    (kept,) = minima.found
    assert (later.run, 1, slow) == (kept.run, kept.size, kept.failure)


def test_a_failure_that_does_not_show_again_has_none(failures: tuple[Failure, ...]) -> None:
    """What its own case does not show cannot be shrunk."""
    assert () == shrunk((replace(failures[0], signature=Signature("T1", "elsewhere")),))


def test_where_time_is_short_and_one_process_does_both_half_of_it_is_for_the_search(
    failures: tuple[Failure, ...],
) -> None:
    """A dozen failures of a first run would keep a single processor until the time is over."""
    now_s, shrunk_at_s = [0.0], []

    class TenSecondsEach(Minima):
        def _minimum(self, turn: Turn, left_s: float) -> Minimum | None:
            shrunk_at_s.append(now_s[0])
            now_s[0] += 10
            return None

    boxes = Boxes(deadline_s=1_000, clock=lambda: now_s[0])
    with TenSecondsEach(kit("toy"), failures[0].case.scenario, boxes) as minima:
        for run in range(4):
            minima.take(replace(failures[0], run=run, signature=Signature("T1", f"{run}")))
        while now_s[0] < 55:
            now_s[0] += 1  # a run of the search
            minima.go_on()
        assert [0, 20, 40] == shrunk_at_s
    assert [0, 20, 40, 55] == shrunk_at_s  # and the rest when the search is over


def test_past_the_deadline_and_without_a_box_nothing_is_shrunk(failures: tuple[Failure, ...]) -> None:
    """A box of no time, or a deadline that is over."""
    assert () == shrunk(failures, box_s=0.0)
    assert () == shrunk(failures, deadline_s=-math.inf)


@pytest.mark.parametrize("is_beside", [False, True])
def test_ctrl_c_ends_it_and_what_is_found_stands(failures: tuple[Failure, ...], is_beside: bool) -> None:
    """The minima until then are kept."""
    minima = Minima(kit("toy"), failures[0].case.scenario, Boxes(is_beside=is_beside))

    def interrupted() -> None:
        with minima:
            minima.take(failures[0])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert len(minima.found) <= 1


def test_once_it_is_stopped_nothing_that_waits_is_shrunk(failures: tuple[Failure, ...]) -> None:
    """Leaving after a stop does not go on with what waits, nor with what was put aside."""
    minima = Minima(kit("toy"), failures[0].case.scenario, Boxes(is_beside=True))
    minima.stop()
    with minima:
        minima.take(failures[0])
    assert () == minima.found


def test_an_error_beside_the_search_is_told_to_who_waits(failures: tuple[Failure, ...]) -> None:
    """It must not end in a thread that nobody looks at."""

    def tell(minimum: Minimum) -> None:
        raise LookupError("nobody listens")

    minima = Minima(kit("toy"), failures[0].case.scenario, Boxes(is_beside=True), tell)
    with pytest.raises(LookupError, match="nobody listens"), minima:
        minima.take(failures[0])


def test_a_design_basis_is_told_from_what_lies_outside(toy: ModuleType) -> None:
    """The faults of a smallest case that no threat names are listed with it."""
    scenario = toy.scenario(waits=False, threats=())
    found = explore(scenario, kit("toy"), ExploreOptions(budget=60)).failures
    (minimum,) = shrunk(found)
    assert minimum.shrunk.case.plan == minimum.outside != ()
