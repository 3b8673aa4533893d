"""What a search found, as JSON. Keys may be added, not renamed; money is a decimal string in USD."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from drydock.harness.event import identity_text
from drydock.harness.explore.found import Explored, Failure
from drydock.harness.explore.minimum import Minimum
from drydock.harness.plan import plan_to_plain
from drydock.harness.port import Case, Plain
from drydock.harness.units import format_usd

EXPLORED_SCHEMA = "drydock.explored/1"
NOTE = "guided runs: they go where failures are expected, and enter no bound"


def explored_json(explored: Explored, smallest: Sequence[Minimum], files: Mapping[str, str] | None = None) -> Plain:
    """The answer of ``explore --json``. ``files`` has what was written: a case, its smallest, its regression."""
    written = files or {}
    return {
        "schema": EXPLORED_SCHEMA,
        "scenario": {"name": explored.scenario, "hash": explored.scenario_hash},
        "seed": explored.seed,
        "budget": explored.budget,
        "runs": explored.runs,
        "law": explored.law or None,
        "stopped": explored.stopped or None,
        "note": NOTE,
        "failures": [_failure(failure, explored, smallest, written) for failure in explored.failures],
        "smallest": [_smallest(one, written) for one in smallest],
        "strategies": [
            {
                "name": line.strategy,
                "runs": line.runs,
                "failed": line.failed,
                "signatures": line.signatures,
                "first_run": line.first_run,
                "scope": line.scope or None,
            }
            for line in explored.yields
        ],
        "worst": explored.worst
        and {
            "harm_usd": format_usd(explored.worst.harm_quantums),
            "strategy": explored.worst.strategy,
            "run": explored.worst.run,
            "case": case_brief(explored.worst.case),
        },
        "kinds": list(explored.kinds),
        "outside": list(explored.outside),
        "exhausted": explored.exhausted,
        "errors_total": explored.errors_total,
        "errors": list(explored.errors),
        "run": dict(explored.run),
    }


def case_brief(case: Case) -> Plain:
    """A case without its scenario, which is the same for all of a search."""
    laggards = [identity_text(laggard) for laggard in case.ties.laggards]
    return {
        "regime": case.regime,
        "plan": plan_to_plain(case.plan),
        "seed": case.seed,
        "ties": {"mode": case.ties.mode, "laggards": laggards},
    }


def _failure(failure: Failure, explored: Explored, smallest: Sequence[Minimum], files: Mapping[str, str]) -> Plain:
    text = str(failure.signature)
    shown = (number for number, one in enumerate(smallest) if failure.signature in one.shows)
    return {
        "signature": text,
        "law": failure.signature.law,
        "component": failure.signature.component,
        "role": failure.signature.role,
        "sentence": failure.sentence,
        "class": failure.law_class,
        "strategy": failure.strategy,
        "run": failure.run,
        "runs": explored.failing_runs[text],
        "at_ms": failure.finding.at_ms,
        "detail": failure.finding.detail,
        "outside": plan_to_plain(failure.outside),
        "case": case_brief(failure.case),
        "file": files.get(text),
        "smallest": next(shown, None),
    }


def _smallest(one: Minimum, files: Mapping[str, str]) -> Plain:
    shrunk = one.shrunk
    return {
        "signature": str(one.failure.signature),
        "run": one.run,
        "shows": [str(signature) for signature in one.shows],
        "is_minimal": shrunk.is_minimal,
        "is_rough": one.is_rough,
        "keeps_seeded_ties": shrunk.keeps_seeded_ties,
        "stopped": shrunk.stopped or None,
        "runs": shrunk.runs,
        "harm_usd": format_usd(one.harm_quantums),
        "case": case_brief(shrunk.case),
        "proof": [
            {"part": row.part, "without": sorted(map(str, row.without)), "alone": sorted(map(str, row.alone))}
            for row in shrunk.proof
        ],
        "alternatives": [case_brief(case) for case in shrunk.alternatives],
        "races": [
            {"at_ms": race.at_ms, "late": identity_text(race.late), "passed": [identity_text(i) for i in race.passed]}
            for race in one.races
        ],
        "outside": plan_to_plain(one.outside),
        "file": files.get(f"smallest {one.failure.signature}"),
        "regression": files.get(f"regression {one.failure.signature}"),
    }
