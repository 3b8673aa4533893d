"""Whose turn it is to be shrunk, and which of the smallest cases stay.

A run of three dozen faults breaks a dozen laws at once, and most of them by one fault alone. So a failure's first turn
is short: where one part is enough it comes to it. A law that no single part explains goes first; of these one that
several runs showed, for it takes no rare coincidence; of these the one that broke earliest: it is nearest to the cause,
and soonest asked, for a run ends where it is broken. Runs whose cases proved slow wait meanwhile. Then what is slow
goes on, and once every law is explained the other ways to break them have their turns, the costliest first. Parts are
made simpler at the very end, for that takes most of the time.

Leaving out ends where nothing can be left out, and that may be two faults where another run needs one. So where a
failure did not come to one part, its next runs have turns too, and the fewest parts stay.

A failure keeps a minimum of its own unless the proven minimum of one that was found before it shows it too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from enum import IntEnum

from drydock.harness.explore.found import Failure
from drydock.harness.explore.minimum import Minimum
from drydock.harness.shrink.probe import Memory
from drydock.harness.signature import Signature


class Effort(IntEnum):
    """How far a case is shrunk next: within few runs, until nothing can be left out, until nothing is simpler."""

    QUICK = 0
    WHOLE = 1
    SIMPLE = 2
    DONE = 3


@dataclass(slots=True)
class Turn:
    """One run of a failure, what is remembered of its case, and what is next."""

    failure: Failure
    next: Effort = Effort.QUICK
    memory: Memory = field(default_factory=Memory)


class Turns:
    """The failures in the order in which they were found, each with its runs and the best minimum so far."""

    def __init__(self) -> None:
        self._of: dict[Signature, list[Turn]] = {}
        self._best: dict[Signature, Minimum] = {}
        self._had: Counter[int] = Counter()
        self._slow: Counter[int] = Counter()

    def add(self, failure: Failure) -> None:
        """A failure that is new, or another run of it."""
        self._of.setdefault(failure.signature, []).append(Turn(failure))

    def first(self, signature: Signature) -> Failure:
        """The run that showed it first."""
        return self._of[signature][0].failure

    def next(self) -> Turn | None:
        """Whose turn it is; None where everything is as small as it becomes."""
        hidden = self._hidden()
        open_turns = [turn for sig, turns in self._of.items() if sig not in hidden for turn in self._open(turns)]
        singles = {shown.law for best in self._best.values() if best.is_single for shown in best.shows}
        proven = {shown.law for best in self._best.values() if best.shrunk.is_minimal for shown in best.shows}
        explained = {Effort.QUICK: singles, Effort.WHOLE: proven}
        return max(open_turns, key=lambda turn: self._urgency(turn, explained.get(turn.next, ())), default=None)

    def over(self, turn: Turn, effort: Effort, minimum: Minimum | None) -> bool:
        """A turn is over, and what came of it; None where there was no time. Whether it is better than what was known.

        A turn that had no time has no other.
        """
        turn.next = Effort.DONE
        self._had[turn.failure.run] += 1
        if minimum is None:
            return False
        if effort < Effort.SIMPLE:
            is_through = minimum.shrunk.is_minimal or effort is Effort.WHOLE
            turn.next = Effort.SIMPLE if is_through else Effort.WHOLE
        self._slow[turn.failure.run] += not minimum.is_single
        known = self._best.get(turn.failure.signature)
        if known is not None and not minimum.is_better_than(known):
            return False
        self._best[turn.failure.signature] = minimum
        return True

    def kept(self) -> Iterator[Minimum]:
        """What nothing that was found before shows; what is not proven, only where nothing proven shows it either."""
        hidden = self._hidden()
        shown = {shown for best in self._best.values() if best.shrunk.is_minimal for shown in best.shows}
        for signature in self._of:
            best = self._best.get(signature)
            if best is not None and signature not in (hidden if best.shrunk.is_minimal else shown):
                shown.update(best.shows)
                yield best

    def _open(self, turns: Sequence[Turn]) -> list[Turn]:
        """What is left to do for one failure, if a smaller case of it would be kept."""
        best = self._best.get(turns[0].failure.signature)
        its_run = None if best is None else best.run
        if best is not None and best.is_single:
            return [turn for turn in turns if turn.failure.run == its_run and turn.next < Effort.DONE]
        return [t for t in turns if t.next < (Effort.DONE if t.failure.run == its_run else Effort.SIMPLE)]

    def _urgency(self, turn: Turn, explained: Collection[str]) -> tuple[int, ...]:
        """Greater goes first. ``explained`` are the laws to which such a turn would add nothing but another way."""
        failure = turn.failure
        if turn.next is Effort.SIMPLE:
            return (0, 0, self._best[failure.signature].harm_quantums)
        is_new = failure.signature.law not in explained
        rank = 1 + 2 * is_new + (turn.next is Effort.QUICK)
        if is_new:
            return (rank, -self._slow[failure.run], len(self._of[failure.signature]), -failure.finding.at_ms)
        return (rank, -self._had[failure.run], failure.harm_quantums)

    def _hidden(self) -> set[Signature]:
        """What the proven minimum of a failure that was found before shows too."""
        hidden: set[Signature] = set()
        shown: set[Signature] = set()
        for signature in self._of:
            best = self._best.get(signature)
            if signature in shown:
                hidden.add(signature)
            elif best is not None and best.shrunk.is_minimal:
                shown.update(best.shows)
        return hidden
