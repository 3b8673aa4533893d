"""Explores a scenario: rounds of proposals, played by whoever is free, heard in the order in which they were proposed.

So what is found follows from scenario, seed and budget. More workers find the same sooner; less time finds a prefix.
None of these runs is a sample of anything: they go where failures are expected, and enter no bound.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from drydock.harness.explore.found import Added, Explored, Failure, Fold
from drydock.harness.explore.play import Probe, Probing
from drydock.harness.explore.portfolio import Portfolio, Proposal, portfolio
from drydock.harness.explore.space import Space
from drydock.harness.explore.strategy import Outcome
from drydock.harness.port import Kit, Law, Scenario
from drydock.harness.signature import loss_limits
from drydock.harness.sim import DEFAULT_EVENT_BUDGET
from drydock.harness.sweep import Crew, OutOfTime

BUDGET = 2_000
"""Runs, unless somebody says otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExploreOptions:
    """How to search. ``budget`` counts runs; ``max_time_s`` cuts them short, and what was found is a prefix.

    Failures are those of safety laws, and of loss laws beyond the policy's limit; with ``law``, of that law alone,
    whatever its class. ``strategies`` replace the portfolio. ``instant_ms`` asks for all orders of that instant,
    ``within_threats`` for faults of the design basis alone, ``kinds`` for faults of these kinds alone.
    ``progress`` hears (runs, budget, signatures) and ``found`` each failure that is new, at once, while others run on;
    ``again`` hears the next runs of those that are known, a few of each.
    """

    budget: int = BUDGET
    seed: int = 1
    workers: int = 1
    max_time_s: float | None = None
    law: str = ""
    regime: str | None = None
    strategies: tuple[str, ...] = ()
    instant_ms: int | None = None
    within_threats: bool = False
    kinds: tuple[str, ...] = ()
    event_budget: int = DEFAULT_EVENT_BUDGET
    progress: Callable[[int, int, int], None] | None = None
    found: Callable[[Failure], None] | None = None
    again: Callable[[Failure], None] | None = None

    def __post_init__(self) -> None:
        if self.budget < 1:
            raise ValueError(f"budget: {self.budget} is too few runs; at least 1")


def explore(scenario: Scenario, kit: Kit, options: ExploreOptions) -> Explored:
    """Searches the scenario for failures. A stop from outside is noted, not raised.

    ``ValueError`` for a law that the scenario does not have; ``KeyError`` for an unknown strategy.
    """
    return _Search(scenario, kit, options).play()


def counted_laws(laws: Iterable[Law], only: str = "") -> frozenset[str]:
    """The laws whose violations are failures of a single run.

    A service law limits a share of runs, which one run says nothing of: it counts where it is asked for by name.
    """
    judged = {law.id: law for law in laws if law.mode != "sometimes"}
    if not only:
        return frozenset(id for id, law in judged.items() if law.law_class != "service")
    if only not in judged:
        raise ValueError(f"law: '{only}' is not a law of this scenario; {', '.join(judged)}")
    return frozenset((only,))


def stop_text(stop: BaseException) -> str:
    """The signal behind what it raised: Ctrl-C, or else the terminal's or supervisor's wish to end."""
    return "SIGINT" if isinstance(stop, KeyboardInterrupt) else "SIGTERM"


class _Search:
    """A search under way."""

    def __init__(self, scenario: Scenario, kit: Kit, options: ExploreOptions) -> None:
        self.scenario = scenario
        self.options = options
        laws = kit.laws(scenario)
        regimes = () if options.regime is None else (options.regime,)
        self.space = Space(scenario, kit, regimes, within_threats=options.within_threats, kinds=options.kinds)
        self.portfolio: Portfolio = portfolio(self.space, options.seed, options.strategies, options.instant_ms)
        self.fold = Fold(self.space, laws)
        counted = counted_laws(laws, options.law)
        self.probing = Probing(kit, scenario, counted, loss_limits(kit, scenario), options.event_budget)
        self.stopped = ""

    def play(self) -> Explored:
        """Rounds until the budget, the time or the strategies are at their end."""
        options, began_s = self.options, time.monotonic()
        deadline_s = None if options.max_time_s is None else began_s + options.max_time_s
        try:
            with Crew(self.probing, options.workers, deadline_s, gives_way=True) as crew:  # to who shrinks
                while self.fold.runs < options.budget and self._round(crew):
                    pass
        except OutOfTime:
            self.stopped = "max-time"
        except BaseException as stop:
            if isinstance(stop, Exception | SystemExit | GeneratorExit):
                raise
            self.stopped = stop_text(stop)
        return self._explored(time.monotonic() - began_s)

    def _round(self, crew: Crew[Probe, Outcome]) -> bool:
        """One round; False where nobody proposed anything."""
        proposals = self.portfolio.propose()[: self.options.budget - self.fold.runs]
        first = self.fold.runs + 1
        probes = [Probe.of(first + n, proposal.strategy, proposal.case) for n, proposal in enumerate(proposals)]
        for proposal, outcome in _in_order(proposals, crew.play(probes), first):
            self.portfolio.learn(proposal.case, outcome)
            self._tell(self.fold.add(proposal.case, outcome))
        return bool(proposals)

    def _tell(self, added: Added) -> None:
        options, fold = self.options, self.fold
        if options.progress is not None:
            options.progress(fold.runs, options.budget, len(fold.failures))
        for hear, failures in ((options.found, added.fresh), (options.again, added.again)):
            if hear is not None:
                for failure in failures:
                    hear(failure)

    def _explored(self, seconds: float) -> Explored:
        fold, options = self.fold, self.options
        return Explored(
            scenario=self.scenario.name,
            scenario_hash=self.scenario.hash,
            seed=options.seed,
            budget=options.budget,
            runs=fold.runs,
            failures=tuple(fold.failures.values()),
            failing_runs={str(signature): runs for signature, runs in fold.failing_runs.items()},
            yields=fold.yields(self.portfolio.strategies),
            worst=fold.worst,
            kinds=self.space.kinds,
            outside=tuple(sorted(fold.outside)),
            law=options.law,
            exhausted=fold.exhausted,
            first_exhausted=fold.first_exhausted,
            errors=tuple(fold.errors),
            first_error=fold.first_error,
            errors_total=fold.errors_total,
            stopped=self.stopped,
            run={"seconds": seconds, "workers": options.workers},
        )


def _in_order(
    proposals: Sequence[Proposal], outcomes: Iterator[Outcome], first: int
) -> Iterator[tuple[Proposal, Outcome]]:
    """Outcomes as they were proposed, each as soon as all before it are there: what a stop leaves is a prefix."""
    waiting: dict[int, Outcome] = {}
    due = first
    for outcome in outcomes:
        waiting[outcome.number] = outcome
        while due in waiting:
            yield proposals[due - first], waiting.pop(due)
            due += 1
