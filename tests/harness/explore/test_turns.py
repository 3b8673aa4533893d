"""Whose turn it is to be shrunk, and what stays: by hand, without any simulation."""

from __future__ import annotations

from types import ModuleType

import pytest
from hypothesis import given, strategies as st

from drydock.harness.explore.found import Failure
from drydock.harness.explore.minimum import Minimum
from drydock.harness.explore.turns import Effort, Turn, Turns
from drydock.harness.port import Case, Finding
from drydock.harness.shrink.shrink import Shrunk
from drydock.harness.signature import Signature
from tests.harness.shrink.by_hand import case_with

Outcome = tuple[int, bool]
"""To how many parts a case came, and whether nothing of them can be left out."""
SINGLE: Outcome = (1, True)
SLOW: Outcome = (9, False)


class Table:
    """Turns, and what becomes of each: by run, single where nothing is said."""

    def __init__(self, toy: ModuleType) -> None:
        self.turns = Turns()
        self.toy = toy
        self.asked: list[tuple[str, int, str]] = []
        self.roles: list[str] = []
        self.outcomes: dict[tuple[int, Effort], Outcome] = {}
        self.shows: dict[str, tuple[str, ...]] = {}
        self.harms: dict[str, int] = {}

    def add(self, law: str, run: int, at_ms: int = 0, harm: int = 0) -> None:
        """A failure of a law in a run."""
        case: Case = case_with(self.toy, 1)
        found = Failure(Signature(law), "", "safety", case, Finding(law, at_ms, ""), "crowd", run, (), harm)
        self.turns.add(found)

    def shrink(self, most: Effort = Effort.SIMPLE) -> None:
        """One turn after another, as long as there is one."""
        while self.shrink_one(most):
            pass

    def shrink_one(self, most: Effort = Effort.SIMPLE) -> bool:
        """One turn, if there is one."""
        turn = self.turns.next()
        if turn is None or turn.next > most:
            return False
        law = turn.failure.signature.law
        self.asked.append((law, turn.failure.run, turn.next.name))
        self.roles.append(turn.failure.signature.role)
        self.turns.over(turn, self._minimum(turn, law))
        return True

    def _minimum(self, turn: Turn, law: str) -> Minimum:
        parts, is_minimal = self.outcomes.get((turn.failure.run, turn.next), SINGLE)
        case = case_with(self.toy, *range(parts))
        shrunk = Shrunk(turn.failure.case, case, turn.failure.signature, True, is_minimal)
        first = self.turns.first(turn.failure.signature)
        shows = tuple(Signature(shown) for shown in (law, *self.shows.get(law, ())))
        return Minimum(first, turn.failure.run, shrunk, shows, harm_quantums=self.harms.get(law, 0))

    def kept(self) -> list[tuple[str, int, int]]:
        """(law, run, parts) of what stays."""
        return [(one.failure.signature.law, one.run, one.size) for one in self.turns.kept()]


def elsewhere(table: Table, law: str, run: int, at_ms: int, *, role: str = "", harm: int = 0) -> Failure:
    """The same law, broken by another component."""
    signature, finding = Signature(law, "elsewhere", role), Finding(law, at_ms, "")
    return Failure(signature, "", "safety", case_with(table.toy, 1), finding, "crowd", run, (), harm)


@pytest.fixture
def table(toy: ModuleType) -> Table:
    return Table(toy)


def test_a_law_that_broke_early_goes_first(table: Table) -> None:
    """It is nearest to the cause, and soonest asked."""
    for law, at_ms in (("L1", 900), ("F3", 100), ("S2", 500)):
        table.add(law, run=1, at_ms=at_ms)
    table.shrink(Effort.QUICK)
    assert ["F3", "S2", "L1"] == [law for law, _, _ in table.asked]


def test_a_law_that_a_single_part_explains_waits_for_those_that_nothing_explains(table: Table) -> None:
    """Another way to break what is explained can wait, however early it came."""
    table.shows["F3"] = ("L1",)
    table.add("F3", run=1, at_ms=1)
    table.add("S2", run=3, at_ms=9)
    table.turns.add(elsewhere(table, "L1", run=2, at_ms=2))
    table.shrink(Effort.QUICK)
    assert ["F3", "S2", "L1"] == [law for law, _, _ in table.asked]


def test_a_law_that_several_runs_broke_goes_before_one_that_a_single_run_broke(table: Table) -> None:
    """It takes no rare coincidence, and so fewer parts."""
    table.add("L5", run=1, at_ms=1)
    for run in (2, 3):
        table.add("F3", run, at_ms=9)
    table.shrink(Effort.QUICK)
    assert ["F3", "L5"] == [law for law, _, _ in table.asked]


def test_of_other_ways_the_costliest_goes_first_and_each_run_has_one_before_its_second(table: Table) -> None:
    """Once every law is explained; a run that breaks a dozen does not keep another one waiting."""
    table.shows["F3"] = ("L1",)
    table.add("F3", run=1)
    table.shrink(Effort.QUICK)
    for role, run, harm in (("b", 2, 8), ("a", 2, 9), ("c", 3, 5)):
        table.turns.add(elsewhere(table, "L1", run, at_ms=0, role=role, harm=harm))
    table.shrink(Effort.QUICK)
    assert ["", "a", "c", "b"] == table.roles


def test_what_is_slow_goes_on_before_other_ways_to_break_what_is_explained(table: Table) -> None:
    """The only case that may explain a law is worth more than the next one that shows an explained law."""
    table.outcomes[1, Effort.QUICK] = SLOW
    table.shows["S2"] = ("L1",)
    table.add("F3", run=1)
    table.add("S2", run=2)
    table.turns.add(elsewhere(table, "L1", run=3, at_ms=0))
    table.shrink(Effort.WHOLE)
    assert [("F3", 1, "QUICK"), ("S2", 2, "QUICK"), ("F3", 1, "WHOLE"), ("L1", 3, "QUICK")] == table.asked


def test_what_is_slow_waits_and_so_does_its_run(table: Table) -> None:
    """Its first turn is short; whoever is in another run goes before the rest of that run, and then it goes on."""
    table.outcomes[1, Effort.QUICK] = SLOW
    for law, run, at_ms in (("F3", 1, 1), ("F1", 1, 2), ("P2", 2, 3)):
        table.add(law, run, at_ms)
    table.shrink(Effort.WHOLE)
    assert [("F3", 1, "QUICK"), ("P2", 2, "QUICK"), ("F1", 1, "QUICK")] == table.asked[:3]
    assert {("F3", 1, "WHOLE"), ("F1", 1, "WHOLE")} == set(table.asked[3:])


def test_the_next_run_of_a_failure_has_a_turn_where_the_first_did_not_come_to_one_part(table: Table) -> None:
    """Two parts of which neither can be left out are more than the one that another run needs."""
    table.outcomes[1, Effort.QUICK] = (2, True)
    for run in (1, 2, 3):
        table.add("F3", run)
    table.shrink()
    assert [("F3", 1, "QUICK"), ("F3", 2, "QUICK"), ("F3", 2, "SIMPLE")] == table.asked
    assert [("F3", 2, 1)] == table.kept()


def test_one_part_ends_it(table: Table) -> None:
    """Smaller it cannot become: no other run has a turn."""
    for run in (1, 2):
        table.add("F3", run)
    table.shrink()
    assert [("F3", 1, "QUICK"), ("F3", 1, "SIMPLE")] == table.asked


@pytest.mark.parametrize("parts", [(3, 2, 4), (2, 2, 3), (4, 3, 2)])
def test_of_several_runs_the_fewest_parts_stay_and_of_equals_the_earlier(table: Table, parts: tuple[int, ...]) -> None:
    """Whichever had its turn first."""
    for run, number in enumerate(parts, 1):
        table.outcomes[run, Effort.QUICK] = table.outcomes[run, Effort.SIMPLE] = (number, True)
        table.add("F3", run)
    table.shrink()
    assert [("F3", parts.index(min(parts)) + 1, min(parts))] == table.kept()


def test_what_is_proven_is_not_given_up_for_what_is_not(table: Table) -> None:
    """Time may be over before a longer turn came so far again."""
    table.outcomes[1, Effort.QUICK] = (2, True)
    table.outcomes[1, Effort.SIMPLE] = (1, False)
    table.add("F3", 1)
    table.shrink()
    assert [("F3", 1, 2)] == table.kept()


def test_parts_are_made_simpler_at_the_very_end_the_costliest_first(table: Table) -> None:
    """Which takes most of the time, and the reader knows already what it takes."""
    table.harms |= {"F3": 5, "L1": 9}
    table.add("F3", 1)
    table.add("L1", 2)
    table.shrink()
    assert [("L1", 2, "SIMPLE"), ("F3", 1, "SIMPLE")] == table.asked[2:]


def test_what_an_earlier_failures_minimum_shows_has_none_of_its_own(table: Table) -> None:
    """One story tells both; what was found later does not hide what was found before."""
    table.shows |= {"F3": ("L1",), "S2": ("F3",)}
    for law, run in (("F3", 1), ("L1", 1), ("S2", 2)):
        table.add(law, run)
    table.shrink()
    assert ["F3", "S2"] == [law for law, _, _ in table.kept()]
    assert "L1" not in {law for law, _, _ in table.asked}


def test_what_is_not_proven_hides_nothing_and_is_hidden_by_whatever_is(table: Table) -> None:
    """A case of nine faults that may not be needed explains nothing."""
    table.outcomes |= {(1, effort): SLOW for effort in Effort}
    table.shows |= {"F3": ("L1",), "L1": ("F3",)}
    table.add("F3", 1)
    table.add("L1", 2)
    table.shrink()
    assert [("L1", 2, 1)] == table.kept()


@given(data=st.data())
def test_what_stays_does_not_depend_on_when_failures_came_and_were_shrunk(toy: ModuleType, data: st.DataObject) -> None:
    """Beside the search or after it, one turn at a time: the same failures keep the same cases."""
    laws, runs = ("F3", "L1", "S2"), (1, 2, 3)
    outcomes = {
        (run, effort): data.draw(st.sampled_from((SINGLE, (2, True), (3, True), SLOW)))
        for run in runs
        for effort in (Effort.QUICK, Effort.WHOLE)
    }
    shows = {law: tuple(data.draw(st.sets(st.sampled_from(laws)))) for law in laws}
    found = [(law, run) for run in runs for law in laws]
    after, beside = Table(toy), Table(toy)
    for table in (after, beside):
        table.outcomes = {**outcomes, **{(run, Effort.SIMPLE): last(outcomes, run) for run in runs}}
        table.shows = shows
    for law, run in found:
        at_ms = data.draw(st.integers(0, 9))
        after.add(law, run, at_ms)
        beside.add(law, run, at_ms)
        for _ in range(data.draw(st.integers(0, 4))):
            beside.shrink_one()
    after.shrink()
    beside.shrink()
    assert after.kept() == beside.kept()


def last(outcomes: dict[tuple[int, Effort], Outcome], run: int) -> Outcome:
    """To how many parts a run comes before they are made simpler."""
    quick = outcomes[run, Effort.QUICK]
    return quick if quick[1] else outcomes[run, Effort.WHOLE]
