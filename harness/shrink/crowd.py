"""Plays the cases of a shrinker on several processors: a few candidates ahead, of which the first that fails counts."""

from __future__ import annotations

import pickle
import time
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import NamedTuple

from drydock.harness.port import Case, Kit, Scenario
from drydock.harness.shrink.player import Alone, Seen
from drydock.harness.signature import Signature
from drydock.harness.sweep import Crew

SLOW_S = 0.1
"""Seconds of a run from which on it pays to play ahead."""


class _Asked(NamedTuple):
    """A case on its way; ``packed`` is all but the scenario, as bytes: classes of a plan may be loaded only there."""

    number: int
    packed: bytes
    asked: Signature | None

    @classmethod
    def of(cls, number: int, case: Case, asked: Signature | None) -> _Asked:
        """The case, as number so many of those that are asked about together."""
        return cls(number, pickle.dumps((case.regime, case.plan, case.seed, case.ties)), asked)


@dataclass(frozen=True, slots=True)
class _Seat:
    """What a worker has: the scenario, and who plays."""

    kit: Kit
    scenario: Scenario

    def play(self, asked: _Asked) -> tuple[int, Seen]:
        """How one case fails, with its number: answers come as they are done."""
        regime, plan, seed, ties = pickle.loads(asked.packed)
        player = Alone(self.kit, self.scenario)
        return asked.number, player.seen([Case(self.scenario, regime, plan, seed, ties)], asked.asked)[0]


class Crowd:
    """A :class:`~drydock.harness.shrink.player.Player` with workers, as a context manager; for cases of one scenario.

    Half of what is played ahead is for nothing, so workers are asked only once a run takes longer than ``slow_s`` here;
    they start when first asked. Nothing that is found depends on how many there are, or on whether they were asked.
    """

    def __init__(self, kit: Kit, scenario: Scenario, workers: int, slow_s: float = SLOW_S) -> None:
        self.width = 1
        self._workers = workers
        self._slow_s = slow_s
        self._here = Alone(kit, scenario)
        self._crew: Crew[_Asked, tuple[int, Seen]] = Crew(_Seat(kit, scenario), workers)

    def __enter__(self) -> Crowd:
        self._crew.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._crew.__exit__(kind, error, at)

    def seen(self, cases: Sequence[Case], asked: Signature | None = None) -> Sequence[Seen]:
        """How each case fails."""
        if self.width > 1 < len(cases):
            sent = [_Asked.of(number, case, asked) for number, case in enumerate(cases)]
            return [seen for _, seen in sorted(self._crew.play(sent), key=lambda done: done[0])]
        began_s = time.monotonic()
        shown = self._here.seen(cases, asked)
        if cases:
            is_slow = (time.monotonic() - began_s) / len(cases) >= self._slow_s
            self.width = self._workers if is_slow else 1
        return shown
