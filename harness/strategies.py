"""Hypothesis strategies: legal plans of a scenario, from the same fields and ranges from which a sweep draws.

They shrink to fewer faults, to the first kind, step and target, to no distance from the step, and to the value of each
range that is nearest to nothing.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from hypothesis import strategies as st

from drydock.harness import registry
from drydock.harness.explore.space import OFFSET, Cell, Space
from drydock.harness.mistakes import did_you_mean
from drydock.harness.plan import Plan
from drydock.harness.port import Fault, Range, Scenario
from drydock.harness.typed import Shape


def plans(scenario: Scenario, faults: tuple[int, int], kinds: Collection[str], within_threats: bool) -> Any:
    """The strategy behind :func:`drydock.harness.testing.fault_plans`, which says what it takes and raises."""
    __tracebackhide__ = True
    least, most = faults
    if not 0 <= least <= most:
        raise ValueError(f"faults: got ({least}, {most}); allowed: (least, most), 0 <= least <= most")
    space = Space(scenario, registry.kit(scenario.kit), within_threats=within_threats, kinds=_known(kinds))
    if not space.cells and least:
        raise ValueError(_nothing(scenario, kinds, within_threats))
    if not space.cells or not most:
        return st.just(())
    one = st.sampled_from(space.cells).flatmap(lambda cell: _fault(space, cell))

    # A slot for each fault, and not a list: to leave a fault out is then to change one choice, which shrinks well.
    slots = st.tuples(*(st.none() | one | one for _ in range(most)))

    def is_whole(plan: Plan) -> bool:
        return len(plan) >= least

    return slots.map(lambda drawn: space.legal([fault for fault in drawn if fault is not None])).filter(is_whole)


def _known(kinds: Collection[str]) -> Collection[str]:
    __tracebackhide__ = True
    known = registry.faults()
    for kind in kinds:
        if kind not in known:
            raise ValueError(f"kinds: there is no fault '{kind}'; {did_you_mean(kind, known)}")
    return kinds


def _nothing(scenario: Scenario, kinds: Collection[str], within_threats: bool) -> str:
    what = f"none of {', '.join(kinds)}" if kinds else "no fault"
    if within_threats:
        return f"the threats of scenario {scenario.name} name {what}; within_threats=False goes beyond them"
    return f"{what} has anything to strike in scenario {scenario.name}"


def _fault(space: Space, cell: Cell) -> st.SearchStrategy[Fault]:
    plain = space.plain(cell)
    fields = {shape.name: _field(space, plain, shape) for shape in space.fields(plain)}
    return st.fixed_dictionaries(fields).map(lambda values: space.varied(plain, values))


def _field(space: Space, plain: Fault, shape: Shape) -> st.SearchStrategy[Any]:
    bounds = space.bounds(plain, shape)
    if bounds is None:
        return st.sampled_from(space.choices(shape))
    if shape.name == OFFSET:
        return st.just(getattr(plain, shape.name)) | st.integers(bounds.low, bounds.high)
    return in_range(bounds)


def in_range(bounds: Range) -> st.SearchStrategy[int]:
    """A value of the range, both ends included; where it is ``log``, every power of two is as likely.

    The whole range comes first: to it a value of any size can be moved, and there be shrunk to the smallest that fails.
    """
    whole = st.integers(bounds.low, bounds.high)
    if not bounds.log or bounds.low < 0:
        return whole
    sizes = range(bounds.low.bit_length(), bounds.high.bit_length() + 1)
    return st.one_of([whole, *(_of_size(bits, bounds) for bits in sizes)])


def _of_size(bits: int, bounds: Range) -> st.SearchStrategy[int]:
    smallest = 1 << (bits - 1) if bits else 0
    return st.integers(max(bounds.low, smallest), min(bounds.high, (1 << bits) - 1))
