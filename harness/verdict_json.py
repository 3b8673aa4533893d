"""The verdict as JSON: a contract that scripts read. Keys may be added, not renamed.

Money is a decimal text in USD; everything else is in the unit its name ends in. All that depends on machine or clock
is under ``run``, and the verdict's digest leaves that out: the same rehearsal has the same digest anywhere.
"""

from __future__ import annotations

from dataclasses import asdict
from hashlib import blake2b
from typing import Any

from drydock.harness.case_file import case_to_plain
from drydock.harness.event import identity_text
from drydock.harness.port import Finding
from drydock.harness.result import Bound, Bundle, FaultLine, KnownLine, LimitLine, Money, Verdict, Violation
from drydock.harness.scenario import canonical_json
from drydock.harness.signature import signature_of
from drydock.harness.units import format_usd

SCHEMA = "drydock.verdict/1"
_MILLION = 1_000_000


def verdict_json(verdict: Verdict) -> dict[str, Any]:
    """The verdict as JSON data."""
    return _judged(verdict) | {"verdict_digest": verdict_digest(verdict), "run": dict(verdict.run)}


def verdict_digest(verdict: Verdict) -> str:
    """Hexadecimal blake2b over the canonical JSON of all that does not depend on machine or clock."""
    judged = _judged(verdict)
    for bundle in (judged["reported"], judged["sweep"]):
        for violation in bundle["violations"] if bundle else ():
            del violation["first_case"]["folder"]  # a hint for replay, relative to where the command was given
    for known in judged["regressions"]:
        del known["file"]  # relative to that as well
    return blake2b(canonical_json(judged).encode(), digest_size=16).hexdigest()


def _judged(verdict: Verdict) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "decision": verdict.decision,
        "exit_code": verdict.exit_code,
        "claim": verdict.claim,
        "reasons": list(verdict.reasons),
        "accepted": [dict(risk) for risk in verdict.accepted],
        "scenario": {"name": verdict.scenario, "hash": verdict.scenario_hash},
        "level": verdict.level,
        "regime": verdict.regime or None,
        "seed": verdict.seed,
        "today": verdict.today,
        "lint": list(verdict.lint),
        "baseline": [_finding(finding) for finding in verdict.baseline],
        "reported": _bundle(verdict.reported),
        "sweep": _bundle(verdict.sweep),
        "bounds": [_bound(bound) for bound in verdict.bounds],
        "limits": [_limit(line) for line in verdict.limits],
        "regressions": [_known(line) for line in verdict.regressions],
        "goals": [asdict(goal) for goal in verdict.goals],
        "faults": [_fault(line) for line in verdict.faults],
        "canaries": [asdict(line) for line in verdict.canaries],
        "untested": [dict(line) for line in verdict.untested],
        "switches": [dict(switch) for switch in verdict.switches],
    }


def _bundle(bundle: Bundle | None) -> dict[str, Any] | None:
    if bundle is None:
        return None
    return {
        "runs": bundle.runs,
        "runs_asked": bundle.asked,
        "runs_exhausted": bundle.exhausted,
        "violations": [_violation(violation) for violation in bundle.violations],
        "harm_usd": _money(bundle.harm),
        "refund_usd": None if bundle.refund is None else _money(bundle.refund),
        "accounts": {"p50": bundle.accounts_p50, "max": bundle.accounts_max},
        "strata": [
            {"regime": regime, "runs": runs, "runs_unsafe": bundle.strata.get(regime, 0)}
            for regime, runs in bundle.strata_runs.items()
        ],
    }


def _violation(violation: Violation) -> dict[str, Any]:
    return {
        "law": violation.law,
        "sentence": violation.sentence,
        "class": violation.law_class,
        "runs": violation.runs,
        "first_case": case_to_plain(violation.first_case),
        "first_finding": _finding(violation.first_finding),
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "law": finding.law,
        "at_ms": finding.at_ms,
        "detail": finding.detail,
        "events": [identity_text(identity) for identity in finding.events],
        "amount_usd": format_usd(finding.amount_quantums),
        "signature": str(signature_of(finding)),
    }


def _money(money: Money) -> dict[str, Any]:
    return {
        "mean": format_usd(money.mean),
        "p50": _usd(money.p50),
        "p95": _usd(money.p95),
        "p99": _usd(money.p99),
        "max": format_usd(money.maximum),
        "by_kind": {kind: format_usd(amount) for kind, amount in money.by_kind.items()},
        "restored_mean": format_usd(money.restored_mean),
    }


def _usd(amount_quantums: int | None) -> str | None:
    return None if amount_quantums is None else format_usd(amount_quantums)


def _bound(bound: Bound) -> dict[str, Any]:
    return {
        "law": bound.law,
        "runs_clean": bound.runs_clean,
        "p_upper_95_family": bound.p_upper_ppm / _MILLION,  # a reader's number: nothing is computed from it
        "p_upper_95_family_ppm": bound.p_upper_ppm,
    }


def _limit(line: LimitLine) -> dict[str, Any]:
    plain = asdict(line)
    plain["class"] = plain.pop("law_class")
    plain["usd_max"] = format_usd(plain.pop("quantums_max"))
    return plain


def _known(line: KnownLine) -> dict[str, Any]:
    plain = asdict(line)
    plain["class"] = plain.pop("law_class")
    return plain


def _fault(line: FaultLine) -> dict[str, Any]:
    return {
        "kind": line.kind,
        "applicable": line.applicable,
        "exercised": line.exercised,
        "consequential": line.consequential,
    }
