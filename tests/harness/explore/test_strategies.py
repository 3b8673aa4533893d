"""Each strategy by itself: what it proposes, and what it learns."""

from __future__ import annotations

from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest

from drydock.faults.crash import Crash
from drydock.harness.event import identity_text
from drydock.harness.explore.anchored import Anchored
from drydock.harness.explore.crowd import Crowd
from drydock.harness.explore.exhaustive import Exhaustive, Orders, orders_of
from drydock.harness.explore.harm import Harm
from drydock.harness.explore.pairwise import Pairwise
from drydock.harness.explore.play import Probe, Probing
from drydock.harness.explore.portfolio import NAMES, portfolio
from drydock.harness.explore.slips import Slips
from drydock.harness.explore.space import Space
from drydock.harness.explore.strategy import Outcome, Strategy, anchored
from drydock.harness.explore.swarm import Swarm
from drydock.harness.explore.ties import TieSearch
from drydock.harness.explore.uniform import Uniform
from drydock.harness.fault import is_legal
from drydock.harness.port import Case, Fault, Kit
from drydock.harness.registry import kit
from drydock.harness.result import Evidence
from drydock.harness.sim import Ties
from drydock.harness.stream import Stream
from drydock.harness.tie_log import Instant, Served
from tests.nights import bench

VENUE = Space(bench(), kit("venue"))


def times_ms(fault: Fault) -> list[int]:
    """All that a fault says about how long, but where it is."""
    return [
        getattr(fault, shape.name)
        for shape in VENUE.fields(fault)
        if shape.name.endswith("_ms") and shape.name != "offset_ms"
    ]


def proposed(strategy: Strategy, count: int, seed: int = 1) -> list[Case]:
    return list(strategy.propose(Stream(seed, "test"), count))


def heard(strategy: Strategy, case: Case, number: int = 1, **known: Any) -> None:
    strategy.learn(case, Outcome(number, strategy.name, "", **known))


def played(strategy: Strategy, model: Kit, cases: list[Case]) -> list[Outcome]:
    """Plays cases, tells the strategy, and returns what became of them."""
    outcomes = []
    for case in cases:
        probing = Probing(model, case.scenario, frozenset(("T1",)), {})
        outcomes.append(probing.play(Probe.of(1, strategy.name, case)))
        strategy.learn(case, outcomes[-1])
    return outcomes


def meeting(*lanes: str) -> Instant:
    return Instant(100, tuple(Served(lane, "act", 1, number) for number, lane in enumerate(lanes)))


@pytest.mark.parametrize("name", NAMES)
def test_what_a_strategy_proposes_follows_from_its_stream(name: str) -> None:
    """The same stream has the same cases, legal all, and no more than were asked for."""
    one, other = (proposed(portfolio(VENUE, 1, [name]).strategies[0], 30) for _ in range(2))
    assert one == other
    assert len(one) <= 30
    assert all(is_legal(case.plan, bench()) for case in one)


@pytest.mark.parametrize("name", NAMES)
def test_a_scenario_in_which_nothing_can_go_wrong_is_no_trouble(toy: ModuleType, name: str) -> None:
    """Without a kind of fault only the order of events is left to search."""

    class Bare(toy.ToyKit):  # type: ignore[name-defined, misc]
        def anchors(self, scenario: Any) -> tuple[str, ...]:
            return ()

    strategy = portfolio(Space(toy.scenario(), Bare()), 1, [name]).strategies[0]
    assert (8 if name == "ties" else 0) == len(proposed(strategy, 8))


def test_regimes_are_dealt_evenly_and_seeds_differ(toy: ModuleType) -> None:
    """No regime is forgotten, no seed is used twice."""
    cases = proposed(Anchored(Space(toy.scenario(), toy.ToyKit())), 40)
    assert 20 == sum(case.regime == "flat" for case in cases)
    assert 40 == len({case.seed for case in cases})


def test_anchored_prefers_what_was_exercised() -> None:
    """A kind that never had anything to do at a step is tried less there."""
    strategy = Anchored(VENUE)
    before = sum(fault.kind == "crash" for case in proposed(strategy, 800) for fault in case.plan)
    for step in VENUE.steps:
        idle = tuple(Evidence(n, "crash", True, False, step, "funding") for n in range(50))
        heard(strategy, Case(bench(), "calm", (), 1), evidence=idle)
    after = sum(fault.kind == "crash" for case in proposed(strategy, 800) for fault in case.plan)
    assert after < before // 2


def test_uniform_times_lie_all_over_the_night() -> None:
    """Every tenth of the planned night has its share of the faults whose range reaches it."""
    drawn = [fault for case in proposed(Uniform(VENUE), 600) for fault in case.plan]
    reaching = [fault for fault in drawn if VENUE.offsets(fault).high - VENUE.offsets(fault).low > 60_000]
    times = [VENUE.planned_ms[fault.step] + fault.offset_ms for fault in reaching if fault.step in VENUE.planned_ms]
    tenth = (VENUE.night.to_ms - VENUE.night.from_ms) // 10
    assert {0, 1, 2, 3, 4, 5, 6, 7, 8, 9} <= {at_ms // tenth for at_ms in times}


def test_a_crowd_draws_many_faults_of_any_kinds() -> None:
    """Three dozen at once, fewer only where they are not legal together; over a few rounds every kind has a part."""
    plans = [case.plan for case in proposed(Crowd(VENUE), 60)]
    assert max(map(len, plans)) > 32
    assert sum(map(len, plans)) > 20 * len(plans)
    assert set(VENUE.kinds) == {fault.kind for plan in plans for fault in plan}


def test_every_other_crowd_strikes_a_third_of_the_parts() -> None:
    """The other parts go on as ever, so that less is hidden: of eight that may crash about three do, or nearly all."""
    space = Space(VENUE.scenario, VENUE.kit, kinds={"crash"})
    parts = {cell.target for cell in space.cells}
    struck = [{fault.target for fault in case.plan} for case in proposed(Crowd(space), 60)]
    few = [some for some in struck if len(some) <= len(parts) // 2]
    assert 15 < len(few) < 45
    assert parts == set.union(*few)
    assert sum(len(some) >= len(parts) - 1 for some in struck) > 15


def test_every_other_crowd_is_in_haste() -> None:
    """Nothing in it takes longer than a quarter of the planned night, so that operators come to their last steps."""
    quarter_ms = VENUE.night.to_ms // 4
    longest_ms = [max(max(times_ms(fault), default=0) for fault in case.plan) for case in proposed(Crowd(VENUE), 60)]
    hurried = [longest for longest in longest_ms if longest <= quarter_ms]
    assert 15 < len(hurried) < 45
    assert max(hurried) > quarter_ms // 2
    assert max(longest_ms) > 10 * quarter_ms


def test_half_of_a_crowd_strikes_where_its_kind_met_an_operation() -> None:
    """Place and time are as they were met, the rest is drawn anew: so what is rarely met meets in one night."""
    strategy = Crowd(Space(VENUE.scenario, VENUE.kit, kinds={"crash"}))
    met = Crash(step="drain", target="funding", offset_ms=4_321, restart_ms=4_321)
    where = (met.step, met.target, met.offset_ms)
    evidence = Evidence(0, met.kind, True, True, met.step, met.target)

    def there() -> list[Fault]:
        plans = [case.plan for case in proposed(strategy, 60)]
        return [f for plan in plans for f in plan if (f.step, f.target, f.offset_ms) == where]

    assert [] == there()
    heard(strategy, Case(bench(), "calm", (met,), 1), evidence=(replace(evidence, exercised=False),))
    assert [] == there()
    heard(strategy, Case(bench(), "calm", (met,), 1), evidence=(evidence,))
    assert len(there()) > 15, "about every other night: as often as its part is struck"
    assert met not in there()


def test_a_swarm_draws_many_faults_of_few_kinds() -> None:
    """All plans of a round share a subset, and another round has another."""
    strategy = Swarm(VENUE)
    rounds = [{f.kind for case in proposed(strategy, 10, seed) for f in case.plan} for seed in range(12)]
    assert all(len(kinds) <= max(3, len(VENUE.kinds) // 3) for kinds in rounds)
    assert len({frozenset(kinds) for kinds in rounds}) > 1
    assert max(len(case.plan) for case in proposed(strategy, 20)) > 3


def test_pairwise_covers_every_pair_in_a_fraction_of_the_cells() -> None:
    """All pairs of kind, step, target and of kinds are covered in far fewer runs than there are combinations of two."""
    strategy, runs = Pairwise(VENUE), 0
    while " before" not in strategy.scope and runs < 2 * len(VENUE.cells):
        proposed(strategy, 10, seed=runs)
        runs += 10
    assert "; all of them 1 time before" in strategy.scope
    assert runs < len(VENUE.cells)


def test_slips_are_tried_alone_before_they_are_combined(toy: ModuleType) -> None:
    """First each by itself, then two or one with a fault."""

    class Slipping(toy.ToyKit):  # type: ignore[name-defined, misc]
        def edits(self, step: Any) -> list[dict[str, Any]]:
            return [{"kind": "SlowCount", "step": step.name, "delay_ms": 7}]

    strategy = Slips(Space(toy.scenario(), Slipping()))
    cases = proposed(strategy, 20)
    assert [(toy.SlowCount(delay_ms=7),), (toy.SlowCount(step="rest", delay_ms=7),)] == [c.plan for c in cases[:2]]
    assert any(len(case.plan) == 2 for case in cases[2:])
    assert "2 of 2 slips alone" == strategy.scope


def test_exhaustive_plays_its_stated_scope_once_and_ends(toy: ModuleType) -> None:
    """Every cell at its defaults, then each field at its extremes; nothing twice."""
    strategy = Exhaustive(Space(toy.scenario(), toy.ToyKit()))
    plans = [case.plan for case in proposed(strategy, 1000)]
    assert len(set(plans)) == len(plans)
    assert all(len(plan) == 1 for plan in plans)
    values = {(f.step, f.target, f.offset_ms, f.delay_ms) for (f,) in plans}
    for step in ("restart", "rest"):
        for target in ("first", "both"):
            for offset_ms, delay_ms in ((-10, 200), (-500, 200), (0, 200), (-10, 0), (-10, 300)):
                assert (step, target, offset_ms, delay_ms) in values
    assert 20 == len(values)
    assert [] == proposed(strategy, 10)
    assert "20 of 20 faults" == strategy.scope


def test_orders_of_an_instant_are_all_that_laggards_can_make() -> None:
    """Of two lanes one other order, of three four others, none twice, FIFO left out."""
    assert [(("a", "act", 1),)] == list(orders_of(meeting("a", "b")))
    assert 4 == len(set(orders_of(meeting("a", "b", "c"))))
    twice = Instant(1, (Served("a", "x", 1, 1), Served("b", "y", 1, 2), Served("a", "x", 2, 3)))
    assert [(("a", "x", 1),), (("b", "y", 1),)] == list(orders_of(twice))


def test_all_orders_of_a_named_instant_are_played(toy: ModuleType) -> None:
    """FIFO first, in each regime; then every order of that instant, and then no more."""
    scenario, model = toy.scenario(waits=False, load_ms=100, reported=()), toy.ToyKit()
    strategy = Orders(Space(scenario, model), 1100)
    first = proposed(strategy, 10)
    assert [Ties("fifo"), Ties("fifo")] == [case.ties for case in first]
    assert not any(outcome.failures for outcome in played(strategy, model, first))
    rest = proposed(strategy, 10)
    late = [identity_text(case.ties.laggards[0]) for case in rest]
    assert 2 * ["counter/loader:loaded#1", "counter/ticker:tick#1"] == late
    assert [True, False] * 2 == [bool(outcome.failures) for outcome in played(strategy, model, rest)]
    assert [] == proposed(strategy, 10)


def test_the_tie_search_turns_round_each_meeting_once_before_any_twice(toy: ModuleType) -> None:
    """Laggards come one by one, first those that let pass whom nobody let pass before."""
    strategy = TieSearch(VENUE)
    case = Case(bench(), "calm", (), 1, Ties("fifo"))
    late_night = Instant(500_000, tuple(Served(lane, "act", 2, 9 + n) for n, lane in enumerate(("a", "b"))))
    heard(strategy, case, instants=(meeting("a", "b", "c"), late_night))
    late = [case.ties.laggards for case in proposed(strategy, 40) if len(case.ties.laggards) == 1]
    assert [("a", "act", 1), ("b", "act", 1)] == [laggards[0] for laggards in late[:2]]


def test_the_tie_search_begins_with_plain_nights(toy: ModuleType) -> None:
    """Every regime in FIFO order, then shuffled: is there a failure without any fault?"""
    cases = proposed(TieSearch(Space(toy.scenario(), toy.ToyKit())), 4)
    assert [("flat", "fifo"), ("busy", "fifo"), ("flat", "seeded"), ("busy", "seeded")] == [
        (case.regime, case.ties.mode) for case in cases
    ]
    assert all(case.plan == () for case in cases)


def test_the_harm_search_varies_the_costliest(toy: ModuleType) -> None:
    """Its children are those of the costliest nights that it heard of, whoever proposed them."""
    strategy = Harm(VENUE)
    costly = next(case for case in proposed(Anchored(VENUE), 50) if len(case.plan) == 1)
    cheap = Case(bench(), "calm", (), 7)
    heard(strategy, cheap, harm_quantums=5)
    heard(strategy, costly, number=2, harm_quantums=9)
    kinds = [fault.kind for case in proposed(strategy, 60) for fault in case.plan]
    assert kinds.count(costly.plan[0].kind) > 30
    assert any(case.seed == costly.seed and case.plan != costly.plan for case in proposed(strategy, 20))


def test_the_harm_search_begins_with_crowds() -> None:
    """While it has heard of no harm: they are costlier by far than a single fault."""
    assert min(len(case.plan) for case in proposed(Harm(VENUE), 20)) > 10


def test_the_harm_search_climbs(toy: ModuleType) -> None:
    """Harm doubles where both counters load late, and grows with the step of the ticker: from cheap nights to dear."""
    scenario, model, rng = toy.scenario(waits=False, load_ms=0), toy.ToyKit(), Stream(0, "test")
    strategy, best = Harm(Space(scenario, model)), []
    cases = [strategy.case((anchored(strategy.space, strategy.cell(rng), rng),), rng) for _ in range(8)]
    for turn in range(12):
        best.append(max(outcome.harm_quantums for outcome in played(strategy, model, cases)))
        cases = proposed(strategy, 8, seed=turn)
    assert best[0] < 150_000_000 < max(best)
