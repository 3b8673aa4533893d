"""What a verdict rests on: lint, runs, bounds, limits, faults, goals, canaries, safeguards, and what was not tested."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from rich.console import RenderableType
from rich.text import Text

from drydock.harness.database import Database
from drydock.harness.report import console as out
from drydock.harness.report.words import clip, count, usd
from drydock.harness.result import LimitLine, Verdict
from drydock.harness.units import format_ppm
from drydock.harness.verdict import percent_text

_SHOWN = 6
_KINDS_NAMED = 8


def evidence(verdict: Verdict, *, is_complete: bool) -> Iterator[RenderableType]:
    """The section; complete with every table behind the counts."""
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
        others = "baseline, known failures and canaries" if verdict.regressions else "baseline and canaries"
        told.append(f"{verdict.run['runs']:,} with {others}, in {verdict.run['seconds']:.1f} s")
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
    runs = f"{count(clean.runs_clean, 'run')} of the sweep clean"
    yield f"p <= {percent_text(clean.p_upper_ppm)} for {laws}, {runs}{together}"
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
    return f"{line.law}: {share}, allowed {format_ppm(line.share_ppm_max)}, p <= {percent_text(line.p_upper_ppm)}"


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


def database_told(verdict: Verdict, is_complete: bool = False) -> Iterator[str]:
    """On which real database the runs were played, and that not all were; nothing where it is the model's own."""
    plain = verdict.run.get("database") or {}
    if (database := Database.from_plain(plain)).is_real:
        yield f"{database}; the canaries, wrong builds of the model, on the {plain['canaries']} one"


def _safeguards(verdict: Verdict, is_complete: bool) -> Iterator[str]:
    on = [str(switch["name"]) for switch in verdict.switches if switch["on"]]
    off = [str(switch["name"]) for switch in verdict.switches if not switch["on"]]
    yield f"on: {', '.join(on) or 'none'}"
    yield f"off: {', '.join(off) or 'none'}"


def _untested(verdict: Verdict, is_complete: bool) -> Iterator[str]:
    if not verdict.untested:
        yield "nothing that the threats name"
        return
    steps: dict[tuple[str, str], list[str]] = {}
    for gap in verdict.untested:
        steps.setdefault((gap["fault"], gap["why"]), []).append(gap["step"])
    whole: dict[str, list[str]] = {}
    for (fault, why), at in steps.items():
        if at == ["any"]:
            whole.setdefault(why, []).append(fault)
        else:
            yield f"{fault} at {clip(at, len(at) if is_complete else 3)}: {why}"
    for why, kinds in whole.items():
        yield f"{clip(kinds, len(kinds) if is_complete else _KINDS_NAMED)}: {why}"


_ROWS: dict[str, Callable[[Verdict, bool], Iterable[str | Text]]] = {
    "lint": _lint,
    "runs": _runs,
    "bounds": _bounds,
    "limits": _limits,
    "faults": _faults,
    "goals": _goals,
    "canaries": _canaries,
    "database": database_told,
    "safeguards": _safeguards,
    "not tested": _untested,
}
