"""Plays the cases of a shrinker on several processors: a few candidates ahead, of which the first that fails counts."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import NamedTuple

from drydock.harness.port import Case, Kit, Scenario
from drydock.harness.shrink.player import Alone, Seen
from drydock.harness.sim import DEFAULT_EVENT_BUDGET
from drydock.harness.sweep import Crew


class _Asked(NamedTuple):
    """A case on its way; ``packed`` is all but the scenario, as bytes: classes of a plan may be loaded only there."""

    number: int
    packed: bytes
    law: str | None


@dataclass(frozen=True, slots=True)
class _Seat:
    """What a worker has: the scenario, and who plays."""

    kit: Kit
    scenario: Scenario
    event_budget: int

    def play(self, asked: _Asked) -> tuple[int, Seen]:
        """How one case fails, with its number: answers come as they are done."""
        regime, plan, seed, ties = pickle.loads(asked.packed)
        player = Alone(self.kit, self.scenario, self.event_budget)
        return asked.number, player.seen([Case(self.scenario, regime, plan, seed, ties)], asked.law)[0]


class Crowd:
    """A :class:`~drydock.harness.shrink.player.Player` with workers, as a context manager; for cases of one scenario.

    It pays where a run takes longer than a tenth of a second: half of what is played ahead is for nothing. Nothing that
    is found depends on how many workers there are.
    """

    def __init__(self, kit: Kit, scenario: Scenario, workers: int, event_budget: int = DEFAULT_EVENT_BUDGET) -> None:
        self.width = workers
        self._crew: Crew[_Asked, tuple[int, Seen]] = Crew(_Seat(kit, scenario, event_budget), workers)

    def __enter__(self) -> Crowd:
        self._crew.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._crew.__exit__(kind, error, at)

    def seen(self, cases: Sequence[Case], law: str | None = None) -> list[Seen]:
        """How each case fails."""
        asked = [
            _Asked(number, pickle.dumps((case.regime, case.plan, case.seed, case.ties)), law)
            for number, case in enumerate(cases)
        ]
        return [seen for _, seen in sorted(self._crew.play(asked), key=lambda done: done[0])]
