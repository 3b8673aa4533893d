"""``drydock explore``: is there any way to break it, and what is the smallest?"""

from __future__ import annotations

import math
import shlex
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import click

from drydock.harness.cli import exits
from drydock.harness.cli.options import (
    Common,
    check_targets,
    common,
    cores,
    duration_ms,
    report_option,
    write_text,
)

if TYPE_CHECKING:
    from rich.console import Console

    from drydock.harness.explore.found import Explored, Failure
    from drydock.harness.explore.minima import Boxes, Minima
    from drydock.harness.explore.minimum import Minimum
    from drydock.harness.explore.search import ExploreOptions
    from drydock.harness.port import Case, Kit, Plain, Scenario
    from drydock.harness.report.explored import Telling
    from drydock.harness.report.progress import Silent
    from drydock.harness.story import Story

_STOPS = {"SIGINT": exits.INTERRUPTED, "SIGTERM": exits.TERMINATED}


@click.command(name="explore")
@click.argument("scenario", metavar="SCENARIO")
@click.option(
    "--budget", type=click.IntRange(min=1), default=2_000, show_default=True, metavar="N", help="So many runs."
)
@click.option("--max-time", callback=duration_ms, metavar="T", help="Stop after e.g. 90s, shrinking included.")
@click.option("--law", metavar="ID", help="Only failures of this law count, whatever its class.")
@click.option("--regime", metavar="R", help="One regime instead of all of the scenario's.")
@click.option(
    "--strategy", "strategies", multiple=True, metavar="NAME", help="Not the portfolio, but this. Repeatable."
)
@click.option(
    "--instant",
    callback=duration_ms,
    metavar="T",
    help="All orders of this instant, counted from the start of the night, e.g. 4m10s.",
)
@click.option("--kind", "kinds", multiple=True, metavar="KIND", help="Only faults of this kind. Repeatable.")
@click.option("--within-threats", is_flag=True, help="Only faults that the scenario's threats name.")
@click.option(
    "--shrink", callback=duration_ms, default="30s", show_default=True, metavar="T", help="For each; 0s: none."
)
@click.option("--out", metavar="DIR", help="Where cases and regressions go; default: .drydock and drydock-corpus.")
@click.option("--workers", type=click.IntRange(min=1), metavar="N", help="Worker processes; default: one a core.")
@report_option
@common
def command(
    scenario: str,
    budget: int,
    max_time: int | None,
    law: str | None,
    regime: str | None,
    strategies: tuple[str, ...],
    instant: int | None,
    kinds: tuple[str, ...],
    within_threats: bool,
    shrink: int,
    out: str | None,
    workers: int | None,
    report: str | None,
    common: Common,
) -> int:
    """Searches SCENARIO (a name or a file) for ways to break it: faults, orders of events, operators' slips.

    Each failure is shown at once, shrunk to the smallest case that fails in the same way, told, and saved. What is
    found follows from scenario, seed and budget. 0 nothing found, 1 found. It decides nothing: `drydock gonogo` does.

    Strategies by NAME: anchored, crowd, swarm, pairwise, ties, slips, harm, uniform (together the portfolio), and
    exhaustive.
    """
    from drydock.harness.corpus import read_corpus
    from drydock.harness.explore.search import ExploreOptions

    check_targets(common, report=report)
    loaded, kit = common.scenario(scenario)
    read_corpus(loaded)  # a corpus with mistakes is told now, and not once there is something to put into it
    _check(loaded, kit, regime, strategies, law)
    _check_kinds(loaded, kit, kinds, within_threats=within_threats)
    options = ExploreOptions(
        budget=budget,
        seed=common.first_seed,
        workers=workers or cores(),
        max_time_s=None if max_time is None else max_time / 1000,
        law=law or "",
        regime=regime,
        strategies=strategies,
        instant_ms=instant,
        within_threats=within_threats,
        kinds=kinds,
    )
    return _Exploration(loaded, kit, common, _folder(out), shrink / 1000, report).play(options)


def _check(scenario: Scenario, kit: Kit, regime: str | None, strategies: tuple[str, ...], law: str | None) -> None:
    """Names that nobody knows, with the nearest that there is."""
    from drydock.harness.cli.run import regime_of
    from drydock.harness.explore.portfolio import NAMES
    from drydock.harness.explore.search import counted_laws
    from drydock.harness.mistakes import did_you_mean

    regime_of(regime, scenario)
    for name in strategies:
        if name not in NAMES:
            raise click.UsageError(f"--strategy: there is no strategy '{name}'; {did_you_mean(name, NAMES)}")
    try:
        counted_laws(kit.laws(scenario), law or "")
    except ValueError as error:
        raise click.UsageError(f"--{error}") from None


def _check_kinds(scenario: Scenario, kit: Kit, kinds: tuple[str, ...], *, within_threats: bool) -> None:
    """A kind that nobody knows, or that strikes nothing here, would search nothing, and find nothing."""
    from drydock.harness.explore.space import Space
    from drydock.harness.mistakes import did_you_mean
    from drydock.harness.plan import nothing_to_strike
    from drydock.harness.registry import faults

    known = faults()
    for kind in kinds:
        if kind not in known:
            raise click.UsageError(f"--kind: there is no fault '{kind}'; {did_you_mean(kind, known)}")
    there = Space(scenario, kit, within_threats=within_threats, kinds=kinds).kinds if kinds else ()
    for kind in kinds:
        if kind not in there:
            threat = f"{kind} is no threat of {scenario.name}"
            raise click.UsageError(f"--kind: {threat if within_threats else nothing_to_strike(known[kind], scenario)}")


def _folder(out: str | None) -> Path | None:
    """The folder of ``--out``, there from now on: what is found must not be lost for want of a place."""
    from drydock.harness.mistakes import BadFile, Mistake

    if out is None:
        return None
    try:
        Path(out).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadFile([Mistake(out, f"cannot be made a folder: {error.strerror or error}")]) from None
    return Path(out)


@dataclass(slots=True)
class _Exploration:
    """A search under way: shows, shrinks and saves what it finds, as it finds it."""

    scenario: Scenario
    kit: Kit
    common: Common
    folder: Path | None
    shrink_s: float
    report: str | None = None
    files: dict[str, str] = field(default_factory=dict)
    progress: Silent | None = None
    minima: Minima | None = None

    def play(self, options: ExploreOptions) -> int:
        """Searches, answers, and returns the exit code."""
        from drydock.harness.explore.minima import Minima
        from drydock.harness.report.progress import progress_on

        self.minima = Minima(self.kit, self.scenario, self._boxes(options), self._shrunk)
        with progress_on(self.scenario.name, is_quiet=self.common.verbosity < 0, noun="failure") as self.progress:
            explored = self._explored(options, self.minima)
            for minimum in self.minima.found:
                self._save(f"smallest {minimum.failure.signature}", minimum.shrunk.case)
                self._keep(minimum)
        self._answer(explored)
        return exits.INCONCLUSIVE if self._is_vacuous(options, explored) else exit_of(explored)

    def _is_vacuous(self, options: ExploreOptions, explored: Explored) -> bool:
        """Whether the orders of an instant were asked for and nobody meets there: nothing was tried."""
        first = 1 if options.regime else len(self.scenario.regimes)  # each regime once, to see who meets
        is_alone = options.instant_ms is not None and not options.strategies
        return is_alone and explored.runs <= first and exit_of(explored) == exits.GO

    def _boxes(self, options: ExploreOptions) -> Boxes:
        from drydock.harness.explore.minima import Boxes

        deadline_s = math.inf if options.max_time_s is None else time.monotonic() + options.max_time_s
        return Boxes(box_s=self.shrink_s, deadline_s=deadline_s, is_beside=options.workers > 1)

    def _explored(self, options: ExploreOptions, minima: Minima) -> Explored:
        """The search, and then what is left to shrink; a signal ends either, and what was found stands."""
        from dataclasses import replace

        from drydock.harness.explore.search import explore, stop_text

        explored: Explored | None = None
        try:
            with minima:
                hears = replace(options, progress=self._heard, found=self._found, again=minima.take)
                explored = explore(self.scenario, self.kit, hears)
                if explored.stopped in _STOPS:
                    minima.stop()
        except BaseException as stop:
            if explored is None or isinstance(stop, Exception | SystemExit | GeneratorExit):
                raise
            return replace(explored, stopped=stop_text(stop))
        return explored

    def _heard(self, runs: int, budget: int, signatures: int) -> None:
        """A run is over."""
        assert self.progress is not None
        assert self.minima is not None
        self.progress(runs, budget, signatures)
        self.minima.go_on()

    def _found(self, failure: Failure) -> None:
        """A new failure: saved and shown as it is, and handed on to be shrunk."""
        assert self.progress is not None
        assert self.minima is not None
        key = str(failure.signature)
        self._save(key, failure.case)
        saved = f" ({self.files[key]})" if key in self.files else ""
        self.progress.say(f"run {failure.run} ({failure.strategy}): {key}: {failure.finding.detail}{saved}")
        self.minima.take(failure)

    def _shrunk(self, minimum: Minimum) -> None:
        from drydock.harness.report.words import count

        assert self.progress is not None
        shrunk = minimum.shrunk
        parts = len(shrunk.case.plan) + len(shrunk.case.ties.laggards)
        told = f"{count(parts, 'part')} after {count(shrunk.runs, 'run')}"
        done = "left out what it does not need" if minimum.is_rough else "shrunk"
        self.progress.say(f"  {minimum.failure.signature}: {done}: {told}")

    def _save(self, key: str, case: Case) -> None:
        """Writes a case; what cannot be written is told, and costs its line and not the search."""
        from drydock.harness.cli.cache import save_case
        from drydock.harness.mistakes import BadFile

        assert self.progress is not None
        try:
            self.files[key] = save_case(case, self.folder)
        except BadFile as bad:
            self.progress.say(f"  {key}: not saved: {bad}")

    def _keep(self, minimum: Minimum) -> None:
        """Writes the regression of a smallest case: into the corpus, or into the folder of ``--out``.

        A regression is played on its scenario as the file has it: what was found on other settings is a case alone.
        """
        from drydock.harness.corpus import save_regression
        from drydock.harness.mistakes import BadFile
        from drydock.harness.regression import regression_of, regression_to_json

        if self.common.sets:
            return
        assert self.progress is not None
        failure = minimum.failure
        # what a finding says of somebody's own positions stays out of a file that goes into version control
        what = f"broken: {failure.sentence}" if self.scenario.is_private else minimum.detail
        known = regression_of(minimum.shrunk.case, failure.signature, f"{what}; {minimum.origin}")
        try:
            if self.folder is None:
                file = save_regression(known, self.scenario, self.kit).file
            else:
                file = str(self.folder / f"regression-{known.id}.json")
                write_text(file, regression_to_json(known), is_private=self.scenario.is_private)
            self.files[f"regression {failure.signature}"] = file
        except BadFile as bad:
            self.progress.say(f"  {failure.signature}: not kept as a regression: {bad}")

    def _answer(self, explored: Explored) -> None:
        from drydock.harness.explore.explored_json import explored_json
        from drydock.harness.report.explored import in_order

        assert self.minima is not None
        found = in_order(self.minima.found)

        def telling() -> Telling:
            from drydock.harness.report.explored import Telling

            replays = {key: self._replay(file) for key, file in self.files.items()}
            return Telling(explored, found, replays, {}, self.files)

        def tell(console: Console) -> None:
            from dataclasses import replace

            from drydock.harness.report.explored import print_explored, stories_told

            verbosity = self.common.verbosity
            stories = self._stories(found[: stories_told(verbosity)])
            print_explored(console, replace(telling(), stories=stories), verbosity=verbosity)

        def plain() -> Plain:
            return explored_json(explored, found, self.files)

        self.common.answer(plain, tell, is_private=self.scenario.is_private)
        if self.report is not None:
            from drydock.harness.report.page_search import explored_page

            page = explored_page(telling(), self.scenario, self.kit)
            write_text(self.report, page, is_private=self.scenario.is_private)

    def _stories(self, minima: Sequence[Minimum]) -> dict[str, Story]:
        """The story of each of these smallest cases."""
        from drydock.harness.story import story_of

        told = {}
        for minimum in minima:
            story = story_of(minimum.shrunk.case, self.kit, minimum.failure.signature)
            if story is not None:
                told[str(minimum.failure.signature)] = story
        return told

    def _replay(self, file: str) -> str:
        loads = [part for path in self.common.load for part in ("--load", path)]
        return shlex.join(["drydock", "replay", file, *loads])


def exit_of(explored: Explored) -> int:
    """A signal's own code; 4 where the harness failed in a run; 1 found, 3 where nothing ran, 0 nothing found."""
    if explored.stopped in _STOPS:
        return _STOPS[explored.stopped]
    if explored.errors_total:
        return exits.HARNESS_FAILED
    if explored.failures:
        return exits.NO_GO
    return exits.GO if explored.runs else exits.INCONCLUSIVE
