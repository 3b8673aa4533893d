"""The twin on the toy: what is missing against the night without faults, and the noise below which it is silent."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest

from drydock.harness.port import Case, Entry, Kit, Policy
from drydock.harness.report.console import console_for, print_lines
from drydock.harness.report.harm import harm, second_opinion as told_opinion
from drydock.harness.run import HarnessError, run_case
from drydock.harness.sim import Sim
from drydock.harness.twin import Gap, LoseMessage, Twin, second_opinion

USD = 1_000_000


def compared(case: Case, kit: Kit) -> Twin:
    """The second opinion on a case."""
    return second_opinion(case, kit, run_case(case, kit, keep_worth=True), event_budget=10_000)


def case_of(toy: ModuleType, *plan: Any, **changes: Any) -> Case:
    """A toy case; without a gate unless asked for."""
    return Case(toy.scenario(**({"waits": False, "load_ms": 0} | changes)), "flat", plan, 1)


def text_of(*parts: Any) -> str:
    """What a reader sees, in one line."""
    stream = io.StringIO()
    print_lines(console_for(stream, {}), *parts)
    return " ".join(stream.getvalue().split())


def test_a_night_without_faults_is_its_own_twin(toy: ModuleType) -> None:
    """Nothing is missing, to nobody; a fault that does nothing changes that as little."""
    for plan in ((), (toy.SlowCount(delay_ms=0),)):
        gap = compared(case_of(toy, *plan), toy.ToyKit()).gap
        assert ({}, 0, 0, 0) == (gap.differences, gap.need, gap.windfall, gap.accounts)


def test_what_is_missing_against_the_twin_is_the_need(toy: ModuleType) -> None:
    """One counter fell to zero at the restart: its hundred counts are missing, and nobody else's."""
    gap = compared(case_of(toy, toy.SlowCount(target="first")), toy.ToyKit()).gap
    assert ({0: 100 * USD}, 100 * USD, 0, 1) == (gap.differences, gap.need, gap.windfall, gap.accounts)


def test_gains_pay_no_losses() -> None:
    """The need counts who has less, the windfall who has more."""
    gap = Gap({1: 7, 2: -5, 3: 1})
    assert (8, 5, 2) == (gap.need, gap.windfall, gap.accounts)


def test_nobody_is_owed_what_lies_below_zero(toy: ModuleType) -> None:
    """An account below zero counts as zero: of 62 against minus 38 only 62 are missing."""

    class Poor(toy.ToyKit):  # type: ignore[name-defined, misc]
        def worth(self, world: Any) -> Mapping[int, int]:
            return {account: amount - 50 * USD for account, amount in super().worth(world).items()}

    assert {0: 62 * USD} == compared(case_of(toy, toy.SlowCount(target="first")), Poor()).gap.differences


@pytest.mark.parametrize(("of_run_ms", "of_twin_ms"), [(700, 0), (0, 700)])
def test_both_are_compared_at_one_time(toy: ModuleType, of_run_ms: int, of_twin_ms: int) -> None:
    """Whichever night ends first goes on until the other's end: else one had counted longer."""

    class Lasting(toy.ToyWorld):  # type: ignore[name-defined, misc]
        def __init__(self, case: Case, sim: Sim) -> None:
            super().__init__(case, sim)
            self.settle_ms = 500 + (of_run_ms if case.plan == plan else of_twin_ms)

    class Kept(toy.ToyKit):  # type: ignore[name-defined, misc]
        def world(self, case: Case, sim: Sim) -> Any:
            return Lasting(case, sim)

    plan = (toy.SlowCount(delay_ms=0),)
    twin = compared(case_of(toy, *plan, ticks=1_000), Kept())
    assert (3_201, {}) == (twin.ended_ms, twin.gap.differences)


# ---- noise ----------------------------------------------------------------------------------------------------------
def test_the_floor_is_what_one_lost_message_makes(toy: ModuleType) -> None:
    """The toy has one message, whose loss costs both counters their hundred; what never comes disturbs nothing."""
    twin = compared(case_of(toy), toy.ToyKit())
    assert [Gap({0: 100 * USD, 1: 100 * USD})] == list(twin.noise)
    assert twin.floor == twin.noise[0]


def test_the_floor_is_the_largest_of_the_disturbances() -> None:
    """By what it makes missing."""
    assert Gap({1: 5}) == Twin(Gap({}), (Gap({1: 3, 2: -9}), Gap({1: 5})), 0).floor


def test_a_model_without_clients_has_no_floor(toy: ModuleType) -> None:
    """Unknown, and not zero."""

    class Alone(toy.ToyKit):  # type: ignore[name-defined, misc]
        def client_seam(self, scenario: Any) -> str | None:
            return None

    case = case_of(toy)
    twin = compared(case, Alone())
    assert ((), None) == (twin.noise, twin.floor)
    assert "noise floor unknown" in text_of(*told_opinion(twin, case, Alone()))


def test_only_the_named_message_is_lost(toy: ModuleType) -> None:
    """The second of one never comes: not exercised, and the night is as it was."""
    first, second = (
        run_case(case_of(toy, LoseMessage("load", nth), load_ms=50, waits=True), toy.ToyKit(), keep_worth=True)
        for nth in (1, 2)
    )
    quiet = run_case(case_of(toy, load_ms=50, waits=True), toy.ToyKit())
    assert (True, False) == (first.evidence[0].exercised, second.evidence[0].exercised)
    assert (False, True) == (first.digest == quiet.digest, second.digest == quiet.digest)


def test_a_twin_that_comes_to_no_end_is_a_failure_of_the_harness(toy: ModuleType) -> None:
    """It is no opinion."""
    case = case_of(toy, ticks=0)
    result = run_case(case, toy.ToyKit(), keep_worth=True)
    spinning = replace(case, scenario=toy.scenario(trouble="spins"))
    with pytest.raises(HarnessError, match="the twin came to no end: its event budget is used up"):
        second_opinion(spinning, toy.ToyKit(), result, event_budget=1_000)


def test_worth_is_kept_only_where_asked_for(toy: ModuleType) -> None:
    """And asking changes no digest."""
    case = case_of(toy)
    plain, kept = (run_case(case, toy.ToyKit(), keep_worth=asked) for asked in (False, True))
    assert (None, plain.digest, {0: 112 * USD, 1: 112 * USD}) == (plain.worth, kept.digest, kept.worth)


# ---- what a reader sees ---------------------------------------------------------------------------------------------
def test_a_need_within_the_noise_is_said_to_say_nothing(toy: ModuleType) -> None:
    """And one above it is not."""
    case, kit, noise = case_of(toy), toy.ToyKit(), (Gap({0: 5 * USD}),)
    small, large = (text_of(*told_opinion(Twin(Gap({0: n * USD}), noise, 0), case, kit)) for n in (5, 6))
    assert [True, False] == ["within the noise" in text for text in (small, large)]
    assert "refund need 6.00 USD to 1 account; others have 0.00 USD more" in large
    assert "most is missing to: counter 0 6.00" in large


def test_harm_is_told_by_kind_and_by_account(toy: ModuleType) -> None:
    """The accounts with most harm, by the names that the kit gives them, each with what it is owed and why."""
    entries = (*(Entry(n, "lost", n * USD) for n in range(13)), Entry(12, "late", USD))
    case = case_of(toy, policy=Policy(refunds=("lost",)))
    text = text_of(*harm(replace(run_case(case, toy.ToyKit()), entries=entries), case, toy.ToyKit()))
    assert "Harm 79.00 USD to 12 accounts lost 78.00 · late 1.00 to refund: 78.00 USD to 12 accounts (lost" in text
    assert "counter 12 13.00 12.00 lost 12.00 · late 1.00 counter 11 11.00 11.00 lost 11.00" in text
    assert ("counter 3 3.00" in text, "counter 2 2.00" in text) == (True, False)
    assert "... 2 more; --refunds FILE" in text
