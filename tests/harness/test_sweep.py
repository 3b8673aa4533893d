"""Sweeps: the same result from any number of workers, partial results marked as such."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from types import ModuleType
from typing import Any

import pytest

from drydock.harness import registry
from drydock.harness.bundle import BundleFold, RunSummary, Ticket, case_of, run_seed
from drydock.harness.port import Policy
from drydock.harness.stream import Stream
from drydock.harness.sweep import Bench, Crew, OutOfTime

SEED = 7


def bench_of(toy: ModuleType, **changes: Any) -> Bench:
    """A toy bench whose sweep finds something."""
    return Bench(registry.kit("toy"), toy.scenario(waits=False, **changes), SEED, event_budget=10_000)


def played(bench: Bench, runs: int, workers: int = 1, bundle: str = "sweep") -> list[RunSummary]:
    """The summaries of so many runs, as they came."""
    with Crew(bench, workers) as crew:
        return list(crew.play([Ticket(bundle, number) for number in range(runs)]))


def folded(bench: Bench, summaries: list[RunSummary]) -> BundleFold:
    """The fold of summaries."""
    fold = BundleFold("sweep", bench.scenario, bench.kit.laws(bench.scenario), SEED, len(summaries))
    for summary in summaries:
        fold.add(summary)
    return fold


def test_workers_do_not_change_results(toy: ModuleType) -> None:
    """One worker in this process, two in others: the same summaries, the same bundle."""
    bench = bench_of(toy)
    here, there = played(bench, 60), played(bench, 60, workers=2)
    assert here == sorted(there, key=lambda summary: summary.ticket.number)
    assert folded(bench, here).bundle() == folded(bench, there).bundle()


def test_order_of_completion_does_not_change_a_bundle(toy: ModuleType) -> None:
    """Folding is counting, adding, and keeping the smallest run number."""
    bench = bench_of(toy, policy=Policy(refunds=("lost",)))
    summaries = played(bench, 24)
    expected = folded(bench, summaries)
    for seed in range(20):
        order = Stream(seed, "order").shuffled(list(range(24)))
        shuffled = folded(bench, [summaries[number] for number in order])
        assert expected.bundle() == shuffled.bundle()
        assert expected.evidence.first == shuffled.evidence.first


def test_a_summary_is_the_same_alone_and_among_others(toy: ModuleType) -> None:
    """Run 13 is a function of its ticket: nothing carries over from the runs before it."""
    bench = bench_of(toy)
    assert bench.play(Ticket("sweep", 13)) == played(bench, 20)[13]


def test_seeds_are_those_of_their_bundle(toy: ModuleType) -> None:
    """No seed is used twice, in whatever bundle, and each follows from master seed, bundle and number."""
    seeds = {run_seed(SEED, bundle, number) for bundle in ("reported", "sweep") for number in range(1000)}
    assert 2000 == len(seeds)
    assert run_seed(SEED, "sweep", 3) == case_of(Ticket("sweep", 3), toy.scenario(), SEED).seed


def test_the_sweep_deals_regimes_evenly_and_draws_plans(toy: ModuleType) -> None:
    """Every regime gets its share; plans differ, within the threats."""
    scenario = toy.scenario(regimes=("flat", "busy", "idle"))
    cases = [case_of(Ticket("sweep", number), scenario, SEED) for number in range(30)]
    assert {"flat": 10, "busy": 10, "idle": 10} == Counter(case.regime for case in cases)
    assert {1, 2} == {len(case.plan) for case in cases}
    assert {"SlowCount"} == {fault.kind for case in cases for fault in case.plan}


def test_the_reported_plan_is_fixed(toy: ModuleType) -> None:
    """Seeds vary, plan and regime do not."""
    scenario = toy.scenario()
    cases = [case_of(Ticket("reported", number), scenario, SEED) for number in range(10)]
    assert {(scenario.reported, "flat")} == {(case.plan, case.regime) for case in cases}
    assert 10 == len({case.seed for case in cases})


def test_a_fault_can_be_left_out(toy: ModuleType) -> None:
    """The same run without its first fault: the same seed, one fault less."""
    scenario = toy.scenario()
    full, less = case_of(Ticket("reported", 3), scenario, SEED), case_of(Ticket("reported", 3, 0), scenario, SEED)
    assert (full.seed, full.plan[1:]) == (less.seed, less.plan)


def test_the_first_case_is_the_smallest_run_number(toy: ModuleType) -> None:
    """A violation shows the case with the smallest run number, and that case breaks the law again."""
    bench = bench_of(toy)
    summaries = played(bench, 20)
    first = min(summary.ticket.number for summary in summaries if "T1" in summary.finding_counts)
    violation = next(v for v in folded(bench, summaries).bundle().violations if v.law == "T1")
    assert run_seed(SEED, "sweep", first) == violation.first_case.seed


def test_accounts_and_refunds_count_what_the_policy_refunds(toy: ModuleType) -> None:
    """Without refunded kinds there is neither a refund nor a count of accounts."""
    paid, unpaid = bench_of(toy, policy=Policy(refunds=("lost",))), bench_of(toy)
    with_refunds, without = (folded(bench, played(bench, 20)).bundle() for bench in (paid, unpaid))
    assert (with_refunds.harm, 2) == (with_refunds.refund, with_refunds.accounts_max)
    assert (None, None, None) == (without.refund, without.accounts_p50, without.accounts_max)


@pytest.mark.parametrize("workers", [1, 2])
def test_time_that_is_up_ends_a_sweep(toy: ModuleType, workers: int) -> None:
    """Past the deadline no run begins; what is done was handed over before."""
    crew = Crew(bench_of(toy), workers, deadline_s=time.monotonic() - 1)
    with crew, pytest.raises(OutOfTime):
        list(crew.play([Ticket("sweep", number) for number in range(1000)]))


def test_a_kit_that_a_worker_cannot_find_is_told(toy: ModuleType) -> None:
    """What fails in a worker reaches the caller, with its own message."""

    class Hidden(toy.ToyKit):  # type: ignore[name-defined, misc]
        name = "hidden"

    bench = Bench(Hidden(), toy.scenario(), SEED)
    with Crew(bench, 2) as crew, pytest.raises(KeyError, match="hidden"):
        list(crew.play([Ticket("sweep", 0)]))


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="needs masks of signals, which Windows has not")
def test_ctrl_c_is_none_of_a_workers_business(toy: ModuleType) -> None:
    """From its first moment, imports included: no worker's traceback stands beside the runner's own word."""
    with Crew(bench_of(toy), 2) as crew:
        list(crew.play([Ticket("sweep", 0)]))
        assert crew._pool is not None
        assert signal.SIGINT in crew._pool.submit(signal.pthread_sigmask, signal.SIG_BLOCK, ()).result()


@pytest.mark.skipif(not hasattr(os, "nice"), reason="needs priorities of processes, which Windows has not")
@pytest.mark.parametrize("gives_way", [False, True])
def test_workers_give_way_where_they_are_asked_to(toy: ModuleType, gives_way: bool) -> None:
    """Who shrinks in this process goes first then; a verdict's workers are nobody's second."""
    with Crew(bench_of(toy), 2, gives_way=gives_way) as crew:
        list(crew.play([Ticket("sweep", 0)]))
        assert crew._pool is not None
        assert gives_way == (crew._pool.submit(os.nice, 0).result() > os.nice(0))


def test_an_error_of_a_run_is_kept_with_its_number(toy: ModuleType) -> None:
    """A run that failed is counted, named, and neither clean nor a violation."""
    bench = bench_of(toy, trouble="law raises")
    bundle = folded(bench, played(bench, 7)).bundle()
    assert (7, 5, ()) == (bundle.runs, len(bundle.errors), bundle.violations)
    assert bundle.errors[0].startswith("sweep run 0: LookupError: the law lost its way")


def test_too_few_workers_are_refused(toy: ModuleType) -> None:
    """Zero workers would never end."""
    with pytest.raises(ValueError, match="at least 1"):
        Crew(bench_of(toy), 0)
