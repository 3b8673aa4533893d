"""The portfolio: which strategies search, and which share of the runs each of them has."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from drydock.harness.explore.anchored import Anchored
from drydock.harness.explore.crowd import Crowd
from drydock.harness.explore.exhaustive import Exhaustive, Orders
from drydock.harness.explore.harm import Harm
from drydock.harness.explore.pairwise import Pairwise
from drydock.harness.explore.slips import Slips
from drydock.harness.explore.space import Space
from drydock.harness.explore.strategy import Outcome, Strategy
from drydock.harness.explore.swarm import Swarm
from drydock.harness.explore.ties import TieSearch
from drydock.harness.explore.uniform import Uniform
from drydock.harness.port import Case
from drydock.harness.stream import Stream

ROUND = 40
"""Runs of a round: what is learned from one round is known to the next."""

SHARES: Mapping[str, int] = {
    Anchored.name: 4,
    Crowd.name: 24,
    Swarm.name: 3,
    Pairwise.name: 3,
    TieSearch.name: 3,
    Slips.name: 1,
    Harm.name: 1,
    Uniform.name: 1,
}
"""Runs of each strategy in a round of the default portfolio."""

_MAKERS: Mapping[str, Callable[[Space], Strategy]] = {
    maker.name: maker for maker in (Anchored, Crowd, Swarm, Pairwise, TieSearch, Slips, Harm, Uniform, Exhaustive)
}
NAMES = tuple(_MAKERS)
"""The strategies that can be asked for by name; ``orders`` is asked for by its instant."""


class Proposal(NamedTuple):
    """A case, and the strategy that thought of it."""

    strategy: str
    case: Case


class Portfolio:
    """Strategies that share the runs of a search.

    What one has not to propose the others take over, in order. Within a round crowds go first: a run of one shows
    more than a run of any other. The others' cases are interleaved after them.
    """

    def __init__(self, strategies: Sequence[Strategy], shares: Mapping[str, int], seed: int) -> None:
        self.strategies = tuple(strategies)
        self._shares = shares
        self._seed = seed
        self._round = 0

    def propose(self) -> list[Proposal]:
        """The cases of the next round; none where no strategy knows any more."""
        self._round += 1
        asked = {strategy.name: self._shares[strategy.name] for strategy in self.strategies}
        found: dict[str, list[Case]] = {}
        missing = 0
        for strategy in self.strategies:
            found[strategy.name] = self._cases(strategy, asked[strategy.name])
            missing += asked[strategy.name] - len(found[strategy.name])
        for strategy in self.strategies:
            if missing and len(found[strategy.name]) == asked[strategy.name]:
                more = self._cases(strategy, missing, "more")
                found[strategy.name] += more
                missing -= len(more)
        crowds = found.pop(Crowd.name, [])
        return [*(Proposal(Crowd.name, case) for case in crowds), *_interleaved(found)]

    def learn(self, case: Case, outcome: Outcome) -> None:
        """Everybody hears of everything."""
        for strategy in self.strategies:
            strategy.learn(case, outcome)

    def _cases(self, strategy: Strategy, count: int, what: str = "share") -> list[Case]:
        stream = Stream(self._seed, f"explore/{self._round}/{strategy.name}/{what}")
        return list(strategy.propose(stream, count))


def portfolio(space: Space, seed: int, names: Iterable[str] = (), instant_ms: int | None = None) -> Portfolio:
    """The strategies of these names with equal shares, or the default portfolio; ``KeyError`` for an unknown name.

    ``instant_ms`` asks for all orders of that instant: alone, or beside those that are named.
    """
    chosen = tuple(dict.fromkeys(names))
    if not chosen and instant_ms is None:
        return Portfolio([_MAKERS[name](space) for name in SHARES], SHARES, seed)
    strategies = [_MAKERS[name](space) for name in chosen]
    if instant_ms is not None:
        strategies.append(Orders(space, instant_ms))
    share = -(-ROUND // len(strategies))
    return Portfolio(strategies, {strategy.name: share for strategy in strategies}, seed)


def _interleaved(found: Mapping[str, Sequence[Case]]) -> list[Proposal]:
    """Each strategy's cases spread evenly over the round, in their order."""
    placed = [
        ((2 * number + 1) * 1_000_000 // (2 * len(cases)), order, Proposal(name, case))
        for order, (name, cases) in enumerate(found.items())
        for number, case in enumerate(cases)
    ]
    return [proposal for _, _, proposal in sorted(placed, key=lambda entry: entry[:2])]
