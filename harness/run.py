"""One run of one Case: break, heal, settle, judge.

*Break*: the world starts and the plan's faults strike until the runbook is through. *Heal*: whatever fault is still
alive is interrupted, its ``with`` restores, and no seam may stay bent. *Settle*: the healed world runs on for a while,
and laws of the form *eventually* look at where it comes to rest.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple, Protocol

import simpy

from drydock.harness.collector import kept_out
from drydock.harness.database import DatabaseFailed, NoDatabase
from drydock.harness.event import Event, event
from drydock.harness.law import FoldLaw
from drydock.harness.port import Case, Fault, Finding, Kit, Law, Ledger, World, WorldMaker
from drydock.harness.result import Evidence, RunResult
from drydock.harness.sim import DEFAULT_EVENT_BUDGET, BudgetExhausted, Ended, LaneProcess, Sim, Steps, Ties

FAULT_LANES = "fault/"
"""How the lane of a fault begins: the harness's own, and none of the venue's."""


@event("fault.injected", harness_channel=True)
class FaultInjected(NamedTuple):
    """A fault interferes for the first time: number in the plan, kind, target, and the seam or operation."""

    number: int
    fault: str
    target: str
    at: str


@event("fault.healed", harness_channel=True)
class FaultHealed(NamedTuple):
    """A fault that had interfered is over, by itself or because the window closed."""

    number: int
    fault: str
    target: str


class SimMaker(Protocol):
    """What makes the Sim of a run: :class:`Sim`, or one that takes more notes and changes nothing."""

    def __call__(
        self, seed: int, ties: Ties | None = None, *, keep_trace: bool = False, event_budget: int = DEFAULT_EVENT_BUDGET
    ) -> Sim: ...


class HarnessError(Exception):
    """The harness, a fault or a law is at fault, not the venue: nothing can be concluded from the run."""


def run_case(
    case: Case,
    kit: Kit,
    *,
    keep_trace: bool = False,
    keep_worth: bool = False,
    until_ms: int = 0,
    laws: Sequence[Law] | None = None,
    world_maker: WorldMaker | None = None,
    event_budget: int = DEFAULT_EVENT_BUDGET,
    sim_maker: SimMaker = Sim,
    enough: Callable[[Finding], bool] | None = None,
) -> RunResult:
    """Plays ``case`` once and judges it by ``laws`` (default: the kit's).

    Raises nothing but :exc:`DatabaseFailed` and :exc:`NoDatabase`: the next run would meet the same server.

    A run goes on until ``until_ms`` (from its start) where it would end earlier: two runs are compared at one time.
    A run that used up ``event_budget`` is flagged, its *always* laws judged and its *eventually* laws not: it never
    came to rest. Any exception makes a result whose ``error`` says what and where, and which concludes nothing.
    ``enough`` ends the run at the first finding of which it says so: only whether it is found counts then, and neither
    the digest nor what else the result holds is that of the whole run.
    """
    sim = sim_maker(case.seed, case.ties, keep_trace=keep_trace, event_budget=event_budget)
    try:
        with kept_out(sim), closing((world_maker or kit.world)(case, sim)) as world:
            judges = kit.laws(case.scenario) if laws is None else laws
            run = _Run(case, sim, world, judges, kit.ledger(case.scenario), enough)
            result = run.judged(run.play(until_ms))
            return replace(result, worth=dict(kit.worth(world))) if keep_worth else result
    except (DatabaseFailed, NoDatabase):
        raise
    except Exception as error:
        return _failed(sim, error_text(error))


def error_text(error: BaseException) -> str:
    """Type, message and place of an exception in one line: ``KeyError: 'BTC' (funding.py:112)``.

    SimPy makes a new one of what ends a process; the place is that of the first, which it keeps as its cause.
    """
    while type(error.__cause__) is type(error):
        error = error.__cause__
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
    message = " ".join(str(error).split())
    return f"{type(error).__name__}: {message}{place}" if message else f"{type(error).__name__}{place}"


def _failed(sim: Sim, error: str) -> RunResult:
    """A run from which nothing can be concluded, with what a search for the error needs."""
    recorder = sim.recorder
    return RunResult(
        digest=recorder.digest(),
        findings=(),
        goals={},
        checks={},
        entries=(),
        evidence=(),
        served_events=sim.served,
        ended_ms=sim.now_ms,
        error=error,
        events=recorder.kept,
    )


class _Run:
    """A run under way: a world, those who listen to it, and the living faults by lane."""

    def __init__(
        self,
        case: Case,
        sim: Sim,
        world: World,
        laws: Sequence[Law],
        ledger: Ledger,
        enough: Callable[[Finding], bool] | None,
    ) -> None:
        self.case = case
        self.sim = sim
        self.world = world
        self.laws = [law for law in laws if law.applicable(case)]
        self.ledger = ledger
        self.enough = enough
        self.struck: dict[str, tuple[int, Fault, LaneProcess]] = {}

    def play(self, until_ms: int) -> bool:
        """Break, heal, settle, and on until a time or until enough is known; False where the event budget ended it."""
        self._listen()
        self.world.start()
        for index, fault in enumerate(self.case.plan):
            if fault.applicable(self.case.scenario):
                lane = _lane_of(index, fault)
                self.struck[lane] = (index, fault, self.sim.spawn(lane, self._steps(index, fault)))
        try:
            self.sim.run_until(self.world.night_ms, self.world.window_closed)
            self._heal()
            self.sim.run_until(max(self.sim.now_ms + self.world.settle_ms, until_ms))
        except BudgetExhausted:
            return False
        except Ended:
            return True
        return True

    def judged(self, is_through: bool) -> RunResult:
        """Ends laws and ledger, and sums the run up."""
        findings: list[Finding] = []
        goals: dict[str, int] = {}
        checks: dict[str, int] = {}
        for law in self.laws:
            if law.mode == "sometimes":
                goals[law.id] = len(law.end())
            elif is_through or law.mode == "always":
                findings += law.end()
                checks[law.id] = law.checks
        return RunResult(
            digest=self.sim.recorder.digest(),
            findings=tuple(findings),
            goals=goals,
            checks=checks,
            entries=tuple(self.ledger.end()),
            evidence=tuple(self._evidence(index, fault) for index, fault in enumerate(self.case.plan)),
            served_events=self.sim.served,
            ended_ms=self.sim.now_ms,
            is_budget_exhausted=not is_through,
            events=self.sim.recorder.kept,
            missed_laggards=self.sim.missed_laggards(),
        )

    def _listen(self) -> None:
        listeners: list[Law | Ledger] = [*self.laws, self.ledger]
        for listener in listeners:
            listener.begin(self.world.truth)
            for payload in listener.hears:
                self.sim.hear(payload, listener.observe)
        if self.enough is not None:
            for law in (law for law in self.laws if isinstance(law, FoldLaw)):
                watch = _Watch(self.sim, law, self.enough)
                for payload in law.hears:
                    self.sim.hear(payload, watch)
        witness = self.world.seams.witness
        witness.who = lambda: self.sim.lane.name
        witness.heard = self._note_first_act

    def _steps(self, index: int, fault: Fault) -> Steps:
        """The fault, with the end that the harness gives it: an Interrupt heals, it is no failure."""
        with suppress(simpy.Interrupt):
            yield from fault.inject(self.world)
        if _lane_of(index, fault) in self.world.seams.witness.acted:
            self.sim.emit(FaultHealed(index, fault.kind, fault.target))

    def _note_first_act(self, lane: str, at: str) -> None:
        if lane in self.struck:
            index, fault, _ = self.struck[lane]
            self.sim.emit(FaultInjected(index, fault.kind, fault.target, at), self.sim.lane_of(lane))

    def _heal(self) -> None:
        """Interrupts the living faults, and insists that they end and that nothing stays bent."""
        alive = [(fault, process) for _, fault, process in self.struck.values() if process.is_alive]
        for _, process in alive:
            process.interrupt("the window is closed")
        self.sim.run_until(self.sim.now_ms + 1)  # an Interrupt is URGENT: it comes before all else of this instant
        for fault, process in alive:
            if process.is_alive:
                raise HarnessError(f"fault {fault.kind} swallowed the Interrupt that heals it; let it pass")
        if not self.world.seams.all_released():
            bent = ", ".join(self.world.seams.bent())
            raise HarnessError(f"seam {bent} is still bent after all faults were healed; bend it inside a with")

    def _evidence(self, index: int, fault: Fault) -> Evidence:
        lane = _lane_of(index, fault)
        is_exercised = lane in self.world.seams.witness.exercised
        return Evidence(index, fault.kind, lane in self.struck, is_exercised, fault.step, fault.target)


class _Watch:
    """Looks after a law's every observation at what it found, and ends the run where that is enough."""

    def __init__(self, sim: Sim, law: FoldLaw, enough: Callable[[Finding], bool]) -> None:
        self._sim = sim
        self._law = law
        self._enough = enough
        self._known = 0

    def __call__(self, _: Event) -> None:
        found = self._law.found
        if len(found) > self._known:
            known, self._known = self._known, len(found)
            if any(map(self._enough, found[known:])):
                self._sim.end()


def _lane_of(index: int, fault: Fault) -> str:
    return f"{FAULT_LANES}{index}:{fault.kind}"
