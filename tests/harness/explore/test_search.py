"""The search as a whole: what it finds follows from scenario, seed and budget, and it says what it did."""

from __future__ import annotations

from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest

from drydock.harness.event import Identity
from drydock.harness.explore.found import Explored, Failure
from drydock.harness.explore.portfolio import ROUND, SHARES, portfolio
from drydock.harness.explore.races import races
from drydock.harness.explore.search import ExploreOptions, explore
from drydock.harness.explore.space import Space
from drydock.harness.port import Limit
from drydock.harness.registry import kit
from drydock.harness.run import run_case
from drydock.harness.signature import Signature, signatures
from tests.nights import bench

T1 = Signature("T1", "counter/ticker")


def search(toy: ModuleType, scenario: Any = None, **options: Any) -> Explored:
    """A search of the toy, a venue that does not wait for its loads unless another is given."""
    found = scenario or toy.scenario(waits=False)
    given = {"budget": 60, "event_budget": 10_000} | options
    return explore(found, kit("toy"), ExploreOptions(**given))


def told(explored: Explored) -> Explored:
    """Without what depends on machine and clock."""
    return replace(explored, run={})


def signatures_of(explored: Explored) -> set[str]:
    return {str(failure.signature) for failure in explored.failures}


def test_what_is_found_does_not_depend_on_workers(toy: ModuleType) -> None:
    """One worker here, two elsewhere: the same failures, first cases, yields and worst night."""
    one, two = search(toy, budget=100), search(toy, budget=100, workers=2)
    assert one.failures
    assert told(one) == told(two)


def test_a_smaller_budget_finds_a_prefix(toy: ModuleType) -> None:
    """Whatever 50 runs find, 120 runs find too, in the same runs and with the same cases."""
    small, large = search(toy, budget=50), search(toy, budget=120)
    assert small.failures == tuple(failure for failure in large.failures if failure.run <= 50)


def test_another_seed_searches_elsewhere(toy: ModuleType) -> None:
    """The seed of a search decides what is tried."""
    cases = {tuple(failure.case.seed for failure in search(toy, seed=seed).failures) for seed in range(3)}
    assert 3 == len(cases)


def test_a_first_case_shows_its_signature_again(toy: ModuleType) -> None:
    """Every failure's case, played alone, has that failure."""
    explored = search(toy)
    assert T1 in {failure.signature for failure in explored.failures}
    for failure in explored.failures:
        assert failure.signature in signatures(run_case(failure.case, kit("toy")))


def test_a_correct_venue_has_no_failures(toy: ModuleType) -> None:
    """The control that looks alike waits for its loads, and nothing is found."""
    explored = search(toy, toy.scenario(), budget=300)
    assert () == explored.failures
    assert 300 == explored.runs == sum(line.runs for line in explored.yields)


def test_a_race_that_fifo_never_shows_is_found_and_told_as_two(toy: ModuleType) -> None:
    """Ticker and loader meet in one instant, and only if the loader comes second does the counter start at zero."""
    scenario = toy.scenario(waits=False, load_ms=100, reported=())
    explored = search(toy, scenario, strategies=("ties",), budget=20)
    raced = next(failure for failure in explored.failures if failure.signature == T1)
    laggard: Identity = ("counter/loader", "loaded", 1)
    late = replace(raced.case, plan=(), ties=replace(raced.case.ties, mode="fifo", laggards=(laggard,)))
    (race,) = races(late, kit("toy"), lambda result: T1 in signatures(result))
    assert "at 1,100 ms counter/loader:loaded#1 comes after counter/ticker:tick#1" == str(race)


def test_an_instant_is_searched_by_all_its_orders(toy: ModuleType) -> None:
    """Asked for one instant, the search plays FIFO and its other orders, and ends before its budget."""
    scenario = toy.scenario(waits=False, load_ms=100, reported=())
    explored = search(toy, scenario, instant_ms=1100)
    assert 2 + 4 == explored.runs
    assert {T1} <= {failure.signature for failure in explored.failures}
    assert "4 of 4 orders at 1,100 ms" == explored.yields[0].scope


def test_only_the_law_that_was_asked_for_counts(toy: ModuleType) -> None:
    """With a law, failures of others are none; a service law counts only so."""
    late = toy.scenario(slow_restart_ms=1)
    assert () == search(toy, late).failures
    assert {"T2"} == {failure.signature.law for failure in search(toy, late, law="T2").failures}
    assert {"T3"} == {failure.signature.law for failure in search(toy, law="T3").failures}


def test_an_unknown_law_is_refused_with_those_there_are(toy: ModuleType) -> None:
    """A goal is no law that could be broken."""
    for law in ("T9", "TG"):
        with pytest.raises(ValueError, match=rf"'{law}' is not a law of this scenario; T1, T2, T3"):
            search(toy, law=law)


def test_a_loss_within_the_policy_is_no_failure(toy: ModuleType) -> None:
    """What the owners allow a run to lose is no finding."""
    lenient = toy.scenario(waits=False, policy=toy.limits(Limit("T3", 0, 10_000 * 1_000_000)))
    assert {"T1"} == {failure.signature.law for failure in search(toy, lenient).failures}


def test_faults_outside_the_threats_are_named(toy: ModuleType) -> None:
    """A kind whose every place is a threat is not; where the threats are narrower, failures and the search say so."""
    assert ("SlowCount",) == search(toy).outside
    explored = search(toy, toy.scenario(waits=False, threats=()))
    failure = next(failure for failure in explored.failures if failure.case.plan)
    assert failure.case.plan == failure.outside


def test_failures_are_heard_at_once_and_in_order(toy: ModuleType) -> None:
    """Each new failure is told while the search goes on, the first run first."""
    heard: list[Failure] = []
    explored = search(toy, found=heard.append)
    assert list(explored.failures) == heard
    assert sorted(failure.run for failure in heard) == [failure.run for failure in heard]


def test_a_stop_leaves_a_prefix(toy: ModuleType) -> None:
    """Ctrl-C in the middle: what was heard until then is the result, and it says that it was stopped."""

    def interrupt(runs: int, budget: int, failures: int) -> None:
        if runs == 23:
            raise KeyboardInterrupt

    stopped, whole = search(toy, progress=interrupt), search(toy, budget=23)
    assert "SIGINT" == stopped.stopped
    assert whole.failures == stopped.failures
    assert (23, "") == (whole.runs, whole.stopped)


def test_no_time_is_no_run(toy: ModuleType) -> None:
    """A time that is over before it began leaves nothing, and says why."""
    explored = search(toy, max_time_s=0.0)
    assert (0, "max-time", ()) == (explored.runs, explored.stopped, explored.failures)


def test_the_worst_night_is_kept(toy: ModuleType) -> None:
    """Its harm is that of its case, and nobody's is greater."""
    explored = search(toy, budget=120)
    assert explored.worst is not None
    again = run_case(explored.worst.case, kit("toy"))
    assert explored.worst.harm_quantums == sum(entry.amount_quantums for entry in again.entries) > 0


def test_errors_are_counted_and_conclude_nothing(toy: ModuleType) -> None:
    """A law that raises makes errors, no failures; the first case of them is kept."""
    explored = search(toy, toy.scenario(trouble="law raises"), budget=10, strategies=("anchored",))
    assert (10, 5) == (explored.errors_total, len(explored.errors))
    assert () == explored.failures
    assert explored.first_error is not None
    assert "the law lost its way" in explored.errors[0]


def test_nights_without_end_are_counted(toy: ModuleType) -> None:
    """A run that used up its budget of events is no failure, and is not forgotten."""
    explored = search(toy, toy.scenario(trouble="spins"), budget=6, event_budget=2_000)
    assert 6 == explored.exhausted
    assert explored.first_exhausted is not None


def test_a_budget_below_one_is_refused() -> None:
    """Nothing ran is never a result."""
    with pytest.raises(ValueError, match="budget: 0 is too few runs"):
        ExploreOptions(budget=0)


def test_shares_fill_a_round_and_each_strategy_has_its_own(toy: ModuleType) -> None:
    """A round has as many runs as the shares say; what one leaves over the others take."""
    assert ROUND == sum(SHARES.values())
    full = portfolio(Space(bench(), kit("venue")), 1).propose()
    assert ROUND == len(full)
    toy_round = portfolio(Space(toy.scenario(), toy.ToyKit()), 1).propose()
    assert ROUND == len(toy_round), "slips have nothing to propose; their share goes to others"


def test_crowds_go_first_and_the_rest_of_a_round_is_interleaved() -> None:
    """A run of a crowd shows most; of the others, the first eight have something of each that has a tenth of them."""
    strategies = [proposal.strategy for proposal in portfolio(Space(bench(), kit("venue")), 1).propose()]
    crowds = SHARES["crowd"]
    assert ["crowd"] * crowds == strategies[:crowds]
    assert "crowd" not in strategies[crowds:]
    assert {"anchored", "swarm", "pairwise", "ties"} <= set(strategies[crowds : crowds + 8])


@pytest.fixture(scope="module")
def hasty() -> Explored:
    """A bench venue without its gates, explored."""
    sets = ("venue.funding.readiness=process_up", "venue.safeguards.mode_matrix=false")
    return explore(bench(*sets), kit("venue"), ExploreOptions(budget=60))


def test_a_hasty_venue_is_broken_soon(hasty: Explored) -> None:
    """Where nothing waits for the loads, the search finds a law broken within a few dozen runs, without a hint."""
    assert hasty.failures
    assert () == hasty.errors
