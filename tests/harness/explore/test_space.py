"""What may go wrong in a scenario, and how faults are drawn from it."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

from drydock.harness.explore.portfolio import NAMES, portfolio
from drydock.harness.explore.space import Cell, Space, is_threat
from drydock.harness.explore.strategy import anchored
from drydock.harness.fault import is_legal
from drydock.harness.port import Threat
from drydock.harness.registry import faults, kit
from drydock.harness.stream import Stream
from drydock.harness.typed import ranges_of
from tests.nights import bench

WHOLE = {Cell("SlowCount", step, target) for step in ("restart", "rest") for target in ("first", "both")}


def toy_space(toy: ModuleType, **changes: Any) -> Space:
    return Space(toy.scenario(**changes), toy.ToyKit())


def test_the_space_is_every_kind_at_every_step_and_target_that_it_can_strike(toy: ModuleType) -> None:
    """Threats do not narrow it, and faults of another kit are not asked."""
    assert WHOLE == set(toy_space(toy).cells)
    assert WHOLE == set(toy_space(toy, threats=()).cells)


def test_a_scenario_without_a_part_has_no_fault_of_it(toy: ModuleType) -> None:
    """Kinds without targets are left out, and a space may be empty."""

    class Bare(toy.ToyKit):  # type: ignore[name-defined, misc]
        def anchors(self, scenario: Any) -> tuple[str, ...]:
            return ("lunch",)

    space = Space(toy.scenario(), Bare())
    assert () == space.cells == space.kinds


def test_every_cell_of_the_venue_is_legal_and_every_kind_with_targets_has_one() -> None:
    """On the bench venue each cell has a fault that applies there."""
    space = Space(bench(), kit("venue"))
    assert all(is_legal((space.plain(cell),), bench()) for cell in space.cells)
    kinds = {kind for kind, cls in faults().items() if getattr(cls, "kit", "") == "venue" and cls.targets(bench())}
    assert set(space.kinds) <= kinds
    assert {"crash", "early_start", "oracle_delay", "slow_load", "stale_read"} <= set(space.kinds)


@pytest.mark.parametrize("seed", range(10))
def test_drawn_faults_stay_within_their_ranges_and_are_legal(seed: int) -> None:
    """Whatever is drawn of whatever kind applies to the scenario, every field within its range."""
    space, rng = Space(bench(), kit("venue")), Stream(seed, "drawn")
    for kind in space.kinds:
        cell = space.by_kind[kind][rng.below(len(space.by_kind[kind]))]
        for fault in (anchored(space, cell, rng), space.drawn(cell, rng), space.sampled(cell, rng)):
            assert is_legal((fault,), bench())
            assert cell == Cell(fault.kind, fault.step, fault.target)
            assert all(b.low <= getattr(fault, name) <= b.high for name, b in ranges_of(type(fault)).items())


def test_times_are_anchored_at_just_beside_and_far_from_the_step(toy: ModuleType) -> None:
    """Of many draws some lie on the step, some within milliseconds, some at a tenth of the range and more."""
    space, rng = toy_space(toy), Stream(1, "anchored")
    offsets = [anchored(space, space.cells[0], rng).offset_ms for _ in range(400)]
    assert 100 < offsets.count(0) < 250
    assert any(-10 <= offset < 0 for offset in offsets)
    assert any(offset < -100 for offset in offsets)


def test_a_hurried_fault_takes_no_longer_than_it_may(toy: ModuleType) -> None:
    """Its place stays, also one that is further away; what is short enough, or has to be longer, stays as it is."""
    fault, rng = toy.SlowCount(offset_ms=-400, delay_ms=250), Stream(1, "haste")
    hurried = {toy_space(toy).hurried(fault, 100, rng) for _ in range(60)}
    assert {-400} == {seen.offset_ms for seen in hurried}
    assert 80 < max(seen.delay_ms for seen in hurried) <= 100
    assert len(hurried) > 20
    assert fault == toy_space(toy).hurried(fault, 250, rng)
    threats = (Threat("SlowCount", ("restart",), ("both",), {"delay_ms": (200, 300)}),)
    narrow = Space(toy.scenario(threats=threats), toy.ToyKit(), within_threats=True)
    assert fault == narrow.hurried(fault, 100, rng)
    assert {200} == {narrow.hurried(fault, 200, rng).delay_ms for _ in range(8)}


def test_a_plan_is_legal_and_has_no_fault_twice(toy: ModuleType) -> None:
    """What does not apply is left out, and so is what is there already."""
    space = toy_space(toy)
    fault, other = toy.SlowCount(), toy.SlowCount(step="lunch")
    assert (fault,) == space.legal([fault, other, fault])


def test_a_fault_is_a_threat_where_the_scenario_names_it(toy: ModuleType) -> None:
    """Kind, step, target, and the ranges that the threat narrows."""
    threats = (Threat("SlowCount", ("restart",), ("first",), {"delay_ms": (0, 50)}),)
    scenario = toy.scenario(threats=threats)
    assert is_threat(toy.SlowCount(target="first", delay_ms=50), scenario)
    assert not is_threat(toy.SlowCount(target="first", delay_ms=51), scenario)
    assert not is_threat(toy.SlowCount(target="both", delay_ms=50), scenario)
    assert not is_threat(toy.SlowCount(step="rest", target="first", delay_ms=50), scenario)


@pytest.mark.parametrize("name", NAMES)
def test_within_the_threats_every_proposal_is_a_threat(name: str) -> None:
    """Whatever a strategy proposes: kinds, places and ranges of the design basis alone."""
    space = Space(bench(), kit("venue"), within_threats=True)
    for case in portfolio(space, 1, [name]).strategies[0].propose(Stream(1, "within"), 60):
        assert all(is_threat(fault, bench()) for fault in case.plan)


def test_slips_are_the_kits_edits_as_far_as_they_are_legal(toy: ModuleType) -> None:
    """An edit that names no fault, or one that does not apply, is no slip."""
    assert ["restart", "rest"] == [slip.step for slip in Space(toy.scenario(), slipping(toy)).slips]


def slipping(toy: ModuleType) -> Any:
    """A toy whose operators may slow a load."""

    class Slipping(toy.ToyKit):  # type: ignore[name-defined, misc]
        def edits(self, step: Any) -> list[dict[str, Any]]:
            return [
                {"kind": "SlowCount", "step": step.name, "delay_ms": 7},
                {"kind": "SlowCount", "step": step.name, "target": "nobody"},
                {"edit": "skip"},
            ]

    return Slipping()


def test_a_space_of_some_kinds_has_no_others_and_none_of_their_slips() -> None:
    """Whoever asks for a kind searches with that alone."""
    space = Space(bench(), kit("venue"), kinds=["crash", "operator_skips"])
    assert {"crash", "operator_skips"} == set(space.kinds)
    assert {"operator_skips"} == {slip.kind for slip in space.slips}
