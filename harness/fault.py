"""What every fault can do by its fields alone: simpler variants of itself, and the legality of a plan."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, cast

from drydock.harness.port import Fault, Floor, Range, Scenario
from drydock.harness.typed import shapes_of


def simpler_fields(fault: Fault) -> Iterator[Fault]:
    """Variants with one ranged field nearer to nothing: first at its smallest magnitude, then half-way there.

    Simplest first, field by field in order of the class. A fault whose fields mean "more of it is simpler" says so in a
    ``simpler`` of its own.
    """
    given = cast(Any, fault)
    for shape in shapes_of(type(fault)):
        if shape.bounds is None:
            continue
        now, least = getattr(fault, shape.name), smallest(shape.bounds)
        for value in dict.fromkeys((least, least + int((now - least) / 2))):
            if value != now:
                yield replace(given, **{shape.name: value})


def smallest(bounds: Range) -> int:
    """The value of a range that is nearest to zero."""
    return min(max(bounds.low, 0), bounds.high)


def targets_of(cls: type[Fault], scenario: Scenario) -> Sequence[str]:
    """What a kind can strike there; nothing where it is of another kit and does not know this kind of venue."""
    try:
        return cls.targets(scenario)
    except (AttributeError, LookupError, TypeError):
        return ()


def floors_of(cls: type[Fault]) -> tuple[Floor, ...]:
    """What a kind of fault must leave: one floor or several; empty where it says nothing."""
    floor: Floor | tuple[Floor, ...] = getattr(cls, "floor", ())
    return (floor,) if isinstance(floor, Floor) else floor


def is_of_kit(cls: type[Fault], kit: str) -> bool:
    """Whether a kind of fault is made for the scenarios of this kit; one that names no kit is asked by its targets."""
    return getattr(cls, "kit", kit) == kit


def is_legal(plan: Sequence[Fault], scenario: Scenario) -> bool:
    """Whether every fault applies there and no kind goes below its floor."""
    return all(fault.applicable(scenario) for fault in plan) and keeps_floors(plan, scenario)


def keeps_floors(plan: Sequence[Fault], scenario: Scenario) -> bool:
    """Whether no kind goes below its floor there."""
    return not any(_sunk(plan, scenario))


def _sunk(plan: Sequence[Fault], scenario: Scenario) -> Iterable[bool]:
    for cls in {type(fault) for fault in plan}:
        for floor in floors_of(cls):
            standing = {name for name in cls.targets(scenario) if name.startswith(floor.prefix)}
            standing -= {fault.target for fault in plan if type(fault) is cls}
            yield len(standing) < floor.least
