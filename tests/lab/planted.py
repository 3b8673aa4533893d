"""What the proving ground is made of: the right build, mistakes planted into it, and right builds that look alike.

Faults of the basis (the threats of ``lab.yaml``), or the order of one instant, show a mistake; without either, in FIFO
order, the venue that has it is clean. A control changes the same place and is right: nothing of the basis breaks a
safety law of it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from drydock.harness.event import identity_text, parse_identity
from drydock.harness.mistakes import Mistakes
from drydock.harness.plan import plan_from_plain, plan_to_plain
from drydock.harness.port import Case, Law, Scenario, WorldMaker
from drydock.harness.scenario import load_scenario
from drydock.harness.sim import Sim, Ties
from drydock.models.kit import VenueKit
from drydock.models.world import VenueWorld

HERE = Path(__file__).resolve().parent
SCENARIO = HERE / "lab.yaml"
WITNESSES = HERE / "witnesses.json"
REGIME = "calm"
FIFO = Ties("fifo")


@dataclass(frozen=True, slots=True)
class Bug:
    """A right build with one planted mistake, and the law that it breaks.

    ``needs`` is how many faults the smallest story has that is known; 0 where the order of an instant is enough.
    ``sets`` are settings over ``lab.yaml``, ``world`` is a venue with one wrong part.
    """

    name: str
    sentence: str
    law: str
    needs: int
    sets: tuple[str, ...] = ()
    world: WorldMaker | None = None


@dataclass(frozen=True, slots=True)
class Control:
    """A right build that looks like the bug ``like``."""

    name: str
    sentence: str
    like: str
    sets: tuple[str, ...] = ()
    world: WorldMaker | None = None


class LabKit(VenueKit):
    """The venue's kit with a world of its own, and, to search for one law, with that law alone."""

    def __init__(self, world: WorldMaker | None = None, law: str = "") -> None:
        self._world = world
        self._law = law

    def world(self, case: Case, sim: Sim) -> Any:
        """The build under test."""
        return (self._world or VenueWorld)(case, sim)

    def laws(self, scenario: Scenario) -> Sequence[Law]:
        """All of them; or the one that is looked for: a law changes nothing of a run."""
        laws = super().laws(scenario)
        return [law for law in laws if law.id == self._law] if self._law else laws


@cache
def scenario(*sets: str) -> Scenario:
    """``lab.yaml`` with these settings."""
    return load_scenario(str(SCENARIO), sets)


def kit_of(build: Bug | Control, law: str = "") -> LabKit:
    """What plays a build."""
    return LabKit(build.world, law)


def empty_case(build: Bug | Control, seed: int) -> Case:
    """A night without faults, in FIFO order."""
    return Case(scenario(*build.sets), REGIME, (), seed, FIFO)


# ---- witnesses ----------------------------------------------------------------------------------------------------
@cache
def witnesses() -> dict[str, Any]:
    """By bug: seed, plan and laggards of a small case that shows it."""
    data: dict[str, Any] = json.loads(WITNESSES.read_text(encoding="utf-8"))
    return data


def witness(bug: Bug, *sets: str) -> Case:
    """The case that shows a bug; with other settings than the bug's, the same plan elsewhere."""
    kept = witnesses()[bug.name]
    mistakes = Mistakes()
    plan = plan_from_plain(kept["plan"], (), lambda _: WITNESSES.name, mistakes)
    mistakes.raise_if_any()
    laggards = tuple(parse_identity(text) for text in kept["laggards"])
    return Case(scenario(*sets), REGIME, plan, kept["seed"], Ties("fifo", laggards))


def witness_to_plain(case: Case) -> dict[str, Any]:
    """A case of a known scenario as it is kept."""
    return {
        "seed": case.seed,
        "plan": plan_to_plain(case.plan),
        "laggards": [identity_text(late) for late in case.ties.laggards],
    }


def keep_witness(bug: Bug, case: Case) -> None:
    """Writes the case that shows a bug."""
    kept = json.loads(WITNESSES.read_text(encoding="utf-8")) if WITNESSES.exists() else {}
    kept[bug.name] = witness_to_plain(case)
    WITNESSES.write_text(json.dumps(dict(sorted(kept.items())), indent=1) + "\n", encoding="utf-8")
