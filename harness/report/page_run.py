"""One run on a page: its story, the whole run and the moment of the story as lanes, charts against the truth, harm."""

from __future__ import annotations

from collections.abc import Iterator

from drydock.harness.charts import Chart
from drydock.harness.law import by_law
from drydock.harness.money import harm_by_kind, refunds, restored
from drydock.harness.port import Case, Kit
from drydock.harness.report.harm import ACCOUNTS_SHOWN, by_account
from drydock.harness.report.page import (
    NARROW,
    WIDE,
    Cell,
    Figure,
    HarmView,
    Item,
    Part,
    RunView,
    StoryView,
    Table,
    table,
)
from drydock.harness.report.story import broken, clock, outcome, when
from drydock.harness.report.svg import Times
from drydock.harness.report.svg_chart import clipped, draw_chart, value_text
from drydock.harness.report.svg_lanes import Bar, Mark, Picture, Stop, draw_lanes
from drydock.harness.report.words import clip, count, kinds_text, usd
from drydock.harness.result import RunResult
from drydock.harness.run import FaultHealed, FaultInjected
from drydock.harness.story import Sentence, Story, story_of
from drydock.harness.told import Told

_GUTTER, _NARROW_GUTTER = 104, 82
_CHART_WIDE = WIDE // 2
_LEAST_MOMENT_MS = 8_000
_TABLE_ROWS = 12
_FAULTS_NAMED = 6
_KEY = {False: "curve", True: "truth"}


def part_of_run(told: Told, kit: Kit, *, replay: str = "") -> Part:
    """The whole answer of ``drydock run``, for :func:`~drydock.harness.report.page.render`."""
    case, result = told.case, told.result
    laws = list(by_law(result.findings))
    badge, tone = ("BROKEN", "bad") if laws else ("CLEAN", "good")
    claim = (
        f"This run broke {count(len(laws), 'law')}: {', '.join(laws)}." if laws else "No law was broken in this run."
    )
    if result.is_budget_exhausted:
        badge, tone, claim = "NO END", "busy", "The run used up its event budget and came to no end."
    story = story_of(case, kit, told=told, replay=replay)
    return Part(
        badge=badge,
        tone=tone,
        title=case.scenario.name,
        claim=claim,
        summary=case.scenario.summary,
        facts=(*facts_of(case, result), *([("database", str(kit.stands_on))] if kit.stands_on.is_real else ())),
        runs=(run_view(told, kit, story, tables_title="What was broken, and what went wrong"),),
        limit="One run decides nothing: drydock gonogo does.",
    )


def facts_of(case: Case, result: RunResult) -> tuple[tuple[str, str], ...]:
    """What names the run."""
    ties = case.ties.mode + (f", {count(len(case.ties.laggards), 'laggard')}" if case.ties.laggards else "")
    return (
        ("regime", case.regime),
        ("seed", str(case.seed)),
        ("ties", ties),
        ("plan", plan_text(case)),
        ("digest", result.digest),
    )


def plan_text(case: Case) -> str:
    """``slow_load at start-services on funding``; the first of many, and how many more; ``no fault``."""
    told = [f"{fault.kind} at {fault.step} on {fault.target or 'all'}" for fault in case.plan]
    return clip(told, _FAULTS_NAMED) or "no fault"


def run_view(
    told: Told, kit: Kit, story: Story | None, *, tables_title: str, title: str = "The run in pictures"
) -> RunView:
    """Everything of one run."""
    shown = _Shown(told, kit, story)
    return RunView(
        title=title,
        hint="T counts from the start of the maintenance window. Point at a shape to read what it is.",
        story=None if story is None else shown.story_view(story),
        pictures=tuple(shown.pictures()),
        charts=tuple(shown.chart(chart) for chart in told.charts.charts),
        harm=harm_view(told, kit),
        tables_title=tables_title,
        tables=(findings_table(told, kit), faults_table(told.result), shown.steps_table()),
    )


class _Shown:
    """One run being laid out."""

    def __init__(self, told: Told, kit: Kit, story: Story | None) -> None:
        self._told = told
        self._story = story
        self._window_ms = min((step.planned_ms for step in kit.steps(told.case.scenario)), default=0)
        self._moment = None if story is None else moment_of(story)
        self._items = () if story is None else story.sentences

    def story_view(self, story: Story) -> StoryView:
        items = [
            Item(
                number=number,
                kind="broken" if sentence.breaks else sentence.kind,
                when=when(sentence.at_ms, story),
                night=f"{clock(sentence.at_ms).removeprefix('T+')} of the night",
                step=sentence.step,
                text=sentence.text,
                source=sentence.source,
                breaks=tuple(broken(sentence)),
                more=f"{count(sentence.more, 'event')} in between" if sentence.more else "",
            )
            for number, sentence in enumerate(story.sentences, 1)
        ]
        title = f"How {story.finding.law} came to be broken"
        return StoryView(title, story.law_sentence, tuple(items), tuple(outcome(story)), story.replay)

    def pictures(self) -> Iterator[Figure]:
        if not self._told.charts.rows:
            return
        whole = (0, self._told.result.ended_ms)
        picture = self._picture()
        if self._moment is not None and self._story is not None:
            length_s = (self._moment[1] - self._moment[0]) / 1000
            told = (
                f"{length_s:,.0f} seconds enlarged. Numbers are the story's; an arrow leads to what came of an event."
            )
            yield self._lanes(picture, self._moment, "The moment", told, is_close=True)
        told = "From before the window to where it came to rest"
        told += "; the shaded part is the moment above." if self._moment else "."
        yield self._lanes(picture, whole, "The whole run", told, is_close=False)

    def _lanes(self, picture: Picture, span: tuple[int, int], title: str, sentence: str, *, is_close: bool) -> Figure:
        wide, narrow = (
            draw_lanes(picture, self._times(span, width, gutter), width, f"{title}. {sentence}", is_close=is_close)
            for width, gutter in ((WIDE, _GUTTER), (NARROW, _NARROW_GUTTER))
        )
        return Figure(title, sentence, wide, narrow)

    def _times(self, span: tuple[int, int], width: int, gutter: int) -> Times:
        return Times(span[0], span[1], gutter, width - 12, self._window_ms)

    def _picture(self) -> Picture:
        charts, story = self._told.charts, self._story
        stops = [_stop(number, sentence) for number, sentence in enumerate(self._items, 1)]
        first = {law: found[0] for law, found in by_law(self._told.result.findings).items()}
        marks = [Mark(law, finding.at_ms, finding.detail) for law, finding in first.items()]
        links = () if story is None else story.links
        return Picture(charts.steps, list(self._bars()), charts.rows, marks, stops, links, self._moment)

    def _bars(self) -> Iterator[Bar]:
        """Faults from their first act until they were over."""
        events, ended_ms = self._told.events, self._told.result.ended_ms
        healed = {event.data.number: event.at_ms for event in events if isinstance(event.data, FaultHealed)}
        for event in events:
            if isinstance(event.data, FaultInjected):
                data, until_ms = event.data, healed.get(event.data.number, ended_ms)
                span = f"{clock(event.at_ms - self._window_ms)} to {clock(until_ms - self._window_ms)}"
                told = f"fault {data.fault} on {data.target or 'all'}, at {data.at}, {span}"
                yield Bar(f"{data.fault} · {data.target or 'all'}", event.at_ms, until_ms, told, event.lane)

    def chart(self, chart: Chart) -> Figure:
        span = (0, self._told.result.ended_ms)
        wide, narrow = (
            draw_chart(chart, self._times(span, width, 62), width, self._moment) for width in (_CHART_WIDE, NARROW)
        )
        key = tuple((curve.name, _KEY[curve.is_truth]) for curve in chart.curves)
        return Figure(f"{chart.title}, {chart.unit}", chart.sentence, wide, narrow, key, self._values(chart))

    def _values(self, chart: Chart) -> Table:
        """The curves at a dozen times over the run."""
        ended_ms = self._told.result.ended_ms
        times = Times(0, ended_ms, 0, 1, self._window_ms)
        curves = [clipped(curve.points, times) for curve in chart.curves]
        rows = []
        for number in range(_TABLE_ROWS + 1):
            at_ms = ended_ms * number // _TABLE_ROWS
            held = [next((value for at, value in reversed(points) if at <= at_ms), None) for points in curves]
            told = ["-" if value is None else value_text(value / chart.per_unit) for value in held]
            rows.append([clock(at_ms - self._window_ms, has_millis=False), *told])
        heads = ["time", *(curve.name for curve in chart.curves)]
        return table("", heads, rows, range(1, len(heads)))

    def steps_table(self) -> Table:
        rows = [
            [
                step.label,
                clock(step.since_ms, has_millis=False).removeprefix("T+"),
                clock(step.since_ms - self._window_ms, has_millis=False),
                clock(step.until_ms - self._window_ms, has_millis=False),
                f"{(step.until_ms - step.since_ms) / 1000:,.1f} s",
                Cell("gate not fulfilled", "bad") if step.tone == "bad" else "",
            ]
            for step in self._told.charts.steps
        ]
        return table(
            "Steps of the runbook, as they came", ("step", "time of the run", "from", "until", "length", ""), rows, (4,)
        )


def _stop(number: int, sentence: Sentence) -> Stop:
    identity = None if sentence.kind == "fault" else sentence.identity
    kind = "broken" if sentence.breaks else sentence.kind
    return Stop(number, sentence.at_ms, sentence.lane, f"{number}: {sentence.text}", identity, kind)


def moment_of(story: Story) -> tuple[int, int] | None:
    """The span worth enlarging: from the step in which a law was first broken, to the finding; None without a chain."""
    sentences = story.sentences
    broke = next((one for one in sentences if one.breaks), None)
    if broke is None:
        return None
    last_ms = max(one.at_ms for one in sentences)
    near = [one.at_ms for one in sentences if one.step == broke.step]
    first_ms = min(near) if last_ms - min(near) < 3_600_000 else last_ms
    air_ms = max(_LEAST_MOMENT_MS // 2, (last_ms - first_ms) // 12)
    return max(0, first_ms - air_ms), last_ms + air_ms


# ---- tables ------------------------------------------------------------------------------------------------------
def harm_view(told: Told, kit: Kit) -> HarmView | None:
    """Harm by kind and by account; None where there was none."""
    result, scenario = told.result, told.case.scenario
    by_kind = {kind: amount for kind, amount in harm_by_kind(result.entries).items() if amount}
    if not by_kind:
        return None
    of_accounts = by_account(result.entries)
    owed: dict[int, int] = {}
    for refund in refunds(result.entries, scenario.policy.refunds):
        owed[refund.account] = owed.get(refund.account, 0) + refund.amount_quantums
    greatest = max(by_kind.values())
    kinds = sorted(by_kind.items(), key=lambda item: (-item[1], item[0]))
    rows = [
        [kit.account_label(scenario, account), usd(sum(kinds_.values())), usd(owed.get(account)), kinds_text(kinds_)]
        for account, kinds_ in list(of_accounts.items())[:ACCOUNTS_SHOWN]
    ]
    more = f", the {ACCOUNTS_SHOWN} with the most" if len(of_accounts) > ACCOUNTS_SHOWN else ""
    given = restored(result.entries)
    hint = f"To refund by the policy: {usd(sum(owed.values()))} USD to {count(len(owed), 'account')}."
    if not scenario.policy.refunds:
        hint = "The policy refunds no kind of harm."
    return HarmView(
        title=f"Harm: {usd(sum(by_kind.values()))} USD to {count(len(of_accounts), 'account')}",
        hint=hint + (f" A rollback gave {usd(given)} USD back; the figures are before that." if given else ""),
        kinds=tuple((kind, usd(amount), max(1, amount * 100 // greatest)) for kind, amount in kinds),
        accounts=table(f"By account{more}", ("account", "harm, USD", "to refund, USD", "by kind, USD"), rows, (1, 2)),
    )


def findings_table(told: Told, kit: Kit) -> Table:
    """Each broken law with its first finding."""
    laws = {law.id: law for law in kit.laws(told.case.scenario)}
    window_ms = min((step.planned_ms for step in kit.steps(told.case.scenario)), default=0)
    grouped = by_law(sorted(told.result.findings, key=lambda finding: finding.at_ms))
    rows = [
        [
            Cell(law, "bad"),
            laws[law].sentence if law in laws else "",
            laws[law].law_class if law in laws else "",
            clock(found[0].at_ms - window_ms),
            str(len(found)),
            found[0].detail,
        ]
        for law, found in grouped.items()
    ]
    return table("Laws broken", ("law", "it says", "class", "first", "findings", "first finding"), rows, (4,))


def faults_table(result: RunResult) -> Table:
    """Each fault of the plan, and whether an operation met it."""
    rows: list[list[str | Cell]] = [
        [one.kind, one.step, one.target or "all", Cell("yes", "ok") if one.exercised else Cell("no", "warn")]
        for one in result.evidence
    ]
    return table("Faults of the plan", ("fault", "step", "target", "an operation met it"), rows)
