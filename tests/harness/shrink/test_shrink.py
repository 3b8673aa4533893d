"""Shrinking that can be trusted: what is left is needed, is the same failure, and both were played."""

from __future__ import annotations

from dataclasses import replace
from types import ModuleType

import pytest
from hypothesis import given, strategies as st

from drydock.harness import registry
from drydock.harness.port import Case
from drydock.harness.shrink.crowd import Crowd
from drydock.harness.shrink.probe import Memory
from drydock.harness.shrink.shrink import shrink
from drydock.harness.signature import Signature
from drydock.harness.sim import Ties
from tests.harness.shrink.by_hand import BROKEN, OTHER, ByHand, broken_if, case_with, offsets_of, shrunk_by_hand

NEEDED = {3, 8, 14}


def test_three_faults_among_twelve_decoys_shrink_to_exactly_these_three(toy: ModuleType) -> None:
    """A conjunction: whatever misses one of the three passes."""
    shrunk = shrunk_by_hand(toy, case_with(toy, *range(15)), lambda case: broken_if(offsets_of(case) >= NEEDED))

    assert NEEDED == offsets_of(shrunk.case)
    assert 3 == len(shrunk.case.plan)
    assert shrunk.is_minimal
    assert "" == shrunk.stopped


def test_what_is_not_needed_goes_and_what_is_left_is_as_simple_as_it_fails(toy: ModuleType) -> None:
    """The parts that matter keep what makes them matter, and lose the rest field by field."""

    def judge(case: Case) -> list[Signature]:
        return broken_if(any(fault.delay_ms >= 90 and fault.target == "both" for fault in case.plan))

    shrunk = shrunk_by_hand(toy, case_with(toy, *range(4), delay_ms=200), judge)

    assert [("both", 100)] == [(fault.target, fault.delay_ms) for fault in shrunk.case.plan]
    assert "flat" == shrunk.case.regime  # named before the busy one


def test_numbers_that_nothing_depends_on_are_round(toy: ModuleType) -> None:
    """A reader asks what is special about 173; nothing is."""

    def judge(case: Case) -> list[Signature]:
        return broken_if(any(fault.delay_ms >= 163 for fault in case.plan))

    shrunk = shrunk_by_hand(toy, case_with(toy, 1, delay_ms=173), judge)

    assert [200] == [fault.delay_ms for fault in shrunk.case.plan]


def test_what_fails_in_another_way_is_never_taken(toy: ModuleType) -> None:
    """Most smaller cases break another law, and some the same law elsewhere: neither is this failure."""
    elsewhere = BROKEN._replace(role="second")

    def judge(case: Case) -> list[Signature]:
        return broken_if(offsets_of(case) >= {1, 2}, OTHER, elsewhere)

    shrunk = shrunk_by_hand(toy, case_with(toy, 1, 2, 3), judge, has_alternatives=False)

    assert 2 == len(shrunk.case.plan)
    assert {OTHER, elsewhere} == shrunk.empty
    assert [{OTHER, elsewhere}] * 2 == [row.without for row in shrunk.proof]


def test_the_proof_says_what_was_played_without_each_part_and_with_it_alone(toy: ModuleType) -> None:
    """Of two needed parts neither is enough."""
    player = ByHand(lambda case: broken_if(offsets_of(case) >= {1, 2}))
    shrunk = shrink(case_with(toy, 1, 2, 5), BROKEN, toy.ToyKit(), player=player)
    parts = [f"SlowCount at restart, on first: offset_ms -{n}, delay_ms 1" for n in (1, 2)]

    assert parts == [row.part for row in shrunk.proof]
    assert [(frozenset(), frozenset())] * 2 == [(row.without, row.alone) for row in shrunk.proof]
    assert (frozenset({BROKEN}), frozenset()) == (shrunk.whole, shrunk.empty)
    for number in (0, 1):
        assert replace(shrunk.case, plan=(shrunk.case.plan[number],)) in player.asked


def test_every_other_minimal_set_that_leaves_out_a_needed_part_is_found(toy: ModuleType) -> None:
    """Two causes of one failure: the reader who mends the first must know of the second."""

    def judge(case: Case) -> list[Signature]:
        return broken_if(offsets_of(case) >= {1, 2} or offsets_of(case) >= {7})

    shrunk = shrunk_by_hand(toy, case_with(toy, 1, 2, 3, 7), judge)

    assert [{7}, {1, 2}] == [offsets_of(case) for case in (shrunk.case, *shrunk.alternatives)]


def test_a_seeded_order_becomes_fifo_where_that_fails_too(toy: ModuleType) -> None:
    """A race that needs no race is told as none."""
    shrunk = shrunk_by_hand(toy, case_with(toy, 1, ties=Ties()), lambda case: broken_if(bool(case.plan)))

    assert Ties("fifo") == shrunk.case.ties
    assert not shrunk.keeps_seeded_ties


def test_a_fault_that_came_first_in_its_instant_becomes_one_a_millisecond_earlier(toy: ModuleType) -> None:
    """That is no race of the venue's own, and no laggard tells of it."""

    def judge(case: Case) -> list[Signature]:
        return broken_if(case.ties.mode == "seeded" or any(fault.offset_ms < 0 for fault in case.plan))

    shrunk = shrunk_by_hand(toy, case_with(toy, 0, ties=Ties()), judge)

    assert (Ties("fifo"), [-1]) == (shrunk.case.ties, [fault.offset_ms for fault in shrunk.case.plan])


def test_a_seeded_order_that_nothing_replaces_is_kept_and_said(toy: ModuleType) -> None:
    """Laggards do not reach every order; the case then still shrinks, by its faults."""
    shrunk = shrunk_by_hand(toy, case_with(toy, 1, 2, ties=Ties()), lambda case: broken_if(case.ties.mode == "seeded"))

    assert (Ties(), ()) == (shrunk.case.ties, shrunk.case.plan)
    assert shrunk.keeps_seeded_ties
    assert shrunk.is_minimal


def test_a_race_shrinks_to_one_laggard(toy: ModuleType) -> None:
    """The toy's ticker and loader meet in one instant; FIFO never shows it, one laggard does."""
    scenario = toy.scenario(waits=False, load_ms=100, reported=())
    kit = toy.ToyKit()
    shrunk = next(
        found
        for found in (shrink(Case(scenario, "flat", (), seed, Ties()), BROKEN, kit) for seed in range(40))
        if found.is_shown
    )

    assert (("counter/loader", "loaded", 1),) == shrunk.case.ties.laggards
    assert shrunk.is_minimal
    assert ["counter/loader:loaded#1 is served last"] == [row.part for row in shrunk.proof]
    assert (True, False) == (BROKEN in shrunk.proof[0].alone, BROKEN in shrunk.proof[0].without)


def test_workers_find_what_one_process_finds(toy: ModuleType) -> None:
    """The race again, with two processes, whose kit and faults were loaded by ``--load``."""
    kit = registry.kit("toy")
    hasty = toy.scenario(kit, waits=False)
    case = Case(hasty, "busy", tuple(toy.SlowCount(delay_ms=100 + n) for n in range(6)), 3, Ties())
    with Crowd(kit, hasty, workers=2, slow_s=0) as crowd:
        assert shrink(case, BROKEN, kit) == shrink(case, BROKEN, kit, player=crowd)
        assert 2 == crowd.width


def test_a_plan_that_is_not_legal_is_never_played(toy: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault that leaves nothing standing proves nothing of this venue, however small its plan."""
    monkeypatch.setattr(toy.SlowCount, "applicable", lambda fault, scenario: fault.target == "both")
    player = ByHand(lambda case: broken_if(bool(case.plan)))

    shrunk = shrink(case_with(toy, 1, 2), BROKEN, toy.ToyKit(), player=player)

    assert ["both"] == [fault.target for fault in shrunk.case.plan]
    assert {"both"} == {fault.target for case in player.asked for fault in case.plan}


def test_a_case_that_does_not_fail_so_is_handed_back_untouched(toy: ModuleType) -> None:
    """Shrinking what is not there would find something else."""
    player = ByHand(lambda case: [OTHER])
    shrunk = shrink(case_with(toy, 1, 2), BROKEN, toy.ToyKit(), player=player)

    assert (False, False, 1) == (shrunk.is_shown, shrunk.is_minimal, shrunk.runs)
    assert shrunk.original == shrunk.case
    assert 1 == len(player.asked)


@pytest.mark.parametrize("runs", range(1, 63, 7))
def test_a_box_cuts_a_prefix_of_the_search(toy: ModuleType, runs: int) -> None:
    """What is found within n runs is what a longer search had found after n; it never says minimal before the proof."""

    def judge(case: Case) -> list[Signature]:
        return broken_if(offsets_of(case) >= NEEDED)

    smaller: list[Case] = []
    boxed: list[Case] = []
    whole = shrunk_by_hand(toy, case_with(toy, *range(15)), judge, on_smaller=smaller.append)
    cut = shrunk_by_hand(toy, case_with(toy, *range(15)), judge, on_smaller=boxed.append, max_runs=runs)

    assert boxed == smaller[: len(boxed)]
    assert cut.case == (boxed or [cut.original])[-1]
    assert "max-runs" == cut.stopped
    assert cut.runs <= runs < whole.runs
    assert cut.is_minimal == (len(cut.case.plan) == len(cut.proof) == 3)


def test_time_that_is_up_ends_the_search_with_what_there_is(toy: ModuleType) -> None:
    """A clock by hand: every look at it costs a second."""
    ticks = iter(range(1_000))
    case = case_with(toy, *range(15))
    shrunk = shrunk_by_hand(
        toy, case, lambda case: broken_if(offsets_of(case) >= NEEDED), max_time_s=9, clock=lambda: float(next(ticks))
    )

    assert ("max-time", 8, False) == (shrunk.stopped, shrunk.runs, shrunk.is_minimal)
    assert NEEDED < offsets_of(shrunk.case) < set(range(15))


def test_time_is_kept_for_the_proof(toy: ModuleType) -> None:
    """Where it ended before the last number was round, nothing of the rest can be left out all the same."""
    cut = shrunk_by_hand(
        toy, case_with(toy, *range(15)), lambda case: broken_if(offsets_of(case) >= NEEDED), max_runs=48
    )

    assert ("max-runs", True, NEEDED) == (cut.stopped, cut.is_minimal, offsets_of(cut.case))


def test_no_case_is_played_twice(toy: ModuleType) -> None:
    """But for the proof, which asks every law."""
    player = ByHand(lambda case: broken_if(offsets_of(case) >= NEEDED))
    shrunk = shrink(case_with(toy, *range(15)), BROKEN, toy.ToyKit(), player=player, has_alternatives=False)
    keys = [(case.regime, case.plan, case.ties) for case in player.asked]
    proof = 2 + 2 * len(shrunk.proof)

    assert len(player.asked) == shrunk.runs
    assert len(keys[1:-proof]) == len(set(keys[1:-proof]))


def test_what_was_shrunk_roughly_goes_on_where_it_ended(toy: ModuleType) -> None:
    """The parts are left out once, and what comes out is what one call would have found."""
    memory = Memory()
    player = ByHand(lambda case: broken_if(offsets_of(case) >= NEEDED))
    case = case_with(toy, *range(15), delay_ms=100)
    rough = shrink(case, BROKEN, toy.ToyKit(), player=player, is_rough=True, memory=memory)
    whole = shrink(case, BROKEN, toy.ToyKit(), player=player, memory=memory)
    at_once = shrunk_by_hand(toy, case, player.judge)

    assert (True, {100}) == (rough.is_minimal, {fault.delay_ms for fault in rough.case.plan})
    assert at_once.case == whole.case != rough.case
    assert len(player.asked) == whole.runs < rough.runs + at_once.runs


@given(width=st.integers(2, 9), needed=st.frozensets(st.integers(0, 11), max_size=3))
def test_playing_ahead_changes_nothing(toy: ModuleType, width: int, needed: frozenset[int]) -> None:
    """Whoever plays several cases at once finds the same, and counts the same runs."""

    def judge(case: Case) -> list[Signature]:
        return broken_if(offsets_of(case) >= needed)

    one, many = (
        shrink(case_with(toy, *range(12)), BROKEN, toy.ToyKit(), player=ByHand(judge, wide)) for wide in (1, width)
    )

    assert one == many


_CLAUSES = st.lists(st.frozensets(st.integers(0, 9), max_size=3), min_size=1, max_size=4)


@given(clauses=_CLAUSES, faults=st.integers(0, 10))
def test_faults_and_laggards_shrink_together_to_a_proven_minimum(
    toy: ModuleType, clauses: list[frozenset[int]], faults: int
) -> None:
    """Ten parts, and causes of any of them: the minimum is one whole cause, and so is each alternative."""
    late = {("counter/ticker", "tick", number): number for number in range(faults, 10)}
    case = case_with(toy, *range(faults), ties=Ties("fifo", tuple(late)))

    def parts(of: Case) -> frozenset[int]:
        return frozenset(offsets_of(of)) | {late[laggard] for laggard in of.ties.laggards}

    shrunk = shrunk_by_hand(toy, case, lambda case: broken_if(any(clause <= parts(case) for clause in clauses)))
    causes = {clause for clause in clauses if not any(other < clause for other in clauses)}

    assert shrunk.is_minimal
    assert parts(shrunk.case) in causes
    assert {parts(other) for other in shrunk.alternatives} <= causes - {parts(shrunk.case)}
    assert (len(causes) > 1) == bool(shrunk.alternatives)
