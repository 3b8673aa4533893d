"""Bundles of runs: which Case has which number, what is kept of a run, and how runs fold into a bundle.

A run of a rehearsal is named by a :class:`Ticket`; ticket, scenario and master seed are its whole cause. What a run
leaves is a small :class:`RunSummary`; a :class:`BundleFold` takes summaries in any order and from any number of
workers and comes to the same bundle, because all it does is count, add and keep the smallest run number.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from drydock.harness.event import Identity
from drydock.harness.law import by_law, capped
from drydock.harness.money import (
    accounts_owed,
    distribution,
    harm_by_kind,
    owed_by_kind,
    percentile,
    refunds,
    restored,
)
from drydock.harness.plan import sample_plan
from drydock.harness.port import Case, Finding, Law, Limit, Policy, Scenario
from drydock.harness.result import Bundle, Evidence, Money, Refund, RunResult, Violation
from drydock.harness.signature import Signature, signatures
from drydock.harness.stream import Stream, derive_seed

JUDGED = ("reported", "sweep")
"""The bundles that a verdict reports: of these alone harm and refunds are distributions."""
FINDINGS_KEPT = 3  # of each law and run
ERRORS_KEPT = 5
SEED_BITS = 53
"""A seed survives every JSON reader, JavaScript's included."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """One run of a rehearsal: its bundle and its number.

    Bundles are ``baseline``, ``corpus``, ``reported``, ``again`` (a reported run once more), ``sweep``, ``canary`` and
    ``control``.
    ``without`` leaves one fault of the plan out, by index: the question whether it was consequential.
    """

    bundle: str
    number: int
    without: int | None = None


@dataclass(frozen=True, slots=True)
class RunSummary:
    """What is kept of a run: enough to decide, small enough for ten thousand. Money in 1e-6 USD.

    ``owed`` is empty unless somebody wants to read account by account what ``refunds`` has by kind. ``signatures`` are
    of all that was found, also of what ``findings`` leaves out.
    """

    ticket: Ticket
    regime: str
    digest: str
    findings: tuple[Finding, ...] = ()
    finding_counts: Mapping[str, int] = field(default_factory=dict)
    losses: Mapping[str, int] = field(default_factory=dict)
    goals: Mapping[str, int] = field(default_factory=dict)
    checks: Mapping[str, int] = field(default_factory=dict)
    evidence: tuple[Evidence, ...] = ()
    harm: Mapping[str, int] = field(default_factory=dict)
    restored: int = 0
    refunds: Mapping[str, int] = field(default_factory=dict)
    refunded_accounts: int = 0
    owed: tuple[Refund, ...] = ()
    signatures: tuple[Signature, ...] = ()
    missed_laggards: tuple[Identity, ...] = ()
    is_exhausted: bool = False
    error: str = ""


def run_seed(seed: int, bundle: str, number: int) -> int:
    """The seed of run ``number`` of a bundle: a function of master seed, bundle and number alone."""
    return derive_seed(seed, f"{bundle}/{number}") % (1 << SEED_BITS)


def case_of(ticket: Ticket, scenario: Scenario, seed: int) -> Case:
    """The Case behind a ticket of the baseline, the reported plan or the sweep. ``seed`` is the master seed."""
    bundle = "reported" if ticket.bundle == "again" else ticket.bundle
    own_seed = run_seed(seed, bundle, ticket.number)
    if bundle == "reported":
        case = Case(scenario, scenario.reported_regime, scenario.reported, own_seed)
    elif bundle == "baseline":
        case = Case(scenario, _dealt(baseline_regimes(scenario), ticket.number), (), own_seed)
    elif bundle == "sweep":
        plan = sample_plan(scenario, Stream(own_seed, "plan"))
        case = Case(scenario, _dealt(scenario.regimes, ticket.number), plan, own_seed)
    else:
        raise ValueError(f"bundle '{ticket.bundle}' has no cases of its own; baseline, reported, again or sweep")
    if ticket.without is None:
        return case
    return replace(case, plan=case.plan[: ticket.without] + case.plan[ticket.without + 1 :])


def baseline_regimes(scenario: Scenario) -> tuple[str, ...]:
    """The regimes that the empty plan has to survive: the sweep's, and the reported one."""
    return tuple(dict.fromkeys((*scenario.regimes, scenario.reported_regime)))


def _dealt(regimes: Sequence[str], number: int) -> str:
    return regimes[number % len(regimes)]


def summarise(ticket: Ticket, case: Case, result: RunResult, *, keeps_refunds: bool = False) -> RunSummary:
    """Keeps of a run what a verdict needs; its refunds account by account only where asked for."""
    grouped = by_law(result.findings)
    owed = refunds(result.entries, case.scenario.policy.refunds)
    return RunSummary(
        ticket=ticket,
        regime=case.regime,
        digest=result.digest,
        findings=capped(result.findings, FINDINGS_KEPT),
        finding_counts={law: len(found) for law, found in grouped.items()},
        losses={law: sum(finding.amount_quantums for finding in found) for law, found in grouped.items()},
        goals=dict(result.goals),
        checks=dict(result.checks),
        evidence=result.evidence,
        harm=harm_by_kind(result.entries),
        restored=restored(result.entries),
        refunds=owed_by_kind(owed),
        refunded_accounts=accounts_owed(owed),
        owed=owed if keeps_refunds else (),
        signatures=signatures(result),
        missed_laggards=result.missed_laggards,
        is_exhausted=result.is_budget_exhausted,
        error=result.error,
    )


def limit_of(policy: Policy, law: str) -> Limit:
    """The policy's limit for a law; where it names none, nothing is allowed."""
    return next((limit for limit in policy.limits if limit.law == law), Limit(law))


class BundleFold:
    """Folds the runs of one bundle, in any order: only counts, sums and smallest tickets are kept."""

    def __init__(self, name: str, scenario: Scenario, laws: Sequence[Law], seed: int, asked: int) -> None:
        self.name = name
        self.scenario = scenario
        self.seed = seed
        self.asked = asked
        self.runs = 0
        self.exhausted = 0
        self.laws = {law.id: law for law in laws}
        self.evidence = EvidenceFold()
        self.law_runs: Counter[str] = Counter()
        self.goal_hits: Counter[str] = Counter()
        self.checks: Counter[str] = Counter()
        self._safety_runs: Counter[str] = Counter()
        self._regime_runs: Counter[str] = Counter()
        self._first: dict[str, tuple[Ticket, Finding]] = {}
        self._errors: dict[int, str] = {}
        self._harm: list[Mapping[str, int]] = []
        self._restored = 0
        self._refunds: list[Mapping[str, int]] = []
        self._accounts: list[int] = []

    def add(self, run: RunSummary) -> bool:
        """Folds one run in; True where it broke a safety law."""
        self.runs += 1
        self._regime_runs[run.regime] += 1
        if run.error:
            self._errors[run.ticket.number] = f"{self.name} run {run.ticket.number}: {run.error}"
            return False
        self.exhausted += run.is_exhausted
        self.checks.update(run.checks)
        for goal, hits in run.goals.items():
            self.goal_hits[goal] += hits > 0
        self._harm.append(run.harm)
        self._restored += run.restored
        self._refunds.append(run.refunds)
        self._accounts.append(run.refunded_accounts)
        self.evidence.add(run)
        return self._add_findings(run)

    def bundle(self) -> Bundle:
        """What the runs folded so far come to."""
        policy = self.scenario.policy
        accounts = sorted(self._accounts) if policy.refunds else []
        return Bundle(
            name=self.name,
            runs=self.runs,
            violations=tuple(self._violation(law) for law in self.laws if law in self._first),
            harm=replace(_money(self._harm), restored_mean=self._restored // max(1, len(self._harm))),
            refund=_money(self._refunds) if policy.refunds else None,
            accounts_p50=percentile(accounts, 50),
            accounts_max=accounts[-1] if accounts else None,
            law_runs=_sorted(self.law_runs),
            goal_hits=_sorted(self.goal_hits),
            vacuous=tuple(law for law in self.laws if law in self.checks and not self.checks[law]),
            exhausted=self.exhausted,
            errors=tuple(self._errors[number] for number in sorted(self._errors)[:ERRORS_KEPT]),
            strata=_sorted(self._safety_runs),
            strata_runs=_sorted(self._regime_runs),
            asked=self.asked,
        )

    def _add_findings(self, run: RunSummary) -> bool:
        is_unsafe = False
        for law_id in run.finding_counts:
            law = self.laws[law_id]
            if law.law_class == "loss" and run.losses[law_id] <= self._loss_max(law_id):
                continue
            self.law_runs[law_id] += 1
            is_unsafe |= law.law_class == "safety"
            first = next(finding for finding in run.findings if finding.law == law_id)
            known = self._first.get(law_id)
            if known is None or run.ticket.number < known[0].number:
                self._first[law_id] = (run.ticket, first)
        self._safety_runs[run.regime] += is_unsafe
        return is_unsafe

    def _loss_max(self, law_id: str) -> int:
        return limit_of(self.scenario.policy, law_id).quantums_max

    def _violation(self, law_id: str) -> Violation:
        law, (ticket, finding) = self.laws[law_id], self._first[law_id]
        case = case_of(ticket, self.scenario, self.seed)
        return Violation(law_id, law.sentence, law.law_class, self.law_runs[law_id], case, finding)


class EvidenceFold:
    """What is known of the faults of many runs: which applied, which were exercised, where, and where first."""

    def __init__(self) -> None:
        self.applicable: set[str] = set()
        self.exercised: Counter[str] = Counter()
        self.places: set[tuple[str, str, str]] = set()
        self.first: dict[str, tuple[Ticket, str]] = {}

    def add(self, run: RunSummary) -> None:
        """Folds the evidence of one run in."""
        self.applicable.update(seen.kind for seen in run.evidence if seen.applicable)
        exercised = [seen for seen in run.evidence if seen.exercised]
        self.exercised.update({seen.kind for seen in exercised})
        for seen in exercised:
            self.places.add((seen.kind, seen.step, seen.target))
            self._keep_first(seen.kind, replace(run.ticket, without=seen.index), run.digest)

    def merged(self, other: EvidenceFold) -> EvidenceFold:
        """The evidence of both."""
        both = EvidenceFold()
        for fold in (self, other):
            both.applicable |= fold.applicable
            both.exercised.update(fold.exercised)
            both.places |= fold.places
            for kind, (ticket, digest) in fold.first.items():
                both._keep_first(kind, ticket, digest)
        return both

    def _keep_first(self, kind: str, ticket: Ticket, digest: str) -> None:
        known = self.first.get(kind)
        if known is None or _order(ticket) < _order(known[0]):
            self.first[kind] = (ticket, digest)


def _order(ticket: Ticket) -> tuple[str, int, int]:
    return (ticket.bundle, ticket.number, -1 if ticket.without is None else ticket.without)


def _money(by_kind: Sequence[Mapping[str, int]]) -> Money:
    return distribution([sum(amounts.values()) for amounts in by_kind], by_kind)


def _sorted(counts: Counter[str]) -> dict[str, int]:
    return {name: counts[name] for name in sorted(counts)}
