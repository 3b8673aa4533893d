"""The decision: GO, NO-GO or INCONCLUSIVE, with the evidence that carries it.

In this order: the harness failed (4); a safety law is broken, baseline included (1); a limit is
passed (1); something is missing (3); else GO (0).
"""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from drydock.harness import registry
from drydock.harness.bounds import p_upper_ppm
from drydock.harness.bundle import BundleFold, limit_of
from drydock.harness.fault import targets_of
from drydock.harness.known import known_lines, missing_of, times_true, violations_of
from drydock.harness.port import Accepted, Kit, Law, Scenario
from drydock.harness.rehearsal import LEVELS, Options, Rehearsed, play_rehearsal, runs_asked
from drydock.harness.result import Bound, Decision, FaultLine, GoalLine, LimitLine, Verdict
from drydock.harness.units import format_ppm, format_usd
from drydock.harness.verdict_json import verdict_digest, verdict_json

_MILLION = 1_000_000
_NAMED = 3  # a claim names so many laws and counts the rest


def rehearse(scenario: Scenario, kit: Kit, options: Options) -> Verdict:
    """Rehearses the scenario and decides. ``ValueError`` for options that the scenario does not allow.

    Stopped by a signal or by ``max_time_s``, it decides on what there is, and never GO; ``run["stopped"]`` says so.
    """
    return judge(play_rehearsal(scenario, kit, options))


def judge(seen: Rehearsed) -> Verdict:
    """The verdict on a rehearsal: a function of what was seen."""
    court = _Court(seen)
    scenario, options = seen.scenario, seen.options
    decision, exit_code = court.decide()
    return Verdict(
        decision=decision,
        exit_code=exit_code,
        claim=court.claim(decision),
        reasons=court.reasons(),
        scenario=scenario.name,
        scenario_hash=scenario.hash,
        level=options.level or scenario.policy.level,
        seed=options.seed,
        today=options.today,
        accepted=court.accepted_lines(),
        lint=tuple(f"{rule.id}: {text}" for rule in seen.kit.rules() for text in rule.check(scenario)),
        baseline=tuple(v.first_finding for v in court.baseline.violations if v.law_class == "safety"),
        reported=court.reported,
        sweep=court.sweep,
        bounds=court.bounds,
        goals=court.goals,
        faults=court.faults,
        canaries=seen.canaries,
        untested=tuple(_untested(seen)),
        switches=tuple(_switches(seen)),
        run=_run(seen),
        limits=court.limits,
        regime=options.regime or "",
        laws=tuple(law.id for law in court.family),
        regressions=court.known,
    )


class _Court:
    """The evidence laid out: each ground of the decision as a list of sentences."""

    def __init__(self, seen: Rehearsed) -> None:
        self.seen = seen
        self.scenario = seen.scenario
        self.baseline, self.reported, self.sweep = map(BundleFold.bundle, (seen.baseline, seen.reported, seen.sweep))
        today = seen.options.today
        risks = [risk for risk in self.scenario.accepted if today <= risk.expires]
        self.accepted = {risk.law for risk in risks if not risk.regression}
        self.known = known_lines(seen.known, seen.laws, risks)
        judged = {law for fold in (seen.reported, seen.sweep) for law in fold.checks}
        self.judged = [law for law in seen.laws if law.id in judged]
        deciding = [law for law in self.judged if law.id not in self.accepted]
        self.family = [law for law in deciding if law.law_class == "safety"]
        self.limits = tuple(line for law in deciding if law.law_class != "safety" for line in self._limit_lines(law))
        self.goals = tuple(_goal_line(law, (seen.reported, seen.sweep)) for law in seen.laws if law.mode == "sometimes")
        self.faults = tuple(self._fault_lines())
        self.bounds = tuple(self._bounds())
        self.violations = [*self._violations(), *violations_of(self.known)]
        self.passed = [_limit_text(line) for line in self.limits if line.passed]
        self.missing = [*self._missing(), *missing_of(self.known)]

    def decide(self) -> tuple[Decision, int]:
        """Decision and exit code. A signal ends in INCONCLUSIVE whatever was seen: the runs seen are no sample."""
        if self.seen.errors:
            return "INCONCLUSIVE", 4
        if self.seen.stopped.startswith("SIG"):
            return "INCONCLUSIVE", 3
        if self.violations or self.passed:
            return "NO-GO", 1
        return ("INCONCLUSIVE", 3) if self.missing else ("GO", 0)

    def reasons(self) -> tuple[str, ...]:
        """Every ground, the weightiest first."""
        errors = [f"harness error: {text}" for text in self.seen.errors]
        return (*errors, *self.violations, *self.passed, *self.missing)

    def claim(self, decision: Decision) -> str:
        """One line that a release manager can repeat."""
        head = f"{decision} at level {self._level_text()}: "
        if decision == "GO":
            return f"{head}0 of {self.sweep.runs}; {self._bound_text()}"
        if decision == "NO-GO":
            return head + _counted(self.violations + self.passed)
        return head + _counted(list(self.reasons()))

    def accepted_lines(self) -> tuple[Mapping[str, Any], ...]:
        """The risks taken knowingly, with how often they came true."""
        return tuple(
            {
                "law": risk.law,
                "regression": risk.regression or None,
                "reason": risk.reason,
                "owner": risk.owner,
                "expires": risk.expires,
                "expired": risk.expires < self.seen.options.today,
                "runs": self._came_true(risk),
            }
            for risk in self.scenario.accepted
        )

    def _came_true(self, risk: Accepted) -> Mapping[str, int]:
        if risk.regression:
            return {"corpus": times_true(risk, self.known)}
        return {b.name: b.law_runs.get(risk.law, 0) for b in (self.baseline, self.reported, self.sweep)}

    def _level_text(self) -> str:
        options, policy = self.seen.options, self.scenario.policy
        asked, says = runs_asked(self.scenario, options), LEVELS[policy.level]
        level = options.level or policy.level
        return level if asked == says else f"{level} (asked for {asked}, the policy says {says})"

    def _bound_text(self) -> str:
        accepted = f"; accepted: {', '.join(sorted(self.accepted))}" if self.accepted else ""
        if not self.bounds:
            return f"no safety law was in question{accepted}"
        p_text = percent_text(max(bound.p_upper_ppm for bound in self.bounds))
        laws = f"{len(self.bounds)} safety laws" if len(self.bounds) > 1 else "1 safety law"
        return f"p <= {p_text} for each of {laws}{accepted}"

    def _violations(self) -> Iterator[str]:
        for bundle, what in ((self.baseline, "baseline"), (self.reported, "reported"), (self.sweep, "sweep")):
            for violation in bundle.violations:
                if violation.law_class == "safety" and violation.law not in self.accepted:
                    yield f"{violation.law} broken in {violation.runs} of {bundle.runs} {what} runs"

    def _limit_lines(self, law: Law) -> Iterator[LimitLine]:
        limit = limit_of(self.scenario.policy, law.id)
        for bundle in (self.reported, self.sweep):
            if bundle.runs:
                beyond = bundle.law_runs.get(law.id, 0)
                yield LimitLine(
                    law=law.id,
                    law_class=law.law_class,
                    bundle=bundle.name,
                    runs_beyond=beyond,
                    share_ppm=-(-beyond * _MILLION // bundle.runs),
                    p_upper_ppm=p_upper_ppm(beyond, bundle.runs),
                    share_ppm_max=limit.share_ppm_max,
                    quantums_max=limit.quantums_max,
                    passed=beyond * _MILLION > limit.share_ppm_max * bundle.runs,
                )

    def _bounds(self) -> Iterator[Bound]:
        """Of the sweep: it is the distribution that a claim speaks about. None where it was cut short."""
        sweep = self.sweep
        if sweep.runs < sweep.asked or self.seen.errors:
            return
        for law in self.family:
            clean = max(0, sweep.runs - sweep.law_runs.get(law.id, 0) - sweep.exhausted)
            yield Bound(law.id, clean, p_upper_ppm(sweep.runs - clean, sweep.runs, len(self.family)))

    def _fault_lines(self) -> Iterator[FaultLine]:
        evidence, classes = self.seen.evidence, registry.faults()
        feared = [threat.kind for threat in self.scenario.threats] + [fault.kind for fault in self.scenario.reported]
        for kind in dict.fromkeys(feared):
            is_applicable = kind in evidence.applicable or (
                kind in classes and bool(targets_of(classes[kind], self.scenario))
            )
            exercised = evidence.exercised[kind]
            yield FaultLine(kind, is_applicable, exercised, self.seen.consequential.get(kind))

    def _missing(self) -> Iterator[str]:
        seen = self.seen
        if seen.stopped:
            yield f"stopped by {seen.stopped} after {seen.runs} runs"
        if not (self.scenario.threats or self.scenario.reported):
            yield "nothing was made to go wrong: the scenario names no threats and no reported plan"
        least = self.scenario.policy.least_runs
        asked = runs_asked(self.scenario, seen.options)
        if least is not None and asked < least:
            yield f"{asked} runs are fewer than the {least} that the policy wants at least"
        for bundle in (self.baseline, self.reported, self.sweep):
            if bundle.exhausted:
                yield f"{bundle.exhausted} of {bundle.runs} {bundle.name} runs used up their event budget"
        yield from self._missing_proof()
        for goal in self.goals:
            if goal.applicable and not goal.hits:
                yield f"goal {goal.id} was never reached: {goal.sentence}"
        for line in self.faults:
            if line.applicable and not line.exercised:
                yield f"fault {line.kind} was never exercised: no operation met it"
        yield from self._missing_threats()

    def _missing_threats(self) -> Iterator[str]:
        """Threats that no run exercised although another of their kind was, which says nothing of these."""
        met = self.seen.evidence.places
        for number, threat in enumerate(self.scenario.threats):
            if self.seen.evidence.exercised[threat.kind] and not any(
                (threat.kind, step, target) in met for step in threat.steps for target in threat.targets
            ):
                where = f"{threat.kind} at {', '.join(threat.steps)} on {', '.join(threat.targets)}"
                yield f"threat {number + 1} was never exercised: {where}"

    def _missing_proof(self) -> Iterator[str]:
        """Laws of which nobody knows whether they can fail, or that had nothing to judge."""
        proven = {line.law for line in self.seen.canaries}
        for law in self.judged:
            if law.id not in proven:
                yield f"law {law.id} has no canary: nobody has seen it fail"
        for line in self.seen.canaries:
            if line.why:
                yield f"canary of {line.law}: {line.why} ({line.sentence})"
        for law in self.judged:
            if not sum(fold.checks[law.id] for fold in (self.seen.reported, self.seen.sweep)):
                yield f"law {law.id} is vacuous: it had nothing to check in any run"


def percent_text(ppm: int) -> str:
    """A bound in percent with two significant digits, rounded up: 13,609 ppm is ``1.4 %``."""
    step = 10 ** max(0, len(str(ppm)) - 2)
    return f"{format_ppm(-(-ppm // step) * step).removesuffix('%')} %"


def _goal_line(law: Law, folds: Sequence[BundleFold]) -> GoalLine:
    is_applicable = any(law.id in fold.goal_hits for fold in folds)
    return GoalLine(law.id, law.sentence, is_applicable, sum(fold.goal_hits[law.id] for fold in folds))


def _limit_text(line: LimitLine) -> str:
    share = f"{format_ppm(line.share_ppm)} of {line.bundle} runs"
    what = f"lost more than {format_usd(line.quantums_max)} USD" if line.law_class == "loss" else "broke it"
    return f"{line.law}: {share} {what}, the limit is {format_ppm(line.share_ppm_max)}" + (
        f" (95 % bound {percent_text(line.p_upper_ppm)})"
    )


def _counted(grounds: Sequence[str]) -> str:
    more = len(grounds) - _NAMED
    return "; ".join(grounds[:_NAMED]) + (f"; and {more} more" if more > 0 else "")


def _untested(seen: Rehearsed) -> Iterator[Mapping[str, str]]:
    """What this rehearsal says nothing about: other kinds of fault, other steps, and places that no run struck."""
    scenario, places = seen.scenario, {(kind, step) for kind, step, _ in seen.evidence.places}
    steps_of: dict[str, set[str]] = {fault.kind: {fault.step} for fault in scenario.reported}
    for threat in scenario.threats:
        steps_of.setdefault(threat.kind, set()).update(threat.steps)
    for kind, cls in registry.faults().items():
        if not targets_of(cls, scenario):
            continue
        if kind not in steps_of:
            yield {"step": "any", "fault": kind, "why": "not among the scenario's threats"}
            continue
        for step in seen.kit.steps(scenario):
            if step.name not in steps_of[kind]:
                yield {"step": step.name, "fault": kind, "why": "the threat does not name this step"}
            elif (kind, step.name) not in places:
                yield {"step": step.name, "fault": kind, "why": "no run exercised it here"}


def _switches(seen: Rehearsed) -> Iterator[Mapping[str, Any]]:
    for switch in seen.kit.switches(seen.scenario):
        yield {"name": switch.name, "path": switch.path, "value": switch.value, "on": switch.is_on}


def _run(seen: Rehearsed) -> Mapping[str, Any]:
    return {
        "runs": seen.runs,
        "seconds": round(seen.seconds, 3),
        "workers": seen.options.workers,
        "python": platform.python_version(),
        "machine": platform.machine(),
        "stopped": seen.stopped,
        "database": seen.kit.stands_on.plain() | {"canaries": seen.kit.backends()[0]},
    }


__all__ = ["LEVELS", "Options", "judge", "percent_text", "rehearse", "verdict_digest", "verdict_json"]
