"""The verdict as a release manager reads it the evening before: the decision first, then what carries it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from rich.console import Console, RenderableType
from rich.text import Text

from drydock.harness.port import Finding
from drydock.harness.report import console as out
from drydock.harness.report.words import clip, count, usd
from drydock.harness.result import Bundle, LimitLine, Money, Verdict, Violation
from drydock.harness.units import format_ppm
from drydock.harness.verdict import percent_text

_STYLES = {"GO": "bold white on green", "NO-GO": "bold white on red", "INCONCLUSIVE": "bold black on yellow"}
_SHOWN = 6
LIMIT = (
    "A GO covers the runbook as modelled, the threats listed and the runs made: no more. What is not modelled, "
    "and a fault that nobody named, it cannot see."
)


def print_verdict(console: Console, verdict: Verdict, replays: Mapping[str, str], *, verbosity: int = 0) -> None:
    """The whole answer of ``drydock gonogo``. ``replays`` holds a law's command to see it again; quiet: one line."""
    if verbosity < 0:
        out.print_lines(console, one_line(verdict))
        return
    parts = (
        _head(verdict),
        _accepted(verdict),
        _reasons(verdict, is_complete=verbosity > 0),
        _broken(verdict, replays),
        _harm(verdict),
        _evidence(verdict, is_complete=verbosity > 0),
    )
    for part in parts:
        out.print_lines(console, *part)
    out.print_lines(console, Text(""), Text(LIMIT, style="dim"))


def one_line(verdict: Verdict) -> Text:
    """``NO-GO  db-scale-up  at level smoke: ...``, for a shell or a chat."""
    line = Text(no_wrap=True, overflow="ignore")
    line.append(verdict.decision, style=_STYLES[verdict.decision])
    return line.append(f"  {verdict.scenario} {verdict.claim.removeprefix(verdict.decision)}")


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
        seen = [f"{runs:,} {name} runs" for name, runs in risk["runs"].items() if runs]
        line.append(f"; came true in {', '.join(seen)}" if seen else "; did not come true in any run", style="dim")
        if risk["expired"]:
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
    """A law that was broken: its first violation, in how many runs of which bundle, and why it may not decide."""

    violation: Violation
    where: str
    standing: str

    @property
    def decides(self) -> bool:
        """Whether it is a reason of the decision."""
        return not self.standing


def _broken(verdict: Verdict, replays: Mapping[str, str]) -> Iterator[RenderableType]:
    broken = list(_broken_laws(verdict))
    if broken or verdict.baseline:
        yield out.heading("What was broken")
    if verdict.baseline:
        yield out.indented(Text("without any fault", style="bold red"))
        for finding in _one_a_law(verdict.baseline):
            yield out.indented(f"{finding.law}: {finding.detail}", 6)
    for entry in broken:
        violation = entry.violation
        style = "bold red" if entry.decides else "bold yellow"
        yield out.indented(Text.assemble((violation.law, style), f"  {violation.sentence}"))
        yield out.indented(Text(f"{violation.law_class} · {entry.where}{entry.standing}", style="dim"), 6)
        yield out.indented(violation.first_finding.detail, 6)
        if violation.law in replays:
            yield out.command_line(replays[violation.law])


def _broken_laws(verdict: Verdict) -> Iterator[_Broken]:
    """Safety laws first, then by how many runs broke them; the example of the reported plan where there is one."""
    bundles = [bundle for bundle in (verdict.reported, verdict.sweep) if bundle is not None]
    first: dict[str, Violation] = {}
    where: dict[str, list[str]] = {}
    for bundle in bundles:
        for violation in bundle.violations:
            first.setdefault(violation.law, violation)
            share = f"{bundle.name}: {violation.runs:,} of {count(bundle.runs, 'run')}"
            where.setdefault(violation.law, []).append(share)
    found = [_Broken(first[law], " · ".join(where[law]), _standing(first[law], verdict)) for law in first]
    yield from sorted(found, key=lambda b: (not b.decides, b.violation.law_class != "safety", -b.violation.runs))


def _standing(violation: Violation, verdict: Verdict) -> str:
    """Why a violation does not decide; empty where it does."""
    if any(risk["law"] == violation.law and not risk["expired"] for risk in verdict.accepted):
        return " · accepted"
    is_within = violation.law_class != "safety" and not any(
        line.passed for line in verdict.limits if line.law == violation.law
    )
    return " · within the policy's limit" if is_within else ""


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
    for title, row in _ROWS.items():
        for number, line in enumerate(row(verdict, is_complete)):
            table.add_row(Text("" if number else title, style="dim"), line)
    yield out.indented(table)


def _runs(verdict: Verdict, is_complete: bool) -> Iterator[str]:
    bundles = [b for b in (verdict.reported, verdict.sweep) if b is not None]
    told = [f"{b.name} {b.runs:,}{f' of {b.asked:,}' if b.runs < b.asked else ''}" for b in bundles]
    if "seconds" in verdict.run:
        told.append(f"{verdict.run['runs']:,} with baseline and canaries, in {verdict.run['seconds']:.1f} s")
    yield " · ".join(told) or "none"
    for bundle in bundles:
        if bundle.exhausted:
            yield f"{bundle.name}: {count(bundle.exhausted, 'run')} used up the event budget"
        yield from (f"{bundle.name}: failed: {error}" for error in bundle.errors[:3])
        if is_complete and bundle.strata:
            told = [f"{name} {n:,} of {bundle.strata_runs.get(name, 0):,}" for name, n in bundle.strata.items()]
            yield f"{bundle.name}, runs that broke a safety law, by regime: {' · '.join(told)}"


def _lint(verdict: Verdict, is_complete: bool) -> Iterator[str | Text]:
    if not verdict.lint:
        yield "no rule complains"
    shown = verdict.lint if is_complete else verdict.lint[:_SHOWN]
    yield from (Text(line, style="yellow") for line in shown)
    if len(verdict.lint) > len(shown):
        yield f"... {len(verdict.lint) - len(shown)} more; -v shows all"


def _bounds(verdict: Verdict, is_complete: bool) -> Iterator[str]:
    if not verdict.bounds:
        yield "none: no independent run carries one"
        return
    if is_complete:
        yield from (f"{b.law}  {b.runs_clean:,} clean, p <= {percent_text(b.p_upper_ppm)}" for b in verdict.bounds)
        return
    clean = min(verdict.bounds, key=lambda bound: bound.p_upper_ppm)
    alike = [bound for bound in verdict.bounds if bound.p_upper_ppm == clean.p_upper_ppm]
    laws = f"each of {len(alike)} safety laws" if len(alike) > 1 else alike[0].law
    together = " (95 % for all together)" if len(verdict.bounds) > 1 else " (95 %)"
    yield f"p <= {percent_text(clean.p_upper_ppm)} for {laws}, {clean.runs_clean:,} runs clean{together}"
    worse = [f"{b.law} {percent_text(b.p_upper_ppm)}" for b in verdict.bounds if b not in alike]
    if worse:
        yield f"more for {clip(worse, _SHOWN)}"


def _limits(verdict: Verdict, is_complete: bool) -> Iterator[str | Text]:
    if not verdict.limits:
        yield "none of the policy applies"
        return
    passed = [line for line in verdict.limits if line.passed]
    yield f"{len(verdict.limits) - len(passed)} of {count(len(verdict.limits), 'limit')} kept"
    for line in verdict.limits if is_complete else passed:
        yield Text(_limit_line(line), style="red" if line.passed else "")


def _limit_line(line: LimitLine) -> str:
    what = f"lost more than {usd(line.quantums_max)} USD" if line.law_class == "loss" else "broke it"
    share = f"{format_ppm(line.share_ppm)} of {line.bundle} runs {what}"
    return f"{line.law}: {share}, allowed {format_ppm(line.share_max_ppm)}, p <= {percent_text(line.p_upper_ppm)}"


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
        if canary.why:
            yield Text(f"{canary.law}: {canary.why} ({canary.sentence})", style="red")
        elif is_complete:
            yield f"{canary.law}: {canary.sentence}"


def _safeguards(verdict: Verdict, is_complete: bool) -> Iterator[str]:
    on = [str(switch["name"]) for switch in verdict.switches if switch["on"]]
    off = [str(switch["name"]) for switch in verdict.switches if not switch["on"]]
    yield f"on: {', '.join(on) or 'none'}"
    yield f"off: {', '.join(off) or 'none'}"


def _untested(verdict: Verdict, is_complete: bool) -> Iterator[str]:
    if not verdict.untested:
        yield "nothing that the threats name"
        return
    gaps = [_gap(gap["fault"], gap["step"], gap["why"]) for gap in verdict.untested]
    shown = gaps if is_complete else gaps[:3]
    yield from shown
    if len(gaps) > len(shown):
        yield f"... {len(gaps) - len(shown)} more; -v shows all"


def _gap(fault: str, step: str, why: str) -> str:
    return f"{fault}: {why}" if step == "any" else f"{fault} at {step}: {why}"


_ROWS: dict[str, Callable[[Verdict, bool], Iterable[str | Text]]] = {
    "lint": _lint,
    "runs": _runs,
    "bounds": _bounds,
    "limits": _limits,
    "faults": _faults,
    "goals": _goals,
    "canaries": _canaries,
    "safeguards": _safeguards,
    "not tested": _untested,
}
