"""A piece of the conformance on servers in containers: what is equal on this machine's servers is equal there."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest

from drydock.models.kit import VenueKit
from tests.models.desk import DoorDesk, simulated
from tests.models.postgres.case_list import ALONE, TOGETHER, listed
from tests.models.postgres.cases import compare
from tests.models.postgres.conformance import play
from tests.models.postgres.real import kit_on, real
from tests.models.postgres.served import settled

pytestmark = pytest.mark.docker

STEPS = 200
SAMPLE = [case for case in listed() if case.plan in (*ALONE[::3], TOGETHER[0]) and case.build == "guarded"]
"""Each third fault, two seeds, and two lost tails one after the other."""


@pytest.fixture(scope="module")
def kit() -> Iterator[VenueKit]:
    """The venue's kit on containers, which are there for all tests of this module."""
    with kit_on(settled("docker").kind) as standing:
        yield standing


def test_cases_leave_the_same_trace_in_containers(kit: VenueKit) -> None:
    """Crash, lost tail, held rows, copy and doubt: the same digest as on the simulated database, case by case."""
    assert [] == [compared.difference for compared in compare(SAMPLE, kit) if not compared.is_equal]


def test_operations_are_answered_the_same_in_containers(kit: VenueKit) -> None:
    """Any transactions, lags, crashes, failovers, copies and proxy faults, in any order: every answer is the same."""
    machine, _ = play(STEPS, partial(DoorDesk, simulated()), partial(DoorDesk, real(kit.databases)))
    assert STEPS <= machine.played.total()
