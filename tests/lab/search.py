"""One search of the proving ground: how many runs until a planted law is broken; how often a right build is accused."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from drydock.harness.explore.found import Failure
from drydock.harness.explore.search import ExploreOptions, explore
from drydock.harness.port import Case
from drydock.harness.shrink.shrink import shrink
from drydock.harness.stream import derive_seed
from tests.lab.bugs import BUGS
from tests.lab.controls import CONTROLS
from tests.lab.planted import Bug, Control, kit_of, scenario

CAP = 2_000
PORTFOLIO = "portfolio"
_SEED_BITS = 40


class Shown(Exception):
    """The planted law is broken: the search is over."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure)
        self.failure = failure


class Accused(NamedTuple):
    """A law that a right build was accused of, with the case and the detail."""

    law: str
    detail: str
    case: Case


def bug_of(name: str) -> Bug:
    """By name; ``KeyError`` for an unknown one."""
    return {bug.name: bug for bug in BUGS}[name]


def control_of(name: str) -> Control:
    """By name; ``KeyError`` for an unknown one."""
    return {control.name: control for control in CONTROLS}[name]


def search(bug: Bug, strategy: str, seed: int, cap: int = CAP) -> Failure | None:
    """The first failure of the planted law, with the number of its run; None where so many runs do not show it.

    Every search has dice of its own: the same seed means other plans for another bug.
    """

    def found(failure: Failure) -> None:
        raise Shown(failure)

    try:
        explored = explore(
            scenario(*bug.sets), kit_of(bug, bug.law), _options(bug.name, strategy, seed, cap, bug.law, found)
        )
    except Shown as shown:
        return shown.failure
    if explored.errors:
        raise RuntimeError(f"{bug.name}: {explored.errors[0]}")
    return None


def accusations(control: Control, strategy: str, seed: int, runs: int) -> list[Accused]:
    """Every signature that so many runs show of a right build: there should be none."""
    told: list[Accused] = []

    def found(failure: Failure) -> None:
        told.append(Accused(str(failure.signature), failure.finding.detail, failure.case))

    explored = explore(
        scenario(*control.sets), kit_of(control), _options(control.name, strategy, seed, runs, "", found)
    )
    if explored.errors:
        raise RuntimeError(f"{control.name}: {explored.errors[0]}")
    return told


def smallest(bug: Bug, failure: Failure) -> Case:
    """The failure's case as small as it becomes."""
    return shrink(failure.case, failure.signature, kit_of(bug, bug.law), max_time_s=None, has_alternatives=False).case


def _options(
    name: str, strategy: str, seed: int, budget: int, law: str, found: Callable[[Failure], None]
) -> ExploreOptions:
    return ExploreOptions(
        budget=budget,
        seed=derive_seed(seed, f"lab/{name}") & ((1 << _SEED_BITS) - 1),
        law=law,
        strategies=() if strategy == PORTFOLIO else (strategy,),
        within_threats=True,
        found=found,
    )
