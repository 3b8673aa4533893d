"""What a search found, on a page: each failure with its story and its pictures, the smallest case that shows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from drydock.harness.port import Case, Kit, Scenario
from drydock.harness.report.page import Part, RunView, Table, render
from drydock.harness.report.page_run import plan_text, run_view
from drydock.harness.report.words import count
from drydock.harness.story import story_of
from drydock.harness.told import tell

SHOWN_MAX = 8
"""So many failures are shown with pictures; the others are for the caller's tables."""


@dataclass(frozen=True, slots=True)
class Found:
    """One failure: its smallest case, its signature (law, component, role), and the command that replays it.

    ``tables`` say what else is known of it: that it is minimal, which other minimal sets there are.
    """

    case: Case
    signature: Sequence[str]
    replay: str
    tables: tuple[Table, ...] = ()


def search_page(
    scenario: Scenario,
    kit: Kit,
    found: Sequence[Found],
    *,
    claim: str,
    reasons: Sequence[str] = (),
    facts: Sequence[tuple[str, str]] = (),
    tables: Sequence[Table] = (),
    machine: Mapping[str, object] | None = None,
) -> str:
    """The page of ``drydock explore`` as HTML: what was found, in the order given, and what the search rests on.

    ``machine`` may have ``runs`` and ``seconds``. Each shown case is played once more, to be told.
    """
    part = Part(
        badge=f"{len(found)} FOUND" if found else "NOTHING FOUND",
        tone="bad" if found else "good",
        title=scenario.name,
        claim=claim,
        summary=scenario.summary,
        reasons=tuple(reasons),
        facts=tuple(facts),
        runs=tuple(_view(one, kit) for one in found[:SHOWN_MAX]),
        tables=tuple(tables),
        limit="Guided runs carry no bound: what was not found may still be there."
        + (f" {count(len(found) - SHOWN_MAX, 'failure')} more are not drawn." if len(found) > SHOWN_MAX else ""),
    )
    return render([part], machine)


def _view(one: Found, kit: Kit) -> RunView:
    told = tell(one.case, kit)
    story = story_of(one.case, kit, one.signature, told=told, replay=one.replay)
    view = run_view(told, kit, story, title="In pictures", tables_title=f"The case: {plan_text(one.case)}")
    return RunView(view.title, view.hint, view.story, view.pictures, view.charts, view.harm, view.tables_title,
                   (*one.tables, *view.tables))  # fmt: skip
