"""``drydock gonogo``: rehearse many times, decide, and save the first case of each law that was broken."""

from __future__ import annotations

import datetime
import shlex
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, nullcontext
from typing import TYPE_CHECKING

import click

from drydock.harness.cli import exits
from drydock.harness.cli.database import Wanted, database_options, strikes_of_rehearsal
from drydock.harness.cli.options import (
    Common,
    check_targets,
    common,
    cores,
    duration_ms,
    report_option,
    say_if_nothing_is_refunded,
    write_text,
)

if TYPE_CHECKING:
    from rich.console import Console

    from drydock.harness.port import Kit, Plain, Scenario
    from drydock.harness.refunds import RefundFile
    from drydock.harness.regression import Regression
    from drydock.harness.rehearsal import Options
    from drydock.harness.result import Verdict

_LEVELS = ("smoke", "ci", "evening")
_STOPS = {"SIGINT": exits.INTERRUPTED, "SIGTERM": exits.TERMINATED}


def _day(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """Option callback: an ISO date, written as in files, so that texts compare as dates do."""
    try:
        return None if value is None else datetime.date.fromisoformat(value).isoformat()
    except ValueError:
        told = f"'{value}' is no date; allowed: YYYY-MM-DD, e.g. 2026-11-22"
        raise click.BadParameter(told, ctx, param) from None


@click.command(name="gonogo")
@click.argument("scenarios", nargs=-1, required=True, metavar="SCENARIO...")
@click.option("--level", type=click.Choice(_LEVELS), help="40, 400 or 10,000 runs; default: what the policy says.")
@click.option("--runs", type=click.IntRange(min=1), metavar="N", help="So many runs instead of the level's.")
@click.option("--regime", metavar="R", help="One regime instead of all of the scenario's.")
@click.option("--workers", type=click.IntRange(min=1), metavar="N", help="Worker processes; default: one a core.")
@click.option("--max-time", callback=duration_ms, metavar="T", help="Stop after e.g. 90s; cut short is never GO.")
@click.option("--corpus-time", callback=duration_ms, metavar="T", help="For known failures, first; default 60s.")
@click.option("--refunds", metavar="FILE", help="Write what every run owes to whom, as CSV (mode 0600).")
@database_options
@report_option
@click.option("--markdown", metavar="FILE", help="Write the verdict as Markdown, e.g. to $GITHUB_STEP_SUMMARY.")
@click.option("--junit", metavar="FILE", help="Write the verdict as JUnit XML: a test case for each law.")
@click.option("--today", callback=_day, metavar="DATE", help="When accepted risks expire; default: today.")
@common
def command(
    scenarios: tuple[str, ...],
    level: str | None,
    runs: int | None,
    regime: str | None,
    workers: int | None,
    max_time: int | None,
    corpus_time: int | None,
    refunds: str | None,
    report: str | None,
    markdown: str | None,
    junit: str | None,
    today: str | None,
    wanted: Wanted,
    common: Common,
) -> int:
    """May we do this maintenance? Rehearses each SCENARIO (a name or a file) and decides.

    0 GO, 1 NO-GO, 3 INCONCLUSIVE; of several scenarios the worst.
    """
    from dataclasses import replace

    from drydock.harness.rehearsal import Options

    files = {"report": report, "markdown": markdown, "junit": junit}
    check_targets(common, refunds=refunds, **files)
    todo = _loaded(scenarios, regime, common)
    options = Options(
        today=today or _todays_date(),
        level=level,
        runs=runs,
        regime=regime,
        seed=common.first_seed,
        corpus_time_s=60.0 if corpus_time is None else corpus_time / 1000,
    )
    known = _corpora(todo)
    with ExitStack() as stack:
        todo = _standing(todo, known, wanted, stack)
        options = replace(options, workers=_workers(workers, todo))
        file = stack.enter_context(_refund_file(refunds, todo))
        verdicts = list(_rehearsed(todo, known, options, max_time, file, common))
        return _answer(verdicts, todo, files, common)


def _answer(
    verdicts: list[Verdict], todo: list[tuple[Scenario, Kit]], files: Mapping[str, str | None], common: Common
) -> int:
    """Saves the cases, tells the verdicts, writes what else is wanted, and returns the worst of their exit codes."""
    from drydock.harness.verdict_json import verdict_json

    saved = [_save_cases(verdict, common) for verdict in verdicts]
    is_array, is_private = len(todo) > 1, any(scenario.is_private for scenario, _ in todo)

    def plain() -> Plain:
        answers = [verdict_json(verdict) for verdict in verdicts]
        return answers if is_array else answers[0]

    def tell(console: Console) -> None:
        from drydock.harness.report.text import print_verdict

        for number, (verdict, replays) in enumerate(zip(verdicts, saved, strict=True)):
            if number and common.verbosity >= 0:
                console.print()
            print_verdict(console, verdict, replays, verbosity=common.verbosity)

    common.answer(plain, tell, is_private=is_private)
    for name, target in files.items():
        if target is not None:
            write_text(target, _WRITERS[name](verdicts, todo, saved), is_private=is_private)
    return exits.worst([exit_of(verdict) for verdict in verdicts])


def _page(verdicts: list[Verdict], todo: list[tuple[Scenario, Kit]], saved: list[Mapping[str, str]]) -> str:
    from drydock.harness.report.page import render
    from drydock.harness.report.page_verdict import part_of_verdict

    judged = zip(verdicts, todo, saved, strict=False)  # a signal may have ended the list of verdicts
    parts = [part_of_verdict(verdict, scenario, kit, replays) for verdict, (scenario, kit), replays in judged]
    return render(parts, verdicts[0].run if len(verdicts) == 1 else None)


def _markdown(verdicts: list[Verdict], todo: list[tuple[Scenario, Kit]], saved: list[Mapping[str, str]]) -> str:
    from drydock.harness.report.markdown import markdown

    return markdown(verdicts, saved)


def _junit(verdicts: list[Verdict], todo: list[tuple[Scenario, Kit]], saved: list[Mapping[str, str]]) -> str:
    from drydock.harness.report.junit import junit

    return junit(verdicts, saved)


_WRITERS = {"report": _page, "markdown": _markdown, "junit": _junit}


def exit_of(verdict: Verdict) -> int:
    """The verdict's own exit code, or the signal's where one stopped it."""
    return _STOPS.get(str(verdict.run.get("stopped", "")), verdict.exit_code)


def _loaded(references: tuple[str, ...], regime: str | None, common: Common) -> list[tuple[Scenario, Kit]]:
    """Every scenario, before the first runs: the mistakes of all files are told together."""
    from drydock.harness.cli.run import regime_of
    from drydock.harness.mistakes import BadFile, Mistakes

    mistakes, found = Mistakes(), []
    for reference in references:
        try:
            found.append(common.scenario(reference))
        except BadFile as bad:
            mistakes.extend(bad.mistakes)
    mistakes.raise_if_any()
    for scenario, _ in found:
        regime_of(regime, scenario)
    return found


def _corpora(todo: list[tuple[Scenario, Kit]]) -> list[tuple[Regression, ...]]:
    """The known failures of each scenario, before the first run: the mistakes of all their files are told together."""
    from drydock.harness.corpus import read_corpus
    from drydock.harness.mistakes import BadFile, Mistakes

    mistakes, found = Mistakes(), []
    for scenario, _ in todo:
        try:
            found.append(read_corpus(scenario))
        except BadFile as bad:
            mistakes.extend(bad.mistakes)
    mistakes.raise_if_any()
    return found


def _standing(
    todo: list[tuple[Scenario, Kit]], corpora: list[tuple[Regression, ...]], wanted: Wanted, stack: ExitStack
) -> list[tuple[Scenario, Kit]]:
    """Every kit on the database that was asked for, before the first run, until the stack is closed."""
    from drydock.harness.known import known_today

    for _, kit in todo:
        wanted.check(kit)
    standing = []
    for (scenario, kit), corpus in zip(todo, corpora, strict=True):
        cases = [known.case for known in known_today(corpus, scenario, kit) if known.case is not None]
        strikes = strikes_of_rehearsal(scenario, cases)
        standing.append((scenario, stack.enter_context(wanted.under(kit, scenario, strikes))))
    return standing


def _workers(asked: int | None, todo: list[tuple[Scenario, Kit]]) -> int:
    """As many as were asked for, else one a core; one for a server that no two processes may use."""
    shared = next((kit.stands_on for _, kit in todo if kit.stands_on.is_shared), None)
    if shared is None:
        return asked or cores()
    if asked not in (None, 1):
        raise click.UsageError(f"--workers: {shared} is one server for one process; allowed: 1")
    return 1


def _rehearsed(
    todo: list[tuple[Scenario, Kit]],
    corpora: list[tuple[Regression, ...]],
    options: Options,
    max_time_ms: int | None,
    file: RefundFile | None,
    common: Common,
) -> Iterator[Verdict]:
    """One verdict a scenario, within one span of time; a signal ends the list with the verdict that it cut short."""
    from dataclasses import replace

    from drydock.harness.refunds import RefundsOfRuns
    from drydock.harness.rehearsal import runs_asked
    from drydock.harness.report.progress import progress_on
    from drydock.harness.verdict import rehearse

    began_s = time.monotonic()
    for (scenario, kit), corpus in zip(todo, corpora, strict=True):
        passed_ms = int((time.monotonic() - began_s) * 1000)
        left_s = None if max_time_ms is None else max(1, -(-(max_time_ms - passed_ms) // 1000))
        asked = runs_asked(scenario, options)
        owed = None if file is None else RefundsOfRuns(file, scenario, kit, options.seed, asked)
        with progress_on(scenario.name, is_quiet=common.verbosity < 0) as progress:
            own = replace(options, max_time_s=left_s, progress=progress, owed_to=owed, corpus=corpus)
            verdict = rehearse(scenario, kit, own)
        if owed is not None:
            owed.finish()
        yield verdict
        if exit_of(verdict) in _STOPS.values():
            return


def _refund_file(target: str | None, todo: list[tuple[Scenario, Kit]]) -> RefundFile | AbstractContextManager[None]:
    """The file that ``--refunds`` names, opened before the first run; what cannot be written is told at the end."""
    from drydock.harness.refunds import RefundFile

    if target is None:
        return nullcontext()
    for scenario, _ in todo:
        say_if_nothing_is_refunded(target, scenario)
    return RefundFile(target, of_runs=True)


def _save_cases(verdict: Verdict, common: Common) -> Mapping[str, str]:
    """law -> the command that replays the first case which breaks it, regression -> the one that replays it.

    The cases are in the cache from then on. A folder that cannot be written costs their lines, and not the verdict.
    """
    from drydock.harness.cli.cache import replay_command
    from drydock.harness.mistakes import BadFile

    bundles = [bundle for bundle in (verdict.reported, verdict.sweep) if bundle is not None]
    first = {v.law: v.first_case for bundle in reversed(bundles) for v in bundle.violations}
    loads = [part for path in common.load for part in ("--load", path)]
    sets = [part for setting in common.sets for part in ("--set", setting)]  # a case has them inside
    known = {line.id: shlex.join(["drydock", "replay", line.file, *sets, *loads]) for line in verdict.regressions}
    try:
        return known | {law: replay_command(case, common.load) for law, case in first.items()}
    except BadFile as bad:
        click.echo(str(bad), err=True)
        return known


def _todays_date() -> str:
    """The one place that asks the clock for the date; it is printed, and in the verdict."""
    return datetime.date.today().isoformat()  # noqa: TID251, DTZ011  (the default of --today, an input)
