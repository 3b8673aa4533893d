"""Cases on both databases: a sample that is played each time. All 200: ``./toxw -e postgres``."""

from __future__ import annotations

import pytest

from drydock.faults.slow_load import SlowLoad
from drydock.harness import registry
from drydock.models.kit import VenueKit
from drydock.models.postgres import pool
from drydock.models.venue_fault import VenueFault
from tests.models.postgres.case_list import CASES, listed
from tests.models.postgres.cases import compare

SAMPLE = (1, 12, 177, 178, 179, 182, 187)
"""A commit in doubt, a table that is held, lost tails, standbys, late rows, a copy that is begun again, a crash."""


def test_there_are_200_cases_and_no_two_are_the_same() -> None:
    """Ten of them are nights of 19 January; every fault that asks something of a database is there."""
    cases = listed()
    assert CASES == len({(each.scenario, each.settings, each.plan, each.seed) for each in cases})
    assert 10 == sum(each.scenario.startswith("paradex") for each in cases)
    asking = {
        kind
        for kind, fault in registry.faults().items()
        if issubclass(fault, VenueFault) and any(map(fault.asks_of_database, ("database", "funding")))
    }
    assert set() == asking - {fault.kind for each in cases for fault in each.plan}


def test_cases_one_after_another_need_no_more_servers_than_the_first(kit: VenueKit) -> None:
    """A primary and the bigger instance of its scale-up, and they are there again."""
    first, *others = (each for each in listed() if each.plan == (SlowLoad(step="start-services"),))
    list(compare([first], kit))
    before = pool.costs().starts
    assert ["", ""] == [compared.difference for compared in compare(others[:2], kit)]
    assert before == pool.costs().starts


@pytest.mark.parametrize("number", SAMPLE)
def test_same_case_has_the_same_digest_on_both_databases(number: int, kit: VenueKit) -> None:
    """Event for event, and every fault met an operation of the real one too."""
    (compared,) = compare([listed()[number - 1]], kit)
    assert "" == compared.difference
    assert compared.is_exercised
