"""One run: break, heal, settle; evidence; errors that conclude nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any, ClassVar

import pytest
import simpy

from drydock.harness.divergence import first_divergence
from drydock.harness.law import Eventually
from drydock.harness.port import Case, Fault, Scenario, World
from drydock.harness.result import RunResult
from drydock.harness.run import FaultHealed, FaultInjected, run_case
from drydock.harness.sim import Sim, Steps

_HELD: list[Any] = []  # a guard that nobody holds is collected, and so restores


@dataclass(frozen=True, slots=True)
class Bending:
    """A fault of the tests: bends the toy's only seam in one way or another."""

    kind: ClassVar[str] = "Bending"
    sentence: ClassVar[str] = "for tests"
    keywords: ClassVar[tuple[str, ...]] = ()
    manner: str = "does nothing"
    step: str = "restart"
    offset_ms: int = -10
    target: str = "both"

    @classmethod
    def targets(cls, scenario: Scenario) -> Sequence[str]:
        """Everything."""
        return ("both",)

    def applicable(self, scenario: Scenario) -> bool:
        """At a step that there is."""
        return self.step == "restart"

    def simpler(self) -> Iterable[Fault]:
        """Nothing is simpler."""
        return ()

    def inject(self, world: World) -> Steps:
        """In its manner."""
        yield world.until(self.step, self.offset_ms)
        seam = world.seams["load"]
        if self.manner == "leaks":
            _HELD.append(seam.bend(lambda passage: True))
            _HELD[-1].__enter__()
        elif self.manner == "operates":
            world.seams.mark_exercised("restart")
        elif self.manner == "fails":
            raise LookupError("no such thing")
        elif self.manner == "swallows":
            while True:
                try:
                    yield world.sim.event()
                except simpy.Interrupt:
                    continue
        with seam.bend(lambda passage: self.manner == "touches"):
            yield world.sim.event()


@pytest.fixture
def play(toy: ModuleType) -> Any:
    """Plays a toy case: faults, then changes of the scenario."""

    def run(*plan: Fault, regime: str = "flat", seed: int = 1, **changes: Any) -> RunResult:
        case = Case(toy.scenario(**changes), regime, plan, seed)
        return run_case(case, toy.ToyKit(), keep_trace=True, event_budget=10_000)

    return run


def test_a_run_is_a_function_of_its_case(play: Any) -> None:
    """Twice the same case: the same digest, findings and events; another seed's run is another."""
    one, other = play(waits=False), play(waits=False)
    assert (one.digest, one.findings, one.entries) == (other.digest, other.findings, other.entries)
    assert first_divergence(one.events, other.events) is None
    assert one.digest != play(regime="busy", waits=False).digest


@pytest.mark.parametrize("waits", [True, False])
def test_a_fault_that_does_nothing_changes_nothing(play: Any, waits: bool) -> None:
    """An empty plan and a bend that touches nothing: equal digests, findings and ledgers, in every seed."""
    for seed in range(50):
        empty, idle = play(seed=seed, waits=waits), play(Bending(), Bending("touches"), seed=seed, waits=waits)
        assert (empty.digest, empty.findings, empty.entries) == (idle.digest, idle.findings, idle.entries)


def test_corruption_emerges_and_is_priced(play: Any, toy: ModuleType) -> None:
    """A late load and no gate: the counter restarts from zero, the law says so, the ledger prices it."""
    broken, gated = play(toy.SlowCount(target="first"), waits=False, load_ms=0), play(toy.SlowCount(), load_ms=0)
    assert ["counter 0 went from 100 to 1"] == [f.detail for f in broken.findings if f.law == "T1"]
    assert [99_000_000] == [entry.amount_quantums for entry in broken.entries]
    assert gated.is_clean


def test_evidence_tells_applicable_from_exercised(play: Any) -> None:
    """A bend that was met, one that was not, an operation, and a fault that does not apply."""
    plan = (Bending("touches"), Bending(), Bending("operates"), Bending("touches", step="nowhere"))
    evidence = play(*plan).evidence
    assert [(True, True), (True, False), (True, True), (False, False)] == [
        (e.applicable, e.exercised) for e in evidence
    ]


def test_the_harness_notes_when_a_fault_strikes_and_is_healed(play: Any) -> None:
    """On the harness channel: once when it first interferes, once when the window closes."""
    events = play(Bending("touches")).events
    noted = [(e.at_ms, e.lane, type(e.data)) for e in events if e.data.is_harness_channel]
    lane = "fault/0:Bending"
    assert [(990, lane, FaultInjected), (2000, lane, FaultHealed)] == noted


def test_a_fault_that_swallows_its_interrupt_is_a_harness_error(play: Any) -> None:
    """It could not be healed, so nothing can be concluded."""
    assert "fault Bending swallowed the Interrupt" in play(Bending("swallows")).error


def test_a_seam_that_stays_bent_is_a_harness_error(play: Any) -> None:
    """The error names the seam."""
    assert "seam load is still bent" in play(Bending("leaks")).error


def test_a_fault_that_raises_is_a_harness_error(play: Any) -> None:
    """Type, message and place, in one line."""
    assert play(Bending("fails")).error.startswith("LookupError: no such thing (test_run.py:")


def test_a_law_that_raises_is_a_harness_error(play: Any) -> None:
    """A crashed checker has not found anything, and has not cleared anything."""
    result = play(trouble="law raises")
    assert ("LookupError: the law lost its way", (), False) == (
        result.error.partition(" (")[0],
        result.findings,
        result.is_clean,
    )


def test_an_exhausted_budget_is_flagged(play: Any) -> None:
    """A loop without delay ends; what has to hold eventually is not judged, for the run never came to rest."""
    result = play(trouble="spins")
    assert (True, "", False) == (result.is_budget_exhausted, result.error, result.is_clean)
    assert {"T1", "T2"} == set(result.checks)


def test_eventually_is_judged_after_the_world_has_settled(toy: ModuleType) -> None:
    """The settle phase is played: its events reach the laws before their end."""

    class LastTick(Eventually):
        id, sentence, source, hears = "TL", "the ticker ends", "the toy", (toy.Stored,)

        def observe(self, event: Any) -> None:
            """Counts."""
            self.count()
            self.find(event.at_ms, "tick")

    case = Case(toy.scenario(ticks=15), "flat", (), 1)
    result = run_case(case, toy.ToyKit(), laws=[LastTick()])
    assert (2500, 2501) == (max(finding.at_ms for finding in result.findings), result.ended_ms)


def test_a_run_ends_where_enough_is_known(toy: ModuleType) -> None:
    """With the first finding of which it is said, and nothing after it; others end nothing."""
    case = Case(toy.scenario(waits=False, load_ms=0), "flat", (toy.SlowCount(target="first"),), 1)
    whole, none, some = (
        run_case(case, toy.ToyKit(), keep_trace=True, enough=enough)
        for enough in (None, lambda finding: finding.law == "T9", lambda finding: finding.law == "T1")
    )
    first = next(finding for finding in whole.findings if finding.law == "T1")

    assert (whole.digest, whole.findings) == (none.digest, none.findings)
    assert (first, first.at_ms, "") == (some.findings[0], some.ended_ms, some.error)
    assert some.served_events < whole.served_events


def test_a_law_that_does_not_apply_is_not_begun(play: Any) -> None:
    """It has neither checks nor hits: it was no question in this run."""
    assert ({"TG"}, set()) == (set(play().goals), set(play(regime="idle").goals))


def test_a_canary_may_bring_its_own_world(toy: ModuleType) -> None:
    """A wrong build is played in place of the kit's."""

    class Stopped(toy.ToyWorld):  # type: ignore[name-defined, misc]
        def _tick(self) -> Steps:
            yield self.sim.sleep(1)

    def make(case: Case, sim: Sim) -> World:
        return Stopped(case, sim)

    case = Case(toy.scenario(), "flat", (), 1)
    assert 0 == run_case(case, toy.ToyKit(), world_maker=make).checks["T1"]


@pytest.mark.parametrize("trouble", ["", "law raises"])
def test_a_world_is_closed_once_however_its_run_ended(toy: ModuleType, trouble: str) -> None:
    """What it has outside of this process is given back also by a run that fails."""
    closed = []

    class Owning(toy.ToyWorld):  # type: ignore[name-defined, misc]
        def close(self) -> None:
            closed.append(self)

    result = run_case(Case(toy.scenario(trouble=trouble), "flat", (), 1), toy.ToyKit(), world_maker=Owning)
    assert (1, bool(trouble)) == (len(closed), bool(result.error))
