"""Which occurrences shared an instant: noted without changing the run, and good to be laggards."""

from __future__ import annotations

from itertools import permutations
from types import ModuleType

import pytest

from drydock.harness.event import Identity
from drydock.harness.port import Case
from drydock.harness.registry import kit
from drydock.harness.run import run_case
from drydock.harness.sim import Sim, Steps, Ties
from drydock.harness.tie_log import (
    Instant,
    Served,
    TieLogSim,
    laggards_behind,
    laggards_like,
    play_logged,
    tied_instants,
)
from tests.nights import bench, case_of

LANES = ("a", "b", "c")


def meeting(ties: Ties, seed: int = 1) -> tuple[list[str], tuple[Instant, ...]]:
    """Three lanes meet at 100 ms, each with a second act in the same instant; who acted, and what was noted."""
    sim, acted = TieLogSim(seed, ties), []

    def act(name: str) -> Steps:
        yield sim.sleep(100, "come")
        acted.append(name)
        sim.call_in(0, acted.append, name.upper(), sim.lane, "again")

    for name in LANES:
        sim.spawn(name, act(name))
    sim.run_until(200)
    return acted, sim.instants()


def toy_case(toy: ModuleType, ties: Ties, **changes: object) -> Case:
    scenario = toy.scenario(**changes)
    return Case(scenario, "flat", scenario.reported, 3, ties)


def venue_case(seed: int, ties: Ties) -> Case:
    night = bench()
    return Case(night, "calm", night.reported, seed, ties)


@pytest.mark.parametrize("ties", [Ties(), Ties("fifo"), Ties("fifo", (("counter/ticker", "tick", 2),))])
def test_a_noted_run_is_the_same_run(toy: ModuleType, ties: Ties) -> None:
    """Digest, findings and harm of a case do not depend on whether somebody takes notes."""
    for case, model in ((toy_case(toy, ties, waits=False), toy.ToyKit()), (venue_case(5, ties), kit("venue"))):
        noted, _ = play_logged(case, model)
        assert run_case(case, model) == noted


def test_only_instants_in_which_lanes_meet_are_noted(toy: ModuleType) -> None:
    """Ticker and loader meet at 1100 ms, where the load takes as long as a tick; nobody else ever meets."""
    _, log = play_logged(toy_case(toy, Ties("fifo"), load_ms=100, reported=()), toy.ToyKit())
    meets = [instant for instant in tied_instants(log) if instant.lanes == {"counter/loader", "counter/ticker"}]
    assert [1100] == [instant.at_ms for instant in meets]
    assert [("counter/loader", "loaded", 1), ("counter/ticker", "tick", 1)] == [s.identity for s in meets[0].served[:2]]


def test_what_is_noted_can_be_made_a_laggard() -> None:
    """Each occurrence of an instant, named as the log names it, is served last there."""
    acted, log = meeting(Ties("fifo"))
    assert ["a", "b", "c", "A", "B", "C"] == acted
    for number, name in enumerate(LANES):
        laggard = log[-1].served[number].identity
        assert (name, "come", 1) == laggard
        assert [n for n in acted if n != name and n != name.upper()] + [name, name.upper()] == _late(laggard)


def _late(laggard: Identity) -> list[str]:
    return meeting(Ties("fifo", (laggard,)))[0]


def test_numbers_of_the_log_are_those_of_laggards_on_the_venue() -> None:
    """An occurrence named in a night's log is served behind its whole instant when it is named a laggard."""
    venue, night = kit("venue"), venue_case(2, Ties("fifo"))
    _, log = play_logged(night, venue)
    tied = tied_instants(log)
    for instant in tied[:: max(1, len(tied) // 5)]:
        first = instant.served[0]
        _, again = play_logged(Case(night.scenario, "calm", night.plan, 2, Ties("fifo", (first.identity,))), venue)
        met = next(other for other in again if other.at_ms == instant.at_ms)
        place = [one.identity for one in met.served].index(first.identity)
        assert first.identity in laggards_like([met])
        assert all(one.inserted > met.served[place].inserted for one in met.served[place + 1 :])


def test_laggards_like_is_empty_for_fifo_and_repeats_a_swap() -> None:
    """FIFO has no laggards; where two lanes were swapped by the seed, the one that waited is named, and swaps again."""
    assert () == laggards_like(meeting(Ties("fifo"))[1])
    for seed in range(20):
        acted, log = meeting(Ties(), seed)
        again, log_again = meeting(Ties("fifo", laggards_like(log)), seed)
        assert acted[0] == again[0], "who is first is always reached"
        if len(laggards_like(log)) == 1:
            assert acted == again
        assert set(laggards_like(log_again)) <= set(laggards_like(log))


def test_of_any_two_that_changed_places_one_set_makes_only_the_first_wait() -> None:
    """Whoever else overtook both: with one late and the other not, FIFO serves them as the shuffled run did."""
    for order in permutations(range(5)):
        instant = Instant(100, tuple(Served(f"lane {number}", "come", 1, number) for number in order))
        sets = [{lane for lane, _, _ in late} for late in laggards_behind([instant])]
        for place, early in enumerate(order):
            for late in (number for number in order[place + 1 :] if number < early):
                assert any(f"lane {late}" in waits and f"lane {early}" not in waits for waits in sets)


def test_the_laggards_of_a_seeded_failure_show_it_under_fifo(toy: ModuleType) -> None:
    """A race of the toy that seeds show and FIFO hides is shown by FIFO with the laggards of the seeded run."""
    scenario, shown = toy.scenario(waits=False, load_ms=100, reported=()), 0
    assert run_case(Case(scenario, "flat", (), 0, Ties("fifo")), toy.ToyKit()).is_clean
    for seed in range(20):
        result, log = play_logged(Case(scenario, "flat", (), seed), toy.ToyKit())
        again = run_case(Case(scenario, "flat", (), seed, Ties("fifo", laggards_like(log))), toy.ToyKit())
        assert {f.law for f in result.findings} == {f.law for f in again.findings}
        shown += bool(result.findings)
    assert 0 < shown < 20


def test_faults_and_the_harness_take_no_part_in_a_race() -> None:
    """Lanes of faults are no lanes of the venue: an instant with one lane beside them is not tied."""
    served = (Served("fault/0:crash", "wake", 1, 1), Served("db", "reply", 1, 2))
    assert () == tied_instants([Instant(5, served)])
    met = (*served, Served("api", "call", 1, 3))
    assert [Instant(5, met[1:])] == list(tied_instants([Instant(5, met)]))


def test_a_loop_without_delay_does_not_fill_the_memory(toy: ModuleType) -> None:
    """A run that spins in one instant notes no more than so many occurrences of it."""
    result, log = play_logged(toy_case(toy, Ties(), trouble="spins"), toy.ToyKit(), event_budget=50_000)
    assert result.is_budget_exhausted
    assert max(len(instant.served) for instant in log) <= 10_000


def test_a_noted_sim_refuses_what_a_sim_refuses() -> None:
    """A call into the past and a delay that is no integer raise as they do without notes."""
    sim: Sim = TieLogSim(1)
    with pytest.raises(ValueError, match="lies in the past"):
        sim.call_in(-1, print, None, sim.lane)
    with pytest.raises(TypeError, match="not an integer"):
        sim.sleep(1.5)  # type: ignore[arg-type]


def test_a_night_of_the_venue_has_ties_to_search() -> None:
    """The bench night has instants in which lanes of the venue meet."""
    _, log = play_logged(case_of(bench()), kit("venue"))
    assert tied_instants(log)
