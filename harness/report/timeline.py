"""One run told as a timeline: what happened, in order, and what it broke.

A night has thousands of events; a reader needs dozens. Kinds are told in full, the rarest first, as long as they fit
on a page; of the others the first events are told, anew when they come again after a long silence, and the rest are
counted; so is what says the same as the one before of its kind. An event that carries a finding is always told, with
the law beside it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from rich.console import Console, RenderableType
from rich.text import Text

from drydock.harness.event import Event, Identity
from drydock.harness.law import by_law
from drydock.harness.port import Case, Finding, Kit
from drydock.harness.report import console as out
from drydock.harness.report.harm import harm, second_opinion
from drydock.harness.report.words import count, place_text
from drydock.harness.result import RunResult
from drydock.harness.run import FaultHealed, FaultInjected
from drydock.harness.twin import Twin
from drydock.harness.units import format_ms

_PAGE = 100
"""The events that are told in full."""
_FIRST = 2
"""So many of every other kind are told before the rest is counted."""
_SILENCE_MS = 600_000
"""A kind that comes again after so long begins anew: a second wave is not a part of the first."""
_FINDINGS_SHOWN = 3
_ARRAY_SHOWN = 6


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the timeline. ``law`` is the law that this event carries a finding of, or empty."""

    at_ms: int
    text: str
    law: str = ""
    is_fault: bool = False


@dataclass(slots=True)
class _Repeats:
    """Events of frequent kinds since the last line: how many of each kind, and until when."""

    counts: Counter[str] = field(default_factory=Counter)
    last_ms: int = 0

    def add(self, happened: Event) -> None:
        self.counts[happened.kind] += 1
        self.last_ms = happened.at_ms

    def line(self) -> Iterator[Line]:
        if self.counts:
            told = ", ".join(f"{number:,} {kind}" for kind, number in self.counts.most_common())
            yield Line(self.last_ms, f"... more: {told}")
        self.counts.clear()


@dataclass(slots=True)
class _Kind:
    """What was told of one kind of event since it began, or began anew."""

    count: int = 0
    last_ms: int = 0
    text: str = ""

    def is_first(self, at_ms: int, text: str, most: int) -> bool:
        """Whether the next event of this kind is among the first ``most``, and says something new."""
        if at_ms - self.last_ms > _SILENCE_MS:
            self.count, self.text = 0, ""
        is_new, self.text, self.last_ms = text != self.text, text, at_ms
        self.count += is_new
        return is_new and self.count <= most


def timeline(events: Sequence[Event], told: Mapping[Identity, str], cited: Mapping[Identity, str]) -> Iterator[Line]:
    """The lines of a run. ``told`` has a sentence for each event a reader may need, ``cited`` the law it breaks."""
    in_full = rare_kinds(Counter(event.kind for event in events if event.identity in told))
    kinds: defaultdict[str, _Kind] = defaultdict(_Kind)
    repeats = _Repeats()
    for happened in events:
        identity, kind = happened.identity, happened.kind
        if identity not in told:
            continue
        is_first = kinds[kind].is_first(happened.at_ms, told[identity], _PAGE if kind in in_full else _FIRST)
        law = cited.get(identity, "")
        if law or is_first:
            yield from repeats.line()
            yield Line(happened.at_ms, told[identity], law, happened.data.is_harness_channel)
        else:
            repeats.add(happened)
    yield from repeats.line()


def rare_kinds(totals: Mapping[str, int]) -> set[str]:
    """The rarest kinds whose events together fit on a page."""
    rare: set[str] = set()
    left = _PAGE
    for kind, total in sorted(totals.items(), key=lambda item: (item[1], item[0])):
        left -= total
        if left < 0:
            break
        rare.add(kind)
    return rare


def sentences(events: Iterable[Event], kit: Kit, case: Case) -> dict[Identity, str]:
    """A sentence for each event that has one: of the harness for its own, of the model for the venue's."""
    pairs = ((event.identity, _of_fault(event) or kit.describe(event, case.scenario)) for event in events)
    return {identity: sentence for identity, sentence in pairs if sentence}


def _of_fault(happened: Event) -> str | None:
    match happened.data:
        case FaultInjected(fault=fault, target=target, at=at):
            return f"fault {fault} strikes {target or 'all'}{place_text(at)}"
        case FaultHealed(fault=fault, target=target):
            return f"fault {fault} on {target or 'all'} is over"
        case _:
            return None


def raw(happened: Event) -> str:
    """An event that the model has no sentence for: its kind and fields, long arrays by their size."""
    data = happened.data
    fields = ", ".join(f"{name} {_short(value)}" for name, value in zip(data._fields, data, strict=True))
    return f"{happened.lane}: {happened.kind}  {fields}"


def _short(value: object) -> str:
    if getattr(value, "is_view", False):  # before all else: its fields are the model's, and may be called anything
        return "[a view]"
    size = getattr(value, "size", 0)
    return f"[{size} values]" if size > _ARRAY_SHOWN else str(value)


def citations(findings: Sequence[Finding]) -> dict[Identity, str]:
    """The events that carry the first findings of each law."""
    cited: dict[Identity, str] = {}
    for found in by_law(findings).values():
        for finding in found[:_FINDINGS_SHOWN]:
            for identity in finding.events[:_FINDINGS_SHOWN]:
                cited.setdefault(identity, finding.law)
    return cited


def clock(at_ms: int, *, window_ms: int = 0, has_millis: bool = True) -> str:
    """``+00:12:04.250``: the distance from the start of the window."""
    distance_ms = at_ms - window_ms
    seconds, millis = divmod(abs(distance_ms), 1000)
    sign = "-" if distance_ms < 0 else "+"
    text = f"{sign}{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return f"{text}.{millis:03d}" if has_millis else text


def window_start_ms(case: Case, kit: Kit) -> int:
    """When the runbook's first step is planned, in milliseconds from the start of the run."""
    return min((step.planned_ms for step in kit.steps(case.scenario)), default=0)


def until(result: RunResult, case: Case, kit: Kit, distance_ms: int | None) -> RunResult:
    """The result as told up to a distance from the start of the window: later events and findings are left out."""
    if distance_ms is None:
        return result
    end_ms = window_start_ms(case, kit) + distance_ms
    events = [event for event in result.events or () if event.at_ms <= end_ms]
    findings = tuple(finding for finding in result.findings if finding.at_ms <= end_ms)
    return replace(result, events=events, findings=findings)


def print_schedule(console: Console, case: Case, kit: Kit) -> None:
    """``run --dry``: steps and faults at their planned times. Real times follow gates and operators."""
    window_ms = window_start_ms(case, kit)
    steps = kit.steps(case.scenario)
    planned_ms = {step.name: step.planned_ms for step in steps}
    lines = [(step.planned_ms, f"{step.name} ({step.kind}, {format_ms(step.duration_ms)})", "") for step in steps]
    for fault in case.plan:
        told = f"fault {fault.kind} on {fault.target or 'all'}, {format_ms(fault.offset_ms)} from {fault.step}"
        lines.append((planned_ms.get(fault.step, window_ms) + fault.offset_ms, told, "yellow"))
    table = out.grid(False, False)
    for at_ms, told, style in sorted(lines, key=lambda line: line[0]):
        table.add_row(Text(clock(at_ms, window_ms=window_ms, has_millis=False), style="dim"), Text(told, style=style))
    out.print_lines(console, *_head(case), table, Text(""))
    out.print_lines(console, Text("Planned times only: nothing ran, and nothing was judged.", style="bold yellow"))


def print_timeline(
    console: Console, result: RunResult, case: Case, kit: Kit, *, verbosity: int = 0, twin: Twin | None = None
) -> None:
    """The whole answer of ``drydock run``; quiet prints one line. ``twin`` is told where there is one."""
    if verbosity < 0:
        out.print_lines(console, Text.assemble(_outcome(result), f"  digest {result.digest}"))
        return
    window_ms = window_start_ms(case, kit)
    out.print_lines(console, *_head(case))
    out.print_lines(console, *_body(result, case, kit, window_ms, is_complete=verbosity > 0))
    out.print_lines(console, *_findings(result, case, kit, window_ms, is_complete=verbosity > 0))
    out.print_lines(console, *harm(result, case, kit))
    if twin is not None:
        out.print_lines(console, *second_opinion(twin, case, kit))
    out.print_lines(console, *_end(result, window_ms))
    if kit.stands_on.is_real:
        out.print_lines(console, out.indented(f"database: {kit.stands_on}"))


def _head(case: Case) -> Iterator[RenderableType]:
    plan = ", ".join(f"{fault.kind} at {fault.step} on {fault.target or 'all'}" for fault in case.plan) or "no fault"
    yield Text(case.scenario.name, style="bold")
    if case.scenario.summary:
        yield out.indented(case.scenario.summary)
    yield out.indented(f"regime {case.regime} · seed {case.seed} · ties {case.ties.mode} · plan: {plan}")
    for kind, sentence in {fault.kind: fault.sentence for fault in case.plan}.items():
        yield out.indented(Text(f"{kind}: {sentence}", style="dim"))
    yield out.indented("Times are counted from the start of the window.")
    yield Text("")


def _body(result: RunResult, case: Case, kit: Kit, window_ms: int, *, is_complete: bool) -> Iterator[RenderableType]:
    events = result.events or ()
    told, cited = sentences(events, kit, case), citations(result.findings)
    if is_complete:
        lines = [Line(e.at_ms, told.get(e.identity) or raw(e), cited.get(e.identity, "")) for e in events]
    else:
        lines = list(timeline(events, told, cited))
    has_millis = any((line.at_ms - window_ms) % 1000 for line in lines)
    table = out.grid(False, False, False)
    table.columns[0].no_wrap = table.columns[1].no_wrap = True
    for line in lines:
        style = "red" if line.law else "yellow" if line.is_fault else "dim" if line.text.startswith("...") else ""
        when = clock(line.at_ms, window_ms=window_ms, has_millis=has_millis)
        table.add_row(Text(when, style="dim"), Text(line.law, style="bold red"), Text(line.text, style=style))
    if lines:
        yield table
    else:
        yield out.indented("Nothing happened that the model tells of.")


def _findings(
    result: RunResult, case: Case, kit: Kit, window_ms: int, *, is_complete: bool
) -> Iterator[RenderableType]:
    laws = {law.id: law for law in kit.laws(case.scenario)}
    grouped = by_law(sorted(result.findings, key=lambda finding: finding.at_ms))
    if grouped:
        yield out.heading("What was broken")
    for law_id, found in grouped.items():
        law = laws.get(law_id)
        yield out.indented(Text.assemble((law_id, "bold red"), f"  {law.sentence}" if law else ""))
        yield out.indented(Text(f"{law.law_class if law else ''} · {count(len(found), 'finding')}", style="dim"), 6)
        shown = found if is_complete else found[:_FINDINGS_SHOWN]
        for finding in shown:
            yield out.indented(finding.detail, 6, bullet=clock(finding.at_ms, window_ms=window_ms))
        if len(found) > len(shown):
            yield out.indented(f"... {len(found) - len(shown)} more like this", 6)


def _end(result: RunResult, window_ms: int) -> Iterator[RenderableType]:
    yield Text("")
    yield _outcome(result)
    idle = [evidence.kind for evidence in result.evidence if not evidence.exercised]
    if idle:
        yield out.indented(f"Without effect here: {', '.join(idle)} (nothing passed what they bend).")
    ended = clock(result.ended_ms, window_ms=window_ms, has_millis=False)
    yield out.indented(f"digest {result.digest} · {result.served_events:,} events until {ended}")


def _outcome(result: RunResult) -> Text:
    if result.findings:
        return Text(f"Broken: {', '.join(by_law(result.findings))}", style="bold red")
    if result.is_budget_exhausted:
        return Text("INCONCLUSIVE: the run used up its event budget and came to no end.", style="bold yellow")
    return Text("Clean: no law was broken in this run. One run decides nothing; gonogo does.", style="bold green")
