"""The parts of a case: its faults and its laggards. They are left out one by one, and the faults made simpler."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from drydock.harness.event import Identity, identity_text
from drydock.harness.port import Case, Fault
from drydock.harness.sim import Ties
from drydock.harness.typed import ranges_of, shapes_of


@dataclass(frozen=True, slots=True)
class Part:
    """One fault or one laggard. ``origin`` is its place among the parts of the case that was to be shrunk."""

    origin: int
    what: Fault | Identity

    @property
    def is_fault(self) -> bool:
        """Whether it is a fault, and no laggard."""
        return not isinstance(self.what, tuple)

    def __str__(self) -> str:
        return f"{identity_text(self.what)} is served last" if isinstance(self.what, tuple) else fault_text(self.what)


def parts_of(case: Case) -> tuple[Part, ...]:
    """The faults of a case, then its laggards."""
    things: tuple[Fault | Identity, ...] = (*case.plan, *case.ties.laggards)
    return tuple(Part(origin, what) for origin, what in enumerate(things))


def with_parts(case: Case, parts: Iterable[Part]) -> Case:
    """The case with these parts and no others."""
    kept = tuple(parts)
    plan = tuple(part.what for part in kept if not isinstance(part.what, tuple))
    laggards = tuple(part.what for part in kept if isinstance(part.what, tuple))
    return replace(case, plan=plan, ties=Ties(case.ties.mode, laggards))


def without(parts: Sequence[Part], number: int) -> tuple[Part, ...]:
    """All parts but one."""
    return (*parts[:number], *parts[number + 1 :])


def later(fault: Fault, by_ms: int) -> Fault:
    """The fault so much later; itself where its offset has no range, or would leave it."""
    bounds = ranges_of(type(fault)).get("offset_ms")
    moved_ms = fault.offset_ms + by_ms
    if bounds is None or not bounds.low <= moved_ms <= bounds.high:
        return fault
    return cast(Fault, replace(cast(Any, fault), offset_ms=moved_ms))


def fault_text(fault: Fault) -> str:
    """A fault in one line: ``slow_load at start-services, on funding: offset_ms -10, mean_ms 2000``."""
    told = [f"{shape.name} {getattr(fault, shape.name)}" for shape in shapes_of(type(fault)) if shape.name not in _HEAD]
    on = f", on {fault.target}" if fault.target else ""
    return f"{fault.kind} at {fault.step}{on}" + (f": {', '.join(told)}" if told else "")


_HEAD = ("step", "target")
