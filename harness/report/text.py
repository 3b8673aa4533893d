"""The verdict as a release manager reads it the evening before: the decision first, then what carries it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rich.console import Console, RenderableType
from rich.text import Text

from drydock.harness.port import Finding
from drydock.harness.report import console as out
from drydock.harness.report.words import clip, count, percent_up, usd
from drydock.harness.result import Bundle, Money, Verdict, Violation

_STYLES = {"GO": "bold white on green", "NO-GO": "bold white on red", "INCONCLUSIVE": "bold black on yellow"}
_SHOWN = 6
LIMIT = (
    "A GO covers the runbook as modelled, the threats listed and the runs made: no more. What is not modelled, "
    "and a fault that nobody named, it cannot see."
)


def print_verdict(console: Console, verdict: Verdict, replays: Mapping[str, str], *, verbosity: int = 0) -> None:
    """The whole answer of ``drydock gonogo``. ``replays`` names the saved case of a law; quiet prints one line."""
    if verbosity < 0:
        out.print_lines(console, one_line(verdict))
        return
    parts = (
        _head(verdict),
        _accepted(verdict),
        _reasons(verdict, is_complete=verbosity > 0),
        _broken(verdict, replays, is_complete=verbosity > 0),
        _harm(verdict),
        _evidence(verdict, is_complete=verbosity > 0),
    )
    for part in parts:
        out.print_lines(console, *part)
    out.print_lines(console, Text(""), Text(LIMIT, style="dim"))


def one_line(verdict: Verdict) -> Text:
    """``NO-GO  db-scale-up  <claim>``, for a shell or a chat."""
    line = Text(no_wrap=True, overflow="ignore")
    line.append(verdict.decision, style=_STYLES[verdict.decision])
    return line.append(f"  {verdict.scenario}  {verdict.claim}")


# ---- the decision ---------------------------------------------------------------------------------------------------
def _head(verdict: Verdict) -> Iterator[RenderableType]:
    yield Text.assemble((f" {verdict.decision} ", _STYLES[verdict.decision]), "  ", (verdict.scenario, "bold"))
    yield out.indented(verdict.claim, 1)
    yield out.indented(Text(f"level {verdict.level} · seed {verdict.seed} · today {verdict.today}", style="dim"), 1)


def _accepted(verdict: Verdict) -> Iterator[RenderableType]:
    if not verdict.accepted:
        return
    yield out.heading("Risks taken knowingly")
    for risk in verdict.accepted:
        line = Text.assemble((str(risk["law"]), "bold"), f"  {risk['reason']}")
        line.append(f" (accepted by {risk['owner']} until {risk['expires']})")
        if risk["expires"] < verdict.today:
            line.append(" EXPIRED: accepts nothing", style="bold red")
        yield out.indented(line, bullet="-")


def _reasons(verdict: Verdict, *, is_complete: bool) -> Iterator[RenderableType]:
    if not verdict.reasons:
        return
    shown = verdict.reasons if is_complete else verdict.reasons[:_SHOWN]
    yield out.heading("Why")
    for reason in shown:
        yield out.indented(reason, bullet="-")
    if len(verdict.reasons) > len(shown):
        yield out.indented(f"... {len(verdict.reasons) - len(shown)} more; -v shows all", 4)


# ---- what was broken ------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class _Broken:
    """A law that was broken, over the bundles: the violation with the clearest example, and where how often."""

    violation: Violation
    where: str


def _broken(verdict: Verdict, replays: Mapping[str, str], *, is_complete: bool) -> Iterator[RenderableType]:
    broken = list(_broken_laws(verdict))
    if broken or verdict.baseline:
        yield out.heading("What was broken")
    if verdict.baseline:
        yield out.indented(Text("without any fault", style="bold red"))
        for finding in _one_a_law(verdict.baseline):
            yield out.indented(f"{finding.law}: {finding.detail}", 6)
    for entry in broken:
        violation = entry.violation
        yield out.indented(Text.assemble((violation.law, "bold red"), f"  {violation.sentence}"))
        yield out.indented(Text(f"{violation.law_class} · {entry.where}", style="dim"), 6)
        yield out.indented(violation.first_finding.detail, 6)
        if violation.law in replays:
            yield out.command_line(f"drydock replay {replays[violation.law]}")
    if is_complete:
        yield from (out.indented(line, bullet="-") for line in verdict.lint)


def _broken_laws(verdict: Verdict) -> Iterator[_Broken]:
    """Safety laws first, then by how many runs broke them; the example of the reported plan where there is one."""
    bundles = [bundle for bundle in (verdict.reported, verdict.sweep) if bundle is not None]
    first: dict[str, Violation] = {}
    where: dict[str, list[str]] = {}
    for bundle in bundles:
        for violation in bundle.violations:
            first.setdefault(violation.law, violation)
            where.setdefault(violation.law, []).append(f"{bundle.name}: {violation.runs:,} of {count(bundle.runs, 'run')}")
    for law in sorted(first, key=lambda law: (first[law].law_class != "safety", -first[law].runs, law)):
        yield _Broken(first[law], " · ".join(where[law]))


def _one_a_law(findings: tuple[Finding, ...]) -> list[Finding]:
    return list({finding.law: finding for finding in reversed(findings)}.values())[::-1]


# ---- what it costs --------------------------------------------------------------------------------------------------
def _harm(verdict: Verdict) -> Iterator[RenderableType]:
    bundles = [b for b in (verdict.reported, verdict.sweep) if b is not None and b.runs]
    if not bundles:
        return
    if not any(b.harm.maximum for b in bundles):
        yield out.heading("Harm  none in any run")
        return
    yield out.heading("Harm, USD a run")
    table = out.grid(False, True, True, True, True, True)
    table.add_row("", *(Text(title, style="dim") for title in ("mean", "p50", "p95", "p99", "max")))
    for bundle in bundles:
        table.add_row(bundle.name, *_amounts(bundle.harm))
        if bundle.refund is not None:
            table.add_row("  to refund", *_amounts(bundle.refund))
    yield out.indented(table)
    for bundle in bundles:
        yield from _harm_detail(bundle)


def _amounts(money: Money) -> list[str]:
    return [usd(amount) for amount in (money.mean, money.p50, money.p95, money.p99, money.maximum)]


def _harm_detail(bundle: Bundle) -> Iterator[RenderableType]:
    kinds = sorted(bundle.harm.by_kind.items(), key=lambda item: -item[1])
    told = [f"{kind} {usd(amount)}" for kind, amount in kinds if amount]
    if told:
        yield out.indented(f"{bundle.name}, mean by kind: {' · '.join(told)}")
    if bundle.accounts_max:
        typical = "" if bundle.accounts_p50 is None else f"{bundle.accounts_p50:,} in the median run, "
        yield out.indented(f"{bundle.name}, accounts to refund: {typical}{bundle.accounts_max:,} at most")


# ---- what carries it ------------------------------------------------------------------------------------------------
def _evidence(verdict: Verdict, *, is_complete: bool) -> Iterator[RenderableType]:
    yield out.heading("What this rests on")
    table = out.grid(False, False)
    table.columns[1].ratio = 1
    rows = (_runs, _bounds, _faults, _goals, _canaries, _safeguards, _untested)
    for title, row in zip(("runs", "bounds", "faults", "goals", "canaries", "safeguards", "not tested"), rows, strict=True):
        for number, line in enumerate(row(verdict, is_complete)):
            table.add_row(Text("" if number else title, style="dim"), line)
    yield out.indented(table)


def _runs(verdict: Verdict, is_complete: bool) -> Iterator[str]:
    bundles = [b for b in (verdict.reported, verdict.sweep) if b is not None]
    yield " · ".join(f"{b.name} {b.runs:,}" for b in bundles) or "none"
    for bundle in bundles:
        if bundle.exhausted:
            yield f"{bundle.name}: {count(bundle.exhausted, 'run')} used up the event budget"
        if bundle.vacuous:
            yield f"{bundle.name}: {', '.join(bundle.vacuous)} checked nothing"
        yield from (f"{bundle.name}: failed: {error}" for error in bundle.errors[:3])
        if is_complete and bundle.strata:
            told = " · ".join(f"{name} {number:,}" for name, number in bundle.strata.items())
            yield f"{bundle.name}, runs with a law broken by stratum: {told}"


def _bounds(verdict: Verdict, is_complete: bool) -> Iterator[str]:
    if not verdict.bounds:
        yield "none: no independent run carries one"
        return
    if is_complete:
        yield from (f"{b.law}  {b.runs_clean:,} clean, p <= {percent_up(b.p_upper_ppm)}" for b in verdict.bounds)
        return
    clean = min(verdict.bounds, key=lambda bound: bound.p_upper_ppm)
    alike = [bound for bound in verdict.bounds if bound.p_upper_ppm == clean.p_upper_ppm]
    yield (
        f"p <= {percent_up(clean.p_upper_ppm)} for each of {count(len(alike), 'safety law')}, "
        f"{clean.runs_clean:,} runs clean (95 % for all together)"
    )
    worse = [f"{b.law} {percent_up(b.p_upper_ppm)}" for b in verdict.bounds if b not in alike]
    if worse:
        yield f"more for {clip(worse, _SHOWN)}"


def _faults(verdict: Verdict, is_complete: bool) -> Iterator[str | Text]:
    applicable = [fault for fault in verdict.faults if fault.applicable]
    idle = [fault.kind for fault in applicable if not fault.exercised]
    yield f"{len(applicable) - len(idle)} of {count(len(applicable), 'applicable threat')} exercised"
    if idle:
        yield Text(f"never exercised: {', '.join(idle)}", style="yellow")
    if not is_complete:
        return
    for fault in verdict.faults:
        changed = {True: "changes the run", False: "changes nothing", None: "not compared"}[fault.consequential]
        told = f"exercised in {count(fault.exercised, 'run')}, {changed}" if fault.applicable else "not applicable here"
        yield f"{fault.kind}: {told}"


def _goals(verdict: Verdict, is_complete: bool) -> Iterator[str | Text]:
    applicable = [goal for goal in verdict.goals if goal.applicable]
    missed = [goal for goal in applicable if not goal.hits]
    yield f"{len(applicable) - len(missed)} of {count(len(applicable), 'applicable goal')} reached"
    yield from (Text(f"never reached: {goal.id}, {goal.sentence}", style="yellow") for goal in missed)
    if is_complete:
        yield from (f"{goal.id}: {goal.sentence} ({count(goal.hits, 'hit')})" for goal in applicable if goal.hits)


def _canaries(verdict: Verdict, is_complete: bool) -> Iterator[str | Text]:
    caught = sum(canary.caught for canary in verdict.canaries)
    clean = sum(canary.control_clean for canary in verdict.canaries)
    total = len(verdict.canaries)
    yield f"{caught} of {total} wrong builds caught, {clean} of {total} right ones passed"
    for canary in verdict.canaries:
        if not canary.caught:
            yield Text(f"{canary.law} missed its wrong build: {canary.sentence}", style="red")
        if not canary.control_clean:
            yield Text(f"{canary.law} accuses its right build: {canary.sentence}", style="red")
        if is_complete and canary.caught and canary.control_clean:
            yield f"{canary.law}: {canary.sentence}"


def _safeguards(verdict: Verdict, is_complete: bool) -> Iterator[str]:
    on = [str(switch["name"]) for switch in verdict.switches if switch["is_on"]]
    off = [str(switch["name"]) for switch in verdict.switches if not switch["is_on"]]
    yield f"on: {', '.join(on) or 'none'}"
    yield f"off: {', '.join(off) or 'none'}"


def _untested(verdict: Verdict, is_complete: bool) -> Iterator[str]:
    if not verdict.untested:
        yield "nothing that the threats name"
        return
    gaps = [f"{gap['fault']} at {gap['step']}: {gap['why']}" for gap in verdict.untested]
    shown = gaps if is_complete else gaps[:3]
    yield from shown
    if len(gaps) > len(shown):
        yield f"... {len(gaps) - len(shown)} more; -v shows all"
