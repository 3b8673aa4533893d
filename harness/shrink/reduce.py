"""The passes of shrinking, repeated until none finds anything: fewer parts, simpler ones; and FIFO for seeded ties."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import chain

from drydock.harness.bundle import baseline_regimes
from drydock.harness.event import Identity
from drydock.harness.port import Case, Fault
from drydock.harness.shrink.minimal import minimal
from drydock.harness.shrink.parts import Part, later, parts_of, with_parts
from drydock.harness.shrink.probe import Probe
from drydock.harness.shrink.rounder import rounder
from drydock.harness.sim import Ties

Like = Callable[[Case], Iterable[tuple[Identity, ...]]]
"""Laggards that come close to the order of a case's own seeded ties, the closest first."""
Variants = Callable[[Fault], Iterable[Fault]]
"""What a fault may be exchanged for."""


class Smallest:
    """The smallest failing case so far, part by part. Whatever ends the search, this stands."""

    def __init__(self, case: Case, parts: tuple[Part, ...], hear: Callable[[Case], None] | None = None) -> None:
        self.frame = case
        self.parts = parts
        self._hear = hear

    @classmethod
    def of(cls, case: Case, hear: Callable[[Case], None] | None = None) -> Smallest:
        """The case as it is."""
        return cls(case, parts_of(case), hear)

    @property
    def case(self) -> Case:
        """The case itself."""
        return with_parts(self.frame, self.parts)

    def take(self, parts: tuple[Part, ...], frame: Case | None = None) -> None:
        """A smaller one is found."""
        self.parts, self.frame = parts, frame or self.frame
        if self._hear is not None:
            self._hear(self.case)


def reduce(best: Smallest, probe: Probe) -> None:
    """Shrinks ``best`` to a fixed point: nothing can be left out, and no part or regime made simpler.

    :exc:`~drydock.harness.shrink.probe.BoxFull` ends it early; ``best`` is then the smallest that was found.
    """
    before = None
    while before != best.case:
        before = best.case
        fewer(best, probe)
        _simpler(best, probe, lambda fault: fault.simpler())
        _simpler(best, probe, rounder)
        _plainer_regime(best, probe)


def untie(best: Smallest, probe: Probe, like: Like) -> bool:
    """Seeded ties become FIFO, as plainly as it fails; False where only the seeded order does.

    A fault that happened to strike in the same instant as something of the venue, and before it, is a fault a
    millisecond earlier: that is tried before laggards are, which tell of races of the venue's own.
    """
    if best.frame.ties.mode == "fifo":
        return True
    plain = [_shifted(best.parts, by_ms) for by_ms in (0, -1, 1)]
    return any(_fifo(best, probe, parts) for parts in chain(plain, _late(best, like)))


def _fifo(best: Smallest, probe: Probe, parts: tuple[Part, ...]) -> bool:
    """Takes these parts under FIFO, if they fail too."""
    frame = replace(best.frame, ties=Ties("fifo"))
    if not probe.shows(with_parts(frame, parts)):
        return False
    best.take(parts, frame)
    return True


def _shifted(parts: tuple[Part, ...], by_ms: int) -> tuple[Part, ...]:
    """The same faults so much later, as far as each may be."""
    return tuple(p if isinstance(p.what, tuple) else replace(p, what=later(p.what, by_ms)) for p in parts)


def _late(best: Smallest, like: Like) -> Iterator[tuple[Part, ...]]:
    """The parts, and after them laggards that come close to the seeded order."""
    after = 1 + max((part.origin for part in best.parts), default=-1)
    for late in like(best.case):
        yield (*best.parts, *(Part(after + n, laggard) for n, laggard in enumerate(late)))


def fewer(best: Smallest, probe: Probe) -> None:
    """Leaves out parts until every one that is left is needed; they stay as they are."""

    def first(candidates: Iterable[tuple[Part, ...]]) -> int | None:
        tried: list[tuple[Part, ...]] = []

        def cases() -> Iterator[Case]:
            for candidate in candidates:
                tried.append(candidate)
                yield with_parts(best.frame, candidate)

        hit = probe.first(cases())
        if hit is not None:
            best.take(tried[hit])
        return hit

    minimal(best.parts, first)


def _simpler(best: Smallest, probe: Probe, variants_of: Variants) -> None:
    """Each fault in turn, until none of its variants fails in the same way."""
    for number in range(len(best.parts)):
        known = {best.parts[number].what}
        while _one_simpler(best, probe, number, variants_of, known):
            pass


def _one_simpler(
    best: Smallest, probe: Probe, number: int, variants_of: Variants, known: set[Fault | Identity]
) -> bool:
    """Takes the first variant that still fails. ``known`` was taken before, and is not taken again."""
    part = best.parts[number]
    if isinstance(part.what, tuple):
        return False
    variants = [variant for variant in variants_of(part.what) if variant not in known]
    plans = [(*best.parts[:number], replace(part, what=variant), *best.parts[number + 1 :]) for variant in variants]
    hit = probe.first(with_parts(best.frame, plan) for plan in plans)
    if hit is None:
        return False
    known.add(variants[hit])
    best.take(plans[hit])
    return True


def _plainer_regime(best: Smallest, probe: Probe) -> None:
    """A regime that the scenario names before this one: scenarios name the quietest first."""
    known = baseline_regimes(best.frame.scenario)
    now = best.frame.regime
    frames = [replace(best.frame, regime=regime) for regime in known[: known.index(now) if now in known else 0]]
    hit = probe.first(with_parts(frame, best.parts) for frame in frames)
    if hit is not None:
        best.take(best.parts, frames[hit])
