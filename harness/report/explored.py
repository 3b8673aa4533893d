"""What a search found, as text: each smallest case with its proof and its story, then where the runs went."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from rich.console import Console, RenderableType
from rich.text import Text

from drydock.harness.explore.found import Explored, Failure
from drydock.harness.explore.minimum import Minimum
from drydock.harness.port import Case, Fault
from drydock.harness.report import console as out
from drydock.harness.report.story import print_story
from drydock.harness.report.words import are, clip, count, usd
from drydock.harness.shrink.parts import fault_text, parts_of
from drydock.harness.signature import Signature
from drydock.harness.story import Story

NO_BOUND = (
    "These runs go where failures are expected: none of them enters a bound, and finding nothing is no GO. "
    "`drydock gonogo` decides."
)
_STORIES = 3
_SHOWN = 5
_FAULTS_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Telling:
    """What is told of a search: the command of each failure, the story of each minimum, the files that were written."""

    explored: Explored
    minima: Sequence[Minimum]
    replays: Mapping[str, str] = field(default_factory=dict)
    stories: Mapping[str, Story] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)


def print_explored(console: Console, telling: Telling, *, verbosity: int = 0) -> None:
    """The whole answer of ``drydock explore``; quiet: one line."""
    if verbosity < 0:
        out.print_lines(console, one_line(telling.explored))
        return
    out.print_lines(console, *_head(telling.explored, telling.minima))
    for number, minimum in enumerate(telling.minima):
        out.print_lines(console, *_minimum(number, minimum, telling))
        story = telling.stories.get(str(minimum.failure.signature))
        if story is not None:
            print_story(console, story)
    out.print_lines(console, *_unshrunk(telling, is_complete=verbosity > 0))
    out.print_lines(console, *_where_runs_went(telling.explored, is_complete=verbosity > 0))
    out.print_lines(console, Text(""), Text(NO_BOUND, style="dim"))


def stories_told(verbosity: int) -> int | None:
    """How many of the smallest cases are told as a story, the costliest first; None is all."""
    return None if verbosity > 0 else 0 if verbosity < 0 else _STORIES


def in_order(minima: Iterable[Minimum]) -> list[Minimum]:
    """What nothing can be left out of first, of these the costliest; of equals the earlier."""
    return sorted(minima, key=lambda one: (not one.shrunk.is_minimal, -one.harm_quantums))


def one_line(explored: Explored) -> Text:
    """``FOUND 3 failures  bench  in 240 runs: ...``, for a shell or a chat."""
    line = Text(no_wrap=True, overflow="ignore")
    names = clip([str(failure.signature) for failure in explored.failures], _SHOWN)
    line.append(_outcome(explored), style="bold red" if explored.failures else "bold")
    return line.append(f"  {explored.scenario} in {count(explored.runs, 'run')}" + (f": {names}" if names else ""))


def stopped_text(explored: Explored) -> str:
    """Why it ended before its budget; empty where it did not."""
    if explored.stopped:
        return f"stopped by {explored.stopped} after {explored.runs:,} of {explored.budget:,} runs"
    if explored.runs < explored.budget:
        return f"nothing was left to try after {count(explored.runs, 'run')}"
    return ""


# ---- the head -------------------------------------------------------------------------------------------------------
def _head(explored: Explored, minima: Sequence[Minimum]) -> Iterator[RenderableType]:
    style = "bold white on red" if explored.failures else "bold"
    yield Text.assemble((f" {_outcome(explored)} ", style), "  ", (explored.scenario, "bold"))
    only = f" · law {explored.law} alone" if explored.law else ""
    proven = {minimum.shrunk.is_minimal for minimum in minima}
    order = f", the costliest first{', what is not proven last' if len(proven) > 1 else ''}" if len(minima) > 1 else ""
    shown = f" · {count(len(minima), 'smallest case')}{order}" if minima else ""
    yield out.indented(Text(f"{count(explored.runs, 'run')} · seed {explored.seed}{only}{shown}", style="dim"), 1)
    if stopped_text(explored):
        yield out.indented(Text(stopped_text(explored), style="yellow"), 1)
    if explored.errors_total:
        yield out.heading(f"The harness failed in {count(explored.errors_total, 'run')}")
        yield from (out.indented(Text(error, style="red"), bullet="-") for error in explored.errors)


def _outcome(explored: Explored) -> str:
    number = len(explored.failures)
    return f"FOUND {count(number, 'failure')}" if number else "NOTHING FOUND"


# ---- failures -------------------------------------------------------------------------------------------------------
def _minimum(number: int, minimum: Minimum, telling: Telling) -> Iterator[RenderableType]:
    failure, shrunk = minimum.failure, minimum.shrunk
    yield out.heading(f"{number + 1}. {failure.signature}  {failure.sentence}")
    yield out.indented(Text(_seen(failure, telling.explored), style="dim"), 3)
    yield out.indented(minimum.detail or failure.finding.detail, 3)
    yield out.indented(Text(f"Smallest: {_size(shrunk.case)}{minimum.of_run}, {_standing(minimum)}", style="bold"), 3)
    if minimum.harm_quantums:
        yield out.indented(f"It does {usd(minimum.harm_quantums)} USD of harm", 3)
    outside = set(minimum.outside)
    for part in parts_of(shrunk.case):
        note = "  (outside the threats)" if part.what in outside else ""
        yield out.indented(Text.assemble(str(part), (note, "yellow")), 5, bullet="-")
        if not isinstance(part.what, tuple):
            yield out.indented(Text(part.what.sentence, style="dim"), 7)
    for race in minimum.races:
        yield out.indented(Text(f"race: {race}", style="bold magenta"), 5)
    yield from _proof(minimum)
    others = [str(signature) for signature in minimum.shows if signature != failure.signature]
    if others:
        yield out.indented(f"The same case also breaks {', '.join(others)}", 3)
    for case in shrunk.alternatives:
        yield out.indented(f"Another way: {' and '.join(map(str, parts_of(case))) or 'nothing at all'}", 3)
    kept = telling.files.get(f"regression {failure.signature}")
    if kept:
        yield out.indented(Text(f"kept as {kept}", style="dim"), 3)
        yield out.indented(Text(_from_now_on(minimum), style="yellow" if outside else "dim"), 3)
    replay = telling.replays.get(f"smallest {failure.signature}")
    if replay:
        yield out.command_line(replay)


def _from_now_on(minimum: Minimum) -> str:
    """What a regression means for the next verdict: nobody should be surprised by a NO-GO."""
    if minimum.failure.law_class != "safety":
        return "drydock gonogo plays it from now on, and tells what became of it"
    now = "drydock gonogo plays it from now on, and is NO-GO while it fails"
    if not minimum.outside:
        return now
    kinds = list(dict.fromkeys(fault.kind for fault in minimum.outside))
    return f"{now}; {are(kinds)} outside of the threats: if that shall not count, accept it or delete the file"


def _seen(failure: Failure, explored: Explored) -> str:
    runs = explored.failing_runs[str(failure.signature)]
    by = f"first in run {failure.run} ({failure.strategy}), in {runs:,} of {explored.runs:,}"
    return f"{failure.law_class} · {by} · {failure.case.regime}, seed {failure.case.seed}"


def _size(case: Case) -> str:
    ties = " in a shuffled order" if case.ties.mode == "seeded" else ""
    laggards = f" and {count(len(case.ties.laggards), 'laggard')}" if case.ties.laggards else ""
    return f"{count(len(case.plan), 'fault') if case.plan else 'no fault'}{laggards}{ties}"


def _standing(minimum: Minimum) -> str:
    shrunk = minimum.shrunk
    if shrunk.is_minimal:
        proven = "nothing of it can be left out" if parts_of(shrunk.case) else "it needs nothing to go wrong"
        found = "; its numbers are as they were found" if minimum.is_rough and shrunk.case.plan else ""
        return f"{proven} ({count(shrunk.runs, 'run')}){found}"
    why = {"max-time": "its time is over", "max-runs": "its runs are used up"}.get(shrunk.stopped, "not proven")
    return f"perhaps not the smallest: {why} ({count(shrunk.runs, 'run')})"


def _proof(minimum: Minimum) -> Iterator[RenderableType]:
    """For each part of several: what is left of the failure without it, and with it alone."""
    rows = minimum.shrunk.proof
    if len(rows) < 2:
        return
    table = out.grid(False, False, False)
    table.add_row(Text("part", style="dim"), Text("without it", style="dim"), Text("it alone", style="dim"))
    for row in rows:
        table.add_row(row.part, _fails(minimum, row.without), _fails(minimum, row.alone))
    yield out.indented(table, 5)


def _fails(minimum: Minimum, seen: frozenset[Signature]) -> str:
    return "fails" if minimum.failure.signature in seen else "passes"


def _unshrunk(telling: Telling, *, is_complete: bool) -> Iterator[RenderableType]:
    """Failures of which there is no smallest case: time was over, or they do not show again alone."""
    shown = {signature for minimum in telling.minima for signature in minimum.shows}
    rest = [failure for failure in telling.explored.failures if failure.signature not in shown]
    if rest:
        yield out.heading("Found and not shrunk" if telling.minima else "Found")
    for failure in rest:
        text = Text.assemble((str(failure.signature), "bold red"), f"  {failure.sentence}")
        yield out.indented(text)
        yield out.indented(Text(_seen(failure, telling.explored), style="dim"), 6)
        yield out.indented(failure.finding.detail, 6)
        plan = failure.case.plan
        yield out.indented(_plan_text(plan, failure.outside, len(plan) if is_complete else _FAULTS_SHOWN), 6)
        if str(failure.signature) in telling.replays:
            yield out.command_line(telling.replays[str(failure.signature)])


def _plan_text(plan: Sequence[Fault], outside: Sequence[Fault], most: int) -> str:
    """The first faults of a plan, and how many more there are: the case of a crowd has dozens."""
    told = [fault_text(fault) + (" (outside the threats)" if fault in outside else "") for fault in plan[:most]]
    more = [f"and {count(len(plan) - most, 'more fault', 'more faults')}"] if len(plan) > most else []
    return "; ".join([*told, *more]) or "no fault"


# ---- where the runs went --------------------------------------------------------------------------------------------
def _where_runs_went(explored: Explored, *, is_complete: bool) -> Iterator[RenderableType]:
    yield out.heading("Where the runs went")
    table = out.grid(False, True, True, True, True, False)
    table.add_row(*(Text(t, style="dim") for t in ("strategy", "runs", "failed", "new", "first", "covered")))
    for line in explored.yields:
        first = "-" if line.first_run is None else f"run {line.first_run:,}"
        table.add_row(line.strategy, f"{line.runs:,}", f"{line.failed:,}", f"{line.signatures:,}", first, line.scope)
        if is_complete:
            table.add_row("", "", "", "", "", Text(line.sentence, style="dim"))
    yield out.indented(table)
    yield from _circumstances(explored, is_complete=is_complete)


def _circumstances(explored: Explored, *, is_complete: bool) -> Iterator[RenderableType]:
    most = len(explored.kinds) if is_complete else 8
    if explored.worst is not None:
        by = f"run {explored.worst.run:,}, {explored.worst.strategy}"
        yield out.indented(f"Worst harm found: {usd(explored.worst.harm_quantums)} USD ({by}); no bound on it")
    if explored.kinds:
        yield out.indented(f"Kinds of fault that apply: {len(explored.kinds)} ({clip(list(explored.kinds), most)})")
    else:
        yield out.indented("Kinds of fault that apply: none; only the order of events was tried")
    if explored.outside:
        yield out.indented(f"Played outside the scenario's threats: {clip(list(explored.outside), most)}")
    else:
        yield out.indented("Played outside the scenario's threats: none")
    if explored.exhausted:
        yield out.indented(f"{count(explored.exhausted, 'run')} came to no end within their budget of events")
