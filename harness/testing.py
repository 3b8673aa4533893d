"""For tests of one's own, with or without pytest's fixtures: a scenario, one night of it, and plans for ``@given``.

::

    from hypothesis import given
    from drydock.harness.testing import fault_plans, night, scenario

    BENCH = scenario("bench")

    @given(fault_plans(BENCH))
    def test_no_threat_breaks_the_bench(plan):
        night(BENCH, plan).check()
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from drydock.harness import registry
from drydock.harness.bundle import baseline_regimes
from drydock.harness.explore.search import counted_laws
from drydock.harness.fault import targets_of
from drydock.harness.mistakes import did_you_mean
from drydock.harness.money import harm_by_kind
from drydock.harness.port import Case, Fault, Scenario
from drydock.harness.result import RunResult
from drydock.harness.run import HarnessError, run_case
from drydock.harness.scenario import load_scenario
from drydock.harness.signature import Signature, loss_limits, signature_of, signatures
from drydock.harness.sim import Ties

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

_TOLD_MAX = 12


class LawBroken(AssertionError):
    """A night broke a law that decides; the text says which, and how."""


@dataclass(frozen=True, slots=True)
class Night:
    """One night, played and judged. ``failures`` are the ways in which it broke a law that decides.

    A safety law decides, a loss beyond the policy's limit does; a service law limits a share of nights and decides only
    where it was asked for.
    """

    case: Case
    result: RunResult
    failures: tuple[Signature, ...]

    @property
    def broken(self) -> tuple[str, ...]:
        """The ids of the laws behind the failures, each once."""
        return tuple(dict.fromkeys(failure.law for failure in self.failures))

    @property
    def harm(self) -> Mapping[str, int]:
        """kind of harm -> what it came to, in 1e-6 USD."""
        return harm_by_kind(self.result.entries)

    @property
    def harm_quantums(self) -> int:
        """All harm, in 1e-6 USD: something to steer a search by (``hypothesis.target``)."""
        return sum(self.harm.values())

    def check(self) -> Self:
        """Itself. :exc:`LawBroken`, an ``AssertionError``, where a law that decides was broken."""
        __tracebackhide__ = True
        if self.failures:
            raise LawBroken(self.told())
        return self

    def told(self) -> str:
        """What was broken: the plan, and the first finding of each failure."""
        case = self.case
        lines = [f"{case.scenario.name} breaks {', '.join(self.broken) or 'nothing'}: {case.regime}, seed {case.seed}"]
        lines += [f"  with {fault!r}" for fault in case.plan] or ["  without a fault"]
        first = {signature_of(finding): finding for finding in reversed(self.result.findings)}
        lines += [f"  {failure}: {first[failure].detail}" for failure in self.failures[:_TOLD_MAX]]
        return "\n".join(lines)


def scenario(reference: str, *sets: str) -> Scenario:
    """A packaged scenario by name, or one of a file, with ``path=value`` set. ``BadFile`` tells all that is wrong."""
    return load_scenario(reference, sets)


def night(
    place: Scenario,
    plan: Sequence[Fault] = (),
    *,
    seed: int = 1,
    regime: str | None = None,
    ties: Ties | None = None,
    laws: Sequence[str] = (),
) -> Night:
    """One night of a scenario with this plan, by default in its reported regime. See :func:`play` for ``laws``.

    ``ValueError`` for a regime that it does not have, and for a fault that cannot strike it.
    """
    __tracebackhide__ = True
    if regime is not None and regime not in (known := baseline_regimes(place)):
        raise ValueError(f"regime: '{regime}' is not in scenario {place.name}; {', '.join(known)}")
    for fault in plan:
        if not fault.applicable(place):
            raise ValueError(_why_not(fault, place))
    return play(Case(place, regime or place.reported_regime, tuple(plan), seed, ties or Ties()), laws=laws)


def _why_not(fault: Fault, place: Scenario) -> str:
    steps, targets = registry.kit(place.kit).anchors(place), targets_of(type(fault), place)
    for noun, name, known in (("step", fault.step, steps), ("target", fault.target, targets)):
        if name not in known and known:
            return f"{fault.kind}: there is no {noun} '{name}' in scenario {place.name}; {did_you_mean(name, known)}"
    return f"{fault!r} has nothing to strike in scenario {place.name}"


def play(case: Case, *, laws: Sequence[str] = ()) -> Night:
    """One case, played and judged; ``laws`` alone decide, where they are given, whatever their class.

    ``ValueError`` for an unknown law. :exc:`~drydock.harness.run.HarnessError` where the run says nothing: a part of
    the model, a fault or a law failed, or it came to no end.
    """
    kit = registry.kit(case.scenario.kit)
    known = kit.laws(case.scenario)
    deciding = frozenset().union(*(counted_laws(known, law) for law in laws or ("",)))
    result = run_case(case, kit)
    if result.error or result.is_budget_exhausted:
        raise HarnessError(result.error or "the run used up its event budget and came to no end")
    found = signatures(result, loss_limits(kit, case.scenario))
    return Night(case, result, tuple(failure for failure in found if failure.law in deciding))


def fault_plans(
    place: Scenario | str,
    *,
    faults: tuple[int, int] = (1, 2),
    kinds: Collection[str] | None = None,
    within_threats: bool = True,
) -> SearchStrategy[tuple[Fault, ...]]:
    """A Hypothesis strategy for ``@given``: legal plans of a scenario, of so many faults, both ends included.

    Fields are drawn from the ranges of their faults, or of the scenario's threats: ``within_threats`` keeps to what
    they name. ``kinds`` keeps to these kinds of fault. ``ValueError`` for an unknown kind, and where nothing is left.
    """
    from drydock.harness.strategies import plans

    __tracebackhide__ = True

    at = scenario(place) if isinstance(place, str) else place
    found: SearchStrategy[tuple[Fault, ...]] = plans(at, faults, kinds or (), within_threats)
    return found
