"""The toy: two counters in a store, a service that loads and ticks them, a restart. No finance.

After the restart every counter is loaded by itself, and the ticker counts on. Where it does not wait for the loads, a
counter that is not there yet counts as zero: the defect that the laws are to find. The whole harness is proven on it.
Like any user's model it is found by ``--load``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import pairwise
from typing import Annotated, Any, ClassVar, NamedTuple

import numpy as np

from drydock.harness.charts import Chart, Charts, Curve, Row, Span
from drydock.harness.database import ModelAlone
from drydock.harness.event import Event, event
from drydock.harness.law import Always, Eventually, Sometimes
from drydock.harness.mistakes import Mistakes
from drydock.harness.places import folder_of
from drydock.harness.plan import plan_from_plain
from drydock.harness.port import (
    Accepted,
    Canary,
    Case,
    Entry,
    Fault,
    Finding,
    Kit,
    Law,
    Ledger,
    Limit,
    Plain,
    Policy,
    Range,
    Rule,
    Scenario,
    Step,
    Sweep,
    Switch,
    Threat,
    Where,
    World,
)
from drydock.harness.scenario import scenario_hash
from drydock.harness.seam import Passage, Seams
from drydock.harness.sim import Sim, Steps
from drydock.harness.typed import build, to_plain

TICK_MS = 100
STEPS = {"restart": 1000, "rest": 1500}


# ---- the model ------------------------------------------------------------------------------------------------------
@event("counter.stored")
class Stored(NamedTuple):
    counter: int
    value: int


@event("service.restarted")
class Restarted(NamedTuple):
    loads_ms: int


@dataclass(frozen=True, slots=True)
class Toy:
    """``waits``: the readiness gate; ``ticks``: how often the ticker counts before it stops; ``trouble``: for tests."""

    waits: bool = True
    load_ms: Annotated[int, Range(0, 10_000)] = 50
    ticks: Annotated[int, Range(0, 1_000)] = 12
    slow_restart_ms: Annotated[int, Range(0, 10_000)] = 0
    trouble: str = ""


class ToyWorld:
    """The service, its store, and a runbook that restarts it."""

    night_ms = 20_000
    settle_ms = 500

    def __init__(self, case: Case, sim: Sim) -> None:
        self.sim, self.toy, self.step = sim, case.scenario.venue, 2 if case.regime == "busy" else 1
        self.truth: Any = None
        self.seams = Seams()
        self.load = self.seams.add("load", "a counter is read from the store")
        self.window_closed = sim.event()
        self.store = [100, 100]
        self.cache: list[int | None] = [None, None]

    def start(self) -> None:
        self.sim.spawn("runbook", self._runbook())

    def close(self) -> None: ...

    def until(self, step: str, offset_ms: int) -> Any:
        return self.sim.sleep(max(0, STEPS[step] + offset_ms - self.sim.now_ms))

    def _runbook(self) -> Steps:
        yield self.sim.sleep(STEPS["restart"] + self.toy.slow_restart_ms)
        self.sim.emit(Restarted(self.toy.load_ms))
        self.sim.spawn("counter/loader", self._load())
        self.sim.spawn("counter/ticker", self._tick())
        yield self.sim.sleep(1000)
        self.window_closed.succeed()

    def _load(self) -> Steps:
        started_ms = self.sim.now_ms
        passage = self.load.through(Passage(2, "load", np.full(2, self.toy.load_ms)))
        for delay_ms, mask in passage.groups():
            yield self.sim.sleep(started_ms + delay_ms - self.sim.now_ms, "loaded")
            for counter in np.flatnonzero(mask).tolist():
                if self.cache[counter] is None:
                    self.cache[counter] = self.store[counter]

    def _tick(self) -> Steps:
        while self.toy.trouble == "spins":
            yield self.sim.sleep(0)
        for _ in range(self.toy.ticks):
            yield self.sim.sleep(TICK_MS, "tick")
            if not (self.toy.waits and None in self.cache):
                for counter in (0, 1):
                    value = self.cache[counter] = self.store[counter] = (self.cache[counter] or 0) + self.step
                    self.sim.emit(Stored(counter, value))


# ---- what goes wrong ------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class SlowCount:
    """One counter, or both, load late."""

    kind: ClassVar[str] = "SlowCount"
    sentence: ClassVar[str] = "a counter is loaded late"
    keywords: ClassVar[tuple[str, ...]] = ("toy race",)
    step: str = "restart"
    offset_ms: Annotated[int, Range(-500, 0)] = -10
    target: str = "both"
    delay_ms: Annotated[int, Range(0, 300)] = 200

    @classmethod
    def targets(cls, scenario: Scenario) -> Sequence[str]:
        return ("first", "both") if isinstance(scenario.venue, Toy) else ()

    def applicable(self, scenario: Scenario) -> bool:
        return self.step in STEPS and self.target in self.targets(scenario)

    def inject(self, world: World) -> Steps:
        yield world.until(self.step, self.offset_ms)
        with world.seams["load"].bend(self._delay):
            yield world.sim.event()

    def simpler(self) -> Iterable[Fault]:
        if self.target == "both":
            yield replace(self, target="first")
        if self.delay_ms > 1:
            yield replace(self, delay_ms=self.delay_ms // 2)

    def _delay(self, passage: Passage) -> bool:
        passage.delay_ms[: 1 if self.target == "first" else 2] += self.delay_ms
        return True


# ---- laws -----------------------------------------------------------------------------------------------------------
class NeverBack(Always):
    """T1."""

    id, sentence, source, hears = "T1", "a stored counter never goes back", "arithmetic", (Stored,)

    def __init__(self, trouble: str = "") -> None:
        super().__init__()
        self._last = {0: 100, 1: 100}
        self._trouble = trouble

    def observe(self, event: Event) -> None:
        if self._trouble == "law raises":
            raise LookupError("the law lost its way")
        counter, value = event.data
        last, self._last[counter] = self._last[counter], value
        self.check(event, value >= last, f"counter {counter} went from {last} to {value}")


class OnTime(Always):
    """T2, of class service."""

    id, sentence, source, hears = "T2", "the restart is on time", "the runbook", (Restarted,)
    law_class = "service"

    def observe(self, event: Event) -> None:
        self.check(event, event.at_ms <= STEPS["restart"], f"restarted at {event.at_ms} ms")


class Lost(Eventually):
    """T3, of class loss: one USD for each count that is gone."""

    id, sentence, source, hears = "T3", "little is lost", "the toy's price list", (Stored,)
    law_class = "loss"

    def __init__(self) -> None:
        super().__init__()
        self._last = {0: 100, 1: 100}

    def observe(self, event: Event) -> None:
        counter, value = event.data
        last, self._last[counter] = self._last[counter], value
        self.count()
        if value < last:
            amount = (last - value) * 1_000_000
            self.find(event.at_ms, f"{last - value} counts", event.identity, amount_quantums=amount)


class CountedOn(Sometimes):
    """TG, a goal."""

    id, sentence, source, hears = "TG", "the counters count on after the restart", "the point of a restart", (Stored,)

    def applicable(self, case: Case) -> bool:
        return case.regime != "idle"

    def observe(self, event: Event) -> None:
        if event.data.value > 105:
            self.hit(event, "counted on")


class ToyLedger:
    """Every count that is gone is a loss of one USD to the account of that counter."""

    hears = (Stored,)

    def __init__(self) -> None:
        self._losses = Lost()

    def begin(self, truth: Any) -> None:
        self._losses.begin(truth)

    def observe(self, event: Event) -> None:
        self._losses.observe(event)

    def end(self) -> Sequence[Entry]:
        return [Entry((f.events[0][2] - 1) % 2, "lost", f.amount_quantums, f.events) for f in self._losses.end()]


class ToyCharts:
    """The restart as a step, the service as a row, the first counter as a curve against what it should be."""

    hears = (Restarted, Stored)

    def begin(self, truth: Any) -> None:
        self._seen: list[Event] = []

    def observe(self, event: Event) -> None:
        self._seen.append(event)

    def end(self, findings: Sequence[Finding], ended_ms: int) -> Charts:
        begun, *counted = self._seen
        steps = (Span(begun.at_ms, ended_ms, "restart", "good", begun.identity),)
        stored = [event for event in counted if event.data.counter == 0]
        curve = Curve("stored", tuple((event.at_ms, event.data.value) for event in stored))
        chart = Chart("Counter 0", "counts", "What is stored of it", (curve,), per_unit=1)
        reads = {after.identity: (one.identity,) for one, after in pairwise(stored)}
        return Charts(steps, (Row("counter", steps),), (chart,), reads)


# ---- the kit --------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Wishes:
    """A toy scenario as a file would give it."""

    kit: str = "toy"
    name: str = "toy"
    regimes: tuple[str, ...] = ("flat", "busy")
    reported: tuple[Any, ...] = ({"kind": "SlowCount"},)
    threats: tuple[Threat, ...] = (Threat("SlowCount", ("restart",), ("first", "both")),)
    faults_min: int = 1
    faults_max: int = 2
    policy: Policy = field(default_factory=Policy)
    accepted: tuple[Accepted, ...] = ()
    venue: Toy = field(default_factory=Toy)


class ToyKit(ModelAlone):
    """The toy as the harness meets it."""

    name = "toy"

    def parse(self, data: Plain, where: Where) -> Scenario:
        mistakes = Mistakes()
        wishes = build(Wishes, data, (), where, mistakes)
        plan = plan_from_plain(list(wishes.reported) if wishes else [], ("reported",), where, mistakes)
        mistakes.raise_if_any()
        assert wishes is not None
        return Scenario(
            **{key: getattr(wishes, key) for key in ("name", "regimes", "threats", "policy", "accepted", "venue")},
            kit=self.name,
            data=data,
            hash=scenario_hash(data),
            reported_regime=wishes.regimes[0],
            reported=plan,
            sweep=Sweep("toy-threats", wishes.faults_min, wishes.faults_max),
            folder=str(folder_of(where)),
        )

    def scenarios(self) -> Mapping[str, str]:
        return {}

    def templates(self) -> Mapping[str, str]:
        return {}

    def schema(self) -> Plain:
        return {"type": "object"}

    def steps(self, scenario: Scenario) -> Sequence[Step]:
        return [Step(name, "toy", planned_ms, 100) for name, planned_ms in STEPS.items()]

    def unplanned(self, scenario: Scenario) -> Sequence[Step]:
        return []

    def anchors(self, scenario: Scenario) -> Sequence[str]:
        return list(STEPS)

    def switches(self, scenario: Scenario) -> Sequence[Switch]:
        waits = scenario.venue.waits
        return [Switch("readiness gate", "venue.waits", "the ticker waits for the loads", waits, off=False, on=True)]

    def world(self, case: Case, sim: Sim) -> World:
        return ToyWorld(case, sim)

    def laws(self, scenario: Scenario) -> Sequence[Law]:
        return [NeverBack(scenario.venue.trouble), OnTime(), Lost(), CountedOn()]

    def ledger(self, scenario: Scenario) -> Ledger:
        return ToyLedger()

    def canaries(self) -> Sequence[Canary]:
        return [
            Canary("T1", "the ticker does not wait for slow loads", _hasty, _case),
            Canary("T2", "the restart comes late", partial(_case, slow_restart_ms=1), _case),
            Canary("T3", "what was not loaded is lost", _hasty, _case),
        ]

    def rules(self) -> Sequence[Rule]:
        def check(scenario: Scenario) -> Sequence[str]:
            return [] if scenario.venue.waits else ["nothing waits for the loads"]

        return [Rule("TR", "a restart has a gate", check)]

    def edits(self, step: Step) -> Sequence[Plain]:
        return []

    def catalogue(self) -> Mapping[str, Sequence[tuple[str, str]]]:
        return {}

    def describe(self, event: Event, scenario: Scenario, *, in_full: bool = False) -> str | None:
        return "counter {} is {}".format(*event.data) if isinstance(event.data, Stored) else "it restarts" * in_full

    def charts(self, scenario: Scenario) -> ToyCharts:
        return ToyCharts()

    def account_label(self, scenario: Scenario, account: int) -> str:
        return f"counter {account}"

    def worth(self, world: Any) -> Mapping[int, int]:
        return {counter: value * 1_000_000 for counter, value in enumerate(world.store)}

    def client_seam(self, scenario: Scenario) -> str | None:
        return "load"


class BlindKit(ToyKit):
    """A toy whose canary of T1 is no wrong build, and which has none for T2."""

    name = "blind"

    def canaries(self) -> Sequence[Canary]:
        return [Canary("T1", "nothing is wrong with it", _case, _case), super().canaries()[2]]


def scenario(kit: Kit | None = None, **changes: Any) -> Scenario:
    """A toy scenario: ``changes`` are of :class:`Wishes`, or of :class:`Toy` where that has the field."""
    of_toy = {name: changes.pop(name) for name in tuple(changes) if name in Toy.__dataclass_fields__}
    wishes = replace(Wishes(), venue=replace(Toy(), **of_toy), **changes)
    return (kit or ToyKit()).parse(to_plain(wishes), lambda path: "toy.yaml:1:1")


def limits(*limit: Limit) -> Policy:
    """A policy with limits, and as lenient a one as can be for the rest."""
    lenient = [Limit(law, 1_000_000) for law in ("T2", "T3") if law not in {given.law for given in limit}]
    return Policy(limits=(*limit, *lenient))


def _case(seed: int, **changes: Any) -> Case:
    built = scenario(**changes)
    return Case(built, "flat", built.reported, seed)


def _hasty(seed: int) -> Case:
    return _case(seed, waits=False)
