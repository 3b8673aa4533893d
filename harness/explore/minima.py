"""From failures to the smallest cases that show them: each shrunk once, at once, and within a box of time."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from drydock.harness.explore.found import Failure
from drydock.harness.explore.races import Race, races
from drydock.harness.explore.space import is_threat
from drydock.harness.port import Fault, Kit, Scenario
from drydock.harness.result import RunResult
from drydock.harness.shrink.player import Player
from drydock.harness.shrink.shrink import Shrunk, shrink
from drydock.harness.signature import Signature, loss_limits, signatures

BOX_S = 30.0
"""Seconds that shrinking one failure may take, unless somebody says otherwise."""
_LEAST_S = 1.0


@dataclass(frozen=True, slots=True)
class Minimum:
    """The smallest case of a failure. ``shows`` are all signatures of that case; ``races`` tell its laggards as two.

    ``outside`` are those of its faults that the scenario's threats do not name.
    """

    failure: Failure
    shrunk: Shrunk
    shows: tuple[Signature, ...]
    races: tuple[Race, ...] = ()
    outside: tuple[Fault, ...] = ()


class Minima:
    """Shrinks failures as they come. One that a smallest case shows already needs none of its own.

    ``box_s`` is for each failure; past ``deadline_s`` (a time of the clock) nothing is shrunk any more.
    ``player`` plays the cases that shrinking asks about; default: this process.
    """

    def __init__(
        self,
        kit: Kit,
        scenario: Scenario,
        box_s: float = BOX_S,
        deadline_s: float | None = None,
        clock: Callable[[], float] = time.monotonic,
        player: Player | None = None,
    ) -> None:
        self.found: list[Minimum] = []
        self._kit = kit
        self._scenario = scenario
        self._losses_max = loss_limits(kit, scenario)
        self._box_s = box_s
        self._deadline_s = deadline_s
        self._clock = clock
        self._player = player

    def shows(self, signature: Signature) -> int | None:
        """The number of the first smallest case that has this signature."""
        return next((n for n, minimum in enumerate(self.found) if signature in minimum.shows), None)

    def take(self, failure: Failure) -> Minimum | None:
        """Shrinks a failure; None where it is shown already, or where there is no time left."""
        left_s = self._box_s
        if self._deadline_s is not None:
            left_s = min(left_s, self._deadline_s - self._clock())
        if left_s < _LEAST_S or self.shows(failure.signature) is not None:
            return None
        shrunk = shrink(
            failure.case, failure.signature, self._kit, max_time_s=left_s, clock=self._clock, player=self._player
        )
        if not shrunk.is_shown:
            return None
        shown = tuple(sorted(shrunk.whole or (failure.signature,)))
        told = races(shrunk.case, self._kit, self._fails(failure.signature))
        outside = tuple(fault for fault in shrunk.case.plan if not is_threat(fault, self._scenario))
        found = Minimum(failure, shrunk, shown, told, outside)
        self.found.append(found)
        return found

    def _fails(self, signature: Signature) -> Callable[[RunResult], bool]:
        return lambda result: signature in signatures(result, self._losses_max)
