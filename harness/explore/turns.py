"""Whose turn it is to be shrunk, and which of the smallest cases stay.

A run of three dozen faults breaks a dozen laws at once, and most of them by one fault alone. So a failure's first turn
is short: where one part is enough it comes to it. A law that no single part explains goes first; of these one that
several runs showed, for it takes no rare coincidence; of these the one that broke earliest: it is nearest to the cause,
and soonest asked, for a run ends where it is broken. Runs whose cases proved slow wait meanwhile. Then what is slow
goes on, and once every law is explained the other ways to break them have their turns, the costliest first. Parts are
made simpler at the very end, for that takes most of the time.

Leaving out ends where nothing can be left out, and that may be two faults where another run needs one. So where a
failure did not come to one part, its next runs have turns too, and the fewest parts stay.

A failure keeps a minimum of its own unless the proven minimum of one that was found before it shows it too. What stays
in the end does not depend on who came first: of a failure's runs it is the first that came to one part in a first turn,
so those before it have theirs as well; where none did, the fewest parts, of equals the sooner found.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple

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


class Rank(NamedTuple):
    """Of two minima of one failure that with the lesser rank stays."""

    is_unproven: bool
    size: int
    effort: Effort
    run: int

    @property
    def is_final(self) -> bool:
        """Whether only the first turn of an earlier run can be better."""
        return not self.is_unproven and self.size <= 1 and self.effort is Effort.QUICK


class Turns:
    """The failures in the order in which they were found, each with its runs and the best minimum so far."""

    def __init__(self) -> None:
        self._of: dict[Signature, list[Turn]] = {}
        self._best: dict[Signature, Minimum] = {}
        self._rank: dict[Signature, Rank] = {}
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

    def over(self, turn: Turn, minimum: Minimum | None) -> bool:
        """A turn is over, and what came of it; None where there was no time. Whether it is better than what was known.

        A turn that had no time has no other.
        """
        effort, turn.next = turn.next, Effort.DONE
        self._had[turn.failure.run] += 1
        if minimum is None:
            return False
        if effort < Effort.SIMPLE:
            is_through = minimum.shrunk.is_minimal or effort is Effort.WHOLE
            turn.next = Effort.SIMPLE if is_through else Effort.WHOLE
        self._slow[turn.failure.run] += not minimum.is_single
        return self._keep(turn, effort, minimum)

    def _keep(self, turn: Turn, effort: Effort, minimum: Minimum) -> bool:
        """Of one run the later answer stays, unless less of it is proven; of two runs that of the lesser rank."""
        signature, run = turn.failure.signature, turn.failure.run
        known = self._best.get(signature)
        if effort is Effort.SIMPLE:
            is_better = known is None or minimum.shrunk.is_minimal or not known.shrunk.is_minimal
        else:
            rank = Rank(not minimum.shrunk.is_minimal, minimum.size, effort, run)
            is_better = known is None or rank < self._rank[signature]
            if is_better:
                self._rank[signature] = rank
        if is_better:
            self._best[signature] = minimum
        return is_better

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
        """What is left to do for one failure, if what comes of it could stay."""
        best = self._rank.get(turns[0].failure.signature)
        return [turn for turn in turns if turn.next < Effort.DONE and _may_stay(turn, best)]

    def _urgency(self, turn: Turn, explained: Collection[str]) -> tuple[int, ...]:
        """Greater goes first. ``explained`` are the laws to which such a turn would add nothing but another way."""
        failure = turn.failure
        best = self._rank.get(failure.signature)
        if turn.next is Effort.SIMPLE:
            return (0, 0, self._best[failure.signature].harm_quantums)
        if best is not None and best.is_final:
            return (1, -failure.run)
        is_new = failure.signature.law not in explained
        rank = 2 + 2 * is_new + (turn.next is Effort.QUICK)
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


def _may_stay(turn: Turn, best: Rank | None) -> bool:
    """Whether a turn could come to a minimum of a lesser rank than the best, or to a simpler form of it."""
    if turn.next is Effort.SIMPLE:
        return best is not None and turn.failure.run == best.run
    if best is None or not best.is_final:
        return True
    return turn.next is Effort.QUICK and turn.failure.run < best.run
