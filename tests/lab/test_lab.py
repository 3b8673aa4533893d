"""The proving ground: every planted bug is one, every control is none, and a sample of the search over both."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from drydock.harness.explore.search import counted_laws
from drydock.harness.explore.space import is_threat
from drydock.harness.port import Case
from drydock.harness.run import run_case
from drydock.harness.shrink.shrink import shrink
from drydock.harness.signature import signatures
from drydock.harness.sim import Ties
from tests.lab.bugs import BUGS
from tests.lab.controls import CONTROLS
from tests.lab.mended import MENDED, Mended
from tests.lab.outside import OUTSIDE, Outside
from tests.lab.planted import FIFO, REGIME, Bug, Control, LabKit, empty_case, kit_of, scenario, witness, witnesses
from tests.lab.run import keep, kept
from tests.lab.search import PORTFOLIO, accusations, bug_of, control_of, search
from tests.lab.table import quantile, without_memory

SAMPLED_BUGS = ("ticks-before-rows-zero", "rows-not-verified", "two-sources-no-limit", "last-row-with-first-tick")
SAMPLED_CONTROLS = ("as-it-is", "three-sources-take-zero", "sends-everything-twice")
FOUND_WITHIN = 120
RUNS = 50


def named(build: Bug | Control) -> str:
    """What a test is called by."""
    return build.name


def broken(kit: LabKit, case: object) -> set[str]:
    """The laws of which one violation is a failure, as far as this case breaks them."""
    result = run_case(case, kit)  # type: ignore[arg-type]
    assert result.error == ""
    return {finding.law for finding in result.findings} & counted_laws(LabKit().laws(scenario()))


def test_there_are_as_many_as_were_asked_for() -> None:
    """At least 30 bugs, 15 controls, 5 races and 20 kinds in the basis; every bug has a witness, no name is twice."""
    names = [build.name for build in (*BUGS, *CONTROLS)]
    assert len(BUGS) >= 30
    assert len(CONTROLS) >= 15
    assert sum(bug.needs == 0 for bug in BUGS) >= 5
    assert len({threat.kind for threat in scenario().threats}) >= 20
    assert len(set(names)) == len(names)
    assert {bug.name for bug in BUGS} == set(witnesses())


def test_a_control_says_which_bug_it_is_like() -> None:
    """Only the right build itself is like none."""
    assert {control.like for control in CONTROLS} <= {bug.name for bug in BUGS} | {""}


@pytest.mark.parametrize("build", [*BUGS, *CONTROLS], ids=named)
def test_without_a_fault_and_in_fifo_order_it_is_clean(build: Bug | Control) -> None:
    """A planted mistake is not seen in an ordinary night."""
    assert set() == broken(kit_of(build), empty_case(build, 1))


@pytest.mark.parametrize("bug", list(BUGS), ids=named)
def test_its_witness_breaks_its_law(bug: Bug) -> None:
    """A small plan, or an order, that shows it is kept; it needs as many faults as the bug says."""
    case = witness(bug, *bug.sets)
    assert bug.needs == len(case.plan)
    assert bug.law in broken(kit_of(bug), case)


@pytest.mark.parametrize("bug", list(BUGS), ids=named)
def test_the_right_build_survives_its_witness(bug: Bug) -> None:
    """The same plan and order elsewhere: it is the mistake that broke the law."""
    case = witness(bug)
    assert set() == broken(LabKit(), replace(case, ties=FIFO) if bug.needs else case)


@pytest.mark.parametrize("bug", [bug for bug in BUGS if bug.needs > 1], ids=named)
def test_no_fault_of_its_witness_can_be_left_out(bug: Bug) -> None:
    """A bug of two faults is not shown by one of the two."""
    case = witness(bug, *bug.sets)
    for number in range(len(case.plan)):
        fewer = replace(case, plan=(*case.plan[:number], *case.plan[number + 1 :]))
        assert bug.law not in broken(kit_of(bug), fewer)


@pytest.mark.parametrize("outside", OUTSIDE, ids=lambda outside: outside.label)
def test_what_is_outside_of_the_basis_breaks_the_right_build(outside: Outside) -> None:
    """So it stands in docs/lab.md; and it is no threat of the lab's scenario."""
    case = outside.case()
    assert not all(is_threat(fault, scenario()) for fault in case.plan)
    assert outside.law in broken(LabKit(), case)


@pytest.mark.parametrize("mended", MENDED, ids=lambda mended: f"{mended.law}-{mended.control}")
def test_what_once_accused_a_right_build_does_so_no_more(mended: Mended) -> None:
    """It is still of the basis, and breaks nothing."""
    control = control_of(mended.control)
    case = mended.case(control)
    assert all(is_threat(fault, case.scenario) for fault in case.plan)
    assert set() == broken(kit_of(control), case)


@pytest.mark.parametrize("name", SAMPLED_BUGS)
def test_the_portfolio_finds_a_sampled_bug(name: str) -> None:
    """Within a small budget, from a fixed seed."""
    assert search(bug_of(name), PORTFOLIO, 1, FOUND_WITHIN) is not None


@pytest.mark.parametrize("name", SAMPLED_CONTROLS)
def test_the_portfolio_accuses_no_sampled_control(name: str) -> None:
    """Nothing of the basis breaks a safety law of a right build."""
    assert [] == accusations(control_of(name), PORTFOLIO, 1, RUNS)


def test_a_shuffled_race_shrinks_to_the_two_that_changed_places() -> None:
    """Also where a third lane overtook both: one laggard in FIFO order, no seeded ties."""
    bug = bug_of("parameters-of-a-neighbour")
    kit, night = kit_of(bug, bug.law), scenario(*bug.sets)
    cases = (Case(night, REGIME, (), seed) for seed in range(20))
    case, found = next((case, found) for case in cases if (found := signatures(run_case(case, kit))))
    shrunk = shrink(case, found[0], kit, max_time_s=None, has_alternatives=False)
    assert Ties("fifo", (("market_data/boot", "boot/process_up", 1),)) == shrunk.case.ties
    assert shrunk.is_minimal


def test_a_search_that_gave_up_is_beyond_every_quantile_that_it_reaches() -> None:
    """Of ten searches of which two gave up, the median is a number and the 90th percentile is none."""
    runs = [1, 2, 3, 4, 5, 6, 7, 8, None, None]
    assert (5, None) == (quantile(runs, 500_000), quantile(runs, 900_000))


def test_a_strategy_that_learns_nothing_is_told_by_the_share_of_its_runs() -> None:
    """Three hits in 60 runs: half of all searches need 14. One in 5,000: 3,466. None in 6,000: the cap at least."""
    assert 14 == without_memory([10, 20, 30], 2_000)
    assert 3_466 == without_memory([1_000, None, None], 2_000)
    assert 2_000 == without_memory([None, None, None], 2_000)
    assert 4_621 == without_memory([None] * 10, 2_000)
    assert 1 == without_memory([1, 1, 2, 1], 2_000)


def test_answers_about_another_basis_are_not_taken_for_answers_about_this_one(tmp_path: Path) -> None:
    """What was kept is read again as it was; with a threat more or less it is refused, and told how to begin anew."""
    path, known = tmp_path / "lab.json", {"find/a/portfolio/1/2000": 7, "controls/b/portfolio/1/500": []}
    assert {} == kept(path)
    keep(known, path)
    assert known == kept(path)
    path.write_text(path.read_text(encoding="utf-8").replace(scenario().hash, scenario("sweep.name=other").hash))
    with pytest.raises(SystemExit, match=r"lab\.json was played with another lab\.yaml; --fresh"):
        kept(path)


def test_what_is_kept_is_of_this_basis() -> None:
    """So that nobody reads a table of runs that this lab.yaml does not have."""
    assert {"find", "controls"} >= {key.partition("/")[0] for key in kept()}
