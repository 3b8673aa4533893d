"""Who plays the cases that a shrinker asks about, and says how each of them fails."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from drydock.harness.port import Case, Kit, Law, Scenario
from drydock.harness.run import run_case
from drydock.harness.signature import Signature, loss_limits, signatures
from drydock.harness.sim import DEFAULT_EVENT_BUDGET

Seen = frozenset[Signature]


class Player(Protocol):
    """Plays cases of one scenario. ``width`` is how many it plays best at once: what is asked ahead may be for nothing.

    What a case shows must be a function of the case alone.
    """

    width: int

    def seen(self, cases: Sequence[Case], law: str | None = None) -> Sequence[Seen]:
        """How each case fails; where ``law`` is given, that law alone may be judged."""
        ...


class Alone:
    """Plays one case after another, in this process.

    A loss within the policy is no failure. A run that comes to no end, or that the harness fails in, shows nothing: it
    is no smaller story. Only the laws that are asked about are folded, which is faster and finds the same.
    """

    width = 1

    def __init__(self, kit: Kit, scenario: Scenario, event_budget: int = DEFAULT_EVENT_BUDGET) -> None:
        self._kit = kit
        self._losses_max = loss_limits(kit, scenario)
        self._event_budget = event_budget

    def seen(self, cases: Sequence[Case], law: str | None = None) -> Sequence[Seen]:
        """How each case fails."""
        return [self._one(case, law) for case in cases]

    def _one(self, case: Case, law: str | None) -> Seen:
        result = run_case(case, self._kit, laws=self._laws(case.scenario, law), event_budget=self._event_budget)
        if result.error or result.is_budget_exhausted:
            return frozenset()
        return frozenset(signatures(result, self._losses_max))

    def _laws(self, scenario: Scenario, law: str | None) -> list[Law]:
        return [known for known in self._kit.laws(scenario) if law in (None, known.id)]
