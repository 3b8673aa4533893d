"""What a search found, on a page: each smallest case with story, pictures and proof, and where the runs went."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from drydock.harness.explore.found import Failure
from drydock.harness.explore.minimum import Minimum
from drydock.harness.port import Case, Kit, Scenario
from drydock.harness.report.explored import NO_BOUND, Telling, stopped_text
from drydock.harness.report.page import Cell, Part, RunView, Table, render, table
from drydock.harness.report.page_run import plan_text, run_view
from drydock.harness.report.words import clip, count, usd
from drydock.harness.shrink.parts import parts_of
from drydock.harness.story import story_of
from drydock.harness.told import tell

SHOWN_MAX = 8
"""So many failures are drawn; the others stand in a table."""
_NAMED = 12
_WHOLE = 2
_BRIEF = 3


@dataclass(frozen=True, slots=True)
class Found:
    """One failure: its smallest case, its signature (law, component, role), and the command that replays it.

    ``tables`` say what else is known of it: that it is minimal, which other minimal sets there are.
    """

    case: Case
    signature: Sequence[str]
    replay: str
    tables: tuple[Table, ...] = ()


def explored_page(telling: Telling, scenario: Scenario, kit: Kit) -> str:
    """The page of ``drydock explore`` as HTML. Each smallest case is played once more, to be told."""
    explored = telling.explored
    found = [
        Found(
            minimum.shrunk.case,
            minimum.failure.signature,
            telling.replays.get(f"smallest {minimum.failure.signature}", ""),
            tuple(_tables(minimum)),
        )
        for minimum in telling.minima
    ]
    number = len(explored.failures)
    claim = f"{count(number, 'failure') if number else 'Nothing'} found in {count(explored.runs, 'run')}"
    return search_page(
        scenario,
        kit,
        found,
        claim=f"{claim}; {len(found)} shrunk to the smallest case." if number else f"{claim}.",
        reasons=[stopped_text(explored)] if stopped_text(explored) else [],
        facts=(("budget", f"{explored.budget:,}"), ("seed", str(explored.seed)), ("scenario", explored.scenario_hash)),
        overview=[_overview(telling)],
        tables=tuple(_circumstances(telling)),
        number=number,
        machine={"runs": explored.runs, **explored.run},
    )


def search_page(
    scenario: Scenario,
    kit: Kit,
    found: Sequence[Found],
    *,
    claim: str,
    reasons: Sequence[str] = (),
    facts: Sequence[tuple[str, str]] = (),
    overview: Sequence[Table] = (),
    tables: Sequence[Table] = (),
    number: int | None = None,
    machine: Mapping[str, object] | None = None,
) -> str:
    """A page of failures in the order given; ``number`` is how many there are, if more than are given.

    ``machine`` may have ``runs`` and ``seconds``.
    """
    number = len(found) if number is None else number
    part = Part(
        badge=f"{number} FOUND" if number else "NOTHING FOUND",
        tone="bad" if number else "busy",
        title=scenario.name,
        claim=claim,
        summary=scenario.summary,
        reasons=tuple(reasons),
        facts=tuple(facts),
        overview=tuple(overview),
        runs=tuple(_view(one, kit, number) for number, one in enumerate(found[:SHOWN_MAX], 1)),
        tables=(*tables, _not_drawn(found[SHOWN_MAX:])),
        limit=NO_BOUND.replace("`", ""),
    )
    return render([part], machine)


def _view(one: Found, kit: Kit, number: int) -> RunView:
    told = tell(one.case, kit)
    story = story_of(one.case, kit, one.signature, told=told, replay=one.replay)
    view = run_view(told, kit, story, title="In pictures", tables_title=f"The case: {_case_text(one.case)}")
    return replace(view, tables=(*one.tables, *view.tables), anchor=_anchor(number))


def _anchor(number: int) -> str:
    """Where the failure of that place in the list is told; empty for one that is not drawn."""
    return f"failure-{number}" if number <= SHOWN_MAX else ""


def _case_text(case: Case) -> str:
    """Its faults, and how many laggards."""
    laggards = len(case.ties.laggards)
    return plan_text(case) + (f", {count(laggards, 'laggard')}" if laggards else "")


def _not_drawn(found: Sequence[Found]) -> Table:
    rows = [[" · ".join(filter(None, one.signature)), _case_text(one.case), one.replay] for one in found]
    return table("More failures, not drawn", ("failure", "case", "again"), rows)


# ---- what a search knows of a failure ------------------------------------------------------------------------------
def _tables(minimum: Minimum) -> Iterator[Table]:
    yield _proof(minimum)
    races = [[str(race)] for race in minimum.races]
    yield table("Races", ("which events of one instant",), races)
    others = [str(signature) for signature in minimum.shows if signature != minimum.failure.signature]
    yield table("The same case also breaks", ("failure",), [[other] for other in others])
    rows = [[" and ".join(map(str, parts_of(case))) or "nothing at all"] for case in minimum.shrunk.alternatives]
    yield table("Other smallest cases, with one part left out", ("parts",), rows)


def _proof(minimum: Minimum) -> Table:
    """What was played to show that nothing of it can be left out."""
    signature = minimum.failure.signature

    def fails(seen: frozenset[object]) -> Cell:
        return Cell("fails", "bad") if signature in seen else Cell("passes", "ok")

    rows: list[list[str | Cell]] = [[row.part, fails(row.without), fails(row.alone)] for row in minimum.shrunk.proof]
    proven = "nothing can be left out" if minimum.shrunk.is_minimal else "perhaps not the smallest"
    return table(f"Its parts{minimum.of_run}: {proven}", ("part", "without it", "it alone"), rows)


def _overview(telling: Telling) -> Table:
    """All that was found, one failure a line: those with a smallest case first, each leading to its story."""
    rows: list[list[str | Cell]] = []
    for number, minimum in enumerate(telling.minima, 1):
        harm = usd(minimum.harm_quantums) if minimum.harm_quantums else "-"
        case = _in_brief(minimum.shrunk.case) + minimum.of_run
        failure = Cell(str(minimum.failure.signature), to=_anchor(number))
        rows.append([failure, minimum.detail or minimum.failure.finding.detail, case, harm])
    for one in _unshrunk(telling):
        case = f"not shrunk: {count(len(one.case.plan), 'fault')}"
        rows.append([str(one.signature), one.finding.detail, case, "-"])
    return table("What was found", ("failure", "seen", "smallest case", "its harm, USD"), rows, (3,))


def _in_brief(case: Case) -> str:
    """One fault or two with step and target; of more the kinds."""
    if len(case.plan) <= _WHOLE:
        return _case_text(case)
    return f"{count(len(case.plan), 'fault')}: {clip([fault.kind for fault in case.plan], _BRIEF)}"


def _unshrunk(telling: Telling) -> list[Failure]:
    """Failures that no smallest case shows."""
    shown = {signature for minimum in telling.minima for signature in minimum.shows}
    return [failure for failure in telling.explored.failures if failure.signature not in shown]


def _circumstances(telling: Telling) -> Iterator[Table]:
    explored = telling.explored
    rows: list[list[str]] = [
        [str(one.signature), one.finding.detail, _case_text(one.case), telling.replays.get(str(one.signature), "")]
        for one in _unshrunk(telling)
    ]
    yield table("Found and not shrunk", ("failure", "first finding", "case", "again"), rows)
    rows = [
        [
            line.strategy, f"{line.runs:,}", f"{line.failed:,}", f"{line.signatures:,}",
            "-" if line.first_run is None else f"run {line.first_run:,}", line.scope or line.sentence,
        ]
        for line in explored.yields
    ]  # fmt: skip
    yield table("Where the runs went", ("strategy", "runs", "failed", "new", "first", "covered"), rows, (1, 2, 3))
    told = []
    if explored.worst is not None:
        by = f"run {explored.worst.run:,}, {explored.worst.strategy}"
        told.append(["worst harm found", f"{usd(explored.worst.harm_quantums)} USD ({by}); no bound on it"])
    told.append(["kinds of fault that apply", f"{len(explored.kinds)}: {clip(list(explored.kinds), _NAMED)}"])
    told.append(["played outside the threats", clip(list(explored.outside), _NAMED) or "none"])
    yield table("Circumstances", ("", ""), told)
