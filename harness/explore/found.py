"""What a search found: failures by signature, the yield of each strategy, and the worst harm."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from drydock.harness.explore.space import Space, is_threat
from drydock.harness.explore.strategy import Outcome, Strategy
from drydock.harness.port import Case, Fault, Finding, Law
from drydock.harness.signature import Signature

ERRORS_KEPT = 5
RUNS_KEPT = 3
"""Of each failure the cases of so many runs are handed on: one that takes two faults may take one in another run."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A signature, with the first case that showed it, and the harm of that run in 1e-6 USD.

    ``outside`` are the faults that the threats do not name.
    """

    signature: Signature
    sentence: str
    law_class: str
    case: Case
    finding: Finding
    strategy: str
    run: int
    outside: tuple[Fault, ...] = ()
    harm_quantums: int = 0


@dataclass(frozen=True, slots=True)
class Yield:
    """What one strategy brought: runs, how many of them failed, and how many signatures it showed first."""

    strategy: str
    sentence: str
    runs: int = 0
    failed: int = 0
    signatures: int = 0
    first_run: int | None = None
    scope: str = ""


@dataclass(frozen=True, slots=True)
class Worst:
    """The run that did the greatest harm of all that were played, in 1e-6 USD."""

    harm_quantums: int
    case: Case
    strategy: str
    run: int


@dataclass(frozen=True, slots=True)
class Explored:
    """What a search found. ``runs`` are numbered from 1 in order of proposal; ``budget`` is what was asked for.

    ``outside`` are the kinds that were played although no threat names them. ``stopped`` is empty where the budget or
    the strategies came to their end, else ``max-time``, ``SIGINT`` or ``SIGTERM``. What depends on machine or clock is
    under ``run``.
    """

    scenario: str
    scenario_hash: str
    seed: int
    budget: int
    runs: int
    failures: tuple[Failure, ...]
    failing_runs: Mapping[str, int]
    yields: tuple[Yield, ...]
    worst: Worst | None
    kinds: tuple[str, ...]
    outside: tuple[str, ...]
    law: str = ""
    exhausted: int = 0
    first_exhausted: Case | None = None
    errors: tuple[str, ...] = ()
    first_error: Case | None = None
    errors_total: int = 0
    stopped: str = ""
    run: Mapping[str, Any] = field(default_factory=dict)


class Added(NamedTuple):
    """What one run showed: failures that nobody had shown before, and some that were known, with the case of this run.

    Of a known one only the next runs are told, :data:`RUNS_KEPT` in all.
    """

    fresh: list[Failure]
    again: list[Failure]


class Fold:
    """Takes outcomes in order of proposal."""

    def __init__(self, space: Space, laws: Iterable[Law]) -> None:
        self.space = space
        self.laws = {law.id: law for law in laws}
        self.runs = 0
        self.failures: dict[Signature, Failure] = {}
        self.failing_runs: dict[Signature, int] = {}
        self.worst: Worst | None = None
        self.exhausted = 0
        self.first_exhausted: Case | None = None
        self.errors: list[str] = []
        self.errors_total = 0
        self.first_error: Case | None = None
        self.outside: set[str] = set()
        self._tally: dict[str, tuple[int, int, int]] = {}
        self._first: dict[str, int] = {}

    def add(self, case: Case, outcome: Outcome) -> Added:
        """Folds one outcome in; returns what it showed."""
        self.runs += 1
        self.outside.update(fault.kind for fault in case.plan if not is_threat(fault, self.space.scenario))
        if outcome.error:
            self._add_error(case, outcome)
            added = Added([], [])
        else:
            self._add_harm(case, outcome)
            if outcome.is_exhausted:
                self.exhausted += 1
                self.first_exhausted = self.first_exhausted or case
            added = self._add_failures(case, outcome)
        runs, failed, shown = self._tally.get(outcome.strategy, (0, 0, 0))
        self._tally[outcome.strategy] = (runs + 1, failed + bool(outcome.failures), shown + len(added.fresh))
        if added.fresh:
            self._first.setdefault(outcome.strategy, outcome.number)
        return added

    def yields(self, strategies: Sequence[Strategy]) -> tuple[Yield, ...]:
        """The tally of each strategy, in the portfolio's order."""
        return tuple(self._yield(strategy) for strategy in strategies)

    def _yield(self, strategy: Strategy) -> Yield:
        name = strategy.name
        runs, failed, fresh = self._tally.get(name, (0, 0, 0))
        return Yield(name, strategy.sentence, runs, failed, fresh, self._first.get(name), strategy.scope)

    def _add_failures(self, case: Case, outcome: Outcome) -> Added:
        added = Added([], [])
        for signature, finding in zip(outcome.failures, outcome.findings, strict=True):
            runs = self.failing_runs[signature] = self.failing_runs.get(signature, 0) + 1
            if runs > RUNS_KEPT:
                continue
            failure = self._failure(signature, finding, case, outcome)
            if self.failures.setdefault(signature, failure) is failure:
                added.fresh.append(failure)
            else:
                added.again.append(failure)
        return added

    def _failure(self, signature: Signature, finding: Finding, case: Case, outcome: Outcome) -> Failure:
        law = self.laws[signature.law]
        return Failure(
            signature=signature,
            sentence=law.sentence,
            law_class=law.law_class,
            case=case,
            finding=finding,
            strategy=outcome.strategy,
            run=outcome.number,
            outside=tuple(fault for fault in case.plan if not is_threat(fault, self.space.scenario)),
            harm_quantums=outcome.harm_quantums,
        )

    def _add_harm(self, case: Case, outcome: Outcome) -> None:
        if outcome.harm_quantums > (self.worst.harm_quantums if self.worst else 0):
            self.worst = Worst(outcome.harm_quantums, case, outcome.strategy, outcome.number)

    def _add_error(self, case: Case, outcome: Outcome) -> None:
        self.errors_total += 1
        self.first_error = self.first_error or case
        if len(self.errors) < ERRORS_KEPT:
            self.errors.append(f"run {outcome.number} ({outcome.strategy}): {outcome.error}")
