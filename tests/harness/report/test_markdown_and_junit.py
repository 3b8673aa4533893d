"""The verdict for machines that show it to people: Markdown for a job's summary, JUnit for a list of tests."""

from __future__ import annotations

import re
from dataclasses import replace
from types import ModuleType

import pytest
from junitparser import Error, Failure, JUnitXml, Skipped, TestCase

from drydock.harness.port import Accepted, Limit, Policy, Scenario
from drydock.harness.rehearsal import Options
from drydock.harness.report.junit import junit
from drydock.harness.report.markdown import escaped, markdown
from drydock.harness.result import Verdict
from drydock.harness.verdict import rehearse

TestCase.__test__ = False
REPLAY = {"T1": "drydock replay t1.json", "T3": "drydock replay t1.json"}
RISK = Accepted("T1", "the gate comes in May", "ops", "2027-05-31")


def judged(toy: ModuleType, **changes: object) -> Verdict:
    """A verdict of four runs each."""
    built: Scenario = toy.scenario(**changes)
    return rehearse(built, toy.ToyKit(), Options(today="2026-11-22", runs=4, workers=1))


@pytest.fixture
def no_go(toy: ModuleType) -> Verdict:
    """T1 is broken, and T3 beyond its limit."""
    return judged(toy, waits=False)


def cases(*verdicts: Verdict, replays: dict[str, str] | None = None) -> dict[tuple[str, str], TestCase]:
    """(group, name) -> test case, as a reader of JUnit parses it."""
    document = JUnitXml.fromstring(junit(verdicts, [replays or {}] * len(verdicts)).encode())
    return {(str(case.classname).rsplit(".", 1)[1], str(case.name)): case for suite in document for case in suite}


def kinds(case: TestCase) -> list[type]:
    """What became of a test case; empty where it passed."""
    return [type(result) for result in case.result]


# ---- JUnit ----------------------------------------------------------------------------------------------------------
def test_a_broken_law_is_a_failure_with_the_command_to_see_it(no_go: Verdict) -> None:
    """In the bundle that broke it; the text has the law, the finding, the replay line, the share."""
    seen = cases(no_go, replays=REPLAY)
    (failure,) = seen["reported", "T1"].result
    assert isinstance(failure, Failure)
    assert "a stored counter never goes back" == failure.message
    for told in ("counter 0 went from 100 to 1", "again: drydock replay t1.json", "broken in 4 of 4 runs"):
        assert told in failure.text
    assert [Failure] == kinds(seen["verdict", "decision"])


def test_a_limit_that_is_passed_is_a_failure_and_one_that_is_kept_is_none(no_go: Verdict) -> None:
    """With the share, and what is allowed."""
    seen = cases(no_go)
    assert [Failure] == kinds(seen["reported", "T3"])
    assert "the limit is 0%" in seen["reported", "T3"].result[0].text
    assert [] == kinds(seen["reported", "T2"])


def test_a_go_has_a_test_case_for_each_law_and_no_failure(toy: ModuleType) -> None:
    """One per law and bundle; goals, faults and canaries beside them."""
    go = judged(toy)
    seen = cases(go)
    assert {("reported", law) for law in ("T1", "T2", "T3")} <= set(seen)
    assert {("sweep", law) for law in ("T1", "T2", "T3")} <= set(seen)
    assert {("goal", "TG"), ("fault", "SlowCount"), ("verdict", "decision")} <= set(seen)
    assert [] == [key for key, case in seen.items() if case.result]


def test_what_leaves_it_inconclusive_is_an_error(toy: ModuleType) -> None:
    """A goal that no run reached, and the decision itself with its reasons."""
    open_ = judged(toy, ticks=0)
    seen = cases(open_)
    assert "INCONCLUSIVE" == open_.decision
    assert [Error] == kinds(seen["goal", "TG"])
    assert "goal TG was never reached" in seen["verdict", "decision"].result[0].text


def test_an_accepted_risk_is_skipped_with_its_owner(toy: ModuleType) -> None:
    """It decides nothing, and is not hidden."""
    policy = Policy(limits=(Limit("T3", 1_000_000),))
    seen = cases(judged(toy, waits=False, accepted=(RISK,), policy=policy))
    (skipped,) = seen["reported", "T1"].result
    assert isinstance(skipped, Skipped)
    assert "accepted by ops until 2027-05-31: the gate comes in May; broken in 4 of 4 runs" == skipped.text


def test_the_counts_of_a_suite_are_those_of_its_cases(no_go: Verdict) -> None:
    """As CI systems show them without looking further."""
    document = JUnitXml.fromstring(junit([no_go, no_go], [{}, {}]).encode())
    assert document.failures == sum(suite.failures for suite in document) > 0
    assert all(suite.tests == len(list(suite)) for suite in document)


def test_what_xml_cannot_hold_is_replaced(no_go: Verdict) -> None:
    """A control character in a name does not break the file."""
    assert cases(replace(no_go, scenario="a\x00b<c>"))


# ---- Markdown -------------------------------------------------------------------------------------------------------
def test_the_decision_comes_first_then_why_then_the_laws(no_go: Verdict) -> None:
    """And each case once, with the command to see it again and the laws that it breaks."""
    text = markdown([no_go], [REPLAY])
    assert text.startswith("# 🔴 NO-GO: toy\n\n**NO-GO at level smoke")
    places = [text.index(part) for part in ("- T1 broken in 4 of 4 reported runs", "## Laws", "## See 1 case again")]
    assert sorted(places) == places
    assert "| **T1** | **4 of 4** |" in text
    assert "drydock replay t1.json   # T1, T3" in text


def test_every_table_row_has_as_many_cells_as_its_head(no_go: Verdict) -> None:
    """A bar in a text ends no cell."""
    odd = replace(no_go, lint=("a | b",))
    for block in re.findall(r"(?:^\|.*\|\n)+", markdown([odd], [{}]), re.MULTILINE):
        assert 1 == len({len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()})


def test_nothing_becomes_markup() -> None:
    """Stars, bars, brackets and tags stay what they are, in one line."""
    assert r"\<b\>\*a\* \| \[x\] \_y\_ \`z\`" == escaped("<b>*a*\n | [x] _y_ `z`")


def test_several_verdicts_stand_below_each_other(no_go: Verdict, toy: ModuleType) -> None:
    """Each with its own head."""
    text = markdown([no_go, judged(toy)], [{}, {}])
    assert ["# 🔴 NO-GO: toy", "# 🟢 GO: toy"] == re.findall(r"^# .*$", text, re.MULTILINE)
