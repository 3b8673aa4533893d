"""Which two: of a failure that needs an occurrence to come late in its instant, whom it had to let pass."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from drydock.harness.event import Identity, identity_text
from drydock.harness.port import Case, Kit
from drydock.harness.result import RunResult
from drydock.harness.run import run_case
from drydock.harness.sim import Ties
from drydock.harness.tie_log import Instant, Served, play_logged


@dataclass(frozen=True, slots=True)
class Race:
    """In one instant ``late`` was served behind each of ``passed``, all of which FIFO serves after it.

    ``passed`` are those without which the failure does not show; where no single one is needed, all that went before.
    """

    at_ms: int
    late: Identity
    passed: tuple[Identity, ...]

    def __str__(self) -> str:
        others = " and ".join(identity_text(other) for other in self.passed)
        return f"at {self.at_ms:,} ms {identity_text(self.late)} comes after {others}"


def races(case: Case, kit: Kit, fails: Callable[[RunResult], bool]) -> tuple[Race, ...]:
    """The races of a case's laggards, each told as which two (or more), by playing it with the others put back.

    ``fails`` says whether a run shows the failure. One run for the case, and one for each whom a laggard let pass.
    """
    if not case.ties.laggards:
        return ()
    _, log = play_logged(case, kit)
    return tuple(race for late in case.ties.laggards for race in _races(case, kit, fails, log, late))


def _races(
    case: Case, kit: Kit, fails: Callable[[RunResult], bool], log: tuple[Instant, ...], late: Identity
) -> Iterator[Race]:
    for instant in log:
        passed = [one.identity for one in _passed(instant, late)]
        if passed:
            needed = [other for other in passed if not fails(run_case(_waits_too(case, other), kit))]
            yield Race(instant.at_ms, late, tuple(needed or passed))


def _passed(instant: Instant, late: Identity) -> list[Served]:
    """The first occurrence of each other lane that was inserted after ``late`` and served before it."""
    served = [one.identity for one in instant.served]
    if late not in served:
        return []
    place = served.index(late)
    itself = instant.served[place]
    before = [one for one in instant.served[:place] if one.inserted > itself.inserted and one.lane != itself.lane]
    return list({one.lane: one for one in reversed(before)}.values())[::-1]


def _waits_too(case: Case, other: Identity) -> Case:
    """With both late, the two stand as FIFO has them: only what lies between them and the rest is left."""
    return replace(case, ties=Ties("fifo", (*case.ties.laggards, other)))
