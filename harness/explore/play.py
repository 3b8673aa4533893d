"""Plays one case of a search, here or in a worker, and keeps what a strategy may learn from it."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from drydock.harness.explore.strategy import Outcome
from drydock.harness.money import harm_by_kind
from drydock.harness.port import Case, Finding, Kit, Scenario
from drydock.harness.result import RunResult
from drydock.harness.run import run_case
from drydock.harness.signature import Signature, signature_of, signatures
from drydock.harness.sim import DEFAULT_EVENT_BUDGET, Ties
from drydock.harness.tie_log import Instant, play_logged, tied_instants

_FIFO = Ties("fifo")
_INSTANTS_MAX = 5_000


class Probe(NamedTuple):
    """A case on its way to where it is played: all but the scenario, which is there already.

    ``packed`` is regime, plan, seed and ties as bytes: a plan may have classes of files that are loaded only there.
    """

    number: int
    strategy: str
    packed: bytes

    @classmethod
    def of(cls, number: int, strategy: str, case: Case) -> Probe:
        """The case that a strategy proposed as run ``number``."""
        return cls(number, strategy, pickle.dumps((case.regime, case.plan, case.seed, case.ties)))

    def case(self, scenario: Scenario) -> Case:
        """The case again."""
        regime, plan, seed, ties = pickle.loads(self.packed)
        return Case(scenario, regime, plan, seed, ties)


@dataclass(frozen=True, slots=True)
class Probing:
    """Where the cases of a search are played.

    ``laws`` are those whose violations are failures; ``losses_max`` is what a run may lose by each loss law (1e-6 USD).
    """

    kit: Kit
    scenario: Scenario
    laws: frozenset[str]
    losses_max: Mapping[str, int]
    event_budget: int = DEFAULT_EVENT_BUDGET

    def play(self, probe: Probe) -> Outcome:
        """Plays one case. A night in plain FIFO order is noted: who met in which instant."""
        case = probe.case(self.scenario)
        if case.ties != _FIFO:
            return self._outcome(probe, run_case(case, self.kit, event_budget=self.event_budget))
        result, log = play_logged(case, self.kit, event_budget=self.event_budget)
        return self._outcome(probe, result, tied_instants(log)[:_INSTANTS_MAX])

    def _outcome(self, probe: Probe, result: RunResult, instants: tuple[Instant, ...] = ()) -> Outcome:
        first: dict[Signature, Finding] = {}
        for finding in result.findings:
            first.setdefault(signature_of(finding), finding)
        counted = (found for found in signatures(result, self.losses_max) if found.law in self.laws)
        failures = tuple(sorted(counted, key=lambda found: first[found].at_ms))
        return Outcome(
            number=probe.number,
            strategy=probe.strategy,
            digest=result.digest,
            failures=failures,
            findings=tuple(first[found] for found in failures),
            harm_quantums=sum(harm_by_kind(result.entries).values()),
            evidence=result.evidence,
            instants=instants,
            is_exhausted=result.is_budget_exhausted,
            error=result.error,
        )
