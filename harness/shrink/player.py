"""Who plays the cases that a shrinker asks about, and says how each of them fails."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from drydock.harness.port import Case, Kit, Law, Scenario
from drydock.harness.run import run_case
from drydock.harness.signature import Signature, loss_limits, signature_of, signatures
from drydock.harness.sim import DEFAULT_EVENT_BUDGET

Seen = frozenset[Signature]


class Player(Protocol):
    """Plays cases of one scenario. ``width`` is how many it plays best at once: what is asked ahead may be for nothing.

    What a case shows must be a function of the case alone.
    """

    width: int

    def seen(self, cases: Sequence[Case], asked: Signature | None = None) -> Sequence[Seen]:
        """How each case fails; where ``asked`` is given, no more than whether it fails so need be known."""
        ...


class Alone:
    """Plays one case after another, in this process.

    A loss within the policy is no failure. A run that comes to no end, or that the harness fails in, shows nothing: it
    is no smaller story. Where one signature is asked about, its law alone is folded, and a run ends as soon as it is
    shown, which a night with an incident takes hours later: faster, and the answer is the same.
    """

    width = 1

    def __init__(self, kit: Kit, scenario: Scenario, event_budget: int = DEFAULT_EVENT_BUDGET) -> None:
        self._kit = kit
        self._losses_max = loss_limits(kit, scenario)
        self._event_budget = event_budget

    def seen(self, cases: Sequence[Case], asked: Signature | None = None) -> Sequence[Seen]:
        """How each case fails."""
        return [self._one(case, asked) for case in cases]

    def _one(self, case: Case, asked: Signature | None) -> Seen:
        laws = self._laws(case.scenario, asked.law if asked else None)
        is_sum = asked is None or asked.law in self._losses_max  # a loss is known when all of it is
        enough = None if is_sum else lambda finding: signature_of(finding) == asked
        result = run_case(case, self._kit, laws=laws, event_budget=self._event_budget, enough=enough)
        if result.error or result.is_budget_exhausted:
            return frozenset()
        return frozenset(signatures(result, self._losses_max))

    def _laws(self, scenario: Scenario, law: str | None) -> list[Law]:
        return [known for known in self._kit.laws(scenario) if law in (None, known.id)]
