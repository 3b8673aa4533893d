"""The answer of ``drydock explore``: what was found, and of which run each of its smallest cases is."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from types import ModuleType
from typing import NamedTuple

import pytest
from rich.console import Console

from drydock.harness.explore.explored_json import explored_json
from drydock.harness.explore.minima import Boxes, Minima
from drydock.harness.explore.search import ExploreOptions, explore
from drydock.harness.registry import kit
from drydock.harness.report.explored import Telling, print_explored
from drydock.harness.report.page_search import explored_page


class Answer(NamedTuple):
    """The one failure that was asked about: of which run its smallest case is, and the answer in its three forms."""

    run: object
    origin: str
    text: str
    page: str


@pytest.fixture(params=[0, 7], ids=["of the first run", "of a later run"])
def answer(request: pytest.FixtureRequest, toy: ModuleType) -> tuple[int, Answer]:
    """Of a failure that run N showed first, and whose smallest case is of run N or of run N + 7."""
    scenario = toy.scenario(waits=False)
    explored = explore(scenario, kit("toy"), ExploreOptions(budget=20))
    with Minima(kit("toy"), scenario, Boxes()) as minima:
        minima.take(explored.failures[0])
    minimum = replace(minima.found[0], run=explored.failures[0].run + request.param)
    telling = Telling(explored, [minimum])
    text = io.StringIO()
    print_explored(Console(file=text, width=200), telling)
    plain = explored_json(explored, [minimum], {})["smallest"][0]
    return request.param, Answer(
        plain["run"], minimum.origin, text.getvalue(), explored_page(telling, scenario, kit("toy"))
    )


def test_a_smallest_case_says_of_which_run_it_is(answer: tuple[int, Answer]) -> None:
    """In text, page, JSON and regression; where it is of the run that showed the failure first, not twice."""
    later, told = answer
    assert 1 + later == told.run
    assert (later > 0) == ("1 fault of run 8, nothing of it can be left out" in told.text)
    assert (later > 0) == ("Its parts of run 8: nothing can be left out" in told.page)
    assert "found by explore in run 1 (crowd)" + (", smallest of run 8" if later else "") == told.origin


def test_the_page_names_what_was_found_before_it_tells_any_of_it(answer: tuple[int, Answer]) -> None:
    """The list, and then the stories."""
    page = answer[1].page
    assert page.index("What was found") < page.index("How T1 came to be broken")


def test_each_line_of_the_list_leads_to_the_story_that_is_drawn(answer: tuple[int, Answer]) -> None:
    """By a link within the page: whatever is linked is there, once, and right before its story."""
    page = answer[1].page
    linked = re.findall(r'<a href="#([^"]+)">([^<]+)</a>', page)
    assert [("failure-1", "T1@counter/ticker")] == [(anchor, text.partition("(")[0]) for anchor, text in linked]
    assert 1 == page.count('id="failure-')
    assert page.index('id="failure-1"') < page.index("How T1 came to be broken")


def test_the_page_begins_with_all_that_was_found(toy: ModuleType) -> None:
    """Eight are drawn; who wants to know what there is does not scroll past them, and what was not shrunk is there."""
    scenario = toy.scenario(waits=False)
    explored = explore(scenario, kit("toy"), ExploreOptions(budget=20))
    page = explored_page(Telling(explored, []), scenario, kit("toy"))
    overview = page[page.index("What was found") : page.index("What this rests on")]
    assert explored.failures
    assert [1] * len(explored.failures) == [overview.count(str(one.signature)) for one in explored.failures]
    assert len(explored.failures) == overview.count("not shrunk: ")


@pytest.mark.parametrize(("verbosity", "shown"), [(0, 3), (1, 30)])
def test_a_case_of_dozens_of_faults_is_told_by_its_first_few(toy: ModuleType, verbosity: int, shown: int) -> None:
    """What was not shrunk is replayed and not read; ``-v`` names every fault."""
    explored = explore(toy.scenario(waits=False), kit("toy"), ExploreOptions(budget=20))
    first = explored.failures[0]
    crowd = replace(first, case=replace(first.case, plan=first.case.plan[:1] * 30))
    text = io.StringIO()
    telling = Telling(replace(explored, failures=(crowd,)), [])
    print_explored(Console(file=text, width=200), telling, verbosity=verbosity)
    told = " ".join(text.getvalue().split())
    assert shown == told.count("SlowCount at ")
    assert (shown < 30) == ("; and 27 more faults" in told)
