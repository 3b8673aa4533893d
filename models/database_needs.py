"""What a night asks of a real database beyond plain transactions: not every server is ours to crash and to promote."""

from __future__ import annotations

from collections.abc import Collection

from drydock.harness import registry
from drydock.harness.port import Scenario
from drydock.models.model import step_specs
from drydock.models.venue_fault import VenueFault

_COPY = "a copy to a bigger instance"


def needs_of(scenario: Scenario, strikes: Collection[tuple[str, str]]) -> list[str]:
    """``a crash (crash)``, each with who asks for it: steps of either branch, and faults of such (kind, target)."""
    asked: dict[str, set[str]] = {}
    for label, (_, spec) in step_specs(scenario).items():
        if spec.step == "scale_up":
            asked.setdefault(_COPY, set()).add(f"step {label}")
    known = registry.faults()
    for kind, target in strikes:
        fault = known.get(kind)
        if fault is not None and issubclass(fault, VenueFault) and (what := fault.asks_of_database(target)):
            asked.setdefault(what, set()).add(kind)
    return [f"{what} ({', '.join(sorted(who))})" for what, who in sorted(asked.items())]
