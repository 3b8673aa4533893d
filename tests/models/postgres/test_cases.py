"""Cases on both databases: a sample that is played each time. All 200: ``./toxw -e postgres``."""

from __future__ import annotations

import pytest

from drydock.harness import registry
from drydock.models.kit import VenueKit
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


@pytest.mark.parametrize("number", SAMPLE)
def test_same_case_has_the_same_digest_on_both_databases(number: int, kit: VenueKit) -> None:
    """Event for event, and every fault met an operation of the real one too."""
    (compared,) = compare([listed()[number - 1]], kit)
    assert "" == compared.difference
    assert compared.is_exercised
