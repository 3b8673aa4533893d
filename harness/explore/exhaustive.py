"""Exhaustive: everything within a stated scope. One fault at a time, or all orders of one instant."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain, combinations, islice
from typing import Any, ClassVar, cast

from drydock.harness.event import Identity
from drydock.harness.explore.space import Space
from drydock.harness.explore.strategy import Outcome, Searcher
from drydock.harness.port import Case, Fault
from drydock.harness.sim import Ties
from drydock.harness.stream import Stream
from drydock.harness.tie_log import Instant

_LANES_MAX = 10


class Exhaustive(Searcher):
    """One fault: every kind at every step and target, its fields at their defaults; then one field at another value.

    The values of a field are the ends of its range, or all of its choices. Each fault is played once.
    """

    name: ClassVar[str] = "exhaustive"
    sentence: ClassVar[str] = "one fault: every kind, step and target, each field at its default and at its extremes"

    def __init__(self, space: Space) -> None:
        super().__init__(space)
        self._todo = dict.fromkeys(chain(map(space.plain, space.cells), self._varied()))
        self._rest = iter(self._todo)
        self._done = 0

    @property
    def scope(self) -> str:
        """How many of the cases are played."""
        return f"{self._done:,} of {len(self._todo):,} faults"

    def propose(self, rng: Stream, count: int) -> Sequence[Case]:
        """The next of them, until there are no more."""
        faults = list(islice(self._rest, count))
        self._done += len(faults)
        return [self.case((fault,), rng) for fault in faults]

    def _varied(self) -> Iterator[Fault]:
        for cell in self.space.cells:
            plain = self.space.plain(cell)
            for shape in self.space.fields(plain):
                for value in self.space.variants(plain, shape):
                    varied = cast(Fault, replace(cast(Any, plain), **{shape.name: value}))
                    if self.space.legal([varied]):
                        yield varied


class Orders(Searcher):
    """All orders of one instant that laggards can make: every set of its lanes is made to wait for the others.

    A lane waits with all that it has in that instant. Of two lanes that is every order; of three, five of the six.
    """

    name: ClassVar[str] = "orders"
    sentence: ClassVar[str] = "no fault: all orders of one named instant that laggards can make"

    def __init__(self, space: Space, at_ms: int) -> None:
        super().__init__(space)
        self._at_ms = at_ms
        self._is_begun = False
        self._todo: list[Case] = []
        self._total = 0

    @property
    def scope(self) -> str:
        """How many orders there are, and how many of them are played."""
        if self._is_begun and not self._total:
            return f"no two lanes meet at {self._at_ms:,} ms"
        return f"{self._total - len(self._todo):,} of {self._total:,} orders at {self._at_ms:,} ms"

    def propose(self, rng: Stream, count: int) -> Sequence[Case]:
        """First the night as FIFO has it, in each regime; then what was learned from it."""
        if not self._is_begun:
            self._is_begun = True
            return [self.case((), rng, Ties("fifo")) for _ in self.space.regimes][:count]
        now, self._todo = self._todo[:count], self._todo[count:]
        return now

    def learn(self, case: Case, outcome: Outcome) -> None:
        """Lists the orders of the instant, once it is known who meets there."""
        met = next((instant for instant in outcome.instants if instant.at_ms == self._at_ms), None)
        if met is not None and outcome.strategy == self.name:
            orders = [replace(case, ties=Ties("fifo", laggards)) for laggards in orders_of(met)]
            self._todo += orders
            self._total += len(orders)


def orders_of(instant: Instant) -> Iterator[tuple[Identity, ...]]:
    """Laggards for every order of the instant that they can make, fewest first; FIFO itself is left out.

    Of an instant with very many lanes the first ten take part.
    """
    served = instant.served
    first = {one.lane: one.identity for one in reversed(served)}  # who waits from there on waits with all it has
    lanes = tuple(dict.fromkeys(one.lane for one in served))[:_LANES_MAX]
    seen = {served}
    for size in range(1, len(lanes)):
        for late in combinations(lanes, size):
            order = (*(one for one in served if one.lane not in late), *(one for one in served if one.lane in late))
            if order not in seen:
                seen.add(order)
                yield tuple(first[lane] for lane in late)
