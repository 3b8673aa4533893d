"""What may go wrong in a scenario: every kind of fault that has something to strike there, wherever it may strike it.

A search is not bound to the scenario's threats: it may use every kind, and says which were outside of them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from itertools import product
from typing import Any, NamedTuple, TypeVar, cast

from drydock.harness import registry
from drydock.harness.bundle import baseline_regimes
from drydock.harness.fault import is_legal, is_of_kit, keeps_floors, smallest, targets_of
from drydock.harness.mistakes import Mistakes
from drydock.harness.plan import Plan, fault_class, sample_range
from drydock.harness.port import Fault, Kit, Range, Scenario, Step, Threat
from drydock.harness.stream import Stream
from drydock.harness.typed import Shape, build, shapes_of

_T = TypeVar("_T")
_PLACE = ("step", "target")
OFFSET = "offset_ms"
_TIME = "_ms"


class Cell(NamedTuple):
    """One kind of fault at one step and target."""

    kind: str
    step: str
    target: str


class Span(NamedTuple):
    """A planned stretch of the night, in ms from its start."""

    from_ms: int
    to_ms: int


def pick(items: Sequence[_T], rng: Stream) -> _T:
    """One of the items, each equally likely."""
    return items[rng.below(len(items))]


class Space:
    """The kinds, cells, slips and regimes that apply to a scenario, and how faults are drawn from them.

    With ``within_threats`` it is the design basis alone: what the threats name, within their ranges. With ``kinds`` it
    is these kinds alone.
    """

    def __init__(
        self,
        scenario: Scenario,
        kit: Kit,
        regimes: Sequence[str] = (),
        *,
        within_threats: bool = False,
        kinds: Collection[str] = (),
    ) -> None:
        self.scenario = scenario
        self.kit = kit
        self.regimes = tuple(regimes) or baseline_regimes(scenario)
        self.steps = tuple(kit.anchors(scenario))
        steps = kit.steps(scenario)
        self.planned_ms = {step.name: step.planned_ms for step in steps}
        ends = [step.planned_ms + step.duration_ms for step in steps]
        self.night = Span(0, max(ends, default=0))
        self._is_narrow = within_threats
        self._only = frozenset(kinds)
        self._plainest = dict(self._faults())
        self.cells = tuple(self._plainest)
        self.by_kind: dict[str, list[Cell]] = {}
        for cell in self.cells:
            self.by_kind.setdefault(cell.kind, []).append(cell)
        self.kinds = tuple(self.by_kind)
        self.slips = tuple(self._slips(steps))
        self.incident_slips = tuple(self._slips(kit.unplanned(scenario)))

    # ---- faults ----------------------------------------------------------------------------------------------
    def plain(self, cell: Cell) -> Fault:
        """The fault of a cell with every field at its default; where there is none, at its least or first value."""
        return self._plainest[cell]

    def drawn(self, cell: Cell, rng: Stream) -> Fault:
        """A fault of a cell: each field at its default, at the far end of its range, or drawn from the whole of it."""
        fault = self.plain(cell)
        return self.varied(fault, {shape.name: self._value(shape, fault, rng) for shape in self._free(fault)})

    def sampled(self, cell: Cell, rng: Stream) -> Fault:
        """A fault of a cell with every field drawn from the whole of its range, as a sweep draws it."""
        fault = self.plain(cell)
        return self.varied(fault, {shape.name: self._sampled(shape, fault, rng) for shape in self._free(fault)})

    def placed(self, fault: Fault, offset_ms: int) -> Fault:
        """The fault at a distance from its step, or as near to it as its range allows."""
        bounds = self.offsets(fault)
        near_ms = min(max(offset_ms, bounds.low), bounds.high)
        return fault if near_ms == fault.offset_ms else self.varied(fault, {OFFSET: near_ms})

    def hurried(self, fault: Fault, most_ms: int, rng: Stream) -> Fault:
        """The fault with every time beyond ``most_ms`` drawn anew up to that, orders of magnitude evenly but from zero.

        Its distance from the step stays, and so does a time that has to be longer.
        """
        values = {}
        for shape in self._free(fault):
            bounds = self.bounds(fault, shape)
            if bounds is not None and shape.name.endswith(_TIME) and bounds.low <= most_ms < getattr(fault, shape.name):
                low_ms = max(bounds.low, 0)
                values[shape.name] = sample_range(Range(low_ms, most_ms, log=low_ms > 0), rng)
        return self.varied(fault, values) if values else fault

    def offsets(self, fault: Fault) -> Range:
        """How far from its step a fault may be, in ms."""
        found = (self.bounds(fault, shape) for shape in shapes_of(type(fault)) if shape.name == OFFSET)
        return next(found, None) or Range(fault.offset_ms, fault.offset_ms)

    def bounds(self, fault: Fault, shape: Shape) -> Range | None:
        """The range of a field, or what a threat leaves of it; None for a field without one."""
        if shape.bounds is None or not self._is_narrow:
            return shape.bounds
        threats = _threats_at(Cell(fault.kind, fault.step, fault.target), self.scenario)
        low, high = threats[0].ranges.get(shape.name, (shape.bounds.low, shape.bounds.high))
        return Range(low, high, shape.bounds.log)

    def variants(self, fault: Fault, shape: Shape) -> tuple[Any, ...]:
        """Every choice of a field, or the least, the default and the greatest value of its range."""
        bounds = self.bounds(fault, shape)
        if bounds is None:
            return self.choices(shape)
        return tuple(dict.fromkeys((bounds.low, getattr(fault, shape.name), bounds.high)))

    def fields(self, fault: Fault) -> tuple[Shape, ...]:
        """The fields that say more than where: ranges and choices."""
        shapes = shapes_of(type(fault))
        return tuple(s for s in shapes if s.name not in _PLACE and (s.bounds or self.choices(s)))

    def choices(self, shape: Shape) -> tuple[Any, ...]:
        """The values of a field without a range; a text that names a step may be any step."""
        return self.steps if shape.hint is str and shape.name.endswith("step") else shape.choices

    def legal(self, faults: Sequence[Fault]) -> Plan:
        """The faults, first to last, as far as a plan of them is legal; none twice."""
        plan: Plan = ()
        for fault in faults:  # those of the plan apply already: asking them again would be quadratic
            if (
                fault not in plan
                and self._is_inside(fault)
                and fault.applicable(self.scenario)
                and keeps_floors((*plan, fault), self.scenario)
            ):
                plan = (*plan, fault)
        return plan

    def _value(self, shape: Shape, fault: Fault, rng: Stream) -> Any:
        """The near end of a range is next to no fault at all, and is left to chance; smaller is what shrinking does."""
        how = rng.below(8)
        if how == 0:
            return getattr(fault, shape.name)
        bounds = self.bounds(fault, shape)
        if how < 3 and bounds is not None:
            return bounds.high if bounds.low >= 0 else pick((bounds.low, bounds.high), rng)
        return self._sampled(shape, fault, rng)

    def _sampled(self, shape: Shape, fault: Fault, rng: Stream) -> Any:
        bounds = self.bounds(fault, shape)
        return pick(self.choices(shape), rng) if bounds is None else sample_range(bounds, rng)

    def _is_wanted(self, kind: str) -> bool:
        return not self._only or kind in self._only

    def _is_inside(self, fault: Fault) -> bool:
        return not self._is_narrow or is_threat(fault, self.scenario)

    def varied(self, fault: Fault, values: dict[str, Any]) -> Fault:
        """The fault with other values, where that applies; the fault as it was where it does not."""
        changed = replace(cast(Any, fault), **values)
        return cast(Fault, changed) if changed.applicable(self.scenario) else fault

    def _free(self, fault: Fault) -> list[Shape]:
        return [shape for shape in self.fields(fault) if shape.name != OFFSET]

    # ---- what there is ---------------------------------------------------------------------------------------
    def _faults(self) -> Iterator[tuple[Cell, Fault]]:
        for kind, cls in registry.faults().items():
            if is_of_kit(cls, self.scenario.kit) and self._is_wanted(kind):
                for step, target in product(self.steps, targets_of(cls, self.scenario)):
                    cell = Cell(kind, step, target)
                    if self._is_narrow and not _threats_at(cell, self.scenario):
                        continue
                    fault = self._first_legal(cls, {"step": step, "target": target})
                    if fault is not None:
                        yield cell, self._narrowed(fault)

    def _narrowed(self, fault: Fault) -> Fault:
        """The fault with every field within the range that is left of it."""
        changed = {}
        for shape in shapes_of(type(fault)):
            bounds = self.bounds(fault, shape)
            if bounds is not None:
                changed[shape.name] = min(max(getattr(fault, shape.name), bounds.low), bounds.high)
        return self.varied(fault, changed)

    def _first_legal(self, cls: type[Fault], place: dict[str, str]) -> Fault | None:
        """The plainest fault there; of a second step that it needs, the first that is legal. None where none is."""
        plain: dict[str, Any] = {}
        open_fields: dict[str, tuple[Any, ...]] = {}
        for shape in shapes_of(cls):
            if shape.name in place:
                continue
            if shape.bounds is None and shape.hint is str and self.choices(shape):
                open_fields[shape.name] = self.choices(shape)
            elif shape.is_required:
                if shape.bounds is None and not shape.choices:
                    return None  # nobody can draw it
                plain[shape.name] = shape.choices[0] if shape.bounds is None else smallest(shape.bounds)
        for values in product(*open_fields.values()):
            fault = cls(**place, **plain, **dict(zip(open_fields, values, strict=True)))
            if is_legal((fault,), self.scenario):
                return fault
        return None

    def _slips(self, steps: Sequence[Step]) -> Iterator[Fault]:
        """What operators may get wrong, step by step, as far as it is a legal fault of this scenario."""
        for step in steps:
            for data in self.kit.edits(step):
                mistakes = Mistakes()
                cls = fault_class(data, (), lambda _: "", mistakes)
                slip = None if cls is None else build(cls, data, (), lambda _: "", mistakes)
                if (
                    slip is not None
                    and self._is_wanted(slip.kind)
                    and self._is_inside(slip)
                    and is_legal((slip,), self.scenario)
                ):
                    yield slip


def is_threat(fault: Fault, scenario: Scenario) -> bool:
    """Whether the scenario's threats name this fault: its kind, step, target, and all that they narrow."""
    return any(
        all(low <= getattr(fault, name) <= high for name, (low, high) in threat.ranges.items())
        for threat in _threats_at(Cell(fault.kind, fault.step, fault.target), scenario)
    )


def _threats_at(cell: Cell, scenario: Scenario) -> list[Threat]:
    return [t for t in scenario.threats if t.kind == cell.kind and cell.step in t.steps and cell.target in t.targets]
