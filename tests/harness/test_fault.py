"""What every fault can do by its fields alone: simpler variants, and the floor under a plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar, cast

from drydock.harness.fault import floors_of, is_legal, simpler_fields, smallest
from drydock.harness.port import Fault, Floor, Range, Scenario


@dataclass(frozen=True, slots=True)
class Cut:
    """A cut line; of three, one must be left."""

    kind: ClassVar[str] = "cut"
    floor: ClassVar[Floor] = Floor("line-", 1)
    step: str = "restart"
    target: str = "line-1"
    offset_ms: Annotated[int, Range(-500, 500)] = 0
    lasts_ms: Annotated[int, Range(100, 10_000, log=True)] = 100

    @classmethod
    def targets(cls, scenario: Scenario) -> Sequence[str]:
        return ("line-1", "line-2", "line-3", "power")

    def applicable(self, scenario: Scenario) -> bool:
        return self.target in self.targets(scenario)


NOWHERE = cast(Scenario, None)


def cut(target: str = "line-1", offset_ms: int = 0, lasts_ms: int = 100) -> Fault:
    return cast(Fault, Cut(target=target, offset_ms=offset_ms, lasts_ms=lasts_ms))


def test_simpler_fields_go_to_their_smallest_magnitude_first_then_half_way() -> None:
    """Field by field, each variant with one field changed."""
    fault = cut(offset_ms=-400, lasts_ms=900)
    assert [(0, 900), (-200, 900), (-400, 100), (-400, 500)] == [
        (f.offset_ms, f.lasts_ms)  # type: ignore[attr-defined]
        for f in simpler_fields(fault)
    ]


def test_simplest_fault_has_no_simpler_variant() -> None:
    """Shrinking comes to an end."""
    assert [] == list(simpler_fields(cut()))


def test_every_chain_of_simpler_variants_ends() -> None:
    """Following the last variant each time, the slowest way down, ends too."""
    fault, steps = cut(offset_ms=500, lasts_ms=10_000), 0
    while variants := list(simpler_fields(fault)):
        fault, steps = variants[-1], steps + 1
    assert (cut(), True) == (fault, steps < 40)


def test_smallest_value_of_a_range_is_the_one_nearest_to_zero() -> None:
    """Also where zero lies outside of it."""
    assert [0, 100, -7] == [smallest(bounds) for bounds in (Range(-5, 5), Range(100, 200), Range(-9, -7))]


def test_plan_below_the_floor_is_illegal() -> None:
    """Two of three lines may be cut, all three not; another kind of target does not count."""
    two = [cut("line-1"), cut("line-2"), cut("power")]
    assert [True, False] == [is_legal(two, NOWHERE), is_legal([*two, cut("line-3")], NOWHERE)]
    assert is_legal([*two, cut("line-2", lasts_ms=300)], NOWHERE)


def test_plan_with_a_fault_that_does_not_apply_is_illegal() -> None:
    """It would test less than it says."""
    assert not is_legal([cast(Fault, replace(cast(Cut, cut()), target="roof"))], NOWHERE)


def test_fault_without_a_floor_has_none() -> None:
    """Nothing is demanded of a class that declares nothing."""
    assert ((Floor("line-", 1),), ()) == (floors_of(type(cut())), floors_of(cast(type[Fault], object)))
