"""What a run, a bundle of runs and a whole rehearsal leave: plain, picklable, without venue types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from drydock.harness.event import Event, Identity
from drydock.harness.port import Case, Entry, Finding

Decision = Literal["GO", "NO-GO", "INCONCLUSIVE"]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of one fault of a plan after a run."""

    index: int
    kind: str
    applicable: bool
    exercised: bool
    step: str = ""
    target: str = ""


@dataclass(frozen=True, slots=True)
class Refund:
    """What an account is owed for one kind of harm, in 1e-6 USD, above zero; ``events`` are the evidence."""

    account: int
    kind: str
    amount_quantums: int
    events: tuple[Identity, ...] = ()


@dataclass(frozen=True, slots=True)
class RunResult:
    """One run of one Case. ``events`` and ``worth`` are None unless asked for; ``error`` is a harness error's text.

    ``worth`` is what each account was worth at the truth when the run ended, in 1e-6 USD.
    """

    digest: str
    findings: tuple[Finding, ...]
    goals: Mapping[str, int]
    checks: Mapping[str, int]
    entries: tuple[Entry, ...]
    evidence: tuple[Evidence, ...]
    served_events: int
    ended_ms: int
    is_budget_exhausted: bool = False
    error: str = ""
    events: Sequence[Event] | None = None
    worth: Mapping[int, int] | None = None
    missed_laggards: tuple[Identity, ...] = ()
    """laggards of the case that never occurred: it was played as if they were not there"""

    @property
    def is_clean(self) -> bool:
        """No law broken, nothing failed."""
        return not self.findings and not self.error and not self.is_budget_exhausted


@dataclass(frozen=True, slots=True)
class Violation:
    """A law that was broken in a bundle of runs, with the first case that shows it (smallest run number)."""

    law: str
    sentence: str
    law_class: str
    runs: int
    first_case: Case
    first_finding: Finding


@dataclass(frozen=True, slots=True)
class Money:
    """A distribution in 1e-6 USD; a percentile is None where n(1-q) < 10."""

    mean: int
    p50: int | None
    p95: int | None
    p99: int | None
    maximum: int
    by_kind: Mapping[str, int] = field(default_factory=dict)
    restored_mean: int = 0
    """mean of what rollbacks gave back; the other figures are before that"""


@dataclass(frozen=True, slots=True)
class Bundle:
    """The independent runs of one distribution: the reported plan, or the sweep."""

    name: str
    runs: int
    violations: tuple[Violation, ...]
    harm: Money
    refund: Money | None
    accounts_p50: int | None
    accounts_max: int | None
    law_runs: Mapping[str, int]
    """law id -> runs that broke it (for loss laws: that passed usd_max)."""
    goal_hits: Mapping[str, int]
    vacuous: tuple[str, ...]
    """laws that checked nothing in any run"""
    exhausted: int = 0
    errors: tuple[str, ...] = ()
    strata: Mapping[str, int] = field(default_factory=dict)
    """regime -> runs that broke a safety law"""
    strata_runs: Mapping[str, int] = field(default_factory=dict)
    """regime -> runs"""
    asked: int = 0
    """runs that were fixed before the first; more than ``runs`` where the rehearsal was stopped"""


@dataclass(frozen=True, slots=True)
class Bound:
    """Clopper-Pearson, Bonferroni over the safety laws. ``p_upper_ppm`` is rounded up."""

    law: str
    runs_clean: int
    p_upper_ppm: int


@dataclass(frozen=True, slots=True)
class GoalLine:
    """A goal (``sometimes`` law) and how many runs reached it."""

    id: str
    sentence: str
    applicable: bool
    hits: int


@dataclass(frozen=True, slots=True)
class FaultLine:
    """What is known of one kind of fault over all runs: could it strike, how often did it, and did it matter."""

    kind: str
    applicable: bool
    exercised: int
    consequential: bool | None


@dataclass(frozen=True, slots=True)
class CanaryLine:
    """Whether a law caught its wrong build and let the right one that looks alike pass."""

    law: str
    sentence: str
    caught: bool
    control_clean: bool
    why: str = ""


@dataclass(frozen=True, slots=True)
class LimitLine:
    """A limit of the policy against what a bundle showed; ``p_upper_ppm`` is the 95 % bound, rounded up."""

    law: str
    law_class: str
    bundle: str
    runs_beyond: int
    share_ppm: int
    p_upper_ppm: int
    share_ppm_max: int
    quantums_max: int
    passed: bool


@dataclass(frozen=True, slots=True)
class KnownLine:
    """What became of a regression. ``decides`` is a NO-GO, ``is_missing`` an INCONCLUSIVE; neither where accepted.

    ``outside`` are the kinds of its faults that the scenario's threats do not name as they are in it.
    """

    id: str
    file: str
    signature: str
    because: str
    outcome: str
    told: str
    law_class: str
    is_accepted: bool
    decides: bool
    is_missing: bool
    outside: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """The decision with the evidence that carries it."""

    decision: Decision
    exit_code: int
    claim: str
    reasons: tuple[str, ...]
    scenario: str
    scenario_hash: str
    level: str
    seed: int
    today: str
    accepted: tuple[Mapping[str, Any], ...]
    lint: tuple[str, ...]
    baseline: tuple[Finding, ...]
    reported: Bundle | None
    sweep: Bundle | None
    bounds: tuple[Bound, ...]
    goals: tuple[GoalLine, ...]
    faults: tuple[FaultLine, ...]
    canaries: tuple[CanaryLine, ...]
    untested: tuple[Mapping[str, str], ...]
    switches: tuple[Mapping[str, Any], ...]
    run: Mapping[str, Any] = field(default_factory=dict)
    """All that depends on machine or clock; outside the verdict digest."""
    limits: tuple[LimitLine, ...] = ()
    regime: str = ""
    """the one regime that was asked for; empty where the scenario's own were taken"""
    laws: tuple[str, ...] = ()
    """the safety laws of the family that the bounds are for"""
    regressions: tuple[KnownLine, ...] = ()
    """known failures, on the scenario as it is today; none of them enters a bound"""
