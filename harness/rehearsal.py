"""What a rehearsal plays, all of it fixed before the first run: baseline, corpus, canaries, reported plan, sweep.

Nothing here decides; :mod:`drydock.harness.verdict` does, from the :class:`Rehearsed` evidence.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from drydock.harness.bundle import JUDGED, BundleFold, EvidenceFold, RunSummary, Ticket, baseline_regimes
from drydock.harness.known import Known, known_today, standing_in
from drydock.harness.port import Canary, Kit, Law, Scenario
from drydock.harness.regression import Regression, Standing
from drydock.harness.result import CanaryLine
from drydock.harness.signature import loss_limits
from drydock.harness.sim import DEFAULT_EVENT_BUDGET
from drydock.harness.sweep import Bench, Crew, OutOfTime, Progress

LEVELS = {"smoke": 40, "ci": 400, "evening": 10_000}
"""level -> independent runs of the reported plan, and as many of the sweep."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to rehearse. ``today`` (ISO date) is an input, never read from a clock here: accepted risks expire.

    ``level`` and ``runs`` replace the policy's; ``regime`` replaces all of the scenario's; ``max_time_s`` ends the
    rehearsal with what there is. ``owed_to`` hears every run of reported plan and sweep as it comes, with its refunds
    account by account. ``corpus`` is played before the rest, for at most ``corpus_time_s``.
    """

    today: str
    level: str | None = None
    runs: int | None = None
    regime: str | None = None
    seed: int = 1
    workers: int = 1
    max_time_s: int | None = None
    event_budget: int = DEFAULT_EVENT_BUDGET
    progress: Progress | None = None
    owed_to: Callable[[RunSummary], None] | None = None
    corpus: tuple[Regression, ...] = ()
    corpus_time_s: float = 60.0

    def __post_init__(self) -> None:
        if self.level is not None and self.level not in LEVELS:
            raise ValueError(f"level: '{self.level}' is not allowed; {', '.join(LEVELS)}")
        if self.runs is not None and self.runs < 1:
            raise ValueError(f"runs: {self.runs} is too few; at least 1")


@dataclass(slots=True)
class Rehearsed:
    """All that was seen.

    ``stopped`` is empty where everything was played, else ``max-time``, ``SIGINT`` or ``SIGTERM``.
    """

    scenario: Scenario
    kit: Kit
    options: Options
    laws: Sequence[Law]
    baseline: BundleFold
    reported: BundleFold
    sweep: BundleFold
    canaries: tuple[CanaryLine, ...] = ()
    errors: list[str] = field(default_factory=list)
    consequential: dict[str, bool] = field(default_factory=dict)
    known: tuple[tuple[Known, Standing], ...] = ()
    stopped: str = ""
    runs: int = 0
    seconds: float = 0.0

    @property
    def evidence(self) -> EvidenceFold:
        """The faults of the reported plan and of the sweep."""
        return self.reported.evidence.merged(self.sweep.evidence)


def runs_asked(scenario: Scenario, options: Options) -> int:
    """How many runs of the reported plan, and of the sweep, are played."""
    return options.runs if options.runs is not None else LEVELS[options.level or scenario.policy.level]


def play_rehearsal(scenario: Scenario, kit: Kit, options: Options) -> Rehearsed:
    """Plays everything; a stop from outside is noted, not raised. ``ValueError`` for a regime the scenario lacks.

    Known failures keep their own regimes: another one would be another case.
    """
    corpus = known_today(options.corpus, scenario, kit)
    if options.regime is not None:
        known = baseline_regimes(scenario)
        if options.regime not in known:
            raise ValueError(f"regime: '{options.regime}' is not in scenario {scenario.name}; {', '.join(known)}")
        scenario = replace(scenario, regimes=(options.regime,), reported_regime=options.regime)
    return _Rehearsal(scenario, kit, options, corpus).play()


class _Rehearsal:
    """A rehearsal under way: deals the tickets and sorts the summaries."""

    def __init__(self, scenario: Scenario, kit: Kit, options: Options, known: tuple[Known, ...]) -> None:
        self.options = options
        self.known = known
        self.losses_max = loss_limits(kit, scenario)
        self.laws = tuple(kit.laws(scenario))
        ids = {law.id for law in self.laws}
        self.canaries = {n: canary for n, canary in enumerate(kit.canaries()) if canary.law in ids}
        runs = runs_asked(scenario, options)
        baseline, reported, sweep = (
            BundleFold(name, scenario, self.laws, options.seed, asked)
            for name, asked in (("baseline", len(baseline_regimes(scenario))), ("reported", runs), ("sweep", runs))
        )
        self.folds = {fold.name: fold for fold in (baseline, reported, sweep)}
        corpus = tuple(one.case for one in known if one.case is not None)
        self.bench = Bench(kit, scenario, options.seed, options.event_budget, options.owed_to is not None, corpus)
        self.side_runs: dict[Ticket, RunSummary] = {}
        self.seen = Rehearsed(scenario, kit, options, self.laws, baseline, reported, sweep)
        self.violations = 0

    def play(self) -> Rehearsed:
        started_s = time.monotonic()
        seen = self.seen
        deadline_s = None if self.options.max_time_s is None else started_s + self.options.max_time_s
        try:
            with Crew(self.bench, self.options.workers, deadline_s) as crew:
                first, corpus, then = self._first_tickets(), self._corpus_tickets(), self._tickets()
                self._play(crew, first, later=len(corpus) + len(then))
                self._play_corpus(crew, corpus, later=len(then))
                self._play(crew, then)
                self._play(crew, [ticket for ticket, _ in self._exercised().values()])
        except OutOfTime:
            seen.stopped = "max-time"
        except BaseException as stop:
            if isinstance(stop, Exception | SystemExit | GeneratorExit):
                raise
            seen.stopped = "SIGINT" if isinstance(stop, KeyboardInterrupt) else "SIGTERM"
        seen.canaries = tuple(self._canary_line(n, canary) for n, canary in self.canaries.items())
        seen.known = tuple(self._standings())
        self._compare_digests()
        self._sort_errors()
        seen.seconds = time.monotonic() - started_s
        return seen

    def _first_tickets(self) -> list[Ticket]:
        return [Ticket("baseline", n) for n in range(self.folds["baseline"].asked)]

    def _corpus_tickets(self) -> list[Ticket]:
        return [Ticket("corpus", n) for n in range(len(self.bench.corpus))]

    def _tickets(self) -> list[Ticket]:
        """Cheap and telling first: a broken build shows at once; the order changes no result."""
        tickets = [Ticket(side, n) for n in self.canaries for side in ("canary", "control")]
        tickets += [Ticket("reported", n) for n in range(self.folds["reported"].asked)]
        tickets += [Ticket("again", 0)]
        return tickets + [Ticket("sweep", n) for n in range(self.folds["sweep"].asked)]

    def _play_corpus(self, crew: Crew[Ticket, RunSummary], tickets: Sequence[Ticket], later: int) -> None:
        """A few at a time, for as long as there is time for them; who is left over was not played."""
        deadline_s, size = time.monotonic() + self.options.corpus_time_s, 2 * self.options.workers
        for start in range(0, len(tickets), size):
            if time.monotonic() >= deadline_s:
                return
            batch = tickets[start : start + size]
            self._play(crew, batch, later + len(tickets) - start - len(batch))

    def _standings(self) -> Iterator[tuple[Known, Standing]]:
        number = 0
        for known in self.known:
            run = None if known.case is None else self.side_runs.get(Ticket("corpus", number))
            number += known.case is not None
            yield known, standing_in(known, run, self.losses_max)

    def _play(self, crew: Crew[Ticket, RunSummary], tickets: Sequence[Ticket], later: int = 0) -> None:
        total = self.seen.runs + len(tickets) + later
        for run in crew.play(tickets):
            self._take(run)
            if self.options.progress is not None:
                self.options.progress(self.seen.runs, total, self.violations)

    def _take(self, run: RunSummary) -> None:
        self.seen.runs += 1
        fold = self.folds.get(run.ticket.bundle)
        if fold is not None and run.ticket.without is None:
            self.violations += fold.add(run)
            if self.options.owed_to is not None and fold.name in JUDGED:
                self.options.owed_to(run)
            if run.ticket != Ticket("reported", 0):
                return
        self.side_runs[run.ticket] = run

    def _exercised(self) -> dict[str, tuple[Ticket, str]]:
        """kind -> the run in which it is left out, and the digest with it: one exercised case of each kind."""
        return self.seen.evidence.first

    def _compare_digests(self) -> None:
        one, again = self.side_runs.get(Ticket("reported", 0)), self.side_runs.get(Ticket("again", 0))
        if one is not None and again is not None and one.digest != again.digest:
            self.seen.errors.append("the same case had two digests: runs are not deterministic; see drydock doctor")
        for kind, (ticket, digest) in self._exercised().items():
            if ticket in self.side_runs:
                self.seen.consequential[kind] = self.side_runs[ticket].digest != digest

    def _canary_line(self, number: int, canary: Canary) -> CanaryLine:
        wrong, right = self.side_runs.get(Ticket("canary", number)), self.side_runs.get(Ticket("control", number))
        if wrong is None or right is None:
            return CanaryLine(canary.law, canary.sentence, False, False, "it was not run")
        is_caught = _fails(canary.law, wrong)
        is_clean = not _fails(canary.law, right) and _is_judged(canary.law, right)
        why = "" if is_caught else "the law did not catch its canary"
        if not is_clean:
            what = "fails" if _fails(canary.law, right) else "is not judged at all on"
            why = f"the law {what} its control"
        return CanaryLine(canary.law, canary.sentence, is_caught, is_clean, why)

    def _sort_errors(self) -> None:
        for fold in self.folds.values():
            self.seen.errors += fold.bundle().errors
        for ticket, run in sorted(self.side_runs.items(), key=lambda item: (item[0].bundle, item[0].number)):
            if run.error and ticket.bundle != "reported":
                self.seen.errors.append(f"{_told(ticket, self.canaries)}: {run.error}")


def _fails(law: str, run: RunSummary) -> bool:
    """Whether the law is broken in the run; for a goal, whether it is missed."""
    return law in run.finding_counts or run.goals.get(law) == 0


def _is_judged(law: str, run: RunSummary) -> bool:
    return run.checks.get(law, 0) > 0 or run.goals.get(law, 0) > 0


def _told(ticket: Ticket, canaries: dict[int, Canary]) -> str:
    if ticket.bundle in ("canary", "control"):
        return f"{ticket.bundle} of {canaries[ticket.number].law}"
    return f"{ticket.bundle} run {ticket.number}" + ("" if ticket.without is None else " with a fault left out")
