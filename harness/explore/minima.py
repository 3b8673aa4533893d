"""From failures to the smallest cases that show them, while the search goes on, each in a box.

How small they are in the end does not depend on when they came, as long as no box of time ended first.
"""

from __future__ import annotations

import math
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from drydock.harness.explore.found import Failure
from drydock.harness.explore.minimum import Minimum
from drydock.harness.explore.races import races
from drydock.harness.explore.space import is_threat
from drydock.harness.explore.turns import Effort, Turn, Turns
from drydock.harness.money import harm_by_kind
from drydock.harness.port import Kit, Scenario
from drydock.harness.result import RunResult
from drydock.harness.run import run_case
from drydock.harness.shrink.shrink import MAX_RUNS, Shrunk, shrink
from drydock.harness.signature import Signature, loss_limits, signature_of, signatures

QUICK_RUNS = 20
"""Runs that a failure's first turn may take: where one fault of three dozen is enough, about fifteen are."""
BOX_S = 30.0
"""Seconds that shrinking one failure may take, unless somebody says otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Boxes:
    """How long shrinking may take: ``box_s`` each, nothing past ``deadline_s`` of the clock; 0 is not at all.

    ``is_beside`` shrinks in a thread of its own: only where the search itself is played by other processes. Where one
    process does both and has a deadline, shrinking takes half of the time at most, so that there is a search.
    """

    box_s: float = BOX_S
    deadline_s: float = math.inf
    is_beside: bool = False
    clock: Callable[[], float] = time.monotonic


class Minima:
    """Shrinks failures as they are taken. A context manager: leaving it waits for those that are not done yet.

    An exception that passes through, Ctrl-C above all, ends shrinking where it is; what is found stands.
    """

    def __init__(
        self, kit: Kit, scenario: Scenario, boxes: Boxes, tell: Callable[[Minimum], None] | None = None
    ) -> None:
        self._kit = kit
        self._scenario = scenario
        self._boxes = boxes
        self._tell = tell
        self._losses_max = loss_limits(kit, scenario)
        self._turns = Turns()
        self._spent_s: defaultdict[Signature, float] = defaultdict(float)
        self._began_s = boxes.clock()
        self._more = threading.Condition()
        self._is_closed = False
        self._is_stopped = False
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._work, name="shrinker", daemon=True) if boxes.is_beside else None

    def __enter__(self) -> Self:
        if self._thread is not None:
            self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._is_stopped = self._is_stopped or kind is not None
        try:
            self._close()
        except BaseException:
            self._is_stopped = True
            self._close()
            raise
        if self._error is not None and error is None:
            raise self._error

    def take(self, failure: Failure) -> None:
        """A failure that is new, or another run of it: alone it has its first turn at once, beside the search later."""
        with self._more:
            self._turns.add(failure)
            self._more.notify()
        self.go_on()

    def go_on(self) -> None:
        """Between two runs of a search that is played in this very thread: first turns, where it is time for them."""
        if self._thread is None:
            self._work_off(Effort.QUICK)

    def stop(self) -> None:
        """Nothing more is shrunk."""
        self._is_stopped = True

    @property
    def found(self) -> tuple[Minimum, ...]:
        """The minima so far, in the order in which their failures were found."""
        with self._more:
            return tuple(self._turns.kept())

    # ---- one after another -----------------------------------------------------------------------------------
    def _work(self) -> None:
        try:
            while True:
                with self._more:
                    while not (self._turns.next() or self._is_closed):
                        self._more.wait()
                if not self._work_off(Effort.SIMPLE):
                    return
        except BaseException as error:  # told by the one who waits
            self._error = error

    def _work_off(self, most: Effort) -> bool:
        """Shrinks, one turn after another, while none is next that takes more effort; whether there was any."""
        is_any = False
        while (turn := self._next()) is not None and turn.next <= most and self._may_begin():
            self._shrink(turn)
            is_any = True
        return is_any

    def _may_begin(self) -> bool:
        """Whether shrinking had no more than its half of the time, where that is short and the search waits for it."""
        if self._thread is not None or self._is_closed or math.isinf(self._boxes.deadline_s):
            return True
        return 2 * sum(self._spent_s.values()) <= self._now() - self._began_s

    def _next(self) -> Turn | None:
        with self._more:
            return self._turns.next()

    def _shrink(self, turn: Turn) -> None:
        """One turn, if there is time."""
        signature, began_s = turn.failure.signature, self._now()
        left_s = min(self._boxes.box_s - self._spent_s[signature], self._boxes.deadline_s - began_s)
        minimum = None if self._is_stopped or left_s <= 0 else self._minimum(turn, left_s)
        self._spent_s[signature] += self._now() - began_s
        with self._more:
            is_better = self._turns.over(turn, minimum)
        if is_better and minimum is not None and self._tell is not None and turn.next is not Effort.WHOLE:
            self._tell(minimum)

    def _minimum(self, turn: Turn, left_s: float) -> Minimum | None:
        """None where the failure does not show again."""
        failure, shrunk = turn.failure, self._shrunk(turn, left_s)
        signature = failure.signature
        if not shrunk.is_shown:
            return None
        result = run_case(shrunk.case, self._kit)
        details = (finding.detail for finding in result.findings if signature_of(finding) == signature)
        has_races = shrunk.is_minimal and not self._is_stopped
        return Minimum(
            failure=self._turns.first(signature),
            run=failure.run,
            shrunk=shrunk,
            shows=tuple(sorted(shrunk.whole or (signature,))),
            races=races(shrunk.case, self._kit, self._fails(signature)) if has_races else (),
            outside=tuple(fault for fault in shrunk.case.plan if not is_threat(fault, self._scenario)),
            harm_quantums=sum(harm_by_kind(result.entries).values()),
            detail=next(details, failure.finding.detail),
            is_rough=turn.next < Effort.SIMPLE,
        )

    def _shrunk(self, turn: Turn, left_s: float) -> Shrunk:
        return shrink(
            turn.failure.case,
            turn.failure.signature,
            self._kit,
            max_time_s=left_s,
            max_runs=QUICK_RUNS if turn.next is Effort.QUICK else MAX_RUNS,
            is_rough=turn.next < Effort.SIMPLE,
            memory=turn.memory,
            clock=self._now,
        )

    def _fails(self, signature: Signature) -> Callable[[RunResult], bool]:
        return lambda result: signature in signatures(result, self._losses_max)

    def _now(self) -> float:
        return math.inf if self._is_stopped else self._boxes.clock()

    def _close(self) -> None:
        """Waits until nothing waits any more; Ctrl-C is heard meanwhile."""
        with self._more:
            self._is_closed = True
            self._more.notify()
        if self._thread is None:
            self._work_off(Effort.SIMPLE)
        elif self._thread.is_alive():
            self._thread.join()
