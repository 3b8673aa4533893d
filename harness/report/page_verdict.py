"""A verdict on a page: the decision and why, the run that shows it, and the tables that it rests on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from drydock.harness.bundle import Ticket, case_of
from drydock.harness.port import Case, Kit, Scenario
from drydock.harness.regression import case_today, read_regression
from drydock.harness.report.evidence import database_told
from drydock.harness.report.page import Cell, Part, Table, table
from drydock.harness.report.page_run import facts_of, plan_text, run_view
from drydock.harness.report.text import LIMIT, broken_laws
from drydock.harness.report.words import clip, count, usd
from drydock.harness.result import Verdict
from drydock.harness.story import Story, story_of
from drydock.harness.told import Told, tell
from drydock.harness.units import format_ppm
from drydock.harness.verdict import percent_text

_TONES = {"GO": "good", "NO-GO": "bad", "INCONCLUSIVE": "busy"}
_STEPS_NAMED = 6


def part_of_verdict(verdict: Verdict, scenario: Scenario, kit: Kit, replays: Mapping[str, str]) -> Part:
    """The whole answer of ``drydock gonogo`` on one scenario.

    The run that is shown is the first case of the law that was broken worst, else the first known failure that decides,
    else the first run of the reported plan; it is played again to be told. ``replays`` holds the command to see a law's
    case or a regression again.
    """
    shown = shown_case(verdict, scenario, kit)
    told = tell(case := shown.case, kit)
    story = _story(shown.law, told, kit, replays.get(shown.key, ""))
    clean = "; it broke nothing" if told.result.is_clean else ""
    run = run_view(
        told, kit, story, title=f"One run in pictures: {shown.what}{clean}", tables_title=f"This run: {plan_text(case)}"
    )  # fmt: skip
    return Part(
        badge=verdict.decision,
        tone=_TONES[verdict.decision],
        title=verdict.scenario,
        claim=verdict.claim,
        summary=scenario.summary,
        reasons=verdict.reasons,
        facts=(*_facts(verdict), *(("shown run: " + name, value) for name, value in facts_of(case, told.result)[:2])),
        runs=(run,),
        tables=tuple(evidence_tables(verdict)),
        limit=LIMIT,
    )


def _story(law: str, told: Told, kit: Kit, replay: str) -> Story | None:
    """How the run came to its worst; where the law has no part in that, how the law came to be broken."""
    story = story_of(told.case, kit, told=told, replay=replay)
    if story and any(finding.law == law for sentence in story.sentences for finding in sentence.breaks):
        return story
    own = next((finding for finding in told.result.findings if finding.law == law), None)
    return story_of(told.case, kit, own, told=told, replay=replay)


class Shown(NamedTuple):
    """The run on a page: the law that it breaks, if any, what it is, and the key of the command that plays it again."""

    law: str
    case: Case
    what: str
    key: str = ""


def shown_case(verdict: Verdict, scenario: Scenario, kit: Kit) -> Shown:
    """The worst violation; where there is none the first known failure that decides; else the first reported run."""
    for violation in broken_laws(verdict):
        law = violation.law
        return Shown(law, violation.first_case, f"the first run that breaks {law}", law)
    for line in verdict.regressions:
        if line.decides:
            known = read_regression(line.file)
            what = f"regression {line.id}, a known failure ({line.signature})"
            return Shown(known.signature.law, case_today(known, scenario, kit), what, line.id)
    bundle = "reported" if scenario.reported else "baseline"
    return Shown("", case_of(Ticket(bundle, 0), scenario, verdict.seed), "the first run of the reported plan")


def evidence_tables(verdict: Verdict) -> Iterator[Table]:
    """What the decision rests on; a table without rows is left out of the page."""
    yield _accepted(verdict)
    yield _known(verdict)
    yield _laws(verdict)
    yield _limits(verdict)
    yield _harm(verdict)
    yield _faults(verdict)
    yield _goals(verdict)
    yield table("Safeguards", ("safeguard", "set by", "is"), list(_switches(verdict.switches)))
    yield _canaries(verdict)
    yield table("Lint", ("rule",), [[Cell(line, "warn")] for line in verdict.lint])
    yield table("Not tested", ("fault", "steps", "why"), list(_untested(verdict.untested)))


def _facts(verdict: Verdict) -> Iterable[tuple[str, str]]:
    runs = " · ".join(f"{bundle.name} {bundle.runs:,}" for bundle in (verdict.reported, verdict.sweep) if bundle)
    yield "level", verdict.level
    yield "runs", runs or "none"
    yield "seed", str(verdict.seed)
    yield "today", verdict.today
    yield "scenario", verdict.scenario_hash
    yield from (("database", told) for told in database_told(verdict))


def _accepted(verdict: Verdict) -> Table:
    rows = [
        [
            risk["law"],
            risk["reason"],
            risk["owner"],
            Cell(f"{risk['expires']}, expired", "bad") if risk["expired"] else risk["expires"],
            ", ".join(f"{name} {runs:,}" for name, runs in risk["runs"].items() if runs) or "none",
        ]
        for risk in verdict.accepted
    ]
    return table("Risks taken knowingly", ("law", "reason", "owner", "until", "came true in runs"), rows)


def _known(verdict: Verdict) -> Table:
    """The corpus: what became of failures that were seen before."""
    tones = {"fixed": "ok", "still fails": "bad", "fails otherwise": "bad"}
    rows: list[list[str | Cell]] = [
        [Cell(line.outcome, tones.get(line.outcome, "warn")), line.signature, line.told, line.because, line.id]
        for line in verdict.regressions
    ]
    return table("Known failures, on the scenario as it is today", ("", "failure", "seen", "because", "id"), rows)


def _laws(verdict: Verdict) -> Table:
    """Each law that was broken, in how many runs and how sure that is; the others together."""
    bounds = {bound.law: bound for bound in verdict.bounds}
    broken = {violation.law: violation for violation in broken_laws(verdict)}
    bundles = [bundle for bundle in (verdict.reported, verdict.sweep) if bundle is not None]
    kept: dict[str, list[str]] = {}
    rows: list[list[str | Cell]] = []
    for law in dict.fromkeys((*broken, *verdict.laws)):
        bound = f"p ≤ {percent_text(bounds[law].p_upper_ppm)}" if law in bounds else "-"
        if law not in broken:
            kept.setdefault(bound, []).append(law)
            continue
        told = [_of_runs(bundle.law_runs.get(law, 0), bundle.runs) for bundle in bundles]
        rows.append([Cell(law, "bad"), *told, bound, broken[law].sentence])
    for bound, laws in kept.items():
        told = [_of_runs(0, bundle.runs) for bundle in bundles]
        rows.append([Cell("kept", "ok"), *told, bound, f"{count(len(laws), 'safety law')}: {', '.join(laws)}"])
    heads = ("law", *(f"broken, {bundle.name}" for bundle in bundles), "bound of the sweep", "what it says")
    return table("Laws", heads, rows)


def _of_runs(broke: int, runs: int) -> Cell:
    return Cell(f"{broke:,} of {runs:,}", "bad" if broke else "")


def _limits(verdict: Verdict) -> Table:
    rows: list[list[str | Cell]] = [
        [
            line.law, line.law_class, line.bundle, Cell(format_ppm(line.share_ppm), "bad" if line.passed else "ok"),
            format_ppm(line.share_ppm_max), usd(line.quantums_max) if line.law_class == "loss" else "-",
            f"p ≤ {percent_text(line.p_upper_ppm)}",
        ]
        for line in verdict.limits
    ]  # fmt: skip
    heads = ("law", "class", "runs", "share beyond", "allowed", "USD a run", "bound")
    return table("Limits of the policy", heads, rows, (3, 4, 5))


def _harm(verdict: Verdict) -> Table:
    rows = []
    for bundle in (verdict.reported, verdict.sweep):
        for name, money in (("harm", bundle.harm), ("to refund", bundle.refund)) if bundle else ():
            if bundle and money is not None:
                amounts = (money.mean, money.p50, money.p95, money.p99, money.maximum)
                rows.append([f"{bundle.name}, {name}", *map(usd, amounts)])
    return table("Harm, USD a run", ("", "mean", "p50", "p95", "p99", "max"), rows, range(1, 6))


def _faults(verdict: Verdict) -> Table:
    told = {True: Cell("changes the run", "ok"), False: Cell("changes nothing", "warn"), None: Cell("not compared")}
    rows: list[list[str | Cell]] = [
        [
            line.kind,
            "yes" if line.applicable else Cell("no", "warn"),
            Cell(count(line.exercised, "run"), "ok" if line.exercised else "warn"),
            told[line.consequential],
        ]
        for line in verdict.faults
    ]
    return table("Faults of the design basis", ("fault", "applicable", "exercised in", "consequential"), rows)


def _goals(verdict: Verdict) -> Table:
    rows: list[list[str | Cell]] = [
        [goal.id, goal.sentence, Cell(count(goal.hits, "run"), "ok") if goal.hits else Cell("never reached", "warn")]
        for goal in verdict.goals
        if goal.applicable
    ]
    return table("Goals", ("goal", "it says", "reached in"), rows)


def _canaries(verdict: Verdict) -> Table:
    """Only those that did not do what they are for; the others are counted."""
    total = len(verdict.canaries)
    bad = [line for line in verdict.canaries if line.why]
    rows: list[list[str | Cell]] = [[line.law, line.sentence, Cell(line.why, "bad")] for line in bad]
    if total:
        rows.append(["all", f"{total - len(bad)} of {total} wrong builds caught, and their right twins passed", ""])
    return table("Laws that were seen to fail", ("law", "wrong build", ""), rows)


def _switches(switches: Iterable[Mapping[str, Any]]) -> Iterator[list[str | Cell]]:
    for switch in switches:
        yield [
            str(switch["name"]).replace("_", " "),
            str(switch["path"]),
            Cell("on", "ok") if switch["on"] else Cell("off"),
        ]


def _untested(untested: Iterable[Mapping[str, str]]) -> Iterator[list[str | Cell]]:
    steps: dict[tuple[str, str], list[str]] = {}
    for gap in untested:
        steps.setdefault((gap["fault"], gap["why"]), []).append(gap["step"])
    whole: dict[str, list[str]] = {}
    for (fault, why), at in steps.items():
        if at == ["any"]:
            whole.setdefault(why, []).append(fault)
        else:
            yield [fault, clip(at, _STEPS_NAMED), why]
    for why, kinds in whole.items():
        yield [", ".join(kinds), "all", why]
