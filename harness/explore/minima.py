"""From failures to the smallest cases that show them, while the search goes on, each in a box.

A run of a dozen faults breaks a dozen laws at once, so laws and runs take turns: a law that no minimum explains goes
before one that is explained; then no run has its second failure shrunk before all that wait had their first, and the
run with most failures comes first. At first parts are left out, which says what it takes; those that stay are made
simpler only when nothing waits any more, for that takes most of the time.

Which minima there are in the end does not depend on who came first: a failure keeps its own unless the minimum of one
that was found before it shows it too.
"""

from __future__ import annotations

import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from drydock.harness.explore.found import Failure
from drydock.harness.explore.races import Race, races
from drydock.harness.explore.space import is_threat
from drydock.harness.money import harm_by_kind
from drydock.harness.port import Fault, Kit, Scenario
from drydock.harness.result import RunResult
from drydock.harness.run import run_case
from drydock.harness.shrink.probe import Memory
from drydock.harness.shrink.shrink import Shrunk, shrink
from drydock.harness.signature import Signature, loss_limits, signature_of, signatures

BOX_S = 30.0
"""Seconds that shrinking one failure may take, unless somebody says otherwise."""


@dataclass(frozen=True, slots=True)
class Minimum:
    """The smallest case of a failure. ``shows`` are all signatures of that case; ``races`` tell its laggards as two.

    ``outside`` are those of its faults that the scenario's threats do not name; ``harm_quantums`` (1e-6 USD) is what
    the smallest case does, ``detail`` what its finding says. While it ``is_rough`` its parts have the fields with which
    they were found.
    """

    failure: Failure
    shrunk: Shrunk
    shows: tuple[Signature, ...]
    races: tuple[Race, ...] = ()
    outside: tuple[Fault, ...] = ()
    harm_quantums: int = 0
    detail: str = ""
    is_rough: bool = False


@dataclass(slots=True)
class _Begun:
    """What is known of a failure that was shrunk roughly, and the seconds that it took."""

    memory: Memory = field(default_factory=Memory)
    spent_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Boxes:
    """How long shrinking may take: ``box_s`` each, nothing past ``deadline_s`` of the clock; 0 is not at all.

    ``is_beside`` shrinks in a thread of its own: only where the search itself is played by other processes.
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
        self._waiting: list[Failure] = []
        self._aside: list[Failure] = []
        self._turns: Counter[int] = Counter()
        self._rough: list[Failure] = []
        self._begun: dict[Signature, _Begun] = {}
        self._done: dict[Signature, Minimum] = {}
        self._order: list[Signature] = []
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
        """A failure that is new. Alone it is roughly shrunk at once; beside the search, when its turn comes."""
        with self._more:
            self._order.append(failure.signature)
            self._waiting.append(failure)
            self._more.notify()
        if self._thread is None:
            self._shrink_next()

    def stop(self) -> None:
        """Nothing more is shrunk."""
        self._is_stopped = True

    @property
    def found(self) -> tuple[Minimum, ...]:
        """The minima so far, in the order in which their failures were found."""
        return tuple(self._kept())

    def _kept(self) -> Iterator[Minimum]:
        shown: set[Signature] = set()
        for signature in self._order:
            minimum = self._done.get(signature)
            if minimum is not None and signature not in shown:
                shown.update(minimum.shows)
                yield minimum

    # ---- one after another -----------------------------------------------------------------------------------
    def _work(self) -> None:
        try:
            while True:
                with self._more:
                    while not (self._waiting or self._rough or self._is_closed):
                        self._more.wait()
                if self._waiting:
                    self._shrink_next()
                elif self._rough:
                    self._finish_next()
                elif self._is_closed:
                    break
            self._shrink_aside()
        except BaseException as error:  # told by the one who waits
            self._error = error

    def _shrink_next(self) -> None:
        """One of the run whose turn it is, if nothing shows it already; else it is put aside.

        The turn is that of a law that nothing explains, in the run with fewest turns and most that waits; of equals the
        costliest, the earlier.
        """
        explained = self._explained()
        with self._more:
            waiting = Counter(failure.run for failure in self._waiting)
            failure = max(
                self._waiting,
                key=lambda one: (
                    one.signature.law not in explained,
                    -self._turns[one.run],
                    waiting[one.run],
                    one.harm_quantums,
                ),
            )
            self._waiting.remove(failure)
        if self._is_shown_before(failure.signature):
            self._aside.append(failure)
        else:
            self._turns[failure.run] += 1
            if self._shrink(failure, is_rough=True):
                self._rough.append(failure)

    def _finish_next(self) -> None:
        """The costliest of those that are roughly shrunk, as small as it gets."""
        failure = max(self._rough, key=lambda failure: self._done[failure.signature].harm_quantums)
        self._rough.remove(failure)
        if self._is_shown_before(failure.signature):
            self._aside.append(failure)
        else:
            self._shrink(failure)

    def _shrink_aside(self) -> None:
        """By now it is known which minima stay: what was put aside for one that does not is shrunk after all."""
        for failure in sorted(self._aside, key=lambda failure: self._order.index(failure.signature)):
            if not self._is_shown_before(failure.signature):
                self._shrink(failure)
        self._aside.clear()

    def _shrink(self, failure: Failure, *, is_rough: bool = False) -> bool:
        """Whether there is time, and a minimum came of it."""
        begun, began_s = self._begun.setdefault(failure.signature, _Begun()), self._now()
        left_s = min(self._boxes.box_s - begun.spent_s, self._boxes.deadline_s - began_s)
        minimum = None if self._is_stopped or left_s <= 0 else self._minimum(failure, left_s, begun.memory, is_rough)
        if minimum is None:
            return False
        begun.spent_s += self._now() - began_s
        known = self._done.get(failure.signature)
        if known is not None and known.shrunk.is_minimal and not minimum.shrunk.is_minimal:
            return False  # time was over before it came so far again
        self._done[failure.signature] = minimum
        if self._tell is not None:
            self._tell(minimum)
        return True

    def _minimum(self, failure: Failure, left_s: float, memory: Memory, is_rough: bool) -> Minimum | None:
        """None where the failure does not show again."""
        signature = failure.signature
        shrunk = shrink(
            failure.case, signature, self._kit, max_time_s=left_s, clock=self._now, is_rough=is_rough, memory=memory
        )
        if not shrunk.is_shown:
            return None
        shows = tuple(sorted(shrunk.whole or (signature,)))
        told = () if self._is_stopped else races(shrunk.case, self._kit, self._fails(signature))
        outside = tuple(fault for fault in shrunk.case.plan if not is_threat(fault, self._scenario))
        result = run_case(shrunk.case, self._kit)
        harm = sum(harm_by_kind(result.entries).values())
        details = (finding.detail for finding in result.findings if signature_of(finding) == signature)
        detail = next(details, failure.finding.detail)
        return Minimum(failure, shrunk, shows, told, outside, harm, detail, is_rough)

    def _is_shown_before(self, signature: Signature) -> bool:
        before = self._order[: self._order.index(signature)]
        return any(signature in minimum.shows for minimum in self._kept() if minimum.failure.signature in before)

    def _explained(self) -> set[str]:
        """The laws that a case breaks of which nothing can be left out."""
        minimal = (minimum.shows for minimum in self._done.values() if minimum.shrunk.is_minimal)
        return {signature.law for shows in minimal for signature in shows}

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
            while self._rough:
                self._finish_next()
            self._shrink_aside()
        elif self._thread.is_alive():
            self._thread.join()
