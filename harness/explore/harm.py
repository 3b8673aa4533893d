"""Harm: a search for the most expensive night, by changing the most expensive ones so far."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, ClassVar, NamedTuple, cast

from drydock.harness.explore.crowd import Crowd
from drydock.harness.explore.space import OFFSET, Cell, Space, pick
from drydock.harness.explore.strategy import Outcome, Searcher, anchored
from drydock.harness.plan import Plan, sample_range
from drydock.harness.port import Case, Fault, Range
from drydock.harness.stream import Stream
from drydock.harness.typed import Shape

_ELITE = 12
_FAULTS_MAX = 6
_STEP_MS = 10_000


class Costly(NamedTuple):
    """A case and the harm that it did, in 1e-6 USD."""

    harm_quantums: int
    case: Case


class Harm(Searcher):
    """Keeps the costliest nights, whoever proposed them, and varies them.

    A field, the place or the time of a fault, a fault more or less or another instead, two plans in one, another seed.
    It begins with crowds, which are costlier than single faults by far. What it finds is the worst that was *found*: no
    bound, and no estimate of one.
    """

    name: ClassVar[str] = "harm"
    sentence: ClassVar[str] = "the costliest nights so far, with a field, a fault, a time or the seed changed"

    def __init__(self, space: Space) -> None:
        super().__init__(space)
        self._elite: list[Costly] = []
        self._crowd = Crowd(space)
        self._changes: tuple[Callable[[Plan, Stream], Sequence[Fault]], ...] = (
            self._field,
            self._field,
            self._moved,
            self._added,
            self._added,
            self._removed,
            self._replaced,
            self._crossed,
            self._same,
        )

    @property
    def scope(self) -> str:
        """How many nights it varies."""
        return f"{len(self._elite)} costly nights kept" if self._elite else "no harm seen yet"

    def propose(self, rng: Stream, count: int) -> Sequence[Case]:
        """Children of costly nights; crowds while there are none."""
        return [self._child(rng) for _ in range(count)] if self.space.cells else []

    def learn(self, case: Case, outcome: Outcome) -> None:
        """Keeps the costliest cases; of equal ones the earlier."""
        if outcome.harm_quantums > 0 and not outcome.error and case.plan:
            self._elite.append(Costly(outcome.harm_quantums, case))
            self._elite.sort(key=lambda costly: -costly.harm_quantums)  # stable: the earlier stays before
            del self._elite[_ELITE:]

    def _child(self, rng: Stream) -> Case:
        if not self._elite:
            return self.case(self._crowd.next_plan(rng), rng)
        parent = min(self._parent(rng), self._parent(rng))
        case = self._elite[parent].case
        plan = self.space.legal(pick(self._changes, rng)(case.plan, rng)) or case.plan
        fresh = self.case(plan, rng)
        is_same = plan == case.plan or rng.below(4) == 0
        return fresh if is_same else replace(case, plan=plan)

    def _parent(self, rng: Stream) -> int:
        return rng.below(len(self._elite))

    def _fresh(self, rng: Stream) -> Fault:
        return anchored(self.space, self.cell(rng), rng)

    # ---- what may be changed ---------------------------------------------------------------------------------
    def _same(self, plan: Plan, rng: Stream) -> Sequence[Fault]:
        return plan

    def _field(self, plan: Plan, rng: Stream) -> Sequence[Fault]:
        """One field of one fault nearer to another value."""
        place = rng.below(len(plan))
        fault = plan[place]
        shapes = self.space.fields(fault)
        if not shapes:
            return plan
        shape = pick(shapes, rng)
        varied = cast(Fault, replace(cast(Any, fault), **{shape.name: self._neighbour(fault, shape, rng)}))
        return (*plan[:place], varied, *plan[place + 1 :])

    def _neighbour(self, fault: Fault, shape: Shape, rng: Stream) -> Any:
        bounds = self.space.bounds(fault, shape)
        if bounds is None:
            return pick(self.space.choices(shape), rng)
        low, high, now = bounds.low, bounds.high, getattr(fault, shape.name)
        if shape.name == OFFSET:
            near = Range(max(low, now - _STEP_MS), min(high, now + _STEP_MS))
            return sample_range(near, rng)
        values = (low, high, (now + low) // 2, (now + high) // 2, sample_range(bounds, rng))
        return min(max(pick((*values, now * 2, now // 2), rng), low), high)

    def _moved(self, plan: Plan, rng: Stream) -> Sequence[Fault]:
        """One fault at another step or target of its kind, with the fields that it has."""
        place = rng.below(len(plan))
        fault = plan[place]
        cells = self.space.by_kind.get(fault.kind, [])
        if not cells:
            return plan
        cell: Cell = pick(cells, rng)
        moved = cast(Fault, replace(cast(Any, fault), step=cell.step, target=cell.target))
        return (*plan[:place], moved, *plan[place + 1 :])

    def _added(self, plan: Plan, rng: Stream) -> Sequence[Fault]:
        return plan if len(plan) >= _FAULTS_MAX else (*plan, self._fresh(rng))

    def _removed(self, plan: Plan, rng: Stream) -> Sequence[Fault]:
        place = rng.below(len(plan))
        return (*plan[:place], *plan[place + 1 :])

    def _replaced(self, plan: Plan, rng: Stream) -> Sequence[Fault]:
        return self._added(tuple(self._removed(plan, rng)), rng)

    def _crossed(self, plan: Plan, rng: Stream) -> Sequence[Fault]:
        """Some faults of this plan, some of another costly one."""
        both = (*plan, *self._elite[self._parent(rng)].case.plan)
        return [fault for fault in both if rng.below(2)][:_FAULTS_MAX]
